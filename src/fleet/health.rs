//! Whether a server is worth asking: a pure state machine, told the time.
//!
//! A server is up until it has failed a number of times in a row. Then it is down:
//! calls fail at once. After a while one caller is let through to see whether it is
//! back; the others do not wait for it.

use std::time::{Duration, Instant};

/// When a server counts as down, and when it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub failure_threshold: u32,
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up {
        failures: u32,
    },
    Down {
        until: Instant,
    },
    /// One caller is trying. If nothing is heard of it by then, another may.
    Probing {
        until: Instant,
    },
}

/// What a caller who wants to use the server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// The server is down.
    Refused,
}

#[derive(Clone, Debug)]
pub struct Health {
    rule: Rule,
    state: State,
}

impl Health {
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            state: State::Up { failures: 0 },
        }
    }

    /// May this caller use the server? Of the callers after a server's time has come,
    /// the first may.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Up { .. } => Admission::Go,
            State::Down { until } | State::Probing { until } if now >= until => {
                self.state = State::Probing {
                    until: now + self.rule.retry_after,
                };
                Admission::Go
            }
            State::Down { .. } | State::Probing { .. } => Admission::Refused,
        }
    }

    /// The server gave a right answer.
    pub fn succeeded(&mut self) {
        self.state = State::Up { failures: 0 };
    }

    /// Something happened to a connection: refused, reset, timed out, broke protocol.
    pub fn failed(&mut self, now: Instant) {
        let down = State::Down {
            until: now + self.rule.retry_after,
        };
        self.state = match self.state {
            State::Up { failures } if failures + 1 < self.rule.failure_threshold => State::Up {
                failures: failures + 1,
            },
            State::Up { .. } | State::Probing { .. } => down,
            // Calls that were under way when it went down tell nothing new.
            State::Down { until } => State::Down { until },
        };
    }

    /// True while calls are to fail at once.
    pub fn is_down(&self, now: Instant) -> bool {
        matches!(self.state, State::Down { until } if now < until)
    }

    /// True when the server is up and nothing speaks against it.
    pub fn is_spotless(&self) -> bool {
        self.state == State::Up { failures: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(Rule {
            failure_threshold: 3,
            retry_after: Duration::from_secs(30),
        })
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn down_after_failures_in_a_row_only() {
        let (mut health, now) = (health(), Instant::now());
        health.failed(now);
        health.failed(now);
        health.succeeded();
        health.failed(now);
        health.failed(now);
        assert_eq!(health.admit(now), Admission::Go);
        health.failed(now);
        assert_eq!(health.admit(now), Admission::Refused);
    }

    #[test]
    fn one_caller_tries_again() {
        let (mut health, now) = (health(), Instant::now());
        (0..3).for_each(|_| health.failed(now));
        assert_eq!(health.admit(after(now, 29)), Admission::Refused);
        assert_eq!(health.admit(after(now, 30)), Admission::Go);
        assert_eq!(health.admit(after(now, 30)), Admission::Refused);
        health.failed(after(now, 31));
        assert_eq!(health.admit(after(now, 60)), Admission::Refused);
        assert_eq!(health.admit(after(now, 61)), Admission::Go);
        health.succeeded();
        assert!(health.is_spotless());
        assert_eq!(health.admit(after(now, 61)), Admission::Go);
    }

    #[test]
    fn a_lost_caller_does_not_keep_the_server_down() {
        let (mut health, now) = (health(), Instant::now());
        (0..3).for_each(|_| health.failed(now));
        assert_eq!(health.admit(after(now, 30)), Admission::Go);
        assert_eq!(health.admit(after(now, 59)), Admission::Refused);
        assert_eq!(health.admit(after(now, 60)), Admission::Go);
    }
}
