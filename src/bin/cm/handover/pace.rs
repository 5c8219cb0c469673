//! How fast keys may be copied.

use std::time::{Duration, Instant};

/// Keys in one call: enough that a round trip weighs little.
const BATCH: usize = 500;

/// With a limit, a batch is a tenth of a second's, so that keys flow evenly.
const BATCHES_PER_SECOND: usize = 10;

pub struct Pace {
    /// Keys per second.
    rate: Option<u32>,
    /// Not before this.
    next: Instant,
}

impl Pace {
    pub fn new(rate: Option<u32>) -> Self {
        Self {
            rate,
            next: Instant::now(),
        }
    }

    /// The most keys at a time.
    pub fn batch(&self) -> usize {
        let share = |rate: u32| (rate as usize / BATCHES_PER_SECOND).clamp(1, BATCH);
        self.rate.map_or(BATCH, share)
    }

    /// Until as many keys may be copied.
    pub fn wait(&mut self, keys: usize) {
        let Some(rate) = self.rate else {
            return;
        };
        let now = Instant::now();
        std::thread::sleep(self.next.saturating_duration_since(now));
        // Time in which nothing was copied is not made up for.
        self.next = self.next.max(now) + Duration::from_secs(1) * keys as u32 / rate;
    }
}
