//! How whoever drives the engine is told that something it cannot poll for has come: a
//! connection another caller gave back, answers another has fetched, the answer of a
//! resolver, the end of the client.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use super::fork::Tracked;

/// Rung by any thread.
#[derive(Debug)]
pub enum Wake {
    /// Of a thread that waits.
    Thread(Sleeper),
    /// Of an event loop, with what is to be looked at.
    Mail(Arc<Mailbox>, u64),
}

impl Wake {
    /// Never blocks, never fails: who is not waiting sees what has come before it waits again.
    pub fn ring(&self) {
        match self {
            Wake::Thread(sleeper) => sleeper.ring(),
            Wake::Mail(mailbox, token) => mailbox.put(*token),
        }
    }
}

/// Made by the thread that will wait.
#[derive(Debug)]
pub struct Sleeper {
    thread: Thread,
    /// Made only by a caller that must watch sockets at the same time.
    event: OnceLock<Tracked<File>>,
}

impl Sleeper {
    pub fn for_this_thread() -> Self {
        Self {
            thread: std::thread::current(),
            event: OnceLock::new(),
        }
    }

    fn ring(&self) {
        self.thread.unpark();
        if let Some(event) = self.event.get() {
            raise(event);
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
        if let Some(event) = self.event.get() {
            lower(event);
        }
    }
}

/// Whether the descriptor was there before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existed {
    Before,
    Not,
}

/// Collects tokens for an event loop; its descriptor is readable while there are any.
#[derive(Debug)]
pub struct Mailbox {
    tokens: Mutex<Vec<u64>>,
    event: Tracked<File>,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            tokens: Mutex::default(),
            event: Tracked::open(event_fd)?,
        })
    }

    pub fn descriptor(&self) -> io::Result<RawFd> {
        Ok(self.event.get()?.as_raw_fd())
    }

    pub fn put(&self, token: u64) {
        let mut tokens = self.lock();
        tokens.push(token);
        if tokens.len() == 1 {
            raise(&self.event);
        }
    }

    /// Takes what has been put into it so far.
    pub fn take(&self) -> Vec<u64> {
        let mut tokens = self.lock();
        if !tokens.is_empty() {
            lower(&self.event);
        }
        std::mem::take(&mut tokens)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn raise(event: &Tracked<File>) {
    if let Ok(mut event) = event.get() {
        // Fails only when it is raised already.
        let _ = event.write(&1u64.to_ne_bytes());
    }
}

fn lower(event: &Tracked<File>) {
    if let Ok(mut event) = event.get() {
        let _ = event.read(&mut [0; 8]);
    }
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

    fn readable(fd: RawFd, ms: i32) -> bool {
        let mut poll = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd that lives during the call.
        unsafe { libc::poll(&mut poll, 1, ms) == 1 }
    }

    #[test]
    fn a_ring_ends_a_wait_and_shows_on_the_descriptor() {
        let sleeper = Arc::new(Sleeper::for_this_thread());
        let (fd, _) = sleeper.descriptor().unwrap();
        let ringer = Arc::clone(&sleeper);
        std::thread::spawn(move || ringer.ring());
        sleeper.wait(Duration::from_secs(60));
        assert!(readable(fd, 60_000));
        sleeper.clear();
        assert!(!readable(fd, 0));
    }

    #[test]
    fn a_mailbox_is_readable_while_it_holds_tokens() {
        let mailbox = Arc::new(Mailbox::new().unwrap());
        let fd = mailbox.descriptor().unwrap();
        for token in [7, 8] {
            Wake::Mail(Arc::clone(&mailbox), token).ring();
        }
        assert!(readable(fd, 0));
        assert_eq!(mailbox.take(), [7, 8]);
        assert!(!readable(fd, 0));
        assert_eq!(mailbox.take(), []);
    }
}
