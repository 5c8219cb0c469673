//! Which server owns a key.
//!
//! Placement is pure: built from a list of servers and [`Settings`], it maps a
//! key, or a hash the caller brings, to an index into that list, and says which
//! servers come next when that one is to be left out. It knows no socket, no
//! clock and no thread, and every process that builds it from the same list and
//! options gets the same answers.
//!
//! `settings` turns option strings into a rule, `hash` has the hashes of keys, and
//! each distribution has a file of its own: `rehash` is the library's, the others
//! are as the clients they are named after have them, to the bit.

#![forbid(unsafe_code)]

mod compat;
mod continuum;
mod dalli;
mod distribution;
mod hash;
mod jenkins;
mod jump;
mod ketama;
mod ketama_spy;
mod ketama_weighted;
mod modulo;
mod murmur;
mod node;
mod proxy_ring;
mod rehash;
mod rehash_2013;
mod rendezvous;
mod route;
mod settings;
mod splitmix;
mod table;
mod twemproxy;

#[cfg(test)]
mod tests;

use crate::error::{Error, Result, Status};
use continuum::Continuum;
use dalli::Dalli;
use distribution::{Distribution, Weights};
use jump::Jump;
use modulo::Modulo;
use rehash::Rehash;
use rendezvous::Rendezvous;
use std::borrow::Cow;

pub use compat::COMPATS;
pub use distribution::DISTRIBUTIONS;
pub use hash::HASHES;
pub use node::{Label, Node};
pub use route::Route;
pub use settings::{SLOTS_DEFAULT, SLOTS_MAX, SLOTS_MIN, Settings};

/// The most servers that can be placed.
pub const SERVERS_MAX: usize = 65_535;

/// Where a distribution found the owner of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Number of the slot or bucket, from 0.
    Slot(u64),
    /// Value of the continuum's point.
    Point(u32),
    /// Score of the owner, the highest of all.
    Score(u32),
}

/// The servers a route is tried at, in order; a server as often as the rule comes
/// to it.
pub type Sequence<'a> = Box<dyn Iterator<Item = usize> + 'a>;

/// A fleet laid out by a distribution.
#[derive(Debug)]
pub struct Placement {
    servers: usize,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Rehash(Rehash),
    Modulo(Modulo),
    Continuum(Continuum),
    Dalli(Dalli),
    Rendezvous(Rendezvous),
    Jump(Jump),
}

