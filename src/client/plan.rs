//! Which server gets which operations of a call.

use std::borrow::Cow;

use super::check;
use super::flight::Flight;
use crate::error::{Error, Result, Status};
use crate::fleet::Fleet;
use crate::net::exchange::Answers;
use crate::net::parcel::OwnedOperations;
use crate::net::results::Results;
use crate::options::Config;
use crate::protocol::{Kind, Operation};

pub struct Plan<'a> {
    pub operations: Vec<Operation<'a>>,
    /// What is wrong from the start has its answer already.
    pub results: Results,
    /// One for each server that is asked.
    pub flights: Vec<Flight>,
}

/// A plan that does not borrow from the caller.
pub struct OwnedPlan {
    pub operations: OwnedOperations,
    pub results: Results,
    pub flights: Vec<Flight>,
}

impl<'a> Plan<'a> {
    pub fn owned(self) -> OwnedPlan {
        OwnedPlan {
            operations: OwnedOperations::copy_of(self.operations.iter()),
            results: self.results,
            flights: self.flights,
        }
    }

    /// An operation that is an error already takes its place in the results.
    pub fn new(
        config: &Config,
        fleet: &Fleet,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
    ) -> Result<Self> {
        if u32::try_from(operations.len()).is_err() {
            return Err(Error::new(Status::Argument, "over 2^32 operations"));
        }
        let mut plan = Self {
            operations: Vec::with_capacity(operations.len()),
            results: Results::new(operations.len()),
            flights: Vec::new(),
        };
        let mut flight_of = vec![usize::MAX; fleet.servers.len()];
        for (op, operation) in operations.enumerate() {
            let checked = operation.and_then(|op| check(&op, config, fleet).map(|()| op));
            let operation = match checked {
                Ok(operation) => operation,
                Err(error) => {
                    plan.results.failed(op as u32, &error, true);
                    plan.operations.push(Operation::new(Kind::Get, &[]));
                    continue;
                }
            };
            plan.operations.push(operation);
            let index = fleet.server_of(&operation, config);
            plan.results.set_server(op as u32, index as u32);
            if flight_of[index] == usize::MAX {
                flight_of[index] = plan.flights.len();
                let flight = Flight::new(index as u32, Cow::Owned(Vec::new()));
                plan.flights.push(flight);
            }
            plan.flights[flight_of[index]].push(op as u32);
        }
        Ok(plan)
    }
}
