//! Blocking calls during a handover.

use std::time::{Duration, Instant};

use super::{Journey, good, no_time};
use crate::client::{Client, Single, Span, plan};
use crate::error::Result;
use crate::fleet::{Fleet, Handover};
use crate::net::budget::Budget;
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
        results: Results,
    ) -> Result<Results> {
        let checked = self.checked(fleet, asked);
        let Some(mut journey) = Journey::new(fleet, &self.config, &checked, span.begin) else {
            return Ok(self.run(fleet, checked.into_iter(), span, results));
        };
        wait_until_settled(handover, span);
        let operations = good(&checked);
        let requests = journey.step(&operations).into_iter();
        let mut answers = self.run(fleet, requests, span, results);
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
            let results = plan::room(requests.len(), answers.share_budget())?;
            let mut results = self.run(fleet, requests.into_iter(), span, results);
            journey.advance(&operations, handover, &mut results, &mut answers);
        }
        answers.settle(fleet.listed);
        Ok(answers)
    }

    pub(in crate::client) fn execute_one_moved(
        &self,
        fleet: &Fleet,
        op: &Operation<'_>,
        timeout: Duration,
        single: &mut Single<'_>,
    ) {
        let results = Results::with_capacity(1, Budget::UNLIMITED);
        match self.execute_in(fleet, std::iter::once(Ok(*op)), timeout, results) {
            Err(error) => single.failed(0, &error, true),
            Ok(mut results) => {
                single.server = results.records()[0].server;
                if let Err((error, unsent)) = results.give(0, 0, single) {
                    single.failed(0, &error, unsent);
                }
            }
        }
    }
}

impl Client {
    /// As a deletion begins at the former owner: every server, those too that are no longer in the
    /// list. A key copied from one that is still full to one that is empty already goes when the
    /// list is flushed after this. Takes half of the time at most.
    pub(in crate::client) fn flush_former_owners(
        &self,
        fleet: &Fleet,
        handover: &Handover,
        op: Operation<'_>,
        span: Span,
    ) -> Result<()> {
        let span = Span {
            deadline: span.begin + (span.deadline - span.begin) / 2,
            ..span
        };
        wait_until_settled(handover, span);
        let count = fleet.servers.len() as u32;
        let results = plan::room(fleet.servers.len(), Budget::UNLIMITED)?;
        let on_each = (0..fleet.servers.len()).map(|server| {
            Ok(Operation {
                server: server as u32,
                ..op
            })
        });
        let results = self.run(fleet, on_each, span, results);
        for (server, record) in (0..count).zip(results.records()) {
            if record.status().is_failure() {
                handover.abandon(server);
            }
        }
        Ok(())
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
