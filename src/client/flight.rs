//! One server's share of a batch, from the wait for a connection to the last answer: a
//! state machine that never blocks.

use std::borrow::Cow;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::error::{Error, Status};
use crate::fleet::Server;
use crate::net::exchange::{Answers, Exchange, Fault};
use crate::net::opening::{Opened, Opening};
use crate::net::poll::Ready;
use crate::net::pool::{Checkout, Grant, Lease, Slot, Waiting};
use crate::net::stream::Wait;

pub struct Flight<'a> {
    server: &'a Server,
    /// Numbers of the operations, in the order they are sent.
    order: Cow<'a, [u32]>,
    stage: Stage,
    repeated: bool,
}

enum Stage {
    Start,
    Waiting(Waiting),
    Opening(Opening),
    Exchanging(Lease, Exchange),
    Done,
}

/// What a flight waits for.
#[derive(Debug, PartialEq, Eq)]
pub enum Interest {
    Nothing,
    /// A ring of the call's wake.
    Wake,
    Socket(RawFd, Ready),
}

impl<'a> Flight<'a> {
    pub fn new(server: &'a Server, order: Cow<'a, [u32]>) -> Self {
        Self {
            server,
            order,
            stage: Stage::Start,
            repeated: false,
        }
    }

    /// Adds an operation before the flight has begun.
    pub fn push(&mut self, op: u32) {
        self.order.to_mut().push(op);
    }

    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Goes on as far as it can. `ready` is what its socket is ready for.
    pub fn advance<A: Answers>(&mut self, call: &mut Call<'_, A>, mut ready: Ready) {
        loop {
            // What is being worked on is dropped, and a connection so closed, if this panics.
            let stage = std::mem::replace(&mut self.stage, Stage::Done);
            let (next, goes_on) = match stage {
                Stage::Done => return,
                Stage::Start => self.start(call),
                Stage::Waiting(waiting) => match waiting.granted() {
                    Some(grant) => (self.granted(grant, call), true),
                    None => (Stage::Waiting(waiting), false),
                },
                Stage::Opening(opening) => self.open(opening, call, ready.writable),
                Stage::Exchanging(lease, exchange) => {
                    (self.converse(lease, exchange, call, ready), false)
                }
            };
            self.stage = next;
            if !goes_on {
                return;
            }
            ready = Ready::default();
        }
    }

    /// For a flight that is the only one left: waits inside `recv`, for which no `poll` is needed.
    /// False when it does not wait for a reply.
    pub fn wait_for_reply<A: Answers>(&mut self, call: &mut Call<'_, A>) -> bool {
        let script = call.script(self.server, &self.order);
        match &mut self.stage {
            Stage::Exchanging(lease, exchange)
                if !exchange.wants_to_send(&lease.connection, &script) =>
            {
                let stream = &mut lease.connection.stream;
                let left = call.deadline.saturating_duration_since(call.now);
                // A timeout a little off costs less than the system call to set it.
                let set = stream.receive_timeout().unwrap_or_default();
                let near = set >= left / 2 && set <= left + Duration::from_millis(1);
                if !near && stream.set_receive_timeout(left).is_err() {
                    return false;
                }
            }
            _ => return false,
        }
        if let Stage::Exchanging(lease, exchange) = std::mem::replace(&mut self.stage, Stage::Done)
        {
            self.stage = self.receive(lease, exchange, call, Wait::UpToReceiveTimeout);
            // An error while opening anew shows at the next step.
        }
        true
    }

    /// What must happen before [`Flight::advance`] can go on.
    pub fn interest<A>(&self, call: &Call<'_, A>) -> Interest {
        match &self.stage {
            Stage::Start | Stage::Done => Interest::Nothing,
            Stage::Waiting(_) => Interest::Wake,
            Stage::Opening(opening) => match opening.socket() {
                None => Interest::Wake,
                Some(fd) => Interest::Socket(fd, Ready::WRITABLE),
            },
            Stage::Exchanging(lease, exchange) => Interest::Socket(
                lease.connection.stream.fd(),
                Ready {
                    readable: true,
                    writable: exchange
                        .wants_to_send(&lease.connection, &call.script(self.server, &self.order)),
                },
            ),
        }
    }

