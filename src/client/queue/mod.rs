//! The completion queue: calls that an event loop drives. The same flights as in a blocking call;
//! what waits for them is one descriptor.

mod submitted;
mod token;

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::submitted::{Submitted, Watched};
use self::token::{SETTLE, SETTLING, WHOLE, token};
use crate::client::Client;
use crate::client::call::Call;
use crate::client::failover;
use crate::client::flight::Flight;
use crate::client::handover::{Next, no_time};
use crate::client::trip::Interest;
use crate::error::{Error, Result, Status};
use crate::fleet::Fleet;
use crate::net::poll::Ready;
use crate::net::results::Results;
use crate::net::wake::Wake;
use crate::net::watch::Watch;
use crate::protocol::Operation;

/// Belongs to one thread at a time.
#[derive(Debug)]
pub struct Queue {
    client: Arc<Client>,
    watch: Watch,
    calls: Vec<Option<Submitted>>,
    /// Places in `calls` that are free.
    free: Vec<u32>,
    finished: VecDeque<Completion>,
    /// When to go on even if nothing happens, and with what.
    alarms: BTreeSet<(Instant, u64)>,
    /// What the watch's timer is set to.
    timer: Option<Instant>,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Completion {
    pub tag: u64,
    pub results: Results,
}

impl Queue {
    pub fn new(client: Arc<Client>) -> Result<Self> {
        client.fleet()?;
        Ok(Self {
            client,
            watch: Watch::new().map_err(|error| no_descriptor(&error))?,
            calls: Vec::new(),
            free: Vec::new(),
            finished: VecDeque::new(),
            alarms: BTreeSet::new(),
            timer: None,
        })
    }

    /// The descriptor to be watched; [`Status::Closed`] in a child that inherited the queue.
    pub fn descriptor(&self) -> Result<RawFd> {
        self.watch.descriptor().map_err(|_| inherited())
    }

