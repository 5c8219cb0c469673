//! How many connections to one server there have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the connections themselves: each counts its own end, however it comes.
#[derive(Debug, Default)]
pub struct Counts {
    opened: AtomicU64,
    closed: AtomicU64,
    replaced: AtomicU64,
}

impl Counts {
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// How many are open now.
    pub fn open(&self) -> u64 {
        // In this order: one that is opened and closed in between is not counted as closed only.
        let closed = self.closed.load(Ordering::Relaxed);
        self.opened().saturating_sub(closed)
    }

    /// How many had ended, or had bytes on them that nobody asked for, while they were idle.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    pub(super) fn replace(&self) {
        self.replaced.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts one connection for as long as it lives.
#[derive(Debug)]
pub struct Counted(Arc<Counts>);

impl Counted {
    pub(super) fn new(counts: &Arc<Counts>) -> Self {
        counts.opened.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counts))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Ordering::Relaxed);
    }
}
