//! The connections to one server.
//!
//! A caller takes a connection for as long as it has replies outstanding. When all are
//! taken it queues, and goes on with what else it has to do. Whoever gives a connection back
//! serves the queue in the order it came: callers who left parcels share the connection for
//! a [`Round`], one who wants it for itself gets it. No lock is held over input or output.

mod lease;

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::lease::{Lease, Slot};
use crate::net::bell::Bells;
use crate::net::connection::Connection;
use crate::net::counts::Counts;
use crate::net::exchange::Terms;
use crate::net::parcel::{Boarding, Receipt, Waiting};
use crate::net::round::{Load, Round};
use crate::net::stream;

/// A connection unused for longer is looked at before it is used again. Below that, the
/// system call would cost more than it could save.
const LOOK_AFTER: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct Pool {
    pub terms: Terms,
    /// Where callers sleep who wait for this server only.
    pub bells: Arc<Bells>,
    pub counts: Arc<Counts>,
    limit: usize,
    idle_close: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    /// Slots taken: connections in use, idle, or being made.
    slots: usize,
    /// The one used last is used next, so that the others may grow old.
    // Boxed, as it is in a lease: it is large, and handed about.
    #[allow(clippy::vec_box)]
    idle: Vec<Box<Connection>>,
    /// The sockets of all slots, to be shut down when the client is closed.
    sockets: Vec<RawFd>,
    waiting: VecDeque<Arc<Receipt>>,
    /// Grows when the server moves to another address. Two addresses of one name at a time would be
    /// two caches: what was made in an earlier epoch is not used again.
    epoch: u64,
}

/// What a caller who wants a connection gets.
#[derive(Debug)]
pub enum Grant {
    /// A connection that stands.
    Lease(Lease),
    /// The right to make one.
    Slot(Slot),
    /// A connection that has its operations, and others', on it: it is to lead.
    Round(Box<Round>),
    /// The server went down, or the client was closed.
    Nothing,
}

impl Grant {
    /// For a caller that has no use for it any more: others may have.
    pub fn pass_on(self) {
        match self {
            // A connection that was just handed over is as good as new.
            Grant::Lease(lease) => {
                let used = lease.connection.used;
                lease.give_back(used);
            }
            Grant::Round(round) => drop(round.hand_on()),
            Grant::Slot(_) | Grant::Nothing => {}
        }
    }
}

/// What [`Pool::checkout`] comes to.
#[derive(Debug)]
pub enum Checkout {
    Now(Grant),
    /// Every connection is taken.
    Later(Waiting),
}

impl Pool {
    pub fn new(terms: Terms, limit: usize, idle_close: Option<Duration>) -> Self {
        Self {
            terms,
            bells: Arc::default(),
            counts: Arc::default(),
            limit,
            idle_close,
            state: Mutex::default(),
        }
    }

    /// A connection, or the right to make one, or `None` when all are taken.
    pub fn try_checkout(self: &Arc<Self>, now: Instant) -> Option<Grant> {
        let connection = {
            let mut state = self.lock();
            match state.idle.pop() {
                Some(connection) => connection,
                None if state.closed => return Some(Grant::Nothing),
                None if state.slots < self.limit => {
                    state.slots += 1;
                    return Some(Grant::Slot(Slot::new(self, None)));
                }
                None => return None,
            }
        };
        let slot = Slot::new(self, Some(connection.stream.fd()));
        Some(self.inspect(slot.into_lease(connection), now))
    }

