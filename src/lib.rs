//! A memcached client with consistent hashing, exported as a C ABI.
//!
//! Data flows one way: `ffi → client → fleet → {placement, net → protocol}`;
//! `error` and `options` are leaves that all may use.

pub mod client;
pub mod error;
pub mod ffi;
pub mod fleet;
pub mod net;
pub mod options;
pub mod placement;
pub mod protocol;