impl Placement {
    /// Lays the servers out. The identities must differ from each other.
    pub fn build(nodes: &[Node<'_>], settings: &Settings) -> Result<Self> {
        check(nodes, settings)?;
        let mut distribution = settings.distribution;
        let mut nodes = Cow::Borrowed(nodes);
        match settings.weights {
            Weights::Ignore => nodes.to_mut().iter_mut().for_each(|node| node.weight = 1),
            Weights::Switch if nodes.iter().any(|node| node.weight > 1) => {
                distribution = Distribution::KetamaWeighted;
            }
            Weights::Switch | Weights::Use | Weights::Refuse => {}
        }
        Ok(Self {
            servers: nodes.len(),
            layout: Layout::build(&nodes, distribution, settings)?,
        })
    }

    /// Whether a caller's hash can take the place of the key's. Where it cannot, a
    /// [`Route::Hash`] is a mistake of the caller's, and panics.
    pub fn takes_hash(&self) -> bool {
        !matches!(self.layout, Layout::Rendezvous(_))
    }

    /// Index of the server that owns the route.
    #[inline]
    pub fn owner(&self, route: Route<'_>) -> usize {
        match &self.layout {
            Layout::Rehash(rehash) => rehash.owner(route),
            Layout::Modulo(modulo) => modulo.owner(route),
            Layout::Continuum(continuum) => continuum.owner(route),
            Layout::Dalli(dalli) => dalli.owner(route),
            Layout::Rendezvous(rendezvous) => rendezvous.owner(route),
            Layout::Jump(jump) => jump.owner(route),
        }
    }

    /// The owner, or the first server after it that is not skipped; `None` where the
    /// rule ends without one. python-memcached's and Dalli's rules give up after 10
    /// and 20 tries, even if there are servers that are not skipped.
    #[inline]
    pub fn choose(&self, route: Route<'_>, skip: impl Fn(usize) -> bool) -> Option<usize> {
        let owner = self.owner(route);
        if !skip(owner) {
            return Some(owner);
        }
        self.next_choice(route, &skip)
    }

    #[cold]
    fn next_choice(&self, route: Route<'_>, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        // A continuum is long: it is not gone round for nothing.
        if (0..self.servers).all(skip) {
            return None;
        }
        self.sequence(route).find(|&server| !skip(server))
    }

    /// The servers the route is tried at as each one in turn is found missing, the
    /// owner first.
    pub fn sequence<'a>(&'a self, route: Route<'a>) -> Sequence<'a> {
        match &self.layout {
            Layout::Rehash(rehash) => Box::new(rehash.sequence(route)),
            Layout::Modulo(modulo) => Box::new(modulo.sequence(route)),
            Layout::Continuum(continuum) => Box::new(continuum.sequence(route)),
            Layout::Dalli(dalli) => Box::new(dalli.sequence(route)),
            Layout::Rendezvous(rendezvous) => Box::new(rendezvous.sequence(route)),
            Layout::Jump(jump) => Box::new(jump.sequence(route)),
        }
    }

    /// Where the owner of the route was found.
    pub fn position(&self, route: Route<'_>) -> Position {
        match &self.layout {
            Layout::Rehash(rehash) => Position::Slot(rehash.slot(route) as u64),
            Layout::Modulo(modulo) => Position::Slot(modulo.bucket(route)),
            Layout::Continuum(continuum) => Position::Point(continuum.point(route)),
            Layout::Dalli(dalli) => Position::Point(dalli.point(route)),
            Layout::Rendezvous(rendezvous) => Position::Score(rendezvous.score(route)),
            Layout::Jump(jump) => Position::Slot(jump.owner(route) as u64),
        }
    }
}

impl Layout {
    fn build(nodes: &[Node<'_>], distribution: Distribution, settings: &Settings) -> Result<Self> {
        let hash = settings.hash;
        Ok(match distribution {
            Distribution::Rehash => Self::Rehash(Rehash::build(nodes, settings.slots, hash)?),
            Distribution::Rehash2013 => Self::Modulo(rehash_2013::build(nodes, hash)?),
            Distribution::Modulo => Self::Modulo(Modulo::build(nodes, hash)),
            Distribution::Ketama => Self::Continuum(ketama::build(nodes, hash)?),
            Distribution::KetamaWeighted => Self::Continuum(ketama_weighted::build(nodes, hash)?),
            Distribution::KetamaSpy => Self::Continuum(ketama_spy::build(nodes, hash)?),
            Distribution::Rendezvous => Self::Rendezvous(Rendezvous::build(nodes)?),
            Distribution::Dalli => Self::Dalli(Dalli::build(nodes, hash)?),
            Distribution::Twemproxy => Self::Continuum(twemproxy::ketama(nodes, hash)?),
            Distribution::TwemproxyModula => Self::Modulo(twemproxy::modula(nodes, hash)?),
            Distribution::Jump => Self::Jump(Jump::new(nodes.len(), hash)),
            Distribution::ProxyRing => Self::Continuum(proxy_ring::default(nodes, hash)?),
            Distribution::ProxyKetama => Self::Continuum(proxy_ring::ketama(nodes, hash)?),
            Distribution::ProxyTwemproxy => Self::Continuum(proxy_ring::twemproxy(nodes, hash)?),
            Distribution::ProxyEvcache => Self::Continuum(proxy_ring::evcache(nodes, hash)?),
        })
    }
}

/// Refuses a list that cannot be placed.
fn check(nodes: &[Node<'_>], settings: &Settings) -> Result<()> {
    let refused = |message: String| Err(Error::new(Status::Argument, message));
    if nodes.is_empty() {
        return refused("the list names no server".to_owned());
    }
    if nodes.len() > SERVERS_MAX {
        let count = nodes.len();
        return refused(format!(
            "{count} servers; at most {SERVERS_MAX} can be placed"
        ));
    }
    let usable = |weight| match settings.weights {
        Weights::Refuse => weight == 1,
        Weights::Use | Weights::Ignore | Weights::Switch => weight != 0,
    };
    match nodes.iter().find(|node| !usable(node.weight)) {
        None => Ok(()),
        Some(Node {
            identity,
            weight: 0,
            ..
        }) => refused(format!("server {identity} has a weight of 0")),
        Some(Node {
            identity, weight, ..
        }) => refused(format!(
            "server {identity} has a weight of {weight}; weights are unknown to distribution={}",
            settings.distribution.name()
        )),
    }
}
