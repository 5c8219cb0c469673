//! The memcached protocol, sans-IO: operations become bytes, bytes become
//! replies. Nothing here knows a socket, a clock or a thread.
//!
//! The rules are those of memcached's `doc/protocol.txt`.

pub mod decode;
pub mod encode;
pub mod expiry;
pub mod key;
mod operation;

pub use operation::{Kind, Operation};
