//! Memory that one large batch leaves to the next. What a large block of memory costs is not to fill
//! it, but to get it from the system, page by page, again and again.

use std::sync::Mutex;

/// Below that, an allocator is fast by itself.
pub const KEPT_MIN: usize = 64 * 1024;

/// More than that is not kept.
pub const KEPT_MAX: usize = 4 << 20;

/// At most one block of each kind of content, for all clients of the process.
// Never waited for: another thread may have it, and in a child one that is not there.
#[derive(Debug)]
pub struct Spare<T>(Mutex<Vec<T>>);

impl<T> Spare<T> {
    pub const fn empty() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// An empty vector, with what memory is kept.
    pub fn take(&self) -> Vec<T> {
        let kept = self.0.try_lock();
        kept.map_or_else(|_| Vec::new(), |mut kept| std::mem::take(&mut *kept))
    }

    /// An empty vector, with room for so many.
    pub fn with_capacity(&self, count: usize) -> Vec<T> {
        let is_large = count.saturating_mul(size_of::<T>()) >= KEPT_MIN;
        let mut empty = if is_large { self.take() } else { Vec::new() };
        empty.reserve_exact(count);
        empty
    }

    /// Keeps the memory of what is not needed any more. `U` has the size of `T`, or the memory is freed.
    pub fn lay_by<U>(&self, mut used: Vec<U>) {
        let size = used.capacity() * size_of::<U>();
        if !(KEPT_MIN..=KEPT_MAX).contains(&size) {
            return;
        }
        used.clear();
        // Of none of them, in the same memory.
        let empty: Vec<T> = used.into_iter().map(|_| unreachable!()).collect();
        if let Ok(mut kept) = self.0.try_lock()
            && kept.capacity() < empty.capacity()
        {
            *kept = empty;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_up_to_a_limit() {
        let spare = Spare::<[u64; 2]>::empty();
        let mut used: Vec<[i64; 2]> = Vec::with_capacity(KEPT_MIN);
        used.push([1, 2]);
        let place = used.as_ptr().cast::<u8>();
        spare.lay_by(used);
        let again = spare.with_capacity(KEPT_MIN);
        assert!(again.is_empty());
        assert_eq!(again.as_ptr().cast::<u8>(), place);
        // Meanwhile others have their own.
        let other = spare.with_capacity(KEPT_MIN);
        assert_ne!(other.as_ptr().cast::<u8>(), place);
        spare.lay_by(vec![0u8; KEPT_MAX + 1]);
        spare.lay_by(vec![0u8; KEPT_MIN - 1]);
        assert_eq!(spare.0.lock().unwrap().capacity(), 0);
    }
}
