//! One server's share of a call, from the wait for a connection to the last answer: a state
//! machine that never blocks. It has a connection to itself; or somebody else carries it; or it
//! leads a round that carries others too.

use std::borrow::Cow;
use std::time::Instant;

use super::call::Call;
use super::leading::Leading;
use super::probe::Probe;
use super::trip::{Interest, Trip, closed};
use crate::error::{Error, Status};
use crate::fleet::Admission;
use crate::net::exchange::Answers;
use crate::net::parcel::{Outcome, Parcel, Receipt, Waiter, Waiting};
use crate::net::poll::Ready;
use crate::net::pool::{Checkout, Grant};
use crate::net::results::Results;
use crate::net::round::Round;

#[derive(Debug)]
pub struct Flight {
    server: u32,
    /// Numbers of the operations, in the order they are sent.
    order: Cow<'static, [u32]>,
    stage: Stage,
}

// There is one flight for each server of a call, and it does not move.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Stage {
    Start,
    /// The server was down. First it is to show that it is back.
    Probing(Box<Probe>),
    /// In the queue, or on somebody's connection.
    Waiting(Waiting),
    /// With a connection to itself.
    Alone(Trip),
    /// With others, whose answers it fetches too.
    Leading(Box<Leading>),
    Done,
}

impl Flight {
    pub fn new(server: u32, order: Cow<'static, [u32]>) -> Self {
        Self {
            server,
            order,
            stage: Stage::Start,
        }
    }

    pub fn server(&self) -> u32 {
        self.server
    }

    /// Adds an operation before the flight has begun.
    pub fn push(&mut self, op: u32) {
        self.order.to_mut().push(op);
    }

    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Goes on as far as it can. `ready` is what its socket is ready for.
    pub fn advance<A: Answers>(&mut self, call: &mut Call<'_, A>, ready: Ready) {
        match &mut self.stage {
            Stage::Done => {}
            Stage::Start => self.start(call),
            Stage::Probing(probe) => {
                if probe.advance(call, ready) {
                    self.stage = Stage::Start;
                    self.start(call);
                }
            }
            Stage::Waiting(waiting) => {
                if let Some(outcome) = waiting.outcome() {
                    self.came_to(outcome, call);
                }
            }
            Stage::Alone(trip) => {
                trip.advance(call, ready);
                self.land_if_done(call);
            }
            Stage::Leading(leading) => {
                leading.step(call, |trip, call| trip.advance(call, ready));
                self.end_lead_if_answered(call);
            }
        }
    }

    /// For a flight that is the only one left: waits inside `recv`, or asleep in the queue, for which
    /// no `poll` is needed. False when it does not wait for a reply.
    pub fn wait_for_reply<A: Answers>(&mut self, call: &mut Call<'_, A>) -> bool {
        match &mut self.stage {
            Stage::Alone(trip) => {
                let waited = trip.wait_for_reply(call);
                self.land_if_done(call);
                waited
            }
            Stage::Leading(leading) => {
                let waited = leading.step(call, |trip, call| trip.wait_for_reply(call));
                self.end_lead_if_answered(call);
                waited
            }
            Stage::Waiting(waiting) => {
                let bells = &call.server(self.server).pool.bells;
                let left = call.deadline.saturating_duration_since(call.now);
                if !waiting.sleep(bells, left) {
                    return false;
                }
                call.now = Instant::now();
                self.advance(call, Ready::default());
                true
            }
            Stage::Start | Stage::Probing(_) | Stage::Done => false,
        }
    }

    /// What must happen before [`Flight::advance`] can go on.
    pub fn interest<A>(&self, call: &mut Call<'_, A>) -> Interest {
        match &self.stage {
            Stage::Start | Stage::Done => Interest::Nothing,
            Stage::Probing(probe) => probe.interest(call),
            Stage::Waiting(_) => Interest::Wake,
            Stage::Alone(trip) => trip.interest(call),
            Stage::Leading(leading) => leading.interest(call),
        }
    }

