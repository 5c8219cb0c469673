//! A conversation with one server, from the right to a connection to the last answer, with the
//! repetition of what may be repeated: a state machine that never blocks.

use std::borrow::Cow;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::error::{Error, Status};
use crate::net::exchange::{Answers, Exchange, Fault};
use crate::net::opening::{Opened, Opening};
use crate::net::poll::Ready;
use crate::net::pool::{Lease, Slot};
use crate::net::round::{Load, Round};
use crate::net::stream::Wait;

#[derive(Debug)]
pub struct Trip {
    server: u32,
    /// Numbers of the operations, in the order they are sent.
    order: Cow<'static, [u32]>,
    stage: Stage,
    repeated: bool,
}

#[derive(Debug)]
enum Stage {
    /// `None` only while it goes on.
    Opening(Option<Opening>),
    Exchanging(Lease, Exchange),
    Done,
}

/// What must happen before a state machine can go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Interest {
    Nothing,
    /// A ring of the call's wake.
    Wake,
    Socket(RawFd, Ready),
}

impl Trip {
    /// On a connection that stands.
    pub fn on(mut lease: Lease, server: u32, order: Cow<'static, [u32]>) -> Self {
        let exchange = Exchange::new(&mut lease.connection);
        Self {
            server,
            order,
            stage: Stage::Exchanging(lease, exchange),
            repeated: false,
        }
    }

    /// On a connection still to be made.
    pub fn connect<A: Answers>(
        slot: Slot,
        server: u32,
        order: Cow<'static, [u32]>,
        call: &mut Call<'_, A>,
    ) -> Self {
        let mut trip = Self {
            server,
            order,
            stage: Stage::Done,
            repeated: false,
        };
        trip.open(slot, call);
        trip
    }

    /// Takes up a conversation where its leader left it.
    pub fn lead_on(round: Round, server: u32) -> (Self, Load) {
        let trip = Self {
            server,
            order: round.order.into(),
            stage: Stage::Exchanging(round.lease, round.exchange),
            repeated: round.repeated,
        };
        (trip, round.load)
    }

    /// For another to lead on; `None` when nothing is under way that could be handed over.
    pub fn into_round(self, load: Load) -> Option<Box<Round>> {
        let Stage::Exchanging(lease, exchange) = self.stage else {
            return None;
        };
        Some(Box::new(Round {
            lease,
            exchange,
            order: self.order.into_owned(),
            repeated: self.repeated,
            load,
        }))
    }

    pub fn server(&self) -> u32 {
        self.server
    }

    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// True while a request is under way.
    pub fn is_exchanging(&self) -> bool {
        matches!(self.stage, Stage::Exchanging(..))
    }

    /// Goes on as far as it can. `ready` is what its socket is ready for.
    pub fn advance<A: Answers>(&mut self, call: &mut Call<'_, A>, ready: Ready) {
        if let Stage::Opening(opening) = &mut self.stage
            && let Some(opening) = opening.take()
        {
            let endpoint = &call.server(self.server).endpoint;
            let opened = endpoint.advance(opening, call.now, ready.writable);
            self.opened(opened, call);
            return self.advance_if_opened(call);
        }
        self.converse(call, ready.readable.then_some(Wait::No));
    }

