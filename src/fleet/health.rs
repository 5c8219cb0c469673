//! Whether a server is worth asking: a pure state machine, told the time.
//!
//! A server is up until something fails: then it is suspect, and after a number of failures in a
//! row down: calls fail at once. After a while one caller is let through to see whether it is back:
//! it is probing. The others do not wait for it.

use std::time::{Duration, Instant};

/// When a server counts as down, and when it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub failure_threshold: u32,
    pub retry_after: Duration,
    /// How long a probe may take. If nothing is heard of it by then, another caller may try.
    pub probe_limit: Duration,
}

/// What is thought of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Up,
    /// It has failed, not often enough to be down.
    Suspect,
    Down,
    /// It was down, and one caller looks whether it is back.
    Probing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Up,
    /// It has failed so many times in a row.
    Suspect(u32),
    Down {
        until: Instant,
    },
    /// One caller is trying.
    Probing {
        until: Instant,
    },
}

/// What a caller who may use the server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// The server was down: this caller is to look whether it is back.
    Probe,
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
            state: State::Up,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn standing(&self) -> Standing {
        match self.state {
            State::Up => Standing::Up,
            State::Suspect(_) => Standing::Suspect,
            State::Down { .. } => Standing::Down,
            State::Probing { .. } => Standing::Probing,
        }
    }

    /// May this caller use the server? `None`: it is down. Of the callers after a server's time
    /// has come, the first may.
    pub fn admit(&mut self, now: Instant) -> Option<Admission> {
        match self.state {
            State::Up | State::Suspect(_) => Some(Admission::Go),
            State::Down { until } | State::Probing { until } if now >= until => {
                self.state = State::Probing {
                    until: now + self.rule.probe_limit,
                };
                Some(Admission::Probe)
            }
            State::Down { .. } | State::Probing { .. } => None,
        }
    }

    /// The server gave a right answer.
    pub fn succeeded(&mut self) {
        self.state = State::Up;
    }

    /// The server cannot be used, whatever came before.
    pub fn take_down(&mut self, now: Instant) {
        if !matches!(self.state, State::Down { .. }) {
            self.state = State::Down {
                until: now + self.rule.retry_after,
            };
        }
    }

    /// Something happened to a connection: refused, reset, timed out, broke protocol.
    pub fn failed(&mut self, now: Instant) {
        let failures = match self.state {
            State::Up => 1,
            State::Suspect(failures) => failures + 1,
            State::Probing { .. } => self.rule.failure_threshold,
            // Calls that were under way when it went down tell nothing new.
            State::Down { .. } => return,
        };
        self.state = match failures {
            failures if failures < self.rule.failure_threshold => State::Suspect(failures),
            _ => State::Down {
                until: now + self.rule.retry_after,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn health() -> Health {
        Health::new(Rule {
            failure_threshold: 3,
            retry_after: Duration::from_secs(30),
            probe_limit: Duration::from_secs(1),
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
        assert_eq!(health.admit(now), Some(Admission::Go));
        health.failed(now);
        assert_eq!(health.admit(now), None);
    }

    #[test]
    fn one_caller_tries_again() {
        let (mut health, now) = (health(), Instant::now());
        (0..3).for_each(|_| health.failed(now));
        assert_eq!(health.admit(after(now, 29)), None);
        assert_eq!(health.admit(after(now, 30)), Some(Admission::Probe));
        assert_eq!(health.admit(after(now, 30)), None);
        health.failed(after(now, 31));
        assert_eq!(health.admit(after(now, 60)), None);
        assert_eq!(health.admit(after(now, 61)), Some(Admission::Probe));
        health.succeeded();
        assert_eq!(health.state(), State::Up);
        assert_eq!(health.admit(after(now, 61)), Some(Admission::Go));
    }

    #[test]
    fn a_lost_prober_does_not_keep_the_server_down() {
        let (mut health, now) = (health(), Instant::now());
        (0..3).for_each(|_| health.failed(now));
        assert_eq!(health.admit(after(now, 30)), Some(Admission::Probe));
        assert_eq!(health.admit(after(now, 30)), None);
        assert_eq!(health.admit(after(now, 31)), Some(Admission::Probe));
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Asks,
        Succeeds,
        Fails,
    }

    fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
        let event = prop_oneof![Just(Event::Asks), Just(Event::Succeeds), Just(Event::Fails)];
        // Time stands still now and then.
        prop::collection::vec((prop_oneof![Just(0), 0..40_000_u64], event), 0..200)
    }

    proptest! {
        /// Told beside the states: failures in a row, and when somebody was last let through.
        #[test]
        fn whatever_happens(events in events()) {
            let (mut health, start) = (health(), Instant::now());
            let (mut now, mut failures, mut closed_until) = (start, 0, start);
            for (after, event) in events {
                now += Duration::from_millis(after);
                let is_down = failures >= 3;
                match event {
                    Event::Asks => {
                        let admission = health.admit(now);
                        match admission {
                            Some(Admission::Go) => prop_assert!(!is_down),
                            Some(Admission::Probe) => prop_assert!(is_down && now >= closed_until),
                            None => prop_assert!(is_down && now < closed_until),
                        }
                        if admission == Some(Admission::Probe) {
                            closed_until = now + Duration::from_secs(1);
                        }
                    }
                    Event::Succeeds => {
                        health.succeeded();
                        failures = 0;
                    }
                    Event::Fails => {
                        let tells = !is_down || matches!(health.state(), State::Probing { .. });
                        health.failed(now);
                        failures += 1;
                        if tells && failures >= 3 {
                            closed_until = now + Duration::from_secs(30);
                        }
                    }
                }
            }
        }
    }
}
