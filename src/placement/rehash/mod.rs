//! `rehash`, the default: a table of slots that the servers fill by taking turns.
//!
//! Each server draws slots from a stream of its own, one draw a turn; a free slot
//! that is drawn belongs to the server, a draw that hits a claimed slot is a lost
//! turn. Because the streams do not depend on each other, a change of the fleet
//! moves next to nothing but what must move. A cap on what one server may hold
//! bounds its load.
//!
//! The streams come from the identities of the servers, so the order of the list
//! changes nothing. `fill` has the rules.

mod fill;

use super::hash::Hash;
use super::murmur::fmix32;
use super::node::Node;
use super::route::Route;
use crate::error::{Error, Result, Status};
use fill::Fill;

/// Attempts by hash before failover goes on slot by slot.
const ATTEMPTS: u32 = 16;

/// What an attempt adds to the hash.
const ATTEMPT_STEP: u32 = 0x9e37_79b9;

#[derive(Debug)]
pub(super) struct Rehash {
    /// The owner of each slot.
    table: Box<[u16]>,
    /// 32 less the number of bits of a slot number.
    shift: u32,
    hash: Hash,
}

impl Rehash {
    /// `slots` is a power of two, at least 2.
    pub(super) fn build(nodes: &[Node<'_>], slots: u32, hash: Hash) -> Result<Self> {
        let filled = Fill::new(nodes, slots).run();
        if let Some(server) = filled.without_slot {
            let message = format!(
                "server {} gets none of the {slots} slots: its share of the weights is too small",
                nodes[server].identity
            );
            return Err(Error::new(Status::Argument, message));
        }
        Ok(Self {
            table: filled.table,
            shift: 32 - slots.trailing_zeros(),
            hash,
        })
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        usize::from(self.table[self.slot(route)])
    }

    #[inline]
    pub(super) fn slot(&self, route: Route<'_>) -> usize {
        self.slot_of(route.hash32(self.hash))
    }

    /// Attempt k looks at another slot of the hash, so that what a server held
    /// spreads over all the others; then come the slots after the last attempt's,
    /// going round.
    pub(super) fn sequence(&self, route: Route<'_>) -> impl Iterator<Item = usize> {
        let hash = route.hash32(self.hash);
        let attempt = move |k: u32| self.slot_of(hash.wrapping_add(k.wrapping_mul(ATTEMPT_STEP)));
        let (last, slots) = (attempt(ATTEMPTS), self.table.len());
        (0..=ATTEMPTS)
            .map(attempt)
            .chain((1..slots).map(move |step| (last + step) % slots))
            .map(|slot| usize::from(self.table[slot]))
    }

    #[inline]
    fn slot_of(&self, hash: u32) -> usize {
        (fmix32(hash) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Label;

    fn placed(identities: &[&str], slots: u32) -> Rehash {
        let node = |&identity| Node {
            identity,
            label: Label::Name(identity),
            weight: 1,
        };
        let nodes: Vec<Node<'_>> = identities.iter().map(node).collect();
        Rehash::build(&nodes, slots, Hash::Crc32).unwrap()
    }

    #[test]
    fn a_callers_hash_is_reduced_to_32_bits() {
        let rehash = placed(&["a", "b", "c"], 1024);
        let crc = 0xcbf4_3926_u32;
        let slot = rehash.slot(Route::Key(b"123456789"));
        assert_eq!(slot, (fmix32(crc) >> 22) as usize);
        for hash in [
            i64::from(crc),
            i64::from(crc as i32),
            i64::from(crc) + (5 << 32),
        ] {
            assert_eq!(rehash.slot(Route::Hash(hash)), slot);
        }
    }

    #[test]
    fn failover_goes_by_hash_and_then_slot_by_slot() {
        let rehash = placed(&["a", "b", "c"], 1024);
        let sequence: Vec<usize> = rehash.sequence(Route::Hash(7)).collect();
        assert_eq!(sequence.len(), 1 + 16 + 1023);
        assert_eq!(sequence[0], rehash.owner(Route::Hash(7)));
        assert_eq!(sequence[1], rehash.owner(Route::Hash(7 + 0x9e37_79b9)));
        assert_eq!(sequence[2], rehash.owner(Route::Hash(7 + 2 * 0x9e37_79b9)));
        let last = rehash.slot(Route::Hash(7 + 16 * 0x9e37_79b9));
        assert_eq!(sequence[16], usize::from(rehash.table[last]));
        assert_eq!(sequence[17], usize::from(rehash.table[(last + 1) % 1024]));
        assert_eq!(
            sequence[1039],
            usize::from(rehash.table[(last + 1023) % 1024])
        );
    }
}
