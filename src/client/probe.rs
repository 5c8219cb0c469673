//! One caller's look at a server that was down, before anything is entrusted to it: a connection, and
//! an answered request on it. (A stopped process still accepts connections.)

use std::borrow::Cow;
use std::time::Instant;

use smallvec::{SmallVec, smallvec};

use super::call::Call;
use super::trip::{Interest, Trip};
use crate::error::{Error, Status};
use crate::net::budget::Budget;
use crate::net::poll::Ready;
use crate::net::pool::Grant;
use crate::net::results::Results;
use crate::protocol::{Kind, Operation};

/// What is asked for: whatever speaks the protocol, proxies too, answers a `get`.
const KEY: &[u8] = b"probe";

#[derive(Debug)]
pub struct Probe {
    trip: Trip,
    operations: SmallVec<[Operation<'static>; 2]>,
    answer: Results,
    /// When the server has taken too long.
    until: Instant,
}

impl Probe {
    /// Begins to connect. `None` when every connection is taken: those who use them will see for
    /// themselves.
    pub fn begin<A>(server: u32, call: &mut Call<'_, A>) -> Option<Self> {
        let pool = &call.server(server).pool;
        let slot = match pool.try_checkout(call.now)? {
            Grant::Slot(slot) => slot,
            // From the time before it was down.
            Grant::Lease(lease) => lease.give_up_connection(),
            Grant::Round(_) | Grant::Nothing => return None,
        };
        let mut operations: SmallVec<[_; 2]> = smallvec![Operation::new(Kind::Get, KEY)];
        if call.server(server).flushes_on_return {
            operations.push(Operation {
                server,
                ..Operation::new(Kind::FlushAll, &[])
            });
        }
        let mut answer = Results::new(operations.len(), Budget::UNLIMITED);
        let order = Cow::Borrowed(&[0, 1][..operations.len()]);
        let trip = call.on_behalf(&operations, &mut answer, |own| {
            Trip::connect(slot, server, order, own)
        });
        Some(Self {
            trip,
            operations,
            answer,
            until: call.now + call.config.connect_timeout,
        })
    }

    /// Goes on as far as it can. True when it has ended: the server's health tells how.
    pub fn advance<A>(&mut self, call: &mut Call<'_, A>, ready: Ready) -> bool {
        let is_late = call.now >= self.until && !self.trip.is_done();
        let late = || Error::new(Status::Timeout, "no answer in time");
        if is_late {
            call.server(self.trip.server()).failed(call.now, &late());
        }
        let trip = &mut self.trip;
        call.on_behalf(&self.operations, &mut self.answer, |own| {
            if is_late {
                trip.end(own, late());
            } else {
                trip.advance(own, ready);
            }
        });
        if self.trip.is_done() && call.server(self.trip.server()).flushes_on_return {
            self.returned(call);
        }
        self.trip.is_done()
    }

    /// It may be used again if it is empty now.
    fn returned<A>(&self, call: &Call<'_, A>) {
        let server = call.server(self.trip.server());
        match self.answer.records()[1].status() {
            Status::Ok => server.returned(),
            // Whatever happened to the connection has been counted.
            Status::Rejected | Status::Server => {
                let text = "it refused to be emptied (on_return=flush)";
                server.failed(call.now, &Error::new(Status::Rejected, text));
            }
            _ => {}
        }
    }

    pub fn interest<A>(&self, call: &Call<'_, A>) -> Interest {
        self.trip.interest(&call.with(&self.operations, &mut ()))
    }

    /// When to go on at the latest, even if nothing happens.
    pub fn wake_at(&self) -> Instant {
        self.trip
            .wake_at()
            .map_or(self.until, |at| at.min(self.until))
    }
}
