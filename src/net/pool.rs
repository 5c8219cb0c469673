//! The connections to one server.
//!
//! A caller takes a connection for as long as it has replies outstanding. When all are
//! taken it leaves a ticket, and goes on with what else it has to do: whoever gives a
//! connection back hands it to the first ticket, in the order they came. No lock is held
//! over input or output.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::stream;
use super::wake::Wake;

/// A connection unused for longer is looked at before it is used again. Below that, the
/// system call would cost more than it could save.
const LOOK_AFTER: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct Pool {
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
    idle: Vec<Connection>,
    /// The sockets of all slots, to be shut down when the client is closed.
    sockets: Vec<RawFd>,
    waiting: VecDeque<Arc<Ticket>>,
}

/// What a caller who wants a connection gets.
#[derive(Debug)]
pub enum Grant {
    /// A connection that stands.
    Lease(Lease),
    /// The right to make one.
    Slot(Slot),
    /// The client was closed.
    Closed,
}

/// What [`Pool::checkout`] comes to.
#[derive(Debug)]
pub enum Checkout {
    Now(Grant),
    /// Every connection is taken.
    Later(Waiting),
}

impl Pool {
    pub fn new(limit: usize, idle_close: Option<Duration>) -> Self {
        Self {
            limit,
            idle_close,
            state: Mutex::default(),
        }
    }

    /// A connection, or the right to make one, or `None` when all are taken.
    fn try_checkout(self: &Arc<Self>, now: Instant) -> Option<Grant> {
        let connection = {
            let mut state = self.lock();
            match state.idle.pop() {
                Some(connection) => connection,
                None if state.closed => return Some(Grant::Closed),
                None if state.slots < self.limit => {
                    state.slots += 1;
                    return Some(Grant::Slot(Slot::new(self)));
                }
                None => return None,
            }
        };
        let slot = Slot {
            pool: Some(Arc::clone(self)),
            socket: Some(connection.stream.fd()),
        };
        Some(self.inspect(slot.into_lease(connection), now))
    }

    /// A connection, or the right to make one; when all are taken, a ticket whose grant is announced
    /// by what `wake` returns. It is asked only then.
    pub fn checkout(
        self: &Arc<Self>,
        now: Instant,
        mut wake: impl FnMut() -> Arc<Wake>,
    ) -> Checkout {
        loop {
            if let Some(grant) = self.try_checkout(now) {
                return Checkout::Now(grant);
            }
            let mut state = self.lock();
            // A connection may have come back in between.
            if state.idle.is_empty() && state.slots >= self.limit && !state.closed {
                let ticket = Arc::new(Ticket {
                    state: Mutex::new(TicketState::Waiting),
                    wake: wake(),
                });
                state.waiting.push_back(Arc::clone(&ticket));
                return Checkout::Later(Waiting { ticket });
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
            let idle = std::mem::take(&mut state.idle);
            idle.iter()
                .for_each(|idle| state.forget(Some(idle.stream.fd())));
            state.slots -= idle.len();
            (idle, std::mem::take(&mut state.waiting))
        };
        drop(idle);
        for ticket in waiting {
            // A ticket nobody waits for any more needs no answer.
            let _ = ticket.grant(Grant::Closed);
            ticket.wake.ring();
        }
    }

    /// A connection that was idle for long is used again only if it still stands.
    fn inspect(&self, lease: Lease, now: Instant) -> Grant {
        let idle = now.saturating_duration_since(lease.connection.used);
        let too_old = self.idle_close.is_some_and(|limit| idle >= limit);
        if too_old || (idle > LOOK_AFTER && !lease.connection.is_sound()) {
            return Grant::Slot(lease.give_up_connection());
        }
        Grant::Lease(lease)
    }

    fn put_back(&self, lease: Lease, now: Instant) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return drop(lease);
        }
        let mut lease = lease;
        while let Some(ticket) = state.waiting.pop_front() {
            match ticket.grant(Grant::Lease(lease)) {
                None => return ring(&ticket, state),
                Some(Grant::Lease(refused)) => lease = refused,
                Some(_) => return,
            }
        }
        state.idle.push(lease.into_connection());
        let idle = now.saturating_duration_since(state.idle[0].used);
        if self.idle_close.is_some_and(|limit| idle >= limit) {
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
        while let Some(ticket) = state.waiting.pop_front() {
            state.slots += 1;
            match ticket.grant(Grant::Slot(Slot::new(self))) {
                None => return ring(&ticket, state),
                Some(Grant::Slot(mut refused)) => {
                    refused.pool = None;
                    state.slots -= 1;
                }
                Some(_) => return,
            }
        }
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
}

/// The right to one connection. Dropped, it goes to the next who waits.
#[derive(Debug)]
pub struct Slot {
    /// `None` once the right has been given up.
    pool: Option<Arc<Pool>>,
    socket: Option<RawFd>,
}

impl Slot {
    fn new(pool: &Arc<Pool>) -> Self {
        Self {
            pool: Some(Arc::clone(pool)),
            socket: None,
        }
    }

