//! How a caller that waits is told that something it cannot poll for has come: a connection
//! another caller gave back, the answer of a resolver, the end of the client.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::OnceLock;
use std::thread::Thread;
use std::time::Duration;

use super::fork::Tracked;

/// Made by the thread that will wait, rung by any other.
#[derive(Debug)]
pub struct Wake {
    thread: Thread,
    /// Made only by a caller that must watch sockets at the same time.
    event: OnceLock<Tracked<File>>,
}

impl Wake {
    pub fn for_this_thread() -> Self {
        Self {
            thread: std::thread::current(),
            event: OnceLock::new(),
        }
    }

    /// Wakes the waiting caller. Never blocks, never fails: a caller that is not waiting
    /// sees what has come before it waits again.
    pub fn ring(&self) {
        self.thread.unpark();
        if let Some(Ok(mut event)) = self.event.get().map(Tracked::get) {
            // Fails only when it rings already.
            let _ = event.write(&1u64.to_ne_bytes());
        }
    }

    /// Waits for a ring. May return early.
    pub fn wait(&self, timeout: Duration) {
        std::thread::park_timeout(timeout);
    }

    /// A descriptor that is readable after a ring. What rang before it existed does not
    /// show on it.
    pub fn descriptor(&self) -> io::Result<(RawFd, Existed)> {
        if let Some(event) = self.event.get() {
            return Ok((event.get()?.as_raw_fd(), Existed::Before));
        }
        let event = Tracked::open(event_fd)?;
        let fd = event.get()?.as_raw_fd();
        // Only the waiting thread comes here, so nobody else has set it.
        let _ = self.event.set(event);
        Ok((fd, Existed::Not))
    }

    /// Takes back the rings so far.
    pub fn clear(&self) {
        if let Some(Ok(mut event)) = self.event.get().map(Tracked::get) {
            let _ = event.read(&mut [0; 8]);
        }
    }
}

/// Whether the descriptor was there before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existed {
    Before,
    Not,
}

fn event_fd() -> io::Result<File> {
    // SAFETY: eventfd takes no pointer; a descriptor it returns belongs to nobody else.
    unsafe {
        let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(fd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_ring_ends_a_wait_and_shows_on_the_descriptor() {
        let wake = Arc::new(Wake::for_this_thread());
        let (fd, _) = wake.descriptor().unwrap();
        let ringer = Arc::clone(&wake);
        std::thread::spawn(move || ringer.ring());
        wake.wait(Duration::from_secs(60));
        let mut poll = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd that lives during the call.
        let ready = |poll: &mut libc::pollfd, ms| unsafe { libc::poll(poll, 1, ms) };
        assert_eq!(ready(&mut poll, 60_000), 1);
        wake.clear();
        assert_eq!(ready(&mut poll, 0), 0);
    }
}
