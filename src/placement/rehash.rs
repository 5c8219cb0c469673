//! `rehash`, the default: a table of slots that the servers fill by taking turns.
//!
//! Each server draws slots from a stream of its own, one draw a turn; a free slot
//! that is drawn belongs to the server, a draw that hits a claimed slot is a lost
//! turn. Because the streams do not depend on each other, a change of the fleet
//! moves next to nothing but what must move. A cap on what one server may hold
//! bounds its load.
//!
//! The streams come from the identities of the servers, so the order of the list
//! changes nothing.

use super::hash::Hash;
use super::murmur::fmix32;
use super::node::{Node, total_weight};
use super::route::Route;
use super::splitmix::SplitMix64;
use crate::error::{Error, Result, Status};
use md5::{Digest, Md5};

/// Attempts by hash before failover goes on slot by slot.
const ATTEMPTS: u32 = 16;

/// What an attempt adds to the hash; also the step of SplitMix64, cut to 32 bits.
const ATTEMPT_STEP: u32 = 0x9e37_79b9;

/// No server: one more than the highest index, as there are at most 65,535.
const FREE: u16 = u16::MAX;

/// Draws put in order at a time.
const BATCH: usize = 4096;

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
        let mut fill = Fill::new(nodes, slots);
        while fill.free > 0 {
            fill.schedule();
            fill.draw();
        }
        if let Some(server) = fill.without_slot() {
            let message = format!(
                "server {} gets none of the {slots} slots: its share of the weights is too small",
                nodes[server].identity
            );
            return Err(Error::new(Status::Argument, message));
        }
        Ok(Self {
            table: fill.table,
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

/// The first 8 bytes of MD5, little-endian.
fn seed(identity: &str) -> u64 {
    let digest = Md5::digest(identity);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(bytes)
}

/// A server that still draws.
struct Drawer {
    server: u16,
    weight: u32,
    /// Slots it may hold, and slots it holds.
    cap: u32,
    held: u32,
    stream: SplitMix64,
    turns: Turns,
}

/// The rounds a server draws in: draw j falls into round ceil(j * heaviest / weight).
/// No weight is above the heaviest, so no server draws twice in a round.
struct Turns {
    /// The round of the next draw.
    round: u64,
    /// round * weight - j * heaviest of that draw: less than the weight.
    slack: u32,
}

impl Turns {
    fn new(weight: u32, heaviest: u32) -> Self {
        let round = heaviest.div_ceil(weight);
        Self {
            round: u64::from(round),
            slack: (u64::from(round) * u64::from(weight) - u64::from(heaviest)) as u32,
        }
    }

    #[inline]
    fn advance(&mut self, weight: u32, quotient: u32, remainder: u32) {
        self.round += u64::from(quotient);
        if self.slack >= remainder {
            self.slack -= remainder;
        } else {
            self.slack = self.slack + weight - remainder;
            self.round += 1;
        }
    }
}

/// A table being filled.
///
/// The order of the draws is by round, within a round by seed. It is worked out
/// for a stretch of rounds at a time, by counting: the cost of a draw depends
/// neither on the number of servers nor on their weights.
struct Fill {
    table: Box<[u16]>,
    free: usize,
    /// 64 less the number of bits of a slot number.
    shift: u32,
    heaviest: u32,
    /// In the order in which they draw within a round.
    drawers: Vec<Drawer>,
    /// First round after those scheduled.
    horizon: u64,
    /// The draws of the stretch: round within it and drawer, by drawer.
    draws: Vec<(u32, u32)>,
    /// The drawers of the stretch in their order.
    order: Vec<u32>,
    /// For each round of the stretch, where in the order its next draw goes.
    places: Vec<u32>,
}

impl Fill {
    fn new(nodes: &[Node<'_>], slots: u32) -> Self {
        let heaviest = nodes.iter().map(|node| node.weight).max().unwrap_or(1);
        let total = total_weight(nodes);
        let mut ranking: Vec<(u64, usize)> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (seed(node.identity), index))
            .collect();
        ranking.sort_unstable_by_key(|&(seed, index)| (seed, nodes[index].identity));
        let drawer = |(seed, index): (u64, usize)| {
            let weight = nodes[index].weight;
            let cap = (21 * u64::from(slots) * u64::from(weight)).div_ceil(20 * total);
            Drawer {
                server: index as u16,
                weight,
                cap: cap as u32,
                held: 0,
                stream: SplitMix64::new(seed),
                turns: Turns::new(weight, heaviest),
            }
        };
        Self {
            table: vec![FREE; slots as usize].into(),
            free: slots as usize,
            shift: 64 - slots.trailing_zeros(),
            heaviest,
            drawers: ranking.into_iter().map(drawer).collect(),
            horizon: 1,
            draws: Vec::new(),
            order: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Puts the draws of the next stretch of rounds in order.
    ///
    /// A stretch has about as many draws as the batch. It is never much longer
    /// than that: caps add up to 21/20 of the table, so while a slot is free, the
    /// servers below their cap have at least 1/21 of the weight between them.
    fn schedule(&mut self) {
        self.drawers.retain(|drawer| drawer.held < drawer.cap);
        let weight: u64 = self.drawers.iter().map(|d| u64::from(d.weight)).sum();
        let batch = BATCH.max(self.drawers.len()) as u64;
        let rounds = (batch * u64::from(self.heaviest) / weight).max(1);
        let start = self.horizon;
        self.horizon += rounds;

        self.draws.clear();
        self.places.clear();
        self.places.resize(rounds as usize, 0);
        for (rank, drawer) in self.drawers.iter_mut().enumerate() {
            let quotient = self.heaviest / drawer.weight;
            let remainder = self.heaviest % drawer.weight;
            while drawer.turns.round < self.horizon {
                let round = (drawer.turns.round - start) as u32;
                self.draws.push((round, rank as u32));
                self.places[round as usize] += 1;
                drawer.turns.advance(drawer.weight, quotient, remainder);
            }
        }

        let mut place = 0;
        for slot in &mut self.places {
            place += std::mem::replace(slot, place);
        }
        self.order.clear();
        self.order.resize(self.draws.len(), 0);
        for &(round, rank) in &self.draws {
            let place = &mut self.places[round as usize];
            self.order[*place as usize] = rank;
            *place += 1;
        }
    }

    /// Makes the scheduled draws, until no slot is free.
    fn draw(&mut self) {
        for &rank in &self.order {
            let drawer = &mut self.drawers[rank as usize];
            if drawer.held == drawer.cap {
                continue;
            }
            let slot = (drawer.stream.draw() >> self.shift) as usize;
            if self.table[slot] == FREE {
                self.table[slot] = drawer.server;
                drawer.held += 1;
                self.free -= 1;
                if self.free == 0 {
                    return;
                }
            }
        }
    }

    /// The first server in list order that holds no slot. It has not reached its
    /// cap, so it is among the drawers.
    fn without_slot(&self) -> Option<usize> {
        let idle = self.drawers.iter().filter(|drawer| drawer.held == 0);
        idle.map(|drawer| usize::from(drawer.server)).min()
    }
}
