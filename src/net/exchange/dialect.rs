//! What a server speaks besides the classic commands.

use crate::error::{Error, Status};
use crate::protocol::decode::Reply;
use crate::protocol::encode::meta;
use crate::protocol::{Operation, Version};

/// What the peer of a connection speaks, by its answer to `version`. It is asked before the first
/// meta command on each connection, so a server that was replaced by another is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Memcached(Version),
    /// A proxy, or something else that knows the classic commands.
    Other,
}

const META: Version = Version::new(1, 6, 0);

impl Dialect {
    /// `None`: this cannot be the answer to `version`.
    pub(super) fn from_reply(reply: &Reply<'_>) -> Option<Self> {
        match reply {
            Reply::Version(text) => {
                Some(Version::parse(text).map_or(Dialect::Other, Dialect::Memcached))
            }
            Reply::Error | Reply::ClientError(_) | Reply::ServerError(_) => Some(Dialect::Other),
            _ => None,
        }
    }

    pub(super) fn has_meta(self) -> bool {
        matches!(self, Dialect::Memcached(version) if version >= META)
    }

    /// True when an operation that needs the meta commands can be asked.
    pub(super) fn knows(self, op: &Operation<'_>) -> bool {
        matches!(self, Dialect::Memcached(version) if version >= meta::requirement(op).0)
    }

    /// Why an operation cannot be asked.
    pub(super) fn refusal(self, op: &Operation<'_>) -> Error {
        let (needed, what) = meta::requirement(op);
        let text = match self {
            Dialect::Memcached(version) => {
                format!("{what} needs memcached {needed}, the server is {version}")
            }
            Dialect::Other => format!("{what} needs memcached {needed}, the server is none"),
        };
        Error::new(Status::Unsupported, text)
    }
}
