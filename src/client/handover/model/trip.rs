//! What an actor does: the client's own [`Journey`] says what is asked, and what comes of the answers.

use super::super::Journey;
use super::super::course::{Course, Nature, Stage, TRIES_MAX};
use super::history::{Answer, Wish};
use super::server::Slot;
use super::world::{Actor, Fate, Fault, NEW, OLD, State, World};
use crate::error::{Error, Status};
use crate::fleet::Handover;
use crate::net::budget::Budget;
use crate::net::exchange::Answers;
use crate::net::results::Results;
use crate::protocol::{Kind, Operation, Want};

/// An operation under way.
#[derive(Clone, Debug, Hash)]
pub struct Trip {
    pub course: Course,
    is_first: bool,
    /// The caller's, as far as it is known.
    answer: Option<(Answer, Status)>,
    is_told: bool,
    /// What the old owner had at first, for [`Fault::EarlyRead`].
    early: Option<Slot>,
}

impl World {
    pub fn begin(&self, state: &mut State, actor: usize) -> Trip {
        state.history.begin(&self.wishes, actor);
        let (op, old) = (operation(self.wishes[actor]), [OLD as u32]);
        let handover = handover(state.abandoned[actor]);
        let old = old.into_iter().collect();
        let mut course = Course::new(0, &op, old, self.copying, 3, &handover);
        course.tries = TRIES_MAX - self.tries;
        if self.fault == Fault::EarlyAct && course.stage == Stage::Forget {
            course.stage = Stage::Act;
        }
        Trip {
            course,
            is_first: true,
            answer: None,
            is_told: false,
            early: None,
        }
    }

    /// One step of an operation. `None` when it is over.
    pub fn go(
        &self,
        state: &mut State,
        actor: usize,
        mut trip: Box<Trip>,
        fate: Fate,
    ) -> Result<Actor, String> {
        if self.fault == Fault::EarlyRead && trip.early.is_none() {
            trip.early = Some(state.slots[OLD]);
            return Ok(Actor::Goes(trip));
        }
        let was = progress(&trip.course);
        let acted_early = self.fault == Fault::EarlyAct
            && trip.course.nature == Nature::Replaces
            && !trip.course.asked.is_empty();
        let handover = handover(state.abandoned[actor]);
        let operations = [operation(self.wishes[actor])];
        let mut journey = Journey {
            courses: vec![trip.course],
            bad: Vec::new(),
            is_first: trip.is_first,
        };
        let mut results = self.ask(state, &mut journey, &operations, fate, trip.early);
        let answers = if trip.is_first {
            journey.begin(&operations, &handover, &mut results);
            results
        } else {
            let mut answers = Results::new(1, Budget::UNLIMITED);
            journey.advance(&operations, &handover, &mut results, &mut answers);
            answers
        };
        trip.is_first = false;
        trip.course = journey.courses.remove(0);
        trip.course.places.clear();
        if !answers.is_pending(0) {
            trip.answer = Some(answer(self.wishes[actor], &answers));
        }
        if handover.is_abandoned(OLD as u32) {
            let mine = |other: usize| !self.is_apart || other == actor;
            for other in (0..self.wishes.len()).filter(|&other| mine(other)) {
                state.abandoned[other] = true;
            }
        }
        if acted_early {
            let is_last = trip.course.stage == Stage::Act;
            trip.course.stage = if is_last { Stage::Done } else { Stage::Forget };
        } else if progress(&trip.course) <= was {
            return Err("it does not get on".into());
        }
        self.tell_caller(state, actor, &mut trip, &operations[0])?;
        match trip.course.is_done() {
            true => Ok(Actor::Over),
            false => Ok(Actor::Goes(trip)),
        }
    }

