//! Wakes many sleeping callers with one system call.
//!
//! Callers whose parcels are answered together are woken together: waking them one by one would
//! cost a system call each, and each woken thread would push its waker off the core.
//! A bell is a futex(2) on which callers sleep until it is rung for their bit.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

/// Rounds that may be under way at a time before two share a bell: then some wake for nothing.
const BELLS: usize = 16;

/// The bells of one server.
#[derive(Debug, Default)]
pub struct Bells {
    bells: [Bell; BELLS],
    /// Counts the rounds: callers who queue between two of them share a bell.
    round: AtomicU32,
    /// Counts the callers, for their bits.
    callers: AtomicU32,
}

#[derive(Debug, Default)]
struct Bell {
    /// Changes with each ring.
    rings: AtomicU32,
    sleepers: AtomicU32,
}

/// Where one caller sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    bell: usize,
    bit: u32,
}

impl Bells {
    /// A place for a caller who is about to queue.
    pub fn place(&self) -> Place {
        Place {
            bell: self.round.load(Relaxed) as usize % BELLS,
            bit: 1 << (self.callers.fetch_add(1, Relaxed) % u32::BITS),
        }
    }

    /// Who queues from now on belongs to another round.
    pub fn next_round(&self) {
        self.round.fetch_add(1, Relaxed);
    }

    /// Sleeps until the bell is rung, unless `is_over` says that it was before. May return early.
    pub fn sleep(&self, place: Place, timeout: Duration, is_over: impl FnOnce() -> bool) {
        let bell = &self.bells[place.bell];
        bell.sleepers.fetch_add(1, SeqCst);
        let rings = bell.rings.load(SeqCst);
        if !is_over() {
            wait(&bell.rings, rings, place.bit, timeout);
        }
        bell.sleepers.fetch_sub(1, SeqCst);
    }

    /// Wakes these callers, and perhaps others. What they wait for must have been written.
    pub fn ring(&self, places: impl IntoIterator<Item = Place>) {
        let mut bits = [0; BELLS];
        for place in places {
            bits[place.bell] |= place.bit;
        }
        for (bell, &bits) in self.bells.iter().zip(&bits) {
            if bits != 0 {
                bell.rings.fetch_add(1, SeqCst);
                if bell.sleepers.load(SeqCst) > 0 {
                    wake(&bell.rings, bits);
                }
            }
        }
    }
}

fn wait(word: &AtomicU32, value: u32, bits: u32, timeout: Duration) {
    let end = deadline(timeout);
    // SAFETY: the word and the time live during the call. An error (EAGAIN, EINTR, ETIMEDOUT) means
    // that the wait is over, which the caller looks into.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            value,
            &raw const end,
            std::ptr::null::<u32>(),
            bits,
        );
    }
}

fn wake(word: &AtomicU32, bits: u32) {
    // SAFETY: the word lives during the call.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE_BITSET | libc::FUTEX_PRIVATE_FLAG,
            i32::MAX,
            std::ptr::null::<libc::timespec>(),
            std::ptr::null::<u32>(),
            bits,
        );
    }
}

/// FUTEX_WAIT_BITSET takes a point in time, of the monotonic clock.
fn deadline(timeout: Duration) -> libc::timespec {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the time, which lives during the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let nanos = now.tv_nsec + i64::from(timeout.subsec_nanos());
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX / 2);
    libc::timespec {
        tv_sec: now.tv_sec.saturating_add(seconds) + nanos / 1_000_000_000,
        tv_nsec: nanos % 1_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_ring_wakes_those_it_is_meant_for() {
        let bells = Bells::default();
        let over = AtomicBool::new(false);
        let places: Vec<_> = (0..8).map(|_| bells.place()).collect();
        let start = Instant::now();
        std::thread::scope(|scope| {
            for &place in &places {
                let (bells, over) = (&bells, &over);
                scope.spawn(move || {
                    while !over.load(SeqCst) {
                        bells.sleep(place, LONG, || over.load(SeqCst));
                    }
                });
            }
            while bells.bells[0].sleepers.load(SeqCst) < 8 {
                std::thread::yield_now();
            }
            over.store(true, SeqCst);
            bells.ring(places.iter().copied());
        });
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_ring_before_the_sleep_is_not_missed() {
        let bells = Bells::default();
        let place = bells.place();
        let start = Instant::now();
        bells.sleep(place, LONG, || {
            bells.ring([place]);
            false
        });
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_sleep_ends_in_time() {
        let bells = Bells::default();
        let start = Instant::now();
        bells.sleep(bells.place(), Duration::from_millis(20), || false);
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn callers_of_the_next_round_have_another_bell() {
        let bells = Bells::default();
        let first = bells.place();
        bells.next_round();
        assert_ne!(first.bell, bells.place().bell);
        assert_ne!(first.bit, bells.place().bit);
    }
}