    /// A connection that has just been made is used at once.
    fn advance_if_opened<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        if self.is_exchanging() {
            self.converse(call, None);
        }
    }

    /// For a trip that is all its caller waits for: waits inside `recv`, for which no `poll` is
    /// needed. False when it does not wait for a reply.
    pub fn wait_for_reply<A: Answers>(&mut self, call: &mut Call<'_, A>) -> bool {
        let script = call.script(call.server(self.server), &self.order);
        match &mut self.stage {
            Stage::Exchanging(lease, exchange)
                if !exchange.wants_to_send(&lease.connection, &script) =>
            {
                let stream = &mut lease.connection.stream;
                let left = call.deadline.saturating_duration_since(call.now);
                // The kernel's timer for it may be late by an eighth. If nothing has come then, the
                // rest is waited for.
                let wanted = left / 8 * 7;
                // A timeout a little off costs less than the system call to set it.
                let set = stream.receive_timeout().unwrap_or_default();
                let near = set >= left / 2 && set <= wanted + Duration::from_millis(1);
                if !near && stream.set_receive_timeout(wanted).is_err() {
                    return false;
                }
            }
            _ => return false,
        }
        let spin = &call.server(self.server).spin;
        if !spin.is_on() {
            self.converse(call, Some(Wait::UpToReceiveTimeout));
            return true;
        }
        let start = Instant::now();
        let mut found = false;
        let left = call.deadline.saturating_duration_since(start);
        spin.look(start, left, || {
            found = self.converse(call, Some(Wait::No));
            found
        });
        if !found {
            self.converse(call, Some(Wait::UpToReceiveTimeout));
        }
        spin.replied_after(start.elapsed());
        true
    }

    pub fn interest<A>(&self, call: &Call<'_, A>) -> Interest {
        match &self.stage {
            Stage::Done | Stage::Opening(None) => Interest::Nothing,
            Stage::Opening(Some(opening)) => match opening.socket() {
                None => Interest::Wake,
                Some(fd) => Interest::Socket(fd, Ready::WRITABLE),
            },
            Stage::Exchanging(lease, exchange) => {
                let script = call.script(call.server(self.server), &self.order);
                let ready = Ready {
                    readable: true,
                    writable: exchange.wants_to_send(&lease.connection, &script),
                };
                Interest::Socket(lease.connection.stream.fd(), ready)
            }
        }
    }

    /// When to go on at the latest, even if nothing happens.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Opening(Some(opening)) => Some(opening.wake_at()),
            _ => None,
        }
    }

    /// Ends here: what has no answer gets `error`. A connection with a reply outstanding is
    /// closed, so the reply cannot be taken for another's.
    pub fn end<A: Answers>(&mut self, call: &mut Call<'_, A>, error: Error) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        match &stage {
            Stage::Done => {}
            Stage::Opening(_) => self.fail(call, error, None),
            Stage::Exchanging(_, exchange) => self.fail(call, error, Some(exchange)),
        }
    }

    fn open<A: Answers>(&mut self, slot: Slot, call: &mut Call<'_, A>) {
        let wake = call.wake();
        let endpoint = &call.server(self.server).endpoint;
        let opened = endpoint.open(slot, call.now, &wake);
        self.opened(opened, call);
        self.advance_if_opened(call);
    }

    fn opened<A: Answers>(&mut self, opened: Result<Opened, Error>, call: &mut Call<'_, A>) {
        self.stage = match opened {
            Ok(Opened::Ready(mut lease)) => {
                let exchange = Exchange::new(&mut lease.connection);
                Stage::Exchanging(lease, exchange)
            }
            Ok(Opened::NotYet(opening)) => Stage::Opening(Some(opening)),
            Err(error) => {
                // What this machine cannot do says nothing about the server.
                let unusable = !matches!(error.status(), Status::Closed | Status::NoMemory);
                if unusable {
                    call.server(self.server).unusable(call.now, &error);
                }
                self.fail(call, error.unusable(unusable), None);
                Stage::Done
            }
        };
    }

    /// Sends what can be sent, and receives if told how. False when nothing has come.
    fn converse<A: Answers>(&mut self, call: &mut Call<'_, A>, receive: Option<Wait>) -> bool {
        let Stage::Exchanging(lease, exchange) = &mut self.stage else {
            return false;
        };
        let server = call.server(self.server);
        let script = call.script(server, &self.order);
        let connection = &mut *lease.connection;
        let mut result = exchange
            .send(connection, &script, call.answers)
            .map(|()| false);
        // What needs no reply is over once it is sent.
        let waits = result.is_ok() && !exchange.is_done(&script);
        if let Some(wait) = receive.filter(|_| waits) {
            result = exchange.receive(connection, &script, call.answers, wait);
        }
        match result {
            Ok(received) if !exchange.is_done(&script) => return received,
            Ok(_) => {
                // The step may have waited.
                let now = Instant::now();
                // Only an answer says something about the server.
                if exchange.is_answered() {
                    server.succeeded();
                    let took = now.saturating_duration_since(connection.used);
                    server.metrics.answered_within(took);
                }
                if let Stage::Exchanging(lease, _) = std::mem::replace(&mut self.stage, Stage::Done)
                {
                    lease.give_back(now);
                }
            }
            Err(fault) => {
                if let Stage::Exchanging(lease, exchange) =
                    std::mem::replace(&mut self.stage, Stage::Done)
                {
                    self.broken(lease, &exchange, fault, call);
                }
            }
        }
        true
    }

    /// The connection is of no more use. What is safe to repeat is repeated once.
    fn broken<A: Answers>(
        &mut self,
        lease: Lease,
        exchange: &Exchange,
        fault: Fault,
        call: &mut Call<'_, A>,
    ) {
        let server = call.server(self.server);
        if server.pool.is_closed() {
            return self.fail(call, closed(), Some(exchange));
        }
        let error = fault.to_error().on(&server.identity);
        if !matches!(fault, Fault::OutOfStep) {
            server.failed(call.now, &error);
        }
        if self.repeated || matches!(fault, Fault::Violation(_)) {
            return self.fail(call, error, Some(exchange));
        }
        self.repeated = true;
        let repeatable = |&(position, op): &(usize, u32)| {
            exchange.is_unsent(position) || call.operations[op as usize].is_pure_read()
        };
        let (again, lost): (Vec<_>, Vec<_>) =
            pending(&self.order, call.answers).partition(repeatable);
        for (_, op) in lost {
            call.answers.failed(op, &error, false);
        }
        if again.is_empty() {
            return;
        }
        self.order = again.iter().map(|&(_, op)| op).collect::<Vec<_>>().into();
        self.order.iter().for_each(|&op| call.answers.reset(op));
        self.open(lease.give_up_connection(), call);
    }

    /// Gives every operation without an answer this error.
    fn fail<A: Answers>(&self, call: &mut Call<'_, A>, error: Error, sent: Option<&Exchange>) {
        let error = error.on(&call.server(self.server).identity);
        let ops: Vec<_> = pending(&self.order, call.answers).collect();
        for (position, op) in ops {
            // What is repeated either was not sent before, or is a read.
            let sent_before = self.repeated && call.operations[op as usize].is_pure_read();
            let unsent = sent.is_none_or(|exchange| exchange.is_unsent(position));
            call.failed(op, self.server, &error, unsent && !sent_before);
        }
    }
}

pub fn closed() -> Error {
    Error::new(Status::Closed, "the client was closed")
}

/// Positions and numbers of the operations without an answer.
fn pending<A: Answers>(order: &[u32], answers: &A) -> impl Iterator<Item = (usize, u32)> {
    let all = order.iter().copied().enumerate();
    all.filter(|&(_, op)| answers.is_pending(op))
}
