//! What a caller asks of a server.

use super::Want;
use super::expiry::Ttl;
use super::key;

/// The commands of memcached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Get,
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    Cas,
    Delete,
    Touch,
    GetAndTouch,
    Increment,
    Decrement,
    /// Of one server, not of a key; `key` is the argument.
    Stats,
    /// Of one server, not of a key; `ttl` is the delay.
    FlushAll,
    /// Of one server, not of a key.
    Version,
}

impl Kind {
    /// True when the request carries a value. A server that refuses such a request
    /// may go on to read the value as commands.
    pub fn carries_value(self) -> bool {
        matches!(
            self,
            Kind::Set | Kind::Add | Kind::Replace | Kind::Append | Kind::Prepend | Kind::Cas
        )
    }

    /// True for what puts a value before or behind the item's.
    pub fn extends(self) -> bool {
        matches!(self, Kind::Append | Kind::Prepend)
    }

    /// True when the operation is about a server as a whole.
    pub fn is_of_server(self) -> bool {
        matches!(self, Kind::Stats | Kind::FlushAll | Kind::Version)
    }
}

/// One operation: a kind, and what that kind needs.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    pub kind: Kind,
    pub want: Want,
    pub flags: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub ttl: Ttl,
    /// The cas id to compare with, for [`Kind::Cas`]; for a deletion, for arithmetic and for what appends 0: any.
    pub cas: u64,
    /// What to add or subtract, for [`Kind::Increment`] and [`Kind::Decrement`].
    pub delta: u64,
    /// Where there is no item, make one with this ttl, in seconds from now: for a read a stub, which says that
    /// the value is being computed; for arithmetic `initial`; for what appends, the value.
    pub create: Option<i32>,
    /// The number to begin with, for arithmetic that creates.
    pub initial: u64,
    /// A read that finds fewer seconds left wins the right to recompute. 0: never.
    pub refresh_before: u32,
    /// The server meant, for the kinds that are about a server and what is pinned to one.
    pub server: u32,
    /// Routed by this in place of the key.
    pub route: Option<&'a [u8]>,
    /// Routed by this hash in place of the key's.
    pub hash: Option<i64>,
}

impl<'a> Operation<'a> {
    /// An operation on `key` with every other field neutral.
    pub fn new(kind: Kind, key: &'a [u8]) -> Self {
        Self {
            kind,
            want: Want::NOTHING,
            flags: 0,
            key,
            value: &[],
            ttl: Ttl::NEVER,
            cas: 0,
            delta: 0,
            create: None,
            initial: 0,
            refresh_before: 0,
            server: 0,
            route: None,
            hash: None,
        }
    }

    /// True when asking twice does what asking once does.
    pub fn is_pure_read(&self) -> bool {
        match self.kind {
            Kind::Get if self.want.has(Want::REPEATABLE) => true,
            Kind::Get => self.create.is_none() && self.refresh_before == 0,
            Kind::Stats | Kind::Version => true,
            _ => false,
        }
    }

    /// The ttl of an item that is created.
    pub fn create_ttl(&self) -> Option<Ttl> {
        self.create.map(|seconds| Ttl::FromNow(seconds.into()))
    }

    /// True when a server is named, rather than found by the key.
    pub fn is_of_server(&self) -> bool {
        self.kind.is_of_server() || self.want.has(Want::PINNED)
    }

    pub fn is_quiet(&self) -> bool {
        self.want.has(Want::QUIET)
    }

    /// True when the key goes as base64: asked for, or needed and allowed by `binary_keys`.
    #[inline]
    pub fn encodes_key(&self, binary_keys: bool) -> bool {
        let needed = || !self.kind.is_of_server() && !key::is_plain(self.key);
        self.want.has(Want::BASE64_KEY) || (binary_keys && needed())
    }

    /// True when no classic command can say it. `encodes_key`: the key goes as base64.
    #[inline]
    pub fn needs_meta(&self, encodes_key: bool) -> bool {
        let special = match self.kind {
            Kind::Get | Kind::GetAndTouch => {
                self.want.has(Want::OF_META_GET)
                    || self.create.is_some()
                    || self.refresh_before != 0
            }
            _ => self.is_special_write(),
        };
        special || encodes_key
    }

    fn is_special_write(&self) -> bool {
        match self.kind {
            Kind::Increment | Kind::Decrement => {
                self.want.has(Want::CAS | Want::TTL | Want::QUIET)
                    || self.create.is_some()
                    || self.cas != 0
                    || self.ttl != Ttl::NEVER
            }
            Kind::Delete => {
                self.want
                    .has(Want::QUIET | Want::INVALIDATE | Want::DROP_VALUE)
                    || self.cas != 0
            }
            Kind::Set | Kind::Add | Kind::Replace | Kind::Append | Kind::Prepend | Kind::Cas => {
                self.want
                    .has(Want::CAS | Want::SIZE | Want::QUIET | Want::INVALIDATE)
                    || self.create.is_some()
                    || (self.cas != 0 && self.kind.extends())
            }
            _ => false,
        }
    }
}
