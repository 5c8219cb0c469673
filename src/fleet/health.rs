//! Whether a server is worth asking: a pure state machine, told the time.
//!
//! A server is up until it has failed a number of times in a row; from the first failure on it
//! is suspect. Then it is down: calls fail at once. After a while one caller is let through to
//! see whether it is back; the others do not wait for it.

use std::time::{Duration, Instant};

/// When a server counts as down, and when it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// At least 1.
    pub failure_threshold: u32,
    pub retry_after: Duration,
    /// If nothing is heard of the caller that tries for so long, another may.
    pub probe_limit: Duration,
}

/// What is thought of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Up,
    /// It has failed, not often enough to be down.
    Suspect,
    Down,
    /// It was down, and one caller sees whether it is back.
    Probing,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Up,
    Suspect { failures: u32 },
    Down { until: Instant },
    Probing { until: Instant },
}

/// What a caller who wants to use the server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// Go, as the one who finds out whether the server is back.
    Probe,
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
            state: State::Up,
        }
    }

    /// May this caller use the server? Of the callers after a server's time has come,
    /// the first may.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Up | State::Suspect { .. } => Admission::Go,
            State::Down { until } | State::Probing { until } if now >= until => {
                self.state = State::Probing {
                    until: now + self.rule.probe_limit,
                };
                Admission::Probe
            }
            State::Down { .. } | State::Probing { .. } => Admission::Refused,
        }
    }

    /// The server gave a right answer.
    pub fn succeeded(&mut self) {
        self.state = State::Up;
    }

    /// Something happened to a connection: refused, reset, timed out, broke protocol.
    pub fn failed(&mut self, now: Instant) {
        let failures = match self.state {
            State::Up => 1,
            State::Suspect { failures } => failures + 1,
            State::Probing { .. } => self.rule.failure_threshold,
            // Calls that were under way when it went down tell nothing new.
            State::Down { .. } => return,
        };
        self.state = if failures < self.rule.failure_threshold {
            State::Suspect { failures }
        } else {
            State::Down {
                until: now + self.rule.retry_after,
            }
        };
    }

    pub fn standing(&self) -> Standing {
        match self.state {
            State::Up => Standing::Up,
            State::Suspect { .. } => Standing::Suspect,
            State::Down { .. } => Standing::Down,
            State::Probing { .. } => Standing::Probing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RETRY_AFTER: u64 = 30;
    const PROBE_LIMIT: u64 = 5;

    fn health(failure_threshold: u32) -> Health {
        Health::new(Rule {
            failure_threshold,
            retry_after: Duration::from_secs(RETRY_AFTER),
            probe_limit: Duration::from_secs(PROBE_LIMIT),
        })
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    /// A server that has just gone down.
    fn down(now: Instant) -> Health {
        let mut health = health(1);
        health.failed(now);
        health
    }

    #[test]
    fn one_caller_tries_again() {
        let now = Instant::now();
        let mut health = down(now);
        assert_eq!(health.admit(after(now, 29)), Admission::Refused);
        assert_eq!(health.admit(after(now, 30)), Admission::Probe);
        assert_eq!(health.admit(after(now, 30)), Admission::Refused);
        health.failed(after(now, 31));
        assert_eq!(health.admit(after(now, 60)), Admission::Refused);
        assert_eq!(health.admit(after(now, 61)), Admission::Probe);
        health.succeeded();
        assert_eq!(health.admit(after(now, 61)), Admission::Go);
    }

    #[test]
    fn a_lost_caller_does_not_keep_the_server_down() {
        let now = Instant::now();
        let mut health = down(now);
        assert_eq!(health.admit(after(now, 30)), Admission::Probe);
        assert_eq!(health.admit(after(now, 34)), Admission::Refused);
        assert_eq!(health.admit(after(now, 35)), Admission::Probe);
    }

    #[test]
    fn a_failure_while_down_does_not_lengthen_it() {
        let now = Instant::now();
        let mut health = down(now);
        health.failed(after(now, 29));
        assert_eq!(health.admit(after(now, 30)), Admission::Probe);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Admit,
        Succeed,
        Fail,
    }

    /// Steps, each at a time of its own in seconds: the clocks of two callers may disagree.
    fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
        let step = prop_oneof![
            4 => Just(Step::Admit),
            1 => Just(Step::Succeed),
            3 => Just(Step::Fail),
        ];
        prop::collection::vec((step, 0..8_u64, any::<bool>()), 0..200).prop_map(|steps| {
            let mut time = 20;
            let to_time = |(step, by, back): (_, u64, bool)| {
                time = if back {
                    time - by.min(time)
                } else {
                    time + 2 * by
                };
                (step, time)
            };
            steps.into_iter().map(to_time).collect()
        })
    }

    proptest! {
        #[test]
        fn whoever_asks_is_told_what_the_state_says(threshold in 1..6_u32, steps in steps()) {
            let (start, mut health) = (Instant::now(), health(threshold));
            let mut in_a_row = 0;
            // Until when the others are kept out.
            let mut closed_until = 0;
            for (step, time) in steps {
                let (now, before) = (after(start, time), health.standing());
                let stands = matches!(before, Standing::Up | Standing::Suspect);
                match step {
                    Step::Admit => {
                        let admission = health.admit(now);
                        prop_assert_eq!(stands, admission == Admission::Go);
                        if admission == Admission::Probe {
                            prop_assert!(time >= closed_until);
                            closed_until = time + PROBE_LIMIT;
                            prop_assert_eq!(health.admit(now), Admission::Refused);
                        }
                    }
                    Step::Succeed => {
                        health.succeeded();
                        in_a_row = 0;
                        prop_assert_eq!(health.standing(), Standing::Up);
                    }
                    Step::Fail => {
                        health.failed(now);
                        in_a_row += 1;
                        let is_down = !stands || in_a_row == threshold;
                        let expected = if is_down { Standing::Down } else { Standing::Suspect };
                        prop_assert_eq!(health.standing(), expected);
                        if is_down && before != Standing::Down {
                            closed_until = time + RETRY_AFTER;
                        }
                    }
                }
            }
        }

        #[test]
        fn there_is_always_a_new_chance(threshold in 1..6_u32, steps in steps()) {
            let (start, mut health) = (Instant::now(), health(threshold));
            let latest = steps.iter().map(|&(_, time)| time).max().unwrap_or(0);
            for (step, time) in steps {
                match step {
                    Step::Admit => drop(health.admit(after(start, time))),
                    Step::Succeed => health.succeeded(),
                    Step::Fail => health.failed(after(start, time)),
                }
            }
            let later = after(start, latest + RETRY_AFTER + PROBE_LIMIT);
            prop_assert_ne!(health.admit(later), Admission::Refused);
        }
    }
}