    /// When to go on at the latest, even if nothing happens.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Probing(probe) => Some(probe.wake_at()),
            Stage::Alone(trip) => trip.wake_at(),
            Stage::Leading(leading) => leading.trip.wake_at(),
            _ => None,
        }
    }

    /// The deadline has passed: what has no answer gets none.
    pub fn expire<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        self.look_once_more(call);
        let text = match &self.stage {
            Stage::Done => return,
            Stage::Start => "no connection was free in time",
            Stage::Probing(_) => "the server was down, and did not show in time that it is back",
            Stage::Waiting(waiting) if waiting.is_queued() => "no connection was free in time",
            Stage::Alone(trip) if !trip.is_exchanging() => "no connection in time",
            Stage::Waiting(_) | Stage::Alone(_) | Stage::Leading(_) => "no answer in time",
        };
        self.leave(
            call,
            Error::new(Status::Timeout, text),
            call.counts_timeouts,
        );
    }

    /// The answers, or a connection, may have come at the last moment.
    fn look_once_more<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        let Stage::Waiting(waiting) = &self.stage else {
            return;
        };
        match waiting.outcome() {
            None => {}
            Some(Outcome::Granted(grant @ (Grant::Lease(_) | Grant::Slot(_)))) => {
                // Too late for this caller, not for the next.
                grant.pass_on();
                self.stage = Stage::Start;
            }
            Some(Outcome::Granted(Grant::Round(round))) => self.lead(*round),
            Some(outcome) => self.came_to(outcome, call),
        }
    }

    /// Ends the flight: what has no answer gets `error`.
    pub fn give_up<A: Answers>(&mut self, call: &mut Call<'_, A>, error: Error) {
        self.leave(call, error, false);
    }

    /// `in_vain`: the server had all the time it may take, which speaks against it.
    fn leave<A: Answers>(&mut self, call: &mut Call<'_, A>, error: Error, in_vain: bool) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => {}
            Stage::Start | Stage::Probing(_) => self.fail(call, &error, true),
            Stage::Waiting(waiting) => {
                let unsent = waiting.time_out(in_vain);
                self.fail(call, &error, unsent);
            }
            Stage::Alone(mut trip) => {
                if in_vain {
                    call.server(self.server).failed(call.now, &error);
                }
                trip.end(call, error);
                self.ended(call);
            }
            Stage::Leading(leading) => {
                self.fail(call, &error, false);
                if leading.leave(in_vain) {
                    call.server(self.server).failed(call.now, &error);
                }
            }
        }
    }

    fn start<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        let server = call.server(self.server);
        match server.admit(call.now) {
            Ok(Admission::Go) => {}
            Ok(Admission::Probe) => return self.probe(call),
            Err(down) => return self.refused(call, down),
        }
        let order = &self.order;
        let checkout = server.pool.checkout(call.now, || {
            let operations = order.iter().map(|&op| &call.operations[op as usize]);
            let waiter = if call.waits_for_one {
                Waiter::Asleep(server.pool.bells.place())
            } else {
                Waiter::Awake(call.wake())
            };
            let budget = || call.answers.share_budget();
            Receipt::new(Parcel::pack(operations, budget), waiter)
        });
        match checkout {
            Checkout::Now(grant) => self.granted(grant, call),
            Checkout::Later(waiting) => self.stage = Stage::Waiting(waiting),
        }
    }

    fn probe<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        match Probe::begin(self.server, call) {
            Some(probe) => {
                self.stage = Stage::Probing(Box::new(probe));
                self.advance(call, Ready::default());
            }
            None => {
                let down = call.server(self.server).down();
                self.refused(call, down);
            }
        }
    }

    /// Ends before it has begun: the server is down, unless the client was closed.
    fn refused<A: Answers>(&mut self, call: &mut Call<'_, A>, down: Error) {
        let is_closed = call.server(self.server).pool.is_closed();
        self.stage = Stage::Done;
        let error = if is_closed { closed() } else { down };
        self.fail(call, &error, true);
    }

    fn came_to<A: Answers>(&mut self, outcome: Outcome, call: &mut Call<'_, A>) {
        match outcome {
            Outcome::Granted(grant) => self.granted(grant, call),
            Outcome::Answered(results) => {
                self.stage = Stage::Done;
                self.take(results, call);
            }
        }
    }

    fn granted<A: Answers>(&mut self, grant: Grant, call: &mut Call<'_, A>) {
        match grant {
            Grant::Lease(mut lease) => {
                lease.connection.used = call.now;
                self.stage = Stage::Alone(Trip::on(lease, self.server, self.order.clone()));
                self.advance(call, Ready::default());
            }
            Grant::Slot(slot) => match call.server(self.server).admit_again(call.now) {
                Ok(()) => {
                    let order = self.order.clone();
                    self.stage = Stage::Alone(Trip::connect(slot, self.server, order, call));
                    self.land_if_done(call);
                }
                Err(down) => self.refused(call, down),
            },
            Grant::Round(round) => self.lead(*round),
            Grant::Nothing => {
                let down = call.server(self.server).down();
                self.refused(call, down);
            }
        }
    }

    fn lead(&mut self, round: Round) {
        let (trip, load) = Trip::lead_on(round, self.server);
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Waiting(own) => {
                self.stage = Stage::Leading(Box::new(Leading { trip, load, own }));
            }
            // Only who waits is made a leader.
            _ => drop((trip, load)),
        }
    }

    fn land_if_done<A: Answers>(&mut self, call: &Call<'_, A>) {
        if matches!(&self.stage, Stage::Alone(trip) if trip.is_done()) {
            self.stage = Stage::Done;
            self.ended(call);
        }
    }

    /// Counts what has become of the operations. Those without an answer go elsewhere.
    fn ended<A: Answers>(&self, call: &Call<'_, A>) {
        let ending = |&op: &u32| {
            let status = call.answers.status(op)?;
            Some((call.operations[op as usize].kind, status))
        };
        let endings = self.order.iter().filter_map(ending);
        call.server(self.server).metrics.ended(endings);
    }

    /// A leader with its own answers hands on what is left.
    fn end_lead_if_answered<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        let Stage::Leading(leading) = &self.stage else {
            return;
        };
        let Some(Outcome::Answered(results)) = leading.own.outcome() else {
            return;
        };
        if let Stage::Leading(leading) = std::mem::replace(&mut self.stage, Stage::Done) {
            leading.hand_on();
        }
        self.take(results, call);
    }

    /// Takes over the answers somebody else has fetched.
    fn take<A: Answers>(&self, mut results: Results, call: &mut Call<'_, A>) {
        for (local, &op) in self.order.iter().enumerate() {
            if let Err((error, unsent)) = results.give(local, op, call.answers) {
                call.failed(op, self.server, &error, unsent);
            }
        }
        self.ended(call);
    }

    fn fail<A: Answers>(&self, call: &mut Call<'_, A>, error: &Error, unsent: bool) {
        let error = error.clone().on(&call.server(self.server).identity);
        for &op in self.order.iter() {
            if call.answers.is_pending(op) {
                call.failed(op, self.server, &error, unsent);
            }
        }
        self.ended(call);
    }
}