    /// Begins a call. `timeout`: zero for the client's.
    pub fn submit<'a>(
        &mut self,
        operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
        timeout: Duration,
        tag: u64,
    ) -> Result<()> {
        self.descriptor()?;
        let fleet: Arc<Fleet> = Arc::clone(&*self.client.fleet()?);
        let now = Instant::now();
        let (submitted, flights) =
            Submitted::new(&self.client, fleet, operations, timeout, tag, now)?;
        let deadline = submitted.deadline;
        let place = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.calls.len() as u32 - 1
        });
        self.calls[place as usize] = Some(submitted);
        self.alarms.insert((deadline, token(place, WHOLE)));
        self.begin(place, flights, now);
        self.settle(place, now);
        self.finish_if_done(place, now);
        self.keep_readable();
        self.set_timer(now)
    }

    /// Begins a call on keys that have moved, once nobody else is about to write where they were.
    fn settle(&mut self, place: u32, now: Instant) {
        let call = self.calls.get_mut(place as usize).and_then(Option::as_mut);
        let Some(call) = call.filter(|call| call.is_settling) else {
            return;
        };
        match call.settle(&self.client.config, now) {
            Some(flights) => self.begin(place, flights, now),
            None => {
                self.alarms.insert((now + SETTLING, token(place, SETTLE)));
            }
        }
    }

    /// Adds flights to a call, and begins them.
    fn begin(&mut self, place: u32, flights: Vec<Flight>, now: Instant) {
        let Some(call) = self.calls.get_mut(place as usize).and_then(Option::as_mut) else {
            return;
        };
        let mailbox = &self.watch.mailbox;
        let wake = |flight| Wake::Mail(Arc::clone(mailbox), token(place, flight));
        let numbers = call.flights.len() as u32..(call.flights.len() + flights.len()) as u32;
        call.open += flights.len();
        (call.flights).extend(
            numbers
                .clone()
                .zip(flights)
                .map(|(number, flight)| Watched {
                    flight,
                    wake: Arc::new(wake(number)),
                    socket: None,
                    alarm: None,
                }),
        );
        for flight in numbers {
            self.step(token(place, flight), now, |flight, call| {
                flight.advance(call, Ready::default());
            });
        }
    }

    /// Goes on with whatever can go on. Never blocks.
    pub fn drive(&mut self) -> Result<()> {
        let events = self.watch.take().map_err(|_| inherited())?;
        let now = Instant::now();
        let mail = events.mail.iter().map(|&token| (token, Ready::default()));
        for (token, ready) in events.sockets.into_iter().chain(mail) {
            self.step(token, now, |flight, call| flight.advance(call, ready));
            self.finish_if_done((token >> 32) as u32, now);
        }
        while let Some(&(at, token)) = self.alarms.first()
            && at <= now
        {
            self.alarms.pop_first();
            self.ring(token, now);
        }
        self.set_timer(now)
    }

    /// The next call that has ended.
    pub fn completed(&mut self) -> Option<Completion> {
        self.finished.pop_front()
    }

    /// The descriptor is readable while there are completions.
    pub fn keep_readable(&self) {
        if !self.finished.is_empty() {
            self.watch.mailbox.put(token(WHOLE, WHOLE));
        }
    }

    /// Ends the calls with this tag: what has no answer gets [`Status::Cancelled`]. Their
    /// completions come with the next drive. False when there is none.
    pub fn cancel(&mut self, tag: u64) -> Result<bool> {
        self.descriptor()?;
        let now = Instant::now();
        let mut found = false;
        for place in 0..self.calls.len() as u32 {
            if self.tag_of(place) == Some(tag) {
                found = true;
                let error = || Error::new(Status::Cancelled, "the call was cancelled");
                self.end(place, now, error);
            }
        }
        self.keep_readable();
        Ok(found)
    }

    fn tag_of(&self, place: u32) -> Option<u64> {
        self.calls
            .get(place as usize)?
            .as_ref()
            .map(|call| call.tag)
    }

    /// An alarm has come: a call's deadline, or the time to try the next address.
    fn ring(&mut self, token: u64, now: Instant) {
        let (place, flight) = ((token >> 32) as u32, token as u32);
        if flight == SETTLE {
            self.settle(place, now);
            return self.finish_if_done(place, now);
        }
        if flight != WHOLE {
            self.step(token, now, |flight, call| {
                flight.advance(call, Ready::default())
            });
            return self.finish_if_done(place, now);
        }
        let call = self.calls.get_mut(place as usize).and_then(Option::as_mut);
        // The place may have another call by now.
        if let Some(call) = call.filter(|call| call.deadline <= now) {
            // No time to go elsewhere.
            call.failover = None;
            call.stopped = Some(no_time());
            self.each_flight(place, now, |flight, call| flight.expire(call));
            self.finish_if_done(place, now);
        }
    }

    fn end(&mut self, place: u32, now: Instant, error: impl Fn() -> Error) {
        if let Some(call) = self.calls.get_mut(place as usize).and_then(Option::as_mut) {
            call.stopped = Some(error());
        }
        self.each_flight(place, now, |flight, call| flight.give_up(call, error()));
        self.finish_if_done(place, now);
    }

    fn each_flight(
        &mut self,
        place: u32,
        now: Instant,
        step: impl Fn(&mut Flight, &mut Call<'_, Results>),
    ) {
        let call = self.calls.get(place as usize).and_then(Option::as_ref);
        for flight in 0..call.map_or(0, |call| call.flights.len()) as u32 {
            self.step(token(place, flight), now, &step);
        }
    }

    /// Takes a step of one flight, then watches what it waits for.
    fn step(
        &mut self,
        token: u64,
        now: Instant,
        step: impl FnOnce(&mut Flight, &mut Call<'_, Results>),
    ) {
        let (place, number) = ((token >> 32) as usize, token as u32 as usize);
        let Some(submitted) = self.calls.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        let Some(watched) = submitted.flights.get_mut(number) else {
            return;
        };
        if watched.flight.is_done() {
            return;
        }
        let mut call = Call {
            fleet: &submitted.fleet,
            config: &self.client.config,
            operations: submitted.operations.as_slice(),
            answers: &mut submitted.results,
            now,
            deadline: submitted.deadline,
            wake: Some(Arc::clone(&watched.wake)),
            waits_for_one: false,
            counts_timeouts: submitted.counts_timeouts,
            failover: submitted.failover.take(),
        };
        step(&mut watched.flight, &mut call);
        let interest = watched.flight.interest(&mut call);
        let socket = match interest {
            Interest::Socket(fd, _) => Some(fd),
            _ => None,
        };
        if let Some(old) = watched.socket.filter(|_| watched.socket != socket) {
            self.watch.forget(old);
        }
        watched.socket = socket;
        if let Interest::Socket(fd, ready) = interest
            && let Err(error) = self.watch.set(fd, token, ready)
        {
            watched.flight.give_up(&mut call, no_descriptor(&error));
        }
        let alarm = watched.flight.wake_at();
        if alarm != watched.alarm {
            watched.alarm = alarm;
            self.alarms.extend(alarm.map(|at| (at, token)));
        }
        submitted.open -= usize::from(watched.flight.is_done());
        let diverted = failover::flights(&mut call);
        submitted.failover = call.failover;
        if !diverted.is_empty() {
            self.begin(place as u32, diverted, now);
        }
    }

    fn finish_if_done(&mut self, place: u32, now: Instant) {
        while let Some(mut call) = self.take_if_done(place) {
            let results = match call.next_step(&self.client.config) {
                Next::Answers(answers) => answers,
                Next::Step(plan) => {
                    (call.operations, call.results) = (plan.operations, plan.results);
                    self.calls[place as usize] = Some(call);
                    self.begin(place, plan.flights, now);
                    continue;
                }
            };
            self.alarms.remove(&(call.deadline, token(place, WHOLE)));
            self.free.push(place);
            let tag = call.tag;
            self.finished.push_back(Completion { tag, results });
        }
    }

    fn take_if_done(&mut self, place: u32) -> Option<Submitted> {
        let slot = self.calls.get_mut(place as usize)?;
        slot.take_if(|call| call.is_done())
    }

    /// Sets the timer, unless it rings soon enough already.
    fn set_timer(&mut self, now: Instant) -> Result<()> {
        let next = self.alarms.first().map(|&(at, _)| at);
        let is_set = self.timer.is_some_and(|timer| timer > now);
        let soon_enough = match (next, self.timer.filter(|_| is_set)) {
            (Some(next), Some(timer)) => timer <= next,
            (next, _) => next.is_none(),
        };
        if !soon_enough {
            let after = next.map(|at| at.saturating_duration_since(now));
            self.watch.set_timer(after).map_err(|_| inherited())?;
            self.timer = next;
        }
        Ok(())
    }

    /// False in a child that inherited the queue: nothing in it may be touched, not even to drop it.
    pub fn is_of_this_process(&self) -> bool {
        self.watch.descriptor().is_ok()
    }
}

fn inherited() -> Error {
    let text = "the queue belongs to the process that made it";
    Error::new(Status::Closed, text)
}

fn no_descriptor(error: &std::io::Error) -> Error {
    Error::new(Status::NoMemory, format!("cannot watch a socket: {error}"))
}
