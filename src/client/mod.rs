//! The client: runs operations, one or many, against the fleet.
//!
//! Every call is a batch: its operations are handed to the servers they belong to, each
//! share is a [`flight`], and the calling thread drives all flights at the same time
//! under one deadline. A single operation is a batch of one that needs no memory of its own.

mod call;
mod check;
mod drive;
mod failover;
mod flight;
mod handover;
mod leading;
mod plan;
mod probe;
mod queue;
mod single;
mod trip;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};

pub use self::queue::{Completion, Queue};
pub use self::single::{Single, Target};
use crate::error::{Error, Result, Status};
use crate::fleet::{Explanation, Fleet, Handover, Snapshot, Taken};
use crate::net::budget::Budget;
use crate::net::exchange::Answers;
pub use crate::net::exchange::Details;
pub use crate::net::results::{RECORDS, Record, Results};
pub use crate::net::values::Values;
use crate::options::{Config, Options, Settings, only_settings};
use crate::protocol::{Kind, Operation};
use call::Call;
use check::check;
use failover::Failover;
use flight::Flight;
use plan::Plan;

/// Safe to use from any number of threads at once and across `fork`.
#[derive(Debug)]
pub struct Client {
    config: Config,
    fleet: ArcSwap<Fleet>,
    closed: AtomicBool,
}

impl Client {
    /// A client of the servers in `servers`; none of them needs to be reachable.
    pub fn new(servers: &str, options: &Options) -> Result<Self> {
        let config = Config::new(options)?;
        let fleet = Fleet::new(servers, &config)?;
        Ok(Self {
            config,
            fleet: ArcSwap::from_pointee(fleet),
            closed: AtomicBool::new(false),
        })
    }

    /// Another list of servers, from the next call on; calls under way finish on the old one. A server
    /// that stays, under the same identity and address, keeps its connections and its health.
    pub fn set_servers(&self, servers: &str) -> Result<()> {
        self.change(servers, None)
    }

    /// As [`Client::set_servers`], with another placement: what `options` do not say of it has its
    /// default. An option about anything else is [`Status::Option`].
    pub fn set_fleet(&self, servers: &str, options: &Options) -> Result<()> {
        self.change(servers, Some(&only_settings(options)?))
    }

    fn change(&self, servers: &str, settings: Option<&Settings>) -> Result<()> {
        let mut fleet = self.fleet()?;
        loop {
            let settings = settings.unwrap_or(&fleet.settings);
            let changed = fleet.changed(servers, settings, &self.config, Instant::now())?;
            let found = self.fleet.compare_and_swap(&*fleet, Arc::new(changed));
            if Arc::ptr_eq(&found, &fleet) {
                break;
            }
            // Somebody else has changed it in between: what is kept is kept of theirs.
            fleet = self.fleet()?;
        }
        // Who closes the client meanwhile may have seen the old fleet only.
        if self.closed.load(Ordering::SeqCst) {
            self.close();
        }
        Ok(())
    }

    pub fn server_count(&self) -> usize {
        self.fleet.load().listed
    }

    /// Index of the server a key belongs to. Asks nobody.
    pub fn select_server(&self, key: &[u8]) -> Result<usize> {
        let op = Operation::new(Kind::Get, key);
        let fleet = self.fleet()?;
        check(&op, &self.config, &fleet)?;
        Ok(fleet.server_of(&op, &self.config))
    }

    /// Where an operation on a key goes, and why. Asks nobody. For a single key:
    /// `explain(&Operation::new(Kind::Get, key))`.
    pub fn explain(&self, op: &Operation<'_>) -> Result<Explanation> {
        if op.kind.is_of_server() {
            let text = "the operation is about a server, not a key";
            return Err(Error::new(Status::Argument, text));
        }
        let fleet = self.fleet.load();
        check(op, &self.config, &fleet)?;
        Ok(fleet.explain(op, &self.config))
    }

    /// Identity of each server, in the order of the list.
    pub fn identities(&self) -> Vec<Arc<str>> {
        let fleet = self.fleet.load();
        let servers = fleet.servers[..fleet.listed].iter();
        servers.map(|server| Arc::clone(&server.identity)).collect()
    }

    /// Runs one operation and puts the answer into `single`. `timeout`: zero for the client's.
    pub fn execute_one(&self, op: &Operation<'_>, timeout: Duration, single: &mut Single<'_>) {
        let fleet = match self
            .fleet()
            .and_then(|fleet| check(op, &self.config, &fleet).map(|()| fleet))
        {
            Ok(fleet) => fleet,
            Err(error) => return single.failed(0, &error, true),
        };
        if fleet.handover.is_some() {
            return self.execute_one_moved(&fleet, op, timeout, single);
        }
        let index = fleet.server_of(op, &self.config);
        single.server = Some(index as u32);
        let mut flight = Flight::new(index as u32, Cow::Borrowed(&[0]));
        let operations = std::slice::from_ref(op);
        let mut call = self.call(&fleet, operations, self.span(timeout), single);
        drive::run(&mut call, std::slice::from_mut(&mut flight));
    }

