//! Calls of a completion queue during a handover.

use std::time::Instant;

use super::{Journey, good, no_time};
use crate::client::plan::{self, OwnedPlan, Plan};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::net::budget::Budget;
use crate::net::exchange::Answers;
use crate::net::parcel::OwnedOperations;
use crate::net::results::Results;
use crate::options::Config;
use crate::protocol::Operation;

/// What a call keeps between its steps.
#[derive(Debug)]
pub struct Travel {
    journey: Journey,
    operations: OwnedOperations,
    /// The caller's, once the first step is done.
    answers: Option<Results>,
}

/// What comes after a step.
#[allow(clippy::large_enum_variant)]
pub enum Next {
    Step(OwnedPlan),
    /// Nothing: these are the answers.
    Answers(Results),
}

impl Travel {
    /// `None` when no key of the call has moved.
    pub fn new(
        fleet: &Fleet,
        config: &Config,
        checked: &[Result<Operation<'_>>],
        now: Instant,
    ) -> Option<Self> {
        let journey = Journey::new(fleet, config, checked, now)?;
        Some(Self {
            journey,
            operations: OwnedOperations::copy_of(good(checked).iter()),
            answers: None,
        })
    }

    pub fn first_step(&mut self, fleet: &Fleet, config: &Config) -> Result<OwnedPlan> {
        let requests = self.journey.step(self.operations.as_slice());
        let results = plan::room(requests.len(), Budget::new(config.max_batch_bytes))?;
        Ok(Plan::new(config, fleet, requests.into_iter(), results).owned())
    }

    /// The answers of a call that was stopped before its first step.
    pub fn stop(&self, error: &Error) -> Results {
        let count = self.operations.as_slice().len();
        let mut answers = Results::new(count, Budget::UNLIMITED);
        for op in 0..count as u32 {
            answers.failed(op, error, true);
        }
        answers
    }

    /// Takes in what a step came to. `stopped`: why there is not to be another.
    pub fn advance(
        mut self,
        fleet: &Fleet,
        config: &Config,
        mut results: Results,
        stopped: Option<&Error>,
    ) -> (Next, Option<Self>) {
        let operations = self.operations.as_slice();
        if let Some(handover) = &fleet.handover {
            match &mut self.answers {
                None => self.journey.begin(operations, handover, &mut results),
                Some(answers) => {
                    (self.journey).advance(operations, handover, &mut results, answers)
                }
            }
        }
        let mut answers = self.answers.take().unwrap_or(results);
        let requests = match stopped {
            Some(_) => Vec::new(),
            None => self.journey.step(operations),
        };
        if !requests.is_empty()
            && let Ok(results) = plan::room(requests.len(), answers.share_budget())
        {
            let plan = Plan::new(config, fleet, requests.into_iter(), results).owned();
            self.answers = Some(answers);
            return (Next::Step(plan), Some(self));
        }
        self.journey
            .stop(stopped.unwrap_or(&no_time()), &mut answers);
        answers.settle(fleet.listed);
        (Next::Answers(answers), None)
    }
}
