//! What keeps a parent and its child apart after `fork`.
//!
//! Every descriptor of the library is opened and closed under one lock, which
//! `fork` takes first. So a child knows exactly what it inherited, and closes its
//! copies before it does anything else, even if other threads were in the middle of
//! calls. Nothing is sent: the parent's connections go on. Whatever else remembers
//! the descriptors finds that the [`generation`] has changed and lets go of them.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static OPEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());
static HANDLERS: Once = Once::new();

thread_local! {
    /// The lock, held by the thread that forks from before until after.
    static HELD: RefCell<Option<MutexGuard<'static, Vec<RawFd>>>> = const { RefCell::new(None) };
}

/// How many forks lie between the process that loaded the library and this one.
/// A load, no system call.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// A descriptor that belongs to one process. Dropped in a child, it does nothing: the
/// child closed its copy when it was born, and the number may be another file by now.
#[derive(Debug)]
pub struct Tracked<T: AsRawFd> {
    /// `None` only while being dropped.
    inner: Option<T>,
    generation: u64,
}

impl<T: AsRawFd> Tracked<T> {
    /// Opens a descriptor. `open` must not block: `fork` waits for it.
    pub fn open(open: impl FnOnce() -> io::Result<T>) -> io::Result<Self> {
        let mut registry = registry();
        let inner = open()?;
        registry.push(inner.as_raw_fd());
        Ok(Self {
            inner: Some(inner),
            generation: generation(),
        })
    }

    /// The descriptor, or an error in a child that inherited it.
    pub fn get(&self) -> io::Result<&T> {
        match &self.inner {
            Some(inner) if self.generation == generation() => Ok(inner),
            _ => Err(io::Error::from(io::ErrorKind::NotConnected)),
        }
    }
}

impl<T: AsRawFd> Drop for Tracked<T> {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        if self.generation != generation() {
            std::mem::forget(inner);
            return;
        }
        let mut registry = registry();
        let fd = inner.as_raw_fd();
        if let Some(at) = registry.iter().position(|&open| open == fd) {
            registry.swap_remove(at);
        }
        drop(inner);
    }
}

fn registry() -> MutexGuard<'static, Vec<RawFd>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be called before the first descriptor is opened: from then on forks are noticed.
pub fn watch() {
    HANDLERS.call_once(|| {
        // SAFETY: the handlers are functions of this library that live as long as it
        // is loaded (glibc removes them when it is unloaded) and never unwind.
        unsafe {
            libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child));
        }
    });
}

extern "C" fn before() {
    let _ = HELD.try_with(|held| {
        if let Ok(mut held) = held.try_borrow_mut() {
            *held = Some(registry());
        }
    });
}

extern "C" fn after_in_parent() {
    let _ = HELD.try_with(|held| held.try_borrow_mut().map(|mut held| held.take()));
}

extern "C" fn after_in_child() {
    let _ = HELD.try_with(|held| {
        let Some(mut registry) = held.try_borrow_mut().ok().and_then(|mut held| held.take()) else {
            return;
        };
        for &fd in registry.iter() {
            // SAFETY: the descriptor is this process's copy of one the library opened;
            // whoever remembers it sees the new generation and does not touch it.
            unsafe { libc::close(fd) };
        }
        registry.clear();
        GENERATION.fetch_add(1, Ordering::Relaxed);
    });
}
