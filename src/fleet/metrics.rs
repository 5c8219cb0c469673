//! What is counted of one server. Every count only grows. Threads add to them without a lock, so
//! figures read while others work may be of slightly different moments.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::{Durations, Histogram};
use crate::error::Status;
use crate::protocol::Kind;

/// One count for each failing status, at its [`Status::number`].
pub type ByStatus = [u64; Status::END];

#[derive(Debug, Default)]
pub struct Metrics {
    hits: AtomicU64,
    misses: AtomicU64,
    /// Answers to what reads no item.
    others: AtomicU64,
    errors: [AtomicU64; Status::END],
    failovers: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
    violations: AtomicU64,
    // Allocated when there is something to record: a client may have servers it never talks to.
    latency: OnceLock<Box<Histogram>>,
}

/// What [`Metrics`] held at one time.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Operations that came to an end here: answered, or failed.
    pub operations: u64,
    /// Reads of an item that was there.
    pub hits: u64,
    /// Reads of an item that was not there.
    pub misses: u64,
    /// Operations that got no answer, or one that the server failed.
    pub errors: ByStatus,
    /// Operations that another server was asked in place of this one.
    pub failovers: u64,
    /// What happened to connections and counts towards `failure_threshold`, once for each event.
    pub failures: u64,
    /// Of the failures those where the time was over.
    pub timeouts: u64,
    /// Of the failures those where the server did not keep to the protocol.
    pub violations: u64,
    /// Of exchanges, from sending to the last answer.
    pub latency: Durations,
}

impl Metrics {
    /// Operations came to an end, as their caller sees it.
    pub fn ended(&self, operations: impl Iterator<Item = (Kind, Status)>) {
        let (mut hits, mut misses, mut others) = (0, 0, 0);
        for (kind, status) in operations {
            let reads = matches!(kind, Kind::Get | Kind::GetAndTouch);
            match status {
                // A value too large for the caller's buffer was there all the same.
                Status::Ok | Status::ValueTooLarge if reads => hits += 1,
                Status::NotFound if reads => misses += 1,
                status if status.is_failure() => add(&self.errors[status.number()], 1),
                _ => others += 1,
            }
        }
        add(&self.hits, hits);
        add(&self.misses, misses);
        add(&self.others, others);
    }

    /// An operation goes to another server in place of this one.
    pub fn failed_over(&self) {
        add(&self.failovers, 1);
    }

    /// Something happened to a connection.
    pub fn failed(&self, status: Status) {
        add(&self.failures, 1);
        add(&self.timeouts, u64::from(status == Status::Timeout));
        add(&self.violations, u64::from(status == Status::Protocol));
    }

    /// All that was asked in one go was answered.
    pub fn answered_within(&self, duration: Duration) {
        self.latency.get_or_init(Box::default).record(duration);
    }

    pub fn snapshot(&self) -> Counters {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let errors = std::array::from_fn(|number| load(&self.errors[number]));
        let (hits, misses) = (load(&self.hits), load(&self.misses));
        let latency = self.latency.get().map(|latency| latency.snapshot());
        Counters {
            operations: hits + misses + load(&self.others) + errors.iter().sum::<u64>(),
            hits,
            misses,
            errors,
            failovers: load(&self.failovers),
            failures: load(&self.failures),
            timeouts: load(&self.timeouts),
            violations: load(&self.violations),
            latency: latency.unwrap_or_default(),
        }
    }
}

/// Most of what could be counted at a time did not happen.
fn add(count: &AtomicU64, times: u64) {
    if times > 0 {
        count.fetch_add(times, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_is_counted_once() {
        let metrics = Metrics::default();
        metrics.ended(
            [
                (Kind::Get, Status::Ok),
                (Kind::GetAndTouch, Status::Ok),
                (Kind::Get, Status::ValueTooLarge),
                (Kind::Get, Status::NotFound),
                (Kind::Delete, Status::NotFound),
                (Kind::Set, Status::Ok),
                (Kind::Add, Status::NotStored),
                (Kind::Set, Status::ValueTooLarge),
                (Kind::Get, Status::Timeout),
            ]
            .into_iter(),
        );
        let found = metrics.snapshot();
        assert_eq!((found.operations, found.hits, found.misses), (9, 3, 1));
        assert_eq!(found.errors.iter().sum::<u64>(), 2);
        assert_eq!(found.errors[3], 1);
        assert_eq!(found.errors[4], 1);
    }

    #[test]
    fn failures_are_counted_by_what_happened() {
        let metrics = Metrics::default();
        for status in [Status::Timeout, Status::Protocol, Status::Connection] {
            metrics.failed(status);
        }
        let found = metrics.snapshot();
        let counts = (found.failures, found.timeouts, found.violations);
        assert_eq!(counts, (3, 1, 1));
        assert_eq!(found.operations, 0);
    }
}
