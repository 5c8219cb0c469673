//! A call that has been submitted.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::client::failover::Failover;
use crate::client::flight::Flight;
use crate::client::handover::{Next, Travel};
use crate::client::plan::Plan;
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::net::parcel::OwnedOperations;
use crate::net::results::Results;
use crate::net::wake::Wake;
use crate::options::Config;
use crate::protocol::Operation;

#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) tag: u64,
    pub(super) fleet: Arc<Fleet>,
    pub(super) operations: OwnedOperations,
    pub(super) results: Results,
    pub(super) flights: Vec<Watched>,
    pub(super) deadline: Instant,
    pub(super) counts_timeouts: bool,
    /// Flights that have not ended.
    pub(super) open: usize,
    pub(super) failover: Option<Failover>,
    /// When keys of it have moved.
    pub(super) travel: Option<Box<Travel>>,
    /// Calls on the fleet before may be under way: this one has not begun.
    pub(super) is_settling: bool,
    /// Why it goes no further.
    pub(super) stopped: Option<Error>,
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) flight: Flight,
    pub(super) wake: Arc<Wake>,
    /// The socket that is being watched.
    pub(super) socket: Option<RawFd>,
    pub(super) alarm: Option<Instant>,
}

impl Submitted {
    /// The call, and the flights it begins with.
    pub(super) fn new<'a>(
        client: &Client,
        fleet: Arc<Fleet>,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        timeout: Duration,
        tag: u64,
        now: Instant,
    ) -> Result<(Self, Vec<Flight>)> {
        let config = &client.config;
        let timeout = config.timeout_or_default(timeout);
        let results = client.results(operations.len())?;
        let (plan, travel) = if fleet.handover.is_some() {
            let checked = client.checked(&fleet, operations);
            let travel = Travel::new(&fleet, config, &checked, now);
            // What travels has its first step when the time for it has come.
            let asked = if travel.is_some() { vec![] } else { checked };
            let plan = Plan::new(config, &fleet, asked.into_iter(), results);
            (plan.owned(), travel)
        } else {
            let plan = Plan::new(config, &fleet, operations, results);
            (plan.owned(), None)
        };
        let submitted = Self {
            tag,
            operations: plan.operations,
            results: plan.results,
            flights: Vec::new(),
            deadline: now + timeout,
            counts_timeouts: timeout >= config.timeout,
            open: 0,
            failover: config.failover.then(Failover::default),
            is_settling: travel.is_some(),
            travel: travel.map(Box::new),
            stopped: None,
            fleet,
        };
        Ok((submitted, plan.flights))
    }

    /// The flights of the first step, if the time for it has come.
    pub(super) fn settle(&mut self, config: &Config, now: Instant) -> Option<Vec<Flight>> {
        let handover = self.fleet.handover.as_ref();
        if handover.is_some_and(|handover| handover.is_settling(now)) {
            return None;
        }
        let plan = self.travel.as_mut()?.first_step(&self.fleet, config).ok()?;
        self.is_settling = false;
        (self.operations, self.results) = (plan.operations, plan.results);
        Some(plan.flights)
    }

    /// True when its flights have ended, and no others are about to begin.
    pub(super) fn is_done(&self) -> bool {
        self.open == 0 && (!self.is_settling || self.stopped.is_some())
    }

    /// What comes after the flights that have ended.
    pub(super) fn next_step(&mut self, config: &Config) -> Next {
        let results = std::mem::take(&mut self.results);
        match (self.travel.take(), &self.stopped) {
            (None, _) => Next::Answers(results),
            (Some(travel), Some(error)) if self.is_settling => Next::Answers(travel.stop(error)),
            (Some(travel), stopped) => {
                let (next, travel) = travel.advance(&self.fleet, config, results, stopped.as_ref());
                self.travel = travel.map(Box::new);
                next
            }
        }
    }
}
