//! Waiting for several sockets at once.

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// Sockets to wait for, and what each is ready for.
#[derive(Debug, Default)]
pub struct Poll {
    entries: Vec<libc::pollfd>,
}

/// What a socket is ready for. An error or an end shows as both: the next system call tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    pub readable: bool,
    pub writable: bool,
}

impl Ready {
    pub const READABLE: Ready = Ready {
        readable: true,
        writable: false,
    };
    pub const WRITABLE: Ready = Ready {
        readable: false,
        writable: true,
    };

    fn events(self) -> i16 {
        let read = if self.readable { libc::POLLIN } else { 0 };
        let write = if self.writable { libc::POLLOUT } else { 0 };
        read | write
    }
}

impl Poll {
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Adds a socket and says what it is waited for.
    pub fn add(&mut self, fd: RawFd, interest: Ready) {
        self.entries.push(libc::pollfd {
            fd,
            events: interest.events(),
            revents: 0,
        });
    }

    /// Adds a place that nothing is waited for at.
    pub fn add_nothing(&mut self) {
        // The kernel passes over negative numbers.
        self.add(-1, Ready::default());
    }

    /// Waits until a socket is ready or the time is over. May return early.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = libc::timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let (entries, count) = (self.entries.as_mut_ptr(), self.entries.len());
        // SAFETY: the entries and the time live during the call; no signal mask is given.
        let ready =
            unsafe { libc::ppoll(entries, count as libc::nfds_t, &timeout, std::ptr::null()) };
        if ready >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        self.entries.iter_mut().for_each(|entry| entry.revents = 0);
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }
    }

    pub fn is_any_ready(&self) -> bool {
        self.entries.iter().any(|entry| entry.revents != 0)
    }

    /// What the socket added at this place is ready for.
    pub fn ready(&self, place: usize) -> Ready {
        let revents = self.entries[place].revents;
        let broken = revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0;
        Ready {
            readable: broken || revents & libc::POLLIN != 0,
            writable: broken || revents & libc::POLLOUT != 0,
        }
    }
}
