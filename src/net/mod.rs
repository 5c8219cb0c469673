//! Sockets: addresses, connections, the pool of each server, and the conversation
//! on one connection. Nothing here knows which server a key belongs to.

pub mod address;
pub mod bell;
pub mod budget;
pub mod connection;
pub mod counts;
pub mod exchange;
pub mod fork;
pub mod opening;
pub mod parcel;
pub mod poll;
pub mod pool;
pub mod resolver;
pub mod results;
pub mod round;
pub mod spare;
pub mod spin;
pub mod stream;
pub mod values;
pub mod wake;
pub mod watch;
