//! How long something took, many times: counts in buckets whose width grows with the duration,
//! eight to each doubling. So a quantile is off by less than one part in eight, from a
//! microsecond to more than a minute, in a fixed amount of memory that threads share without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const FINE_BITS: u32 = 3;
/// Buckets to a doubling.
const FINE: usize = 1 << FINE_BITS;
/// From 2 to the power of this, in microseconds, there is one bucket for all: 67 seconds.
const END_BITS: u32 = 26;
const BUCKETS: usize = FINE * (END_BITS - FINE_BITS + 1) as usize;

#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum_ns: AtomicU64::new(0),
            max_ns: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub fn record(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanoseconds / 1000)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(nanoseconds, Ordering::Relaxed);
        if nanoseconds > self.max_ns.load(Ordering::Relaxed) {
            self.max_ns.fetch_max(nanoseconds, Ordering::Relaxed);
        }
    }

    pub fn snapshot(&self) -> Durations {
        let load = |bucket: &AtomicU64| bucket.load(Ordering::Relaxed);
        Durations {
            buckets: self.buckets.iter().map(load).collect(),
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
            max: Duration::from_nanos(self.max_ns.load(Ordering::Relaxed)),
        }
    }
}

/// What a [`Histogram`] held at one time.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// Empty when nothing was ever recorded.
    buckets: Vec<u64>,
    pub sum: Duration,
    /// Exact.
    pub max: Duration,
}

impl Durations {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The duration that this share of all, from 0 to 1, did not exceed; zero when there are none.
    ///
    /// Interpolated within a bucket: off by less than an eighth of it, and by less than a
    /// microsecond below eight.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.count() as f64).ceil().max(1.0);
        let mut before = 0.0;
        for (place, &count) in self.buckets.iter().enumerate() {
            let count = count as f64;
            if before + count >= rank {
                let (start, end) = (start_of(place) as f64, start_of(place + 1) as f64);
                let within = (rank - before) / count;
                let microseconds = start + (end - start) * within;
                return Duration::from_secs_f64(microseconds / 1e6).min(self.max);
            }
            before += count;
        }
        self.max
    }

    /// How many took less than 2 to the power of `bits` microseconds. Exact.
    pub fn below(&self, bits: u32) -> u64 {
        let end = bucket(1 << bits).min(self.buckets.len());
        self.buckets[..end].iter().sum()
    }
}

/// Where a number of microseconds is counted.
fn bucket(microseconds: u64) -> usize {
    if microseconds < FINE as u64 {
        return microseconds as usize;
    }
    if microseconds >> END_BITS != 0 {
        return BUCKETS - 1;
    }
    let shift = microseconds.ilog2() - FINE_BITS;
    // The bits behind the highest one.
    let fine = (microseconds >> shift) as usize - FINE;
    FINE * (shift as usize + 1) + fine
}

/// The least number of microseconds that is counted in a bucket.
fn start_of(bucket: usize) -> u64 {
    if bucket < FINE {
        return bucket as u64;
    }
    let (doubling, fine) = (bucket / FINE - 1, bucket % FINE);
    ((FINE + fine) as u64) << doubling
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_lie_side_by_side() {
        for place in 0..BUCKETS {
            assert_eq!(bucket(start_of(place)), place);
            if place > 0 {
                assert_eq!(bucket(start_of(place) - 1), place - 1);
            }
        }
        assert_eq!(start_of(BUCKETS), 1 << END_BITS);
        assert_eq!(bucket(u64::MAX / 1000), BUCKETS - 1);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        for durations in [Durations::default(), Histogram::default().snapshot()] {
            assert_eq!(durations.count(), 0);
            assert_eq!(durations.quantile(0.99), Duration::ZERO);
            assert_eq!(durations.below(20), 0);
        }
    }

    #[test]
    fn a_wait_without_end_is_counted() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(3600));
        histogram.record(Duration::MAX);
        let durations = histogram.snapshot();
        assert_eq!(durations.count(), 2);
        assert_eq!(durations.max, Duration::from_nanos(u64::MAX));
    }

    proptest! {
        #[test]
        fn quantiles_are_near(
            mut nanoseconds in prop::collection::vec(
                prop_oneof![0..20_000_u64, 0..2_000_000_u64, 0..60_000_000_000_u64], 1..300),
            share in prop_oneof![Just(0.5), Just(0.99), 0.0..=1.0],
        ) {
            let histogram = Histogram::default();
            for &each in &nanoseconds {
                histogram.record(Duration::from_nanos(each));
            }
            nanoseconds.sort_unstable();
            let durations = histogram.snapshot();
            prop_assert_eq!(durations.count(), nanoseconds.len() as u64);
            prop_assert_eq!(durations.sum, Duration::from_nanos(nanoseconds.iter().sum()));
            prop_assert_eq!(durations.max, Duration::from_nanos(nanoseconds[nanoseconds.len() - 1]));
            let rank = (share * nanoseconds.len() as f64).ceil().max(1.0) as usize;
            let exact = nanoseconds[rank - 1] as f64;
            let found = durations.quantile(share).as_nanos() as f64;
            prop_assert!((found - exact).abs() <= (exact / 8.0).max(1000.0) + 1.0,
                "{found} for {exact}");
        }

        #[test]
        fn counts_below_are_exact(
            microseconds in prop::collection::vec(0..5_000_000_u64, 0..300), bits in 0..25_u32,
        ) {
            let histogram = Histogram::default();
            for &each in &microseconds {
                histogram.record(Duration::from_micros(each));
            }
            let exact = microseconds.iter().filter(|&&each| each < 1 << bits).count();
            // Below eight microseconds there is a bucket for each.
            prop_assert_eq!(histogram.snapshot().below(bits), exact as u64);
        }
    }
}
