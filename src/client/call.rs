//! What the flights of one call share.

use std::sync::Arc;
use std::time::Instant;

use super::unix_now;
use crate::fleet::Server;
use crate::net::exchange::Script;
use crate::net::wake::Wake;
use crate::options::Config;
use crate::protocol::Operation;

pub struct Call<'a, A> {
    pub config: &'a Config,
    pub operations: &'a [Operation<'a>],
    pub answers: &'a mut A,
    /// Read once for each step; what happens in a step happens at that time.
    pub now: Instant,
    pub deadline: Instant,
    /// Made only when something must be waited for that is no socket.
    pub wake: Option<Arc<Wake>>,
    /// A caller in more of a hurry than `timeout_ms` says nothing about a server's health.
    pub counts_timeouts: bool,
}

impl<'a, A> Call<'a, A> {
    pub fn wake(&mut self) -> Arc<Wake> {
        Arc::clone(
            self.wake
                .get_or_insert_with(|| Arc::new(Wake::for_this_thread())),
        )
    }

    /// What is to be asked of one server.
    pub fn script(&self, server: &'a Server, order: &'a [u32]) -> Script<'a> {
        Script {
            server: &server.identity,
            prefix: &self.config.key_prefix,
            binary_keys: self.config.binary_keys,
            operations: self.operations,
            order,
            max_value_bytes: self.config.max_value_bytes,
            unix_now,
            quiet_failures: &server.quiet_failures,
        }
    }
}
