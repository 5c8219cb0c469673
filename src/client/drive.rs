//! The caller's thread drives its flights: it steps each as far as it goes, then waits
//! for whichever comes first.

use std::time::{Duration, Instant};

use super::call::Call;
use super::failover;
use super::flight::Flight;
use super::trip::Interest;
use crate::net::exchange::Answers;
use crate::net::poll::{Poll, Ready};
use crate::net::spin::Spin;
use crate::net::wake::{Existed, Sleeper, Wake};

/// How long to wait at a time for what cannot be waited for.
const BLIND: Duration = Duration::from_millis(10);

/// The flights of a call.
struct Flights<'f> {
    first: &'f mut [Flight],
    /// Of operations whose server could not be used.
    diverted: Vec<Flight>,
}

impl Flights<'_> {
    fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.first.iter().chain(&self.diverted)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Flight> {
        self.first.iter_mut().chain(&mut self.diverted)
    }

    fn are_done(&self) -> bool {
        self.iter().all(Flight::is_done)
    }

    /// Sends what is stranded elsewhere, until nothing is.
    fn divert<A: Answers>(&mut self, call: &mut Call<'_, A>) {
        while call.is_stranded() {
            let mut diverted = failover::flights(call);
            call.waits_for_one = diverted.len() == 1 && self.are_done();
            for flight in &mut diverted {
                flight.advance(call, Ready::default());
            }
            self.diverted.extend(diverted);
        }
    }
}

/// Runs flights until each has ended or the deadline has passed.
pub fn run<A: Answers>(call: &mut Call<'_, A>, flights: &mut [Flight]) {
    call.waits_for_one = flights.len() == 1;
    for flight in flights.iter_mut() {
        flight.advance(call, Ready::default());
    }
    let mut flights = Flights {
        first: flights,
        diverted: Vec::new(),
    };
    flights.divert(call);
    let mut poll = Poll::default();
    // The time was read when the call began: a call that needs one reply reads it once.
    let mut is_first = true;
    while !flights.are_done() {
        if !std::mem::take(&mut is_first) {
            call.now = Instant::now();
        }
        if call.now >= call.deadline {
            // No time to go elsewhere.
            call.failover = None;
            return flights.iter_mut().for_each(|flight| flight.expire(call));
        }
        if !wait_for_last(call, &mut flights) {
            wait(call, &mut flights, &mut poll);
        }
        flights.divert(call);
    }
}

/// When only one flight is left, it waits for its reply itself if it can.
fn wait_for_last<A: Answers>(call: &mut Call<'_, A>, flights: &mut Flights<'_>) -> bool {
    let mut left = flights.iter_mut().filter(|flight| !flight.is_done());
    match (left.next(), left.next()) {
        (Some(last), None) => last.wait_for_reply(call),
        _ => false,
    }
}

/// Waits for sockets and rings, then steps every flight.
fn wait<A: Answers>(call: &mut Call<'_, A>, flights: &mut Flights<'_>, poll: &mut Poll) {
    let mut timeout = call.deadline.saturating_duration_since(call.now);
    let (mut rings, mut sockets) = (false, false);
    poll.clear();
    for flight in flights.iter() {
        match flight.interest(call) {
            Interest::Socket(fd, interest) => {
                sockets = true;
                poll.add(fd, interest);
            }
            interest => {
                rings |= interest == Interest::Wake;
                poll.add_nothing();
            }
        }
        if let Some(at) = flight.wake_at() {
            timeout = timeout.min(at.saturating_duration_since(call.now));
        }
    }
    match call.wake.as_deref().filter(|_| rings) {
        Some(Wake::Thread(sleeper)) if !sockets => sleeper.wait(timeout),
        Some(Wake::Thread(sleeper)) => wait_for_either(sleeper, poll, timeout),
        _ => {
            let spin = spin_of(call, flights);
            let found = spin.is_some_and(|spin| look_for_replies(spin, poll, timeout));
            if !found {
                wait_for_sockets(poll, timeout);
            }
            if let Some(spin) = spin {
                spin.replied_after(call.now.elapsed());
            }
        }
    }
    call.now = Instant::now();
    for (place, flight) in flights.iter_mut().enumerate() {
        flight.advance(call, poll.ready(place));
    }
}

/// The first server that is waited for decides whether it pays to spin.
fn spin_of<'a, A>(call: &Call<'a, A>, flights: &Flights<'_>) -> Option<&'a Spin> {
    let first = flights.iter().find(|flight| !flight.is_done())?;
    Some(&call.server(first.server()).spin).filter(|spin| spin.is_on())
}

fn look_for_replies(spin: &Spin, poll: &mut Poll, limit: Duration) -> bool {
    let mut found = false;
    spin.look(Instant::now(), limit, || {
        found = poll.wait(Duration::ZERO).is_ok() && poll.is_any_ready();
        found
    });
    found
}

fn wait_for_either(sleeper: &Sleeper, poll: &mut Poll, timeout: Duration) {
    match sleeper.descriptor() {
        Ok((fd, Existed::Before)) => {
            poll.add(fd, Ready::READABLE);
            wait_for_sockets(poll, timeout);
            sleeper.clear();
        }
        // What rang before there was a descriptor shows in the step that follows.
        Ok((_, Existed::Not)) => {}
        // Out of descriptors: look at both in turn.
        Err(_) => wait_for_sockets(poll, timeout.min(BLIND)),
    }
}

fn wait_for_sockets(poll: &mut Poll, timeout: Duration) {
    if poll.wait(timeout).is_err() {
        // Out of memory in the kernel: look again soon, rather than spin.
        std::thread::sleep(timeout.min(BLIND));
    }
}
