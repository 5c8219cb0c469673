//! Who owned the keys before: for a while after a change, what is missed is looked for there.
//! docs/handover.md has the protocol.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::Fleet;
use crate::options::Config;
use crate::placement::Placement;
use crate::protocol::{Kind, Operation};

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
    /// The fleets before, and until when calls on each may be under way.
    before: Vec<Before>,
}

/// A fleet before a change, and until when calls on it may be under way.
pub(super) type Before = (Weak<Fleet>, Instant);

/// A placement as it was before a change.
#[derive(Clone, Debug)]
pub(super) struct Former {
    pub(super) placement: Arc<Placement>,
    pub(super) hash_prefix: bool,
    /// Its servers, by their index in the fleet.
    pub(super) servers: Box<[u32]>,
    pub(super) until: Instant,
    /// Calls that began before `until` may copy until then: so long writes delete here too.
    pub(super) swept_until: Instant,
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
        before: Vec<Before>,
    ) -> Self {
        formers.truncate(FORMERS_MAX);
        Self {
            formers,
            abandoned: (0..servers).map(|_| AtomicBool::new(false)).collect(),
            counts: Arc::clone(counts),
            before,
        }
    }

    /// One among so many servers, of nothing in particular.
    #[cfg(test)]
    pub fn among(servers: usize) -> Self {
        Self::new(Vec::new(), &Arc::default(), servers, Vec::new())
    }

    /// For a child that inherited it.
    pub(super) fn reborn(&self, counts: &Arc<Counts>) -> Self {
        let formers = self.formers.iter().map(Former::clone).collect();
        let reborn = Self::new(formers, counts, self.abandoned.len(), Vec::new());
        for server in self.all_abandoned() {
            reborn.abandon(server);
        }
        reborn
    }

    /// True while calls that began before the change may still read and write at former owners: what
    /// has moved is not touched until they have ended.
    pub fn is_settling(&self, now: Instant) -> bool {
        self.before.iter().any(|before| is_under_way(before, now))
    }

    /// The fleets before on which calls may be under way: a change soon after waits for them too.
    pub(super) fn unsettled(&self, now: Instant) -> impl Iterator<Item = Before> {
        let before = self.before.iter();
        before
            .filter(move |before| is_under_way(before, now))
            .cloned()
    }

    /// The time until the last window ends.
    pub fn left(&self, now: Instant) -> Duration {
        let until = self.formers.iter().map(|former| former.until).max();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// True when the last window has ended, and with it all that it let begin.
    pub fn is_over(&self, now: Instant) -> bool {
        let mut formers = self.formers.iter();
        formers.all(|former| former.swept_until <= now)
    }

    /// A server that could not be reached for a deletion: it is not asked any more.
    pub fn abandon(&self, server: u32) {
        self.abandoned[server as usize].store(true, Ordering::Relaxed);
    }

    pub(super) fn all_abandoned(&self) -> impl Iterator<Item = u32> {
        (0..self.abandoned.len() as u32).filter(|&server| self.is_abandoned(server))
    }

    pub fn count_moved(&self, operations: u64) {
        self.counts.moved.fetch_add(operations, Ordering::Relaxed);
    }

    pub fn is_abandoned(&self, server: u32) -> bool {
        self.abandoned[server as usize].load(Ordering::Relaxed)
    }
}

fn is_under_way((fleet, until): &Before, now: Instant) -> bool {
    now < *until && fleet.strong_count() > 0
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
        let is_asked = |former: &&Former| match op.kind {
            Kind::Get => former.until > now,
            _ => former.swept_until > now,
        };
        for former in handover.formers.iter().filter(is_asked) {
            if op.hash.is_some() && !former.placement.takes_hash() {
                continue;
            }
            let before = self.routed(op, config, former.hash_prefix, |route| {
                former.servers[former.placement.owner(route)]
            });
            if !self.is_one_place(before, owner) && !owners.contains(&before) {
                owners.push(before);
            }
        }
        owners
    }

    /// True for one machine under two names, as far as the addresses of names are known.
    fn is_one_place(&self, one: u32, other: u32) -> bool {
        let [one, other] = [one, other].map(|server| &self.servers[server as usize]);
        let resolved = one.endpoint.address();
        one.spec.address == other.spec.address
            || (resolved.is_some() && resolved == other.endpoint.address())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options::Options;

    fn config() -> Config {
        let mut options = Options::new();
        options.set("handover_ms", "60000").unwrap();
        Config::new(&options).unwrap()
    }

    #[test]
    fn calls_before_each_of_several_changes_are_waited_for() {
        let (config, now) = (config(), Instant::now());
        let change = |fleet: &Arc<Fleet>, list| {
            Arc::new(fleet.changed(list, &config.settings, &config, now).unwrap())
        };
        let first = Arc::new(Fleet::new("a", &config).unwrap());
        let second = change(&first, "a,b");
        let third = change(&second, "a,b,c");
        drop(second);
        let handover = third.handover.as_ref().unwrap();
        assert!(handover.is_settling(now), "a call has the first");
        assert!(!handover.is_settling(now + config.timeout + Duration::from_millis(1)));
        drop(first);
        assert!(!handover.is_settling(now));
    }

    /// What began to read before the end may copy after it: what is deleted then must go there too.
    #[test]
    fn writes_outlast_the_window_by_a_calls_time() {
        let (config, now) = (config(), Instant::now());
        let first = Arc::new(Fleet::new("a", &config).unwrap());
        let second = first.changed("b", &config.settings, &config, now).unwrap();
        let owners = |kind, at| {
            let op = Operation::new(kind, b"key");
            let owner = second.server_of(&op, &config) as u32;
            second.former_owners(&op, owner, &config, now + at).len()
        };
        let handover = second.handover.as_ref().unwrap();
        let end = Duration::from_secs(60);
        for (at, read, written) in [
            (end - Duration::from_millis(1), 1, 1),
            (end, 0, 1),
            (end + config.timeout, 0, 0),
        ] {
            assert_eq!(owners(Kind::Get, at), read);
            assert_eq!(owners(Kind::Delete, at), written);
            assert_eq!(owners(Kind::Increment, at), written);
            assert_eq!(handover.is_over(now + at), written == 0);
        }
    }

    #[test]
    fn who_was_given_up_stays_so_in_the_window() {
        let (config, now) = (config(), Instant::now());
        let first = Arc::new(Fleet::new("a,b", &config).unwrap());
        let change = |fleet: &Arc<Fleet>, list| {
            Arc::new(fleet.changed(list, &config.settings, &config, now).unwrap())
        };
        let second = change(&first, "b,c");
        let a = (second.servers.iter()).position(|server| server.spec.identity.starts_with('a'));
        let handover = second.handover.as_ref().unwrap();
        handover.abandon(a.unwrap() as u32);
        assert_eq!(handover.reborn(&Arc::default()).all_abandoned().count(), 1);
        let third = change(&second, "d,c,b");
        let all: Vec<_> = third.handover.as_ref().unwrap().all_abandoned().collect();
        assert_eq!(all.len(), 1);
        let server = &third.servers[all[0] as usize];
        assert!(server.spec.identity.starts_with('a'));
    }
}
