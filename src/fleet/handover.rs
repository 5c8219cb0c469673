//! Who owned the keys before: for a while after a change, what is missed is looked for there.
//! docs/handover.md has the protocol.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use smallvec::SmallVec;

use super::Fleet;
use crate::options::Config;
use crate::placement::Placement;
use crate::protocol::Operation;

/// Several changes may follow each other within one window; what was moved longer ago is missed.
const FORMERS_MAX: usize = 4;

/// The former owners of a key, the latest first.
pub type Owners = SmallVec<[u32; FORMERS_MAX]>;

#[derive(Debug)]
pub struct Handover {
    /// The latest first.
    pub(super) formers: Vec<Former>,
    /// Servers, by their index, that are not asked any more: what was to be deleted there could
    /// not be, and must not come back.
    abandoned: Box<[AtomicBool]>,
    pub counts: Arc<Counts>,
    /// The fleets before, on which calls may be under way, for some time yet.
    pub(super) before: Before,
}

#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) fleets: Vec<Weak<Fleet>>,
    pub(super) until: Instant,
}

/// A placement as it was before a change.
#[derive(Clone, Debug)]
pub(super) struct Former {
    pub(super) placement: Arc<Placement>,
    pub(super) hash_prefix: bool,
    /// Its servers, by their index in the fleet.
    pub(super) servers: Box<[u32]>,
    pub(super) until: Instant,
}

/// What handovers have come to since the client was made.
#[derive(Debug, Default)]
pub struct Counts {
    /// Operations on keys whose owner changed.
    pub moved: AtomicU64,
    /// Those whose key was found at a former owner.
    pub found: AtomicU64,
    /// Copies sent to the new owner.
    pub copied: AtomicU64,
    /// Copies known to have been refused: somebody else had written or deleted meanwhile.
    pub lost_races: AtomicU64,
}

impl Handover {
    pub(super) fn new(
        mut formers: Vec<Former>,
        counts: &Arc<Counts>,
        servers: usize,
        before: Before,
    ) -> Self {
        formers.truncate(FORMERS_MAX);
        Self {
            formers,
            abandoned: (0..servers).map(|_| AtomicBool::new(false)).collect(),
            counts: Arc::clone(counts),
            before,
        }
    }

    /// For a child that inherited it.
    pub(super) fn reborn(&self, counts: &Arc<Counts>) -> Self {
        let formers = self.formers.iter().map(Former::clone).collect();
        // Their calls are the parent's.
        let before = Before {
            fleets: Vec::new(),
            until: self.before.until,
        };
        Self::new(formers, counts, self.abandoned.len(), before)
    }

    /// True while calls that began before the change may still read and write at former owners: what
    /// has moved is not touched until they have ended.
    pub fn is_settling(&self, now: Instant) -> bool {
        now < self.before.until && self.before.fleets.iter().any(is_in_use)
    }

    /// True when the last window has ended.
    pub fn is_over(&self, now: Instant) -> bool {
        self.formers.iter().all(|former| former.until <= now)
    }

    /// A server that could not be reached for a deletion: it is not asked any more.
    pub fn abandon(&self, server: u32) {
        self.abandoned[server as usize].store(true, Ordering::Relaxed);
    }

    pub fn count_moved(&self, operations: u64) {
        self.counts.moved.fetch_add(operations, Ordering::Relaxed);
    }

    pub fn is_abandoned(&self, server: u32) -> bool {
        self.abandoned[server as usize].load(Ordering::Relaxed)
    }
}

pub(super) fn is_in_use(fleet: &Weak<Fleet>) -> bool {
    fleet.strong_count() > 0
}

impl Fleet {
    /// The former owners of an operation's key, other than `owner`; none when the key has not moved
    /// or no handover is on.
    pub fn former_owners(
        &self,
        op: &Operation<'_>,
        owner: u32,
        config: &Config,
        now: Instant,
    ) -> Owners {
        let mut owners = Owners::new();
        let Some(handover) = &self.handover else {
            return owners;
        };
        for former in handover.formers.iter().filter(|former| former.until > now) {
            if op.hash.is_some() && !former.placement.takes_hash() {
                continue;
            }
            let before = self.routed(op, config, former.hash_prefix, |route| {
                former.servers[former.placement.owner(route)]
            });
            // One machine may have two names.
            let address = |server: u32| &self.servers[server as usize].spec.address;
            if address(before) != address(owner) && !owners.contains(&before) {
                owners.push(before);
            }
        }
        owners
    }
}
