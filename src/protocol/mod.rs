//! The memcached protocol, sans-IO: operations become bytes, bytes become
//! replies. Nothing here knows a socket, a clock or a thread.
//!
//! The rules are those of memcached's `doc/protocol.txt`. What the classic commands can say is
//! said with them; the rest with the meta commands.

pub mod decode;
pub mod encode;
pub mod expiry;
pub mod key;
mod operation;
mod version;
mod want;

pub use operation::{Kind, Operation};
pub use version::Version;
pub use want::Want;