    /// Names the socket of this slot, so that closing the client ends a wait on it. False
    /// when the client has been closed. `None` before the socket is closed.
    pub fn set_socket(&mut self, socket: Option<RawFd>) -> bool {
        let Some(pool) = &self.pool else {
            return false;
        };
        let mut state = pool.lock();
        state.forget(self.socket);
        state.sockets.extend(socket);
        self.socket = socket;
        !state.closed
    }

    /// The connection this slot was for. Its socket has been named.
    pub fn into_lease(self, connection: Connection) -> Lease {
        Lease {
            slot: self,
            connection,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.free(self.socket.take());
        }
    }
}

/// A connection taken from the pool. Dropped, it is closed: that is how an exchange that
/// was interrupted ends. [`Lease::give_back`] is for one that is in order.
#[derive(Debug)]
pub struct Lease {
    // Before the connection: the socket is off the list before it is closed.
    slot: Slot,
    pub connection: Connection,
}

impl Lease {
    /// Returns a connection without a reply outstanding. `now` is when it was used.
    pub fn give_back(mut self, now: Instant) {
        self.connection.used = now;
        if let Some(pool) = self.slot.pool.clone() {
            pool.put_back(self, now);
        }
    }

    /// Leaves the slot taken: an idle connection holds it.
    fn into_connection(mut self) -> Connection {
        self.slot.pool = None;
        self.connection
    }

    /// Closes the connection and keeps the right to make another.
    pub fn give_up_connection(mut self) -> Slot {
        self.slot.set_socket(None);
        self.slot
    }
}

/// A place in the queue for a connection.
#[derive(Debug)]
struct Ticket {
    state: Mutex<TicketState>,
    wake: Arc<Wake>,
}

#[derive(Debug)]
enum TicketState {
    Waiting,
    Granted(Grant),
    /// Nobody waits any more.
    Abandoned,
}

/// Tells the owner of a ticket that there is a grant, once others may have the pool.
fn ring(ticket: &Ticket, state: MutexGuard<'_, State>) {
    drop(state);
    ticket.wake.ring();
}

impl Ticket {
    /// Hands over a grant, of which the owner is to be told; an abandoned ticket gives it back.
    fn grant(&self, grant: Grant) -> Option<Grant> {
        let mut state = self.lock();
        if matches!(*state, TicketState::Abandoned) {
            return Some(grant);
        }
        *state = TicketState::Granted(grant);
        None
    }

    fn lock(&self) -> MutexGuard<'_, TicketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's half of a ticket. Dropped, the next in the queue gets what it would have got.
#[derive(Debug)]
pub struct Waiting {
    ticket: Arc<Ticket>,
}

impl Waiting {
    /// What was granted, once.
    pub fn granted(&self) -> Option<Grant> {
        let mut state = self.ticket.lock();
        match std::mem::replace(&mut *state, TicketState::Waiting) {
            TicketState::Granted(grant) => Some(grant),
            other => {
                *state = other;
                None
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.ticket.lock(), TicketState::Abandoned);
        // A connection that was just handed over is as good as new.
        if let TicketState::Granted(Grant::Lease(lease)) = state {
            let used = lease.connection.used;
            lease.give_back(used);
        }
    }
}
