//! What happens, within a call, to operations whose server cannot be used: each goes to the next
//! server its placement names.

use std::borrow::Cow;

use super::call::Call;
use super::flight::Flight;
use crate::error::Error;
use crate::net::exchange::Answers;

/// Only of a call with failover on.
#[derive(Debug, Default)]
pub struct Failover {
    /// Servers the call could not use: down, or not to be connected.
    avoided: Vec<u32>,
    stranded: Vec<Stranded>,
}

/// An operation that has not found its server yet.
#[derive(Debug)]
struct Stranded {
    op: u32,
    /// Whose place another takes.
    server: u32,
    /// Why not: its answer, should there be no other server.
    error: Error,
    unsent: bool,
}

impl Failover {
    pub fn is_stranded(&self) -> bool {
        !self.stranded.is_empty()
    }

    pub fn strand(&mut self, op: u32, server: u32, error: Error, unsent: bool) {
        if !self.avoided.contains(&server) {
            self.avoided.push(server);
        }
        self.stranded.push(Stranded {
            op,
            server,
            error,
            unsent,
        });
    }
}

/// Flights to the servers that come next, not yet begun. An operation for which there is none fails.
pub fn flights<A: Answers>(call: &mut Call<'_, A>) -> Vec<Flight> {
    let mut flights: Vec<Flight> = Vec::new();
    let Some(failover) = &mut call.failover else {
        return flights;
    };
    for stranded in std::mem::take(&mut failover.stranded) {
        let operation = &call.operations[stranded.op as usize];
        let metrics = &call.fleet.servers[stranded.server as usize].metrics;
        let avoided = |server: usize| failover.avoided.contains(&(server as u32));
        let Some(next) = call.fleet.next_server(operation, call.config, avoided) else {
            (call.answers).failed(stranded.op, &stranded.error, stranded.unsent);
            metrics.ended(std::iter::once((operation.kind, stranded.error.status())));
            continue;
        };
        metrics.failed_over();
        let next = next as u32;
        call.answers.set_server(stranded.op, next);
        match flights.iter_mut().find(|flight| flight.server() == next) {
            Some(flight) => flight.push(stranded.op),
            None => flights.push(Flight::new(next, Cow::Owned(vec![stranded.op]))),
        }
    }
    flights
}
