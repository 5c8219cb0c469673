//! What the flights of one call share.

use std::sync::Arc;
use std::time::Instant;

use crate::fleet::{Fleet, Server};
use crate::net::exchange::Script;
use crate::net::wake::{Sleeper, Wake};
use crate::protocol::Operation;

pub struct Call<'a, A> {
    pub fleet: &'a Fleet,
    pub operations: &'a [Operation<'a>],
    pub answers: &'a mut A,
    /// Read once for each step; what happens in a step happens at that time.
    pub now: Instant,
    pub deadline: Instant,
    /// Made only when something must be waited for that is no socket.
    pub wake: Option<Arc<Wake>>,
    /// A thread that has one server to wait for, and nothing else.
    pub waits_for_one: bool,
    /// A caller in more of a hurry than `timeout_ms` says nothing about a server's health.
    pub counts_timeouts: bool,
}

impl<'a, A> Call<'a, A> {
    pub fn wake(&mut self) -> Arc<Wake> {
        let wake = || Arc::new(Wake::Thread(Sleeper::for_this_thread()));
        Arc::clone(self.wake.get_or_insert_with(wake))
    }

    pub fn server(&self, index: u32) -> &'a Server {
        &self.fleet.servers[index as usize]
    }

    /// The same caller, on behalf of others.
    pub fn with<'b, B>(&self, operations: &'b [Operation<'b>], answers: &'b mut B) -> Call<'b, B>
    where
        'a: 'b,
    {
        Call {
            fleet: self.fleet,
            operations,
            answers,
            now: self.now,
            deadline: self.deadline,
            wake: self.wake.clone(),
            waits_for_one: self.waits_for_one,
            counts_timeouts: self.counts_timeouts,
        }
    }

    /// What is to be asked of one server.
    pub fn script<'s>(&self, server: &'s Server, order: &'s [u32]) -> Script<'s>
    where
        'a: 's,
    {
        Script {
            terms: &server.pool.terms,
            operations: self.operations,
            order,
        }
    }
}
