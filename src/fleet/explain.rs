//! Why a key belongs where it belongs: what `cm locate` shows.

use std::sync::Arc;

use super::Fleet;
use crate::options::Config;
use crate::placement::Position;
use crate::protocol::Operation;

/// Where an operation goes, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Index of the server in the list.
    pub server: usize,
    pub identity: Arc<str>,
    /// Where the distribution found the server.
    pub position: Position,
    /// Identities of the servers in the order in which they are tried as each one before is
    /// found missing, each server once, the owner first. python-memcached's and Dalli's rules
    /// end after some tries: then not every server is in it.
    pub sequence: Vec<Arc<str>>,
}

impl Fleet {
    /// Where an operation on a key goes, and why. Asks nobody.
    pub fn explain(&self, op: &Operation<'_>, config: &Config) -> Explanation {
        let server = self.server_of(op, config);
        let hash_prefix = self.settings.hash_prefix;
        let (position, sequence) = self.routed(op, config, hash_prefix, |route| {
            let mut seen = vec![false; self.listed];
            let first_time = |&server: &usize| !std::mem::replace(&mut seen[server], true);
            let tried = self.placement.sequence(route).filter(first_time);
            // A table is long: it is not gone through for nothing.
            let tried = tried.take(self.listed);
            let sequence = tried.map(|server| Arc::clone(&self.servers[server].identity));
            let sequence = sequence.collect();
            (self.placement.position(route), sequence)
        });
        Explanation {
            server,
            identity: Arc::clone(&self.servers[server].identity),
            position,
            sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::protocol::Kind;

    fn fleet(options: &[(&str, &str)]) -> (Fleet, Config) {
        let mut set = Options::new();
        for (name, value) in options {
            set.set(name, value).unwrap();
        }
        let config = Config::new(&set).unwrap();
        let fleet = Fleet::new("a weight=2, b, c name=third, d", &config).unwrap();
        (fleet, config)
    }

    #[test]
    fn the_sequence_begins_with_the_owner_and_has_each_server_once() {
        let (fleet, config) = fleet(&[]);
        for key in 0..100 {
            let key = key.to_string();
            let op = Operation::new(Kind::Get, key.as_bytes());
            let explanation = fleet.explain(&op, &config);
            assert_eq!(explanation.server, fleet.server_of(&op, &config));
            assert_eq!(explanation.sequence[0], explanation.identity);
            let mut servers = explanation.sequence;
            servers.sort_unstable();
            assert_eq!(
                servers.iter().map(|s| &**s).collect::<Vec<_>>(),
                ["a:11211", "b:11211", "d:11211", "third"]
            );
        }
    }

    #[test]
    fn prefix_route_and_hash_count_as_they_do_for_operations() {
        let slot = |options: &[(&str, &str)], op: Operation<'_>| {
            let (fleet, config) = fleet(options);
            fleet.explain(&op, &config).position
        };
        let get = |key| Operation::new(Kind::Get, key);
        let whole = slot(&[], get(b"app:key"));
        assert_eq!(slot(&[("key_prefix", "app:")], get(b"key")), whole);
        let without = [("key_prefix", "app:"), ("hash_prefix", "false")];
        assert_ne!(slot(&without, get(b"key")), whole);
        assert_eq!(slot(&without, get(b"key")), slot(&[], get(b"key")));
        let mut routed = get(b"key");
        routed.route = Some(b"app:key");
        assert_eq!(slot(&[], routed), whole);
        let mut hashed = get(b"key");
        hashed.hash = Some(i64::from(crc32fast::hash(b"app:key")));
        assert_eq!(slot(&[], hashed), whole);
    }
}
