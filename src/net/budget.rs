//! What the values of a call may come to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result, Status};

/// How many bytes of values a call may bring. Shares of a call that others carry count with it, as
/// long as they are there.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    left: Left,
    /// Through this one.
    taken: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        if let Left::Shared(left) = &self.left {
            left.fetch_add(self.taken, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Left {
    /// Of a call that has everything to itself: most have, and need no memory for it.
    Own(u64),
    Shared(Arc<AtomicU64>),
}

impl Budget {
    pub const UNLIMITED: Self = Self::new(u64::MAX);

    pub const fn new(limit: u64) -> Self {
        Self {
            limit,
            left: Left::Own(limit),
            taken: 0,
        }
    }

    /// The same budget, for a share of the call.
    pub fn share(&mut self) -> Self {
        let left = match &self.left {
            Left::Own(left) => Arc::new(AtomicU64::new(*left)),
            Left::Shared(left) => Arc::clone(left),
        };
        self.left = Left::Shared(Arc::clone(&left));
        Self {
            limit: self.limit,
            left: Left::Shared(left),
            taken: 0,
        }
    }

    /// Takes what a value needs; [`Status::ValueTooLarge`] when less is left.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<()> {
        let needed = len as u64;
        let taken = match &mut self.left {
            Left::Own(left) => left.checked_sub(needed).map(|rest| *left = rest),
            Left::Shared(left) => {
                let rest = |left: u64| left.checked_sub(needed);
                let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest);
                taken.ok().map(|_| ())
            }
        };
        self.taken += taken.map_or(0, |()| needed);
        taken.ok_or_else(|| self.exceeded(len))
    }

    /// Returns what was taken for a value that has gone.
    pub fn put_back(&mut self, len: usize) {
        // Statistics are not counted.
        let returned = self.taken.min(len as u64);
        self.taken -= returned;
        match &mut self.left {
            Left::Own(left) => *left += returned,
            Left::Shared(left) => {
                left.fetch_add(returned, Ordering::Relaxed);
            }
        }
    }

    #[cold]
    fn exceeded(&self, len: usize) -> Error {
        let left = match &self.left {
            Left::Own(left) => *left,
            Left::Shared(left) => left.load(Ordering::Relaxed),
        };
        let limit = self.limit;
        let text = format!("a value of {len} bytes, {left} are left of max_batch_bytes={limit}");
        Error::new(Status::ValueTooLarge, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_later_still_fits() {
        let mut budget = Budget::new(10);
        budget.take(7).unwrap();
        let error = budget.take(4).unwrap_err();
        assert_eq!(error.status(), Status::ValueTooLarge);
        let text = "a value of 4 bytes, 3 are left of max_batch_bytes=10";
        assert_eq!(error.message(), text);
        budget.take(3).unwrap();
        budget.take(0).unwrap();
        assert!(budget.take(1).is_err());
    }

    #[test]
    fn shares_count_together() {
        let mut budget = Budget::new(10);
        budget.take(2).unwrap();
        let mut share = budget.share();
        let mut another = budget.share();
        share.take(5).unwrap();
        assert!(another.take(4).is_err());
        budget.take(3).unwrap();
        assert!(share.take(1).is_err());
        share.put_back(4);
        another.take(4).unwrap();
        assert!(another.take(1).is_err());
        drop(share);
        another.take(1).unwrap();
    }
}
