//! What a caller asks of a server.

use super::expiry::Ttl;

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

    /// True when asking twice does what asking once does.
    pub fn is_pure_read(self) -> bool {
        matches!(self, Kind::Get | Kind::Stats | Kind::Version)
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
    /// Bring the item's cas id (`gets`, `gats`).
    pub want_cas: bool,
    pub flags: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub ttl: Ttl,
    /// The cas id to compare with, for [`Kind::Cas`].
    pub cas: u64,
    /// What to add or subtract, for [`Kind::Increment`] and [`Kind::Decrement`].
    pub delta: u64,
    /// Routed by this in place of the key.
    pub route: Option<&'a [u8]>,
    /// Routed by this hash in place of the key's.
    pub hash: Option<i64>,
    /// The server meant, for the kinds that are about a server.
    pub server: u32,
}

impl<'a> Operation<'a> {
    /// An operation on `key` with every other field neutral.
    pub fn new(kind: Kind, key: &'a [u8]) -> Self {
        Self {
            kind,
            want_cas: false,
            flags: 0,
            key,
            value: &[],
            ttl: Ttl::NEVER,
            cas: 0,
            delta: 0,
            route: None,
            hash: None,
            server: 0,
        }
    }
}
