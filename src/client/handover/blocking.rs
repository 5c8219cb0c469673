//! Blocking calls during a handover.

use std::time::{Duration, Instant};

use super::{Journey, good, no_time};
use crate::client::{Client, Single, Span};
use crate::error::Result;
use crate::fleet::{Fleet, Handover};
use crate::net::exchange::Answers;
use crate::net::results::Results;
use crate::protocol::Operation;

impl Client {
    pub(in crate::client) fn execute_moved<'a>(
        &self,
        fleet: &Fleet,
        handover: &Handover,
        asked: impl Iterator<Item = Result<Operation<'a>>>,
        span: Span,
    ) -> Result<Results> {
        let checked = self.checked(fleet, asked);
        let Some(mut journey) = Journey::new(fleet, &self.config, &checked, span.begin) else {
            return self.run(fleet, checked.into_iter(), span);
        };
        wait_until_settled(handover, span);
        let operations = good(&checked);
        let mut answers = self.run(fleet, journey.step(&operations).into_iter(), span)?;
        journey.begin(&operations, handover, &mut answers);
        loop {
            let requests = journey.step(&operations);
            if requests.is_empty() {
                break;
            }
            if Instant::now() >= span.deadline {
                drop(requests);
                journey.stop(&no_time(), &mut answers);
                break;
            }
            let results = self.run(fleet, requests.into_iter(), span)?;
            journey.advance(&operations, handover, &results, &mut answers);
        }
        answers.settle();
        Ok(answers)
    }

    pub(in crate::client) fn execute_one_moved(
        &self,
        fleet: &Fleet,
        op: &Operation<'_>,
        timeout: Duration,
        single: &mut Single<'_>,
    ) {
        match self.execute_in(fleet, std::iter::once(Ok(*op)), timeout) {
            Err(error) => single.failed(0, &error, true),
            Ok(results) => {
                single.server = results.records()[0].server;
                match results.failure_of(0) {
                    Some((error, unsent)) => single.failed(0, &error, unsent),
                    None => results.give(0, 0, single),
                }
            }
        }
    }
}

/// Calls that began before the change end by themselves, usually within a round trip.
fn wait_until_settled(handover: &Handover, span: Span) {
    let mut pause = Duration::from_micros(20);
    while handover.is_settling(Instant::now()) && Instant::now() < span.deadline {
        std::thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(1));
    }
}
