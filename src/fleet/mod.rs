//! The servers of a client: their list, what is known of each, and which one a key
//! belongs to.

mod events;
mod explain;
pub mod health;
mod histogram;
pub mod list;
pub mod metrics;
mod prometheus;
mod server;
mod snapshot;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use self::events::Events;
pub use self::events::{Event, Taken};
pub use self::explain::Explanation;
pub use self::health::{Admission, Standing};
pub use self::prometheus::render as prometheus;
pub use self::server::{Server, unix_now};
pub use self::snapshot::Snapshot;
use crate::error::Result;
use crate::net::address::Address;
use crate::net::fork;
use crate::options::Config;
use crate::placement::{Placement, Route};
use crate::protocol::{Operation, key};

/// A list of servers and where keys go in it. A change of the list makes another fleet.
#[derive(Debug)]
pub struct Fleet {
    pub servers: Vec<Arc<Server>>,
    placement: Arc<Placement>,
    specs: Arc<[list::Spec]>,
    /// Servers that are no longer in the list, while calls that began before still use them.
    retired: Vec<Weak<Server>>,
    /// What has become of the servers, those of earlier lists included.
    events: Arc<Events>,
    /// Connections belong to the process that made them: see [`fork`].
    generation: u64,
}

impl Fleet {
    pub fn new(text: &str, config: &Config) -> Result<Self> {
        let (specs, placement) = laid_out(text, config)?;
        Self::of(specs, placement, config)
    }

    /// Another list. A server that is in both under one identity and address keeps its connections
    /// and its health. One that is not is closed when the last call that uses it has ended.
    pub fn changed(&self, text: &str, config: &Config) -> Result<Self> {
        let (specs, placement) = laid_out(text, config)?;
        let kept: HashMap<_, _> = self.specs.iter().zip(&self.servers).map(by_name).collect();
        let server = |spec: &list::Spec| match kept.get(&(&*spec.identity, &spec.address)) {
            Some(&server) => Ok(Arc::clone(server)),
            None => Server::new(spec, config, &self.events).map(Arc::new),
        };
        let servers = specs.iter().map(server).collect::<Result<Vec<_>>>()?;
        let is_gone = |old: &&Arc<Server>| !servers.iter().any(|new| Arc::ptr_eq(old, new));
        let gone = self.servers.iter().filter(is_gone).map(Arc::downgrade);
        let in_use = |server: &&Weak<Server>| server.strong_count() > 0;
        let retired = self.retired.iter().filter(in_use).cloned();
        Ok(Self {
            retired: retired.chain(gone).collect(),
            events: Arc::clone(&self.events),
            servers,
            placement,
            specs,
            generation: self.generation,
        })
    }

    /// The same servers, with connections and health of their own: what a child starts from.
    pub fn reborn(&self, config: &Config) -> Result<Self> {
        Self::of(Arc::clone(&self.specs), Arc::clone(&self.placement), config)
    }

    fn of(specs: Arc<[list::Spec]>, placement: Arc<Placement>, config: &Config) -> Result<Self> {
        fork::watch();
        let events = Arc::default();
        let server = |spec| Server::new(spec, config, &events).map(Arc::new);
        Ok(Self {
            servers: specs.iter().map(server).collect::<Result<_>>()?,
            placement,
            specs,
            retired: Vec::new(),
            events,
            generation: fork::generation(),
        })
    }

    /// False in a child that inherited the fleet.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Index of the server an operation belongs to: the one place where this is decided.
    pub fn server_of(&self, op: &Operation<'_>, config: &Config) -> usize {
        if op.kind.is_of_server() {
            return op.server as usize;
        }
        self.routed(op, config, |route| self.placement.owner(route))
    }

    /// The server that an operation on a key goes to in place of those to be avoided; `None` where
    /// the rule ends without one.
    pub fn next_server(
        &self,
        op: &Operation<'_>,
        config: &Config,
        avoided: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.routed(op, config, |route| self.placement.choose(route, avoided))
    }

    /// What `with` makes of what an operation is routed by: its hash, its route or its key.
    fn routed<T>(
        &self,
        op: &Operation<'_>,
        config: &Config,
        with: impl FnOnce(Route<'_>) -> T,
    ) -> T {
        if let Some(hash) = op.hash {
            return with(Route::Hash(hash));
        }
        let key = op.route.unwrap_or(op.key);
        let prefix = &config.key_prefix;
        if prefix.is_empty() || !config.settings.hash_prefix {
            return with(Route::Key(key));
        }
        let mut whole = [0; key::MAX_LEN];
        let len = prefix.len() + key.len();
        match whole.get_mut(..len) {
            Some(whole) => {
                whole[..prefix.len()].copy_from_slice(prefix);
                whole[prefix.len()..].copy_from_slice(key);
                with(Route::Key(whole))
            }
            // Only a route can be this long: a key has been checked.
            None => with(Route::Key(&[prefix, key].concat())),
        }
    }

    /// True when a caller's hash can take the place of the key's.
    pub fn takes_hash(&self) -> bool {
        self.placement.takes_hash()
    }

    /// What has become of the servers since this was last asked.
    pub fn take_events(&self) -> Taken {
        self.events.take()
    }

    /// Closes every connection and ends every wait.
    pub fn close(&self) {
        for server in &self.servers {
            server.close();
        }
        for server in self.retired.iter().filter_map(Weak::upgrade) {
            server.close();
        }
    }
}

fn laid_out(text: &str, config: &Config) -> Result<(Arc<[list::Spec]>, Arc<Placement>)> {
    let specs = list::parse(text)?;
    let nodes: Vec<_> = specs.iter().map(list::Spec::node).collect();
    let placement = Placement::build(&nodes, &config.settings)?;
    Ok((specs.into(), Arc::new(placement)))
}

fn by_name<'a>(
    (spec, server): (&'a list::Spec, &'a Arc<Server>),
) -> ((&'a str, &'a Address), &'a Arc<Server>) {
    ((&spec.identity, &spec.address), server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    #[test]
    fn a_server_is_kept_by_identity_and_address() {
        let config = Config::new(&Options::new()).unwrap();
        let old = Fleet::new("a:1, b:1, c:1 name=x, d:1", &config).unwrap();
        let new = "d:1 weight=2, c:1 name=y, a:1, b:2 name=b:1";
        let new = old.changed(new, &config).unwrap();
        let is = |at: usize, was: usize| Arc::ptr_eq(&new.servers[at], &old.servers[was]);
        assert!(is(0, 3), "another weight, another place");
        assert!(!is(1, 2), "another name");
        assert!(is(2, 0));
        assert!(!is(3, 1), "another address");
        assert_eq!(new.retired.len(), 2);
        drop(old);
        let last = new.changed("a:1", &config).unwrap();
        assert_eq!(last.retired.len(), 3, "those of the first list are gone");
        assert!(new.changed("a:1, a:1", &config).is_err());
    }
}
