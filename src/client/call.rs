//! What the flights of one call share.

use std::sync::Arc;
use std::time::Instant;

use super::failover::Failover;
use crate::error::Error;
use crate::fleet::{Fleet, Server};
use crate::net::exchange::{Answers, Script};
use crate::net::wake::{Sleeper, Wake};
use crate::options::Config;
use crate::protocol::Operation;

pub struct Call<'a, A> {
    pub fleet: &'a Fleet,
    pub config: &'a Config,
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
    /// `None` when it is off, and for what is done on behalf of others: they see to it themselves.
    pub failover: Option<Failover>,
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
            config: self.config,
            operations,
            answers,
            now: self.now,
            deadline: self.deadline,
            wake: self.wake.clone(),
            waits_for_one: self.waits_for_one,
            counts_timeouts: self.counts_timeouts,
            failover: None,
        }
    }

    /// As [`Call::with`], for a step. What it has to wait for, this caller waits for.
    pub fn on_behalf<'b, B, T>(
        &mut self,
        operations: &'b [Operation<'b>],
        answers: &'b mut B,
        step: impl FnOnce(&mut Call<'b, B>) -> T,
    ) -> T
    where
        'a: 'b,
    {
        let mut other = self.with(operations, answers);
        let result = step(&mut other);
        (self.wake, self.now) = (other.wake.take(), other.now);
        result
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

impl<A: Answers> Call<'_, A> {
    /// True when operations are to go to another server.
    pub fn is_stranded(&self) -> bool {
        self.failover.as_ref().is_some_and(Failover::is_stranded)
    }

    /// A server gave an operation no answer: it fails, or is to go to another server.
    pub fn failed(&mut self, op: u32, server: u32, error: &Error, unsent: bool) {
        let is_of_server = self.operations[op as usize].is_of_server();
        match &mut self.failover {
            Some(failover) if error.is_unusable() && !is_of_server => {
                failover.strand(op, server, error.clone(), unsent);
            }
            _ => self.answers.failed(op, error, unsent),
        }
    }
}
