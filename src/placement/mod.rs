//! Which server owns a key.
//!
//! Placement is pure: built from a list of servers and [`Settings`], it maps a
//! key, or a hash the caller brings, to an index into that list, and says which
//! servers come next when that one is to be left out. It knows no socket, no
//! clock and no thread, and every process that builds it from the same list and
//! options gets the same answers.
//!
//! [`settings`] turns option strings into a rule, [`hash`] holds the key hashes,
//! and each distribution has a file of its own.

mod hash;
mod modulo;
mod rehash;
mod settings;

use crate::error::{Error, Result, Status};
use hash::Hash;
use settings::Distribution;

pub use hash::HASHES;
pub use settings::{COMPATS, DISTRIBUTIONS, Settings};

/// The largest number of servers a placement can hold.
pub const MAX_SERVERS: usize = 65_535;

/// A server as placement sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// `name=` where given, else the canonical address: decides for `rehash`.
    pub identity: &'a str,
    /// What the other clients know the server by.
    pub label: Label<'a>,
    /// At least 1.
    pub weight: u32,
}

/// What the distributions taken from other clients form their point names from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'a> {
    /// `name=` of the server list.
    Name(&'a str),
    /// The address as it was given, letter case included; an IPv6 host without
    /// its brackets, the port 11211 where none was given.
    Tcp { host: &'a str, port: u16 },
    /// The path of a UNIX socket, without `unix:`.
    Unix(&'a str),
}

/// What a placement decision is made from.
#[derive(Clone, Copy, Debug)]
pub enum Route<'a> {
    Key(&'a [u8]),
    /// A hash brought by the caller, in place of the key's.
    Hash(i64),
}

/// Where in its structure a distribution found the owner, for explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Number of the slot or bucket.
    Slot(u64),
}

/// The servers a route is tried at, in order. A server comes up as often as the
/// rule comes to it.
pub type Sequence<'a> = Box<dyn Iterator<Item = usize> + 'a>;

/// A fleet laid out by a distribution.
#[derive(Debug)]
pub struct Placement {
    hash: Hash,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Rehash(rehash::Rehash),
    Modulo(modulo::Modulo),
}

impl Placement {
    /// Lays the servers out. Their identities must differ from each other.
    pub fn build(nodes: &[Node<'_>], settings: &Settings) -> Result<Self> {
        if nodes.is_empty() {
            return Err(Error::new(Status::Argument, "the list names no server"));
        }
        if nodes.len() > MAX_SERVERS {
            let message = format!(
                "{} servers; at most {MAX_SERVERS} can be placed",
                nodes.len()
            );
            return Err(Error::new(Status::Argument, message));
        }
        if let Some(node) = nodes.iter().find(|node| node.weight == 0) {
            let message = format!("server {} has a weight of 0", node.identity);
            return Err(Error::new(Status::Argument, message));
        }
        let hash = settings.hash;
        let layout = match settings.distribution {
            Distribution::Rehash => Layout::Rehash(rehash::Rehash::build(nodes, settings.slots)?),
            Distribution::Modulo => Layout::Modulo(modulo::Modulo::build(nodes)),
        };
        Ok(Self { hash, layout })
    }

    /// Whether a caller's hash can take the place of the key's. Where it cannot,
    /// only [`Route::Key`] may be used.
    pub fn takes_hash(&self) -> bool {
        true
    }

    /// Index of the server that owns the route.
    #[inline]
    pub fn owner(&self, route: Route<'_>) -> usize {
        match &self.layout {
            Layout::Rehash(rehash) => rehash.owner(self.hash32(route)),
            Layout::Modulo(modulo) => modulo.owner(self.number(route)),
        }
    }

    /// The owner, or the first server after it that is not skipped; `None` where
    /// the rule ends without one.
    #[inline]
    pub fn choose(&self, route: Route<'_>, skip: impl Fn(usize) -> bool) -> Option<usize> {
        let owner = self.owner(route);
        if !skip(owner) {
            return Some(owner);
        }
        self.sequence(route).find(|&server| !skip(server))
    }

    /// The servers the route is tried at as each one in turn is found missing,
    /// the owner first.
    pub fn sequence<'a>(&'a self, route: Route<'a>) -> Sequence<'a> {
        match &self.layout {
            Layout::Rehash(rehash) => Box::new(rehash.sequence(self.hash32(route))),
            Layout::Modulo(modulo) => Box::new(modulo.sequence(self.number(route), self.hash)),
        }
    }

    /// Where the owner of the route was found.
    pub fn position(&self, route: Route<'_>) -> Position {
        Position::Slot(match &self.layout {
            Layout::Rehash(rehash) => rehash.slot(self.hash32(route)) as u64,
            Layout::Modulo(modulo) => modulo.bucket(self.number(route)),
        })
    }

    /// The hash as 32 bits; a caller's is reduced modulo 2^32.
    #[inline]
    fn hash32(&self, route: Route<'_>) -> u32 {
        match route {
            Route::Key(key) => self.hash.of(key) as u32,
            Route::Hash(hash) => hash as u32,
        }
    }

    /// The hash as the number that is divided; a caller's keeps its sign.
    #[inline]
    fn number(&self, route: Route<'_>) -> i64 {
        match route {
            Route::Key(key) => i64::from(self.hash.of(key) as u32),
            Route::Hash(hash) => hash,
        }
    }
}
