//! A call that has been submitted.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::client::failover::Failover;
use crate::client::flight::Flight;
use crate::client::handover::Travel;
use crate::client::plan::Plan;
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::net::parcel::OwnedOperations;
use crate::net::results::Results;
use crate::net::wake::Wake;
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
        let (plan, travel) = if fleet.handover.is_some() {
            let checked = client.checked(&fleet, operations);
            match Travel::new(&fleet, config, &checked, now) {
                Some(mut travel) => (travel.first_step(&fleet, config)?, Some(Box::new(travel))),
                None => (
                    Plan::new(config, &fleet, checked.into_iter())?.owned(),
                    None,
                ),
            }
        } else {
            (Plan::new(config, &fleet, operations)?.owned(), None)
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
            travel,
            stopped: None,
            fleet,
        };
        Ok((submitted, plan.flights))
    }
}
