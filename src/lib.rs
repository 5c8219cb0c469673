//! A memcached client with consistent hashing, exported as a C ABI.

pub mod error;
pub mod placement;
