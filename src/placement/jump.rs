//! `jump`: Lamping and Veach's jump consistent hash, as in memcached 1.6.45's proxy.
//!
//! Servers are numbered by their place in the list: only the tail of the list may
//! change without moving the keys of other servers.

use super::hash::Hash;
use super::route::Route;
use super::splitmix::SplitMix64;

/// Attempts by hash before failover goes on server by server.
const ATTEMPTS: usize = 16;

#[derive(Debug)]
pub(super) struct Jump {
    servers: usize,
    hash: Hash,
}

impl Jump {
    pub(super) fn new(servers: usize, hash: Hash) -> Self {
        Self { servers, hash }
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        self.at(route.hash64(self.hash))
    }

    /// The proxy has no failover of its own. As with `rehash`, what a server held
    /// spreads over all the others: further attempts look at draws of SplitMix64 from
    /// the hash; then come the servers after the last attempt's, going round.
    pub(super) fn sequence(&self, route: Route<'_>) -> impl Iterator<Item = usize> {
        let hash = route.hash64(self.hash);
        let mut stream = SplitMix64::new(hash);
        let mut attempts = [self.at(hash); 1 + ATTEMPTS];
        for attempt in &mut attempts[1..] {
            *attempt = self.at(stream.draw());
        }
        let (last, servers) = (attempts[ATTEMPTS], self.servers);
        let rest = (1..servers).map(move |step| (last + step) % servers);
        attempts.into_iter().chain(rest)
    }

    fn at(&self, mut hash: u64) -> usize {
        let (mut bucket, mut next) = (0, 0);
        while next < self.servers as i64 {
            bucket = next;
            hash = hash.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            let stride = (1_u64 << 31) as f64 / ((hash >> 33) + 1) as f64;
            next = ((bucket + 1) as f64 * stride) as i64;
        }
        bucket as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_list_takes_keys_only_for_its_tail() {
        for hash in (0..10_000).map(|n: i64| n.wrapping_mul(0x5851_f42d_4c95_7f2d)) {
            let route = Route::Hash(hash);
            let (before, after) = (Jump::new(9, Hash::Xxh3), Jump::new(10, Hash::Xxh3));
            let owner = after.owner(route);
            assert!(owner == before.owner(route) || owner == 9);
        }
    }

    #[test]
    fn failover_comes_to_every_server() {
        let jump = Jump::new(40, Hash::Xxh3);
        let sequence: Vec<usize> = jump.sequence(Route::Key(b"key")).collect();
        assert_eq!(sequence[0], jump.owner(Route::Key(b"key")));
        assert!((0..40).all(|server| sequence.contains(&server)));
    }
}
