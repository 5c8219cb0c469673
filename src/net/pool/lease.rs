//! What a caller holds of a pool: the right to a connection, or a connection.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use crate::net::connection::Connection;
use crate::net::counts::Counted;

/// The right to one connection. Dropped, it goes to the next who waits.
#[derive(Debug)]
pub struct Slot {
    /// `None` once the right has been given up.
    pool: Option<Arc<Pool>>,
    socket: Option<RawFd>,
}

impl Slot {
    pub(super) fn new(pool: &Arc<Pool>, socket: Option<RawFd>) -> Self {
        Self {
            pool: Some(Arc::clone(pool)),
            socket,
        }
    }

    /// Lets go of the right without giving it to anybody.
    pub(super) fn forget(mut self) {
        self.pool = None;
    }

    /// Which of the server's addresses, one after the other, a connection made now is to.
    pub fn epoch(&self) -> u64 {
        self.pool.as_ref().map_or(0, |pool| pool.lock().epoch)
    }

    /// The server has moved to another address: the connections made before are closed, each when
    /// nobody uses it any more.
    pub fn begin_epoch(&self) {
        if let Some(pool) = &self.pool {
            pool.begin_epoch();
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
    pub fn into_lease(self, mut connection: Box<Connection>) -> Lease {
        if let Some(pool) = &self.pool {
            let counted = || Counted::new(&pool.counts);
            connection.counted.get_or_insert_with(counted);
        }
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
    pub connection: Box<Connection>,
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
    pub(super) fn into_connection(mut self) -> Box<Connection> {
        self.slot.pool = None;
        self.connection
    }

    /// Closes the connection and keeps the right to make another.
    pub fn give_up_connection(mut self) -> Slot {
        self.slot.set_socket(None);
        self.slot
    }
}