    /// A connection, or the right to make one; when all are taken, a place in the queue, with
    /// what `receipt` returns. It is asked only then.
    pub fn checkout(self: &Arc<Self>, now: Instant, receipt: impl FnOnce() -> Receipt) -> Checkout {
        if let Some(grant) = self.try_checkout(now) {
            return Checkout::Now(grant);
        }
        let receipt = Arc::new(receipt());
        loop {
            let mut state = self.lock();
            // A connection may have come back in between.
            if state.idle.is_empty() && state.slots >= self.limit && !state.closed {
                state.waiting.push_back(Arc::clone(&receipt));
                return Checkout::Later(Waiting { receipt });
            }
            drop(state);
            if let Some(grant) = self.try_checkout(now) {
                return Checkout::Now(grant);
            }
        }
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Closes what is idle, and ends every wait: for a reply, for a connection.
    pub fn close(&self) {
        let (idle, waiting) = {
            let mut state = self.lock();
            state.closed = true;
            for &socket in &state.sockets {
                stream::shutdown(socket);
            }
            (state.take_idle(), std::mem::take(&mut state.waiting))
        };
        drop(idle);
        self.turn_away(waiting);
    }

    /// The server went down: closes what is idle, and ends every wait for a connection.
    pub fn go_down(&self) {
        let (idle, waiting) = {
            let mut state = self.lock();
            (state.take_idle(), std::mem::take(&mut state.waiting))
        };
        drop(idle);
        self.turn_away(waiting);
    }

    fn turn_away(&self, waiting: VecDeque<Arc<Receipt>>) {
        for receipt in waiting {
            // One that nobody waits for any more needs no answer.
            let _ = receipt.grant(Grant::Nothing);
            receipt.ring(&self.bells);
        }
    }

    fn begin_epoch(&self) {
        let idle = {
            let mut state = self.lock();
            state.epoch += 1;
            state.take_idle()
        };
        drop(idle);
    }

    /// A connection that was idle for long is used again only if it still stands.
    fn inspect(&self, lease: Lease, now: Instant) -> Grant {
        let idle = now.saturating_duration_since(lease.connection.used);
        if self.idle_close.is_some_and(|limit| idle >= limit) {
            return Grant::Slot(lease.give_up_connection());
        }
        if idle > LOOK_AFTER && !lease.connection.is_sound() {
            self.counts.replace();
            return Grant::Slot(lease.give_up_connection());
        }
        Grant::Lease(lease)
    }

    /// Serves the queue with a connection that has come free, or lays it by.
    fn put_back(self: &Arc<Self>, mut lease: Lease, now: Instant) {
        loop {
            let mut state = self.lock();
            if state.closed || lease.connection.epoch != state.epoch {
                drop(state);
                return drop(lease);
            }
            let Some(first) = state.waiting.pop_front() else {
                return self.lay_by(lease, state, now);
            };
            match first.board() {
                Boarding::Parcel(parcel) => {
                    let mut load = Load::new(Arc::clone(&self.bells));
                    load.add(first, parcel);
                    state.gather(&mut load);
                    self.bells.next_round();
                    drop(state);
                    match Round::begin(lease, load, &self.terms) {
                        // With nobody left to lead it ends here, and the connection with it.
                        Ok(round) => return drop(round.hand_on()),
                        Err(free) => lease = free,
                    }
                }
                Boarding::Alone => match first.grant(Grant::Lease(lease)) {
                    None => return self.ring(&first, state),
                    Some(Grant::Lease(refused)) => lease = refused,
                    Some(_) => return,
                },
                Boarding::GivenUp => {}
            }
        }
    }

    fn lay_by(&self, lease: Lease, mut state: MutexGuard<'_, State>, now: Instant) {
        state.idle.push(lease.into_connection());
        let idle = || now.saturating_duration_since(state.idle[0].used);
        if self.idle_close.is_some_and(|limit| idle() >= limit) {
            let expired = state.idle.remove(0);
            state.forget(Some(expired.stream.fd()));
            state.slots -= 1;
            drop(state);
            drop(expired);
        }
    }

    fn free(self: &Arc<Self>, socket: Option<RawFd>) {
        let mut state = self.lock();
        state.forget(socket);
        state.slots -= 1;
        while let Some(receipt) = state.waiting.pop_front() {
            state.slots += 1;
            match receipt.grant(Grant::Slot(Slot::new(self, None))) {
                None => return self.ring(&receipt, state),
                Some(Grant::Slot(refused)) => {
                    refused.forget();
                    state.slots -= 1;
                }
                Some(_) => return,
            }
        }
    }

    /// Tells the owner of a receipt that there is a grant, once others may have the pool.
    fn ring(&self, receipt: &Receipt, state: MutexGuard<'_, State>) {
        drop(state);
        receipt.ring(&self.bells);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, socket: Option<RawFd>) {
        if let Some(at) = self.sockets.iter().position(|&fd| Some(fd) == socket) {
            self.sockets.swap_remove(at);
        }
    }

    /// The idle connections, to be closed once others may have the pool.
    #[allow(clippy::vec_box)]
    fn take_idle(&mut self) -> Vec<Box<Connection>> {
        let idle = std::mem::take(&mut self.idle);
        for connection in &idle {
            self.forget(Some(connection.stream.fd()));
        }
        self.slots -= idle.len();
        idle
    }

    /// Adds the parcels at the head of the queue.
    fn gather(&mut self, load: &mut Load) {
        while !load.is_full()
            && let Some(next) = self.waiting.front()
        {
            match next.board() {
                Boarding::Parcel(parcel) => load.add(Arc::clone(next), parcel),
                Boarding::GivenUp => {}
                Boarding::Alone => break,
            }
            self.waiting.pop_front();
        }
    }
}