    fn ask(
        &self,
        state: &mut State,
        journey: &mut Journey,
        operations: &[Operation<'_>],
        fate: Fate,
        early: Option<Slot>,
    ) -> Results {
        let stage = journey.courses[0].stage;
        let requests = journey.step(operations);
        assert_eq!(requests.len(), 1, "there is one old owner");
        let mut request = *requests[0].as_ref().expect("nothing is wrong with it");
        if self.fault == Fault::BlindCopy && stage == Stage::Copy {
            request.kind = Kind::Set;
        }
        let mut results = Results::new(1, Budget::UNLIMITED);
        let server = match request.want.has(Want::PINNED) {
            true => request.server as usize,
            false => NEW,
        };
        results.set_server(0, server as u32);
        let mut early = early.filter(|_| stage == Stage::AskOld);
        let slot = early.as_mut().unwrap_or(&mut state.slots[server]);
        if matches!(fate, Fate::Answered | Fate::AnswerLost) {
            // Above all that are known.
            slot.serve(&request, 100, &mut results, 0);
        }
        let error = match fate {
            Fate::Answered => return results,
            Fate::Refused => Error::new(Status::ServerDown, "").unusable(true),
            Fate::Lost | Fate::AnswerLost => Error::new(Status::Timeout, ""),
        };
        results.reset(0);
        results.failed(0, &error, fate == Fate::Refused);
        results
    }

    /// The caller has its answer when all is done that is waited for.
    fn tell_caller(
        &self,
        state: &mut State,
        actor: usize,
        trip: &mut Trip,
        op: &Operation<'_>,
    ) -> Result<(), String> {
        let is_over = trip.course.is_done() || trip.course.request(op, 0).is_quiet();
        if trip.is_told || !is_over {
            return Ok(());
        }
        trip.is_told = true;
        let Some((answer, status)) = trip.answer else {
            return Err("it ends without an answer".into());
        };
        if status.is_failure() && status != Status::Busy && !self.fails {
            return Err(format!("it fails: {status:?}"));
        }
        match (state.history).told(&self.wishes, actor, answer, self.fails) {
            true => Ok(()),
            false => Err(format!("{:?} comes to {answer:?}", self.wishes[actor])),
        }
    }

    /// What was under way at the change: at the old owner, in one step.
    pub fn finish_before(&self, state: &mut State, actor: usize) -> Result<Actor, String> {
        let wish = self.wishes[actor];
        state.history.begin(&self.wishes, actor);
        let mut results = Results::new(1, Budget::UNLIMITED);
        state.slots[OLD].serve(&operation(wish), 100, &mut results, 0);
        let (answer, _) = answer(wish, &results);
        match (state.history).told(&self.wishes, actor, answer, self.fails) {
            true => Ok(Actor::Over),
            false => Err(format!("{wish:?} at the old owner comes to {answer:?}")),
        }
    }
}

/// Rises with every step: so all come to an end.
fn progress(course: &Course) -> (bool, u32, u32) {
    let stage = match course.stage {
        Stage::Ask => 0,
        Stage::AskOld => 2,
        Stage::Copy => 3,
        Stage::DropStub | Stage::Fill => 4,
        Stage::Forget => 5,
        Stage::Act => 6,
        Stage::Done => 7,
    };
    (course.is_done(), course.tries, stage)
}

fn operation(wish: Wish) -> Operation<'static> {
    let digit = |value: u8| &b"0123456789"[value as usize..][..1];
    let (kind, value) = match wish {
        Wish::Read | Wish::ReadCas => (Kind::Get, &[][..]),
        Wish::Set(value) => (Kind::Set, digit(value)),
        Wish::Add(value) => (Kind::Add, digit(value)),
        Wish::Replace(value) => (Kind::Replace, digit(value)),
        Wish::Delete => (Kind::Delete, &[][..]),
        Wish::Increment => (Kind::Increment, &[][..]),
    };
    Operation {
        value,
        delta: 1,
        want: match wish {
            Wish::ReadCas => Want::CAS,
            _ => Want::NOTHING,
        },
        ..Operation::new(kind, b"key")
    }
}

fn answer(wish: Wish, answers: &Results) -> (Answer, Status) {
    let record = &answers.records()[0];
    let status = record.status();
    let answer = match status {
        _ if wish == Wish::Delete && !status.is_failure() => Answer::Done,
        Status::Ok if wish == Wish::Increment => Answer::Value(record.number as u8),
        Status::Ok => match answers.value(record) {
            Some(value) => Answer::Value(value[0] - b'0'),
            None => Answer::Done,
        },
        Status::NotFound => Answer::Miss,
        Status::NotStored => Answer::Refused,
        _ => Answer::Failed {
            unsent: record.unsent,
        },
    };
    (answer, status)
}

fn handover(has_abandoned: bool) -> Handover {
    let handover = Handover::among(2);
    if has_abandoned {
        handover.abandon(OLD as u32);
    }
    handover
}