    /// Runs operations, all servers at the same time. An error is about the call as a
    /// whole; what became of each operation is in the results.
    ///
    /// An operation that is an error already takes its place in the results.
    pub fn execute<'a>(
        &self,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        timeout: Duration,
    ) -> Result<Results> {
        let results = self.results(operations.len())?;
        self.execute_in(&*self.fleet()?, operations, timeout, results)
    }

    /// As [`Client::execute`], with free bytes before the values: see [`Results::behind`].
    pub fn execute_behind<'a>(
        &self,
        headroom: usize,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        timeout: Duration,
    ) -> Result<Results> {
        let results = self.results(operations.len())?.behind(headroom)?;
        self.execute_in(&*self.fleet()?, operations, timeout, results)
    }

    fn execute_in<'a>(
        &self,
        fleet: &Fleet,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        timeout: Duration,
        results: Results,
    ) -> Result<Results> {
        let span = self.span(timeout);
        if let Some(handover) = &fleet.handover {
            return self.execute_moved(fleet, handover, operations, span, results);
        }
        Ok(self.run(fleet, operations, span, results))
    }

    /// The operations; those that no server would take are errors.
    fn checked<'a>(
        &self,
        fleet: &Fleet,
        operations: impl Iterator<Item = Result<Operation<'a>>>,
    ) -> Vec<Result<Operation<'a>>> {
        let check = |op| check(&op, &self.config, fleet).map(|()| op);
        operations.map(|op| op.and_then(check)).collect()
    }

    /// Runs operations as they are, until the deadline.
    fn run<'a>(
        &self,
        fleet: &Fleet,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        span: Span,
        results: Results,
    ) -> Results {
        let Plan {
            operations,
            mut results,
            mut flights,
        } = Plan::new(&self.config, fleet, operations, results);
        let mut call = self.call(fleet, &operations, span, &mut results);
        drive::run(&mut call, &mut flights);
        drop(flights);
        plan::OPERATIONS.lay_by(operations);
        results
    }

    /// Room for the results of a batch.
    fn results(&self, count: usize) -> Result<Results> {
        plan::room(count, Budget::new(self.config.max_batch_bytes))
    }

    /// Runs one operation on every server; the results stand in the order of the list.
    pub fn execute_on_all(&self, op: Operation<'_>, timeout: Duration) -> Result<Results> {
        let fleet = self.fleet()?;
        check(&op, &self.config, &fleet)?;
        let on = |server| {
            Ok(Operation {
                server: server as u32,
                ..op
            })
        };
        let count = fleet.listed;
        let span = self.span(timeout);
        if let (Kind::FlushAll, Some(handover)) = (op.kind, &fleet.handover) {
            self.flush_former_owners(&fleet, handover, op, span)?;
        }
        // What a server says of itself is no value.
        let results = plan::room(count, Budget::UNLIMITED)?;
        Ok(self.run(&fleet, (0..count).map(on), span, results))
    }

    /// Closes every connection. Calls that wait end with [`Status::Closed`], as do all later ones.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let fleet = self.fleet.load();
        // In a child there is nothing of ours to close, and the locks may be another thread's.
        if fleet.is_of_this_process() {
            fleet.close();
        }
    }

    /// The fleet as it is now; in a child that inherited the client, one of its own.
    fn fleet(&self) -> Result<Guard<Arc<Fleet>>> {
        let mut fleet = self.fleet.load();
        while !fleet.is_of_this_process() {
            let reborn = Arc::new(fleet.reborn(&self.config)?);
            self.fleet.compare_and_swap(&fleet, reborn);
            fleet = self.fleet.load();
        }
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::new(Status::Closed, "the client was closed"));
        }
        let over = |handover: &Handover| handover.is_over(Instant::now());
        if fleet.handover.as_ref().is_some_and(over) {
            self.fleet
                .compare_and_swap(&*fleet, Arc::new(fleet.settled()));
            return Ok(self.fleet.load());
        }
        Ok(fleet)
    }

    fn call<'a, A>(
        &'a self,
        fleet: &'a Fleet,
        operations: &'a [Operation<'a>],
        span: Span,
        answers: &'a mut A,
    ) -> Call<'a, A> {
        Call {
            fleet,
            config: &self.config,
            operations,
            answers,
            now: span.begin,
            deadline: span.deadline,
            wake: None,
            waits_for_one: false,
            counts_timeouts: span.deadline - span.begin >= self.config.timeout,
            failover: self.config.failover.then(Failover::default),
        }
    }

    /// What is known of each server, in the order of the list.
    pub fn servers(&self) -> Result<Vec<Snapshot>> {
        Ok(self.fleet()?.snapshot())
    }

    /// What is known, in the text format of Prometheus.
    pub fn prometheus(&self) -> Result<String> {
        Ok(self.fleet()?.prometheus())
    }

    /// What has become of the servers since this was last asked.
    pub fn take_events(&self) -> Result<Taken> {
        Ok(self.fleet()?.take_events())
    }

    /// `timeout`: zero for the client's.
    fn span(&self, timeout: Duration) -> Span {
        let begin = Instant::now();
        Span {
            begin,
            deadline: begin + self.config.timeout_or_default(timeout),
        }
    }
}

/// The time a call has.
#[derive(Clone, Copy, Debug)]
struct Span {
    begin: Instant,
    deadline: Instant,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}
