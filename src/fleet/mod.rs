//! The servers of a client: their list, what is known of each, and which one a key
//! belongs to.

mod explain;
pub mod health;
pub mod list;
mod server;

use std::sync::Arc;

pub use self::explain::Explanation;
pub use self::server::{Server, unix_now};
use crate::error::Result;
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
    /// Connections belong to the process that made them: see [`fork`].
    generation: u64,
}

impl Fleet {
    pub fn new(text: &str, config: &Config) -> Result<Self> {
        let specs: Arc<[list::Spec]> = list::parse(text)?.into();
        let nodes: Vec<_> = specs.iter().map(list::Spec::node).collect();
        let placement = Placement::build(&nodes, &config.settings)?;
        Self::of(specs, Arc::new(placement), config)
    }

    /// The same servers, with connections and health of their own: what a child starts from.
    pub fn reborn(&self, config: &Config) -> Result<Self> {
        Self::of(Arc::clone(&self.specs), Arc::clone(&self.placement), config)
    }

    fn of(specs: Arc<[list::Spec]>, placement: Arc<Placement>, config: &Config) -> Result<Self> {
        fork::watch();
        let server = |spec| Server::new(spec, config).map(Arc::new);
        Ok(Self {
            servers: specs.iter().map(server).collect::<Result<_>>()?,
            placement,
            specs,
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

    /// Closes every connection and ends every wait.
    pub fn close(&self) {
        for server in &self.servers {
            server.close();
        }
    }
}
