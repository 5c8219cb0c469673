//! The servers of a client: their list, what is known of each, and which one a key
//! belongs to.

mod change;
mod events;
mod explain;
pub mod handover;
pub mod health;
mod histogram;
pub mod list;
pub mod metrics;
mod prometheus;
mod server;
mod snapshot;

use std::sync::{Arc, Weak};

use self::events::Events;
pub use self::events::{Event, Taken};
pub use self::explain::Explanation;
pub use self::handover::Handover;
pub use self::health::{Admission, Standing};
pub use self::server::{Server, unix_now};
pub use self::snapshot::Snapshot;
use crate::error::Result;
use crate::net::fork;
use crate::options::Config;
use crate::placement::{Placement, Route, Settings};
use crate::protocol::{Operation, key};

/// A list of servers and where keys go in it. A change of the list makes another fleet.
#[derive(Debug)]
pub struct Fleet {
    /// Those of the list, then those that are only asked for what they held before.
    pub servers: Vec<Arc<Server>>,
    /// How many are in the list.
    pub listed: usize,
    weights: Box<[u32]>,
    placement: Arc<Placement>,
    /// Where keys go.
    pub settings: Settings,
    pub handover: Option<Handover>,
    /// Servers that are no longer in the list, while calls that began before still use them.
    retired: Vec<Weak<Server>>,
    /// What has become of the servers, those of earlier lists included.
    events: Arc<Events>,
    /// What has become of the keys that moved, in all handovers.
    handovers: Arc<handover::Counts>,
    /// Connections belong to the process that made them: see [`fork`].
    generation: u64,
}

impl Fleet {
    pub fn new(text: &str, config: &Config) -> Result<Self> {
        fork::watch();
        let (specs, placement) = laid_out(text, &config.settings)?;
        let events = Arc::default();
        Ok(Self {
            servers: new_servers(&specs, config, &events)?,
            listed: specs.len(),
            weights: specs.iter().map(|spec| spec.weight).collect(),
            placement,
            settings: config.settings.clone(),
            handover: None,
            retired: Vec::new(),
            events,
            handovers: Arc::default(),
            generation: fork::generation(),
        })
    }

    /// The same servers, with connections and health of their own: what a child starts from.
    pub fn reborn(&self, config: &Config) -> Result<Self> {
        let specs = self.servers.iter().map(|server| &server.spec);
        let (events, handovers) = Default::default();
        Ok(Self {
            servers: new_servers(specs, config, &events)?,
            listed: self.listed,
            weights: self.weights.clone(),
            placement: Arc::clone(&self.placement),
            settings: self.settings.clone(),
            handover: self
                .handover
                .as_ref()
                .map(|handover| handover.reborn(&handovers)),
            retired: Vec::new(),
            events,
            handovers,
            generation: fork::generation(),
        })
    }

    /// False in a child that inherited the fleet.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Index of the server an operation belongs to: the one place where this is decided.
    pub fn server_of(&self, op: &Operation<'_>, config: &Config) -> usize {
        if op.is_of_server() {
            return op.server as usize;
        }
        self.routed(op, config, self.settings.hash_prefix, |route| {
            self.placement.owner(route)
        })
    }

    /// The server that an operation on a key goes to in place of those to be avoided; `None` where
    /// the rule ends without one.
    pub fn next_server(
        &self,
        op: &Operation<'_>,
        config: &Config,
        avoided: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.routed(op, config, self.settings.hash_prefix, |route| {
            self.placement.choose(route, avoided)
        })
    }

    /// What `with` makes of what an operation is routed by: its hash, its route or its key.
    fn routed<T>(
        &self,
        op: &Operation<'_>,
        config: &Config,
        hash_prefix: bool,
        with: impl FnOnce(Route<'_>) -> T,
    ) -> T {
        if let Some(hash) = op.hash {
            return with(Route::Hash(hash));
        }
        let key = op.route.unwrap_or(op.key);
        let prefix = &config.key_prefix;
        if prefix.is_empty() || !hash_prefix {
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

fn new_servers<'a>(
    specs: impl IntoIterator<Item = &'a list::Spec>,
    config: &Config,
    events: &Arc<Events>,
) -> Result<Vec<Arc<Server>>> {
    let server = |spec| Server::new(spec, config, events).map(Arc::new);
    specs.into_iter().map(server).collect()
}

fn laid_out(text: &str, settings: &Settings) -> Result<(Vec<list::Spec>, Arc<Placement>)> {
    let specs = list::parse(text)?;
    let nodes: Vec<_> = specs.iter().map(list::Spec::node).collect();
    let placement = Placement::build(&nodes, settings)?;
    Ok((specs, Arc::new(placement)))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::options::Options;

    #[test]
    fn a_server_is_kept_by_identity_and_address() {
        let config = Config::new(&Options::new()).unwrap();
        let old = Arc::new(Fleet::new("a:1, b:1, c:1 name=x, d:1", &config).unwrap());
        let new = "d:1 weight=2, c:1 name=y, a:1, b:2 name=b:1";
        let changed = |fleet: &Arc<Fleet>, list| {
            let now = Instant::now();
            let changed = fleet.changed(list, &config.settings, &config, now);
            changed.map(Arc::new)
        };
        let new = changed(&old, new).unwrap();
        let is = |at: usize, was: usize| Arc::ptr_eq(&new.servers[at], &old.servers[was]);
        assert!(is(0, 3), "another weight, another place");
        assert!(!is(1, 2), "another name");
        assert!(is(2, 0));
        assert!(!is(3, 1), "another address");
        assert_eq!(new.retired.len(), 2);
        drop(old);
        let last = changed(&new, "a:1").unwrap();
        assert_eq!(last.retired.len(), 3, "those of the first list are gone");
        assert!(changed(&new, "a:1, a:1").is_err());
    }
}
