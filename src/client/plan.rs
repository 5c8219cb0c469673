//! Which server gets which operations of a call.

use super::check;
use super::flight::Flight;
use crate::error::{Error, Result, Status};
use crate::fleet::Fleet;
use crate::net::budget::Budget;
use crate::net::exchange::Answers;
use crate::net::parcel::OwnedOperations;
use crate::net::results::Results;
use crate::net::spare::Spare;
use crate::options::Config;
use crate::protocol::{Kind, Operation};

/// Memory for the operations of large batches.
pub static OPERATIONS: Spare<Operation<'static>> = Spare::empty();

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

/// Room for the results of so many operations.
pub fn room(count: usize, budget: Budget) -> Result<Results> {
    if u32::try_from(count).is_err() {
        return Err(Error::new(Status::Argument, "over 2^32 operations"));
    }
    Ok(Results::with_capacity(count, budget))
}

impl<'a> Plan<'a> {
    pub fn owned(self) -> OwnedPlan {
        let operations = OwnedOperations::copy_of(self.operations.iter());
        OPERATIONS.lay_by(self.operations);
        OwnedPlan {
            operations,
            results: self.results,
            flights: self.flights,
        }
    }

    /// An operation that is an error already takes its place in the results, which are empty.
    pub fn new(
        config: &Config,
        fleet: &Fleet,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        results: Results,
    ) -> Self {
        let count = operations.len();
        let servers = fleet.servers.len();
        let mut plan = Self {
            operations: OPERATIONS.with_capacity(count),
            results,
            flights: Vec::with_capacity(servers.min(count)),
        };
        // A fair share, and some more: few orders have to grow.
        let share = count / servers + count / servers / 4 + 4;
        let mut flight_of = vec![usize::MAX; servers];
        for (op, operation) in operations.enumerate() {
            let checked = operation.and_then(|op| check(&op, config, fleet).map(|()| op));
            let operation = match checked {
                Ok(operation) => operation,
                Err(error) => {
                    plan.results.add(None);
                    plan.results.failed(op as u32, &error, true);
                    plan.operations.push(Operation::new(Kind::Get, &[]));
                    continue;
                }
            };
            let index = fleet.server_of(&operation, config);
            plan.operations.push(operation);
            plan.results.add(Some(index as u32));
            if flight_of[index] == usize::MAX {
                flight_of[index] = plan.flights.len();
                let order = Vec::with_capacity(share.min(count));
                plan.flights.push(Flight::new(index as u32, order.into()));
            }
            plan.flights[flight_of[index]].push(op as u32);
        }
        plan
    }
}
