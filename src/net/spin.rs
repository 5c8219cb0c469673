//! Looking for a reply for a short while before going to sleep: a sleep and the wake-up out
//! of it are most of a call's time on a fast network. It pays only while the server answers
//! within the bound and nobody else wants the core, so both are watched.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Threads of this process that spin now.
static SPINNING: AtomicUsize = AtomicUsize::new(0);

/// A gap between two looks that only another thread on the core explains.
const GAP: Duration = Duration::from_micros(200);

/// So many calls go by without spinning after such a gap; twice as many after the next.
const REST_MIN: u32 = 64;
const REST_MAX: u32 = 8192;

/// What is known of one server's replies.
#[derive(Debug)]
pub struct Spin {
    bound: Duration,
    /// Mean of the last few reply times, in nanoseconds; newer ones weigh more.
    reply_time: AtomicU64,
    /// Calls left to sit out, and how many there were at first.
    rest: AtomicU32,
    last_rest: AtomicU32,
}

impl Spin {
    /// `bound`: the longest spin; zero for none.
    pub fn new(bound: Duration) -> Self {
        Self {
            bound,
            reply_time: AtomicU64::new(0),
            rest: AtomicU32::new(0),
            last_rest: AtomicU32::new(0),
        }
    }

    pub fn is_on(&self) -> bool {
        !self.bound.is_zero()
    }

    /// Looks again and again, until `look` finds something, at most for the bound and for `limit`.
    /// Does not begin where it would not pay.
    pub fn look(&self, start: Instant, limit: Duration, mut look: impl FnMut() -> bool) {
        let Some(_turn) = self.turn() else {
            return;
        };
        let bound = self.bound.min(limit);
        let mut before = start;
        while !look() {
            let now = Instant::now();
            if now.saturating_duration_since(before) > GAP {
                return self.sit_out();
            }
            if now.saturating_duration_since(start) >= bound {
                return;
            }
            before = now;
        }
        self.last_rest.store(0, Relaxed);
    }

    /// Tells how long a reply took, spinning or not.
    pub fn replied_after(&self, time: Duration) {
        let sample = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 8);
        let mean = self.reply_time.load(Relaxed);
        self.reply_time.store(mean - mean / 8 + sample / 8, Relaxed);
    }

    fn turn(&self) -> Option<Turn> {
        if u128::from(self.reply_time.load(Relaxed)) > self.bound.as_nanos() {
            return None;
        }
        let rest = self.rest.load(Relaxed);
        if rest > 0 {
            self.rest.store(rest - 1, Relaxed);
            return None;
        }
        Turn::take()
    }

    fn sit_out(&self) {
        let rest = (self.last_rest.load(Relaxed) * 2).clamp(REST_MIN, REST_MAX);
        self.last_rest.store(rest, Relaxed);
        self.rest.store(rest, Relaxed);
    }
}

/// The right to spin: where there are several, one core at least is left to others.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        let limit = spinners_max();
        let taken = SPINNING.fetch_update(Relaxed, Relaxed, |n| (n < limit).then_some(n + 1));
        taken.is_ok().then_some(Turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        SPINNING.fetch_sub(1, Relaxed);
    }
}

/// One less than the process may use. A process held to one core of several has one: the server is
/// on another, and where it is not, the [`GAP`] shows.
fn spinners_max() -> usize {
    static MAX: OnceLock<usize> = OnceLock::new();
    *MAX.get_or_init(|| {
        // SAFETY: a question without arguments that lead anywhere.
        let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        let own = std::thread::available_parallelism().map_or(1, usize::from);
        if online > 1 { own.max(2) - 1 } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_millis(5);

    /// How often a spin that finds nothing looks.
    fn looks(spin: &Spin) -> u32 {
        let mut looks = 0;
        spin.look(Instant::now(), BOUND, || {
            looks += 1;
            false
        });
        looks
    }

    /// One test: who spins keeps others in the process from it.
    #[test]
    fn spins_where_it_may_pay() {
        it_ends_at_the_bound();
        not_on_a_server_that_takes_longer();
        not_after_another_thread_had_the_core();
    }

    fn it_ends_at_the_bound() {
        let spin = Spin::new(BOUND);
        let start = Instant::now();
        if spinners_max() > 0 {
            assert!(looks(&spin) > 0);
        }
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    fn not_on_a_server_that_takes_longer() {
        let spin = Spin::new(BOUND);
        (0..20).for_each(|_| spin.replied_after(BOUND * 3));
        assert_eq!(looks(&spin), 0);
        (0..40).for_each(|_| spin.replied_after(BOUND / 10));
        assert_eq!(looks(&spin) > 0, spinners_max() > 0);
    }

    fn not_after_another_thread_had_the_core() {
        let spin = Spin::new(Duration::from_secs(60));
        let stolen = || {
            std::thread::sleep(GAP * 2);
            false
        };
        spin.look(Instant::now(), Duration::MAX, stolen);
        if spinners_max() > 0 {
            assert_eq!(spin.rest.load(Relaxed), REST_MIN);
        }
        spin.rest.store(0, Relaxed);
        spin.look(Instant::now(), Duration::MAX, stolen);
        if spinners_max() > 0 {
            assert_eq!(spin.rest.load(Relaxed), 2 * REST_MIN);
            assert_eq!(looks(&spin), 0);
        }
    }
}