    /// When to go on at the latest, even if nothing happens.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Opening(opening) => Some(opening.wake_at()),
            _ => None,
        }
    }

    /// The deadline has passed: what has no answer gets none. A connection with a reply
    /// outstanding is closed, so the reply cannot be taken for another's.
    pub fn expire<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        let (text, is_event) = match &stage {
            Stage::Done => return,
            Stage::Start | Stage::Waiting(_) => ("no connection was free in time", false),
            Stage::Opening(_) => ("no connection in time", true),
            Stage::Exchanging(..) => ("no answer in time", true),
        };
        if is_event && call.counts_timeouts {
            self.server.failed(call.now);
        }
        let error = Error::new(Status::Timeout, text);
        match stage {
            Stage::Exchanging(_, exchange) => self.fail(call, error, Some(&exchange)),
            _ => self.fail(call, error, None),
        }
    }

    fn start<A: Answers>(&mut self, call: &mut Call<'_, A>) -> (Stage, bool) {
        if let Err(error) = self.server.admit(call.now) {
            self.fail(call, error, None);
            return (Stage::Done, false);
        }
        match self.server.pool.checkout(call.now, || call.wake()) {
            Checkout::Now(grant) => (self.granted(grant, call), true),
            Checkout::Later(waiting) => (Stage::Waiting(waiting), false),
        }
    }

    fn granted<A: Answers>(&mut self, grant: Grant, call: &mut Call<'_, A>) -> Stage {
        match grant {
            Grant::Lease(lease) => begin(lease),
            Grant::Slot(slot) => match self.server.admit_again(call.now) {
                Ok(()) => self.connect(slot, call),
                Err(error) => {
                    self.fail(call, error, None);
                    Stage::Done
                }
            },
            Grant::Closed => {
                self.fail(call, closed(), None);
                Stage::Done
            }
        }
    }

    fn connect<A: Answers>(&mut self, slot: Slot, call: &mut Call<'_, A>) -> Stage {
        let wake = call.wake();
        let opened = self.server.endpoint.open(slot, call.now, &wake);
        self.opened(opened, call)
    }

    fn open<A: Answers>(
        &mut self,
        opening: Opening,
        call: &mut Call<'_, A>,
        writable: bool,
    ) -> (Stage, bool) {
        let opened = self.server.endpoint.advance(opening, call.now, writable);
        let stage = self.opened(opened, call);
        let goes_on = matches!(stage, Stage::Exchanging(..));
        (stage, goes_on)
    }

    fn opened<A: Answers>(
        &mut self,
        opened: Result<Opened, Error>,
        call: &mut Call<'_, A>,
    ) -> Stage {
        match opened {
            Ok(Opened::Ready(lease)) => begin(lease),
            Ok(Opened::NotYet(opening)) => Stage::Opening(opening),
            Err(error) => {
                if error.status() != Status::Closed {
                    self.server.failed(call.now);
                }
                self.fail(call, error, None);
                Stage::Done
            }
        }
    }

    fn converse<A: Answers>(
        &mut self,
        mut lease: Lease,
        mut exchange: Exchange,
        call: &mut Call<'_, A>,
        ready: Ready,
    ) -> Stage {
        let script = call.script(self.server, &self.order);
        if let Err(fault) = exchange.send(&mut lease.connection, &script, call.answers) {
            return self.broken(lease, exchange, fault, call);
        }
        if exchange.is_done(&script) {
            return self.ended(lease, &exchange, call);
        }
        if !ready.readable {
            return Stage::Exchanging(lease, exchange);
        }
        self.receive(lease, exchange, call, Wait::No)
    }

    fn receive<A: Answers>(
        &mut self,
        mut lease: Lease,
        mut exchange: Exchange,
        call: &mut Call<'_, A>,
        wait: Wait,
    ) -> Stage {
        let script = call.script(self.server, &self.order);
        let received = exchange.receive(&mut lease.connection, &script, call.answers, wait);
        match received {
            Ok(_) if !exchange.is_done(&script) => Stage::Exchanging(lease, exchange),
            Ok(_) => self.ended(lease, &exchange, call),
            Err(fault) => self.broken(lease, exchange, fault, call),
        }
    }

    /// The connection goes back in order. Only an answer says something about the server.
    fn ended<A: Answers>(&self, lease: Lease, exchange: &Exchange, call: &Call<'_, A>) -> Stage {
        if exchange.is_answered() {
            self.server.succeeded();
        }
        lease.give_back(call.now);
        Stage::Done
    }

    /// The connection is of no more use. What is safe to repeat is repeated once.
    fn broken<A: Answers>(
        &mut self,
        lease: Lease,
        exchange: Exchange,
        fault: Fault,
        call: &mut Call<'_, A>,
    ) -> Stage {
        if self.server.pool.is_closed() {
            self.fail(call, closed(), Some(&exchange));
            return Stage::Done;
        }
        if !matches!(fault, Fault::OutOfStep) {
            self.server.failed(call.now);
        }
        let error = match fault {
            Fault::Violation(text) => {
                self.fail(call, Error::new(Status::Protocol, text), Some(&exchange));
                return Stage::Done;
            }
            Fault::Ended => "the server closed the connection".to_owned(),
            Fault::Io(error) => format!("the connection broke: {error}"),
            Fault::OutOfStep => "the server refused a request before this one".to_owned(),
        };
        let error = Error::new(Status::Connection, error).on(&self.server.identity);
        if self.repeated {
            self.fail(call, error, Some(&exchange));
            return Stage::Done;
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
            return Stage::Done;
        }
        self.order = again.iter().map(|&(_, op)| op).collect::<Vec<_>>().into();
        self.order.iter().for_each(|&op| call.answers.reset(op));
        self.connect(lease.give_up_connection(), call)
    }

    /// Gives every operation without an answer this error.
    fn fail<A: Answers>(&self, call: &mut Call<'_, A>, error: Error, sent: Option<&Exchange>) {
        let error = error.on(&self.server.identity);
        let ops: Vec<_> = pending(&self.order, call.answers).collect();
        for (position, op) in ops {
            // What is repeated either was not sent before, or is a read.
            let sent_before = self.repeated && call.operations[op as usize].is_pure_read();
            let unsent = sent.is_none_or(|exchange| exchange.is_unsent(position));
            call.answers.failed(op, &error, unsent && !sent_before);
        }
    }
}

fn begin(mut lease: Lease) -> Stage {
    let exchange = Exchange::new(&mut lease.connection);
    Stage::Exchanging(lease, exchange)
}

fn closed() -> Error {
    Error::new(Status::Closed, "the client was closed")
}

/// Positions and numbers of the operations without an answer.
fn pending<A: Answers>(order: &[u32], answers: &A) -> impl Iterator<Item = (usize, u32)> {
    let all = order.iter().copied().enumerate();
    all.filter(|&(_, op)| answers.is_pending(op))
}
