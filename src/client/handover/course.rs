//! What one operation on a key that has moved goes through, step by step: docs/handover.md.

use smallvec::SmallVec;

use crate::error::{Error, Status};
use crate::fleet::Handover;
use crate::fleet::handover::Owners;
use crate::net::results::Results;
use crate::options::Copying;
use crate::protocol::{Kind, Operation, Want};

/// So often an operation that depends on the old value starts again when others interfere.
pub(super) const TRIES_MAX: u32 = 32;

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub struct Course {
    /// Number of the operation in the caller's batch.
    pub number: u32,
    /// Where the answers to this step's requests are.
    pub places: SmallVec<[usize; 1]>,
    pub(super) nature: Nature,
    pub(super) stage: Stage,
    pub(super) copying: Copying,
    /// Seconds that a stub lasts.
    pub(super) lease: i32,
    /// The former owners, the latest first.
    pub(super) old: Owners,
    /// Those of them that this step asks.
    pub(super) asked: Owners,
    pub(super) stub: Option<Stub>,
    pub(super) found: Option<Found>,
    /// The cas id of the item that was met at the new owner; 0: not known.
    pub(super) item: u64,
    /// Courses of the same call on the same key, by their places, that are to end first.
    pub(super) after: SmallVec<[usize; 1]>,
    /// One of them has not ended.
    pub(super) is_held: bool,
    /// A former owner had the key that was to be deleted.
    pub(super) deleted: bool,
    /// Arithmetic was refused: the value is no number, or it was somebody's stub.
    pub(super) refused: bool,
    pub(super) tries: u32,
}

/// What an operation has to do with the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) enum Nature {
    Reads,
    Replaces,
    DependsOnIt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) enum Stage {
    /// Reads at the new owner. A miss leaves a stub.
    Ask,
    AskOld,
    /// Puts what was found in the place of the stub.
    Copy,
    /// Nothing was found: takes the stub away.
    DropStub,
    /// Nothing was found: puts what is to be added in the place of the stub.
    Fill,
    /// Deletes at the former owners.
    Forget,
    /// What the caller asked for.
    Act,
    Done,
}

/// A placeholder, on the server that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) struct Stub {
    pub(super) server: u32,
    pub(super) cas: u64,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub struct Found {
    pub value: Vec<u8>,
    pub flags: u32,
    pub(super) ttl: i64,
}

/// What a step means for the caller.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing yet.
    GoesOn,
    /// The answer to the step's first request, until there is another.
    Answered,
    Missed,
    NotStored,
    /// What [`Course::found`] has.
    Found,
    Done,
    Failed(Error, bool),
}

impl Course {
    pub fn new(
        number: u32,
        op: &Operation<'_>,
        old: Owners,
        copying: Copying,
        lease: i32,
        handover: &Handover,
    ) -> Self {
        let nature = nature_of(op);
        let mut course = Self {
            number,
            places: SmallVec::new(),
            nature,
            stage: Stage::Ask,
            copying,
            lease,
            old,
            asked: Owners::new(),
            stub: None,
            found: None,
            item: 0,
            after: SmallVec::new(),
            is_held: false,
            deleted: false,
            refused: false,
            tries: 0,
        };
        if nature == Nature::Replaces {
            course.forget(handover);
        }
        course
    }

    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// Takes in the answers of this step.
    pub fn advance(
        &mut self,
        op: &Operation<'_>,
        results: &Results,
        handover: &Handover,
    ) -> Verdict {
        let first = self.places.first().copied().unwrap_or_default();
        let record = &results.records()[first];
        match self.stage {
            Stage::Ask => self.asked_new(op, record, results, handover),
            Stage::AskOld => self.asked_old(op, results, handover),
            Stage::Copy => self.copied(op, record, results, handover),
            Stage::DropStub => self.dropped(op, record, results),
            Stage::Fill => self.filled(record),
            Stage::Forget => self.forgotten(results, handover),
            Stage::Act => self.acted(op, record),
            Stage::Done => Verdict::GoesOn,
        }
    }

    /// There is no other step. What was answered stays answered.
    pub fn stop(&mut self, error: &Error, is_answered: bool) -> Verdict {
        self.stage = Stage::Done;
        match is_answered {
            true => Verdict::GoesOn,
            false => Verdict::Failed(error.clone(), false),
        }
    }

    /// Next: to delete at the former owners, then to act.
    pub(super) fn forget(&mut self, handover: &Handover) {
        self.ask_those(handover);
        self.stage = match self.asked.is_empty() {
            true => Stage::Act,
            false => Stage::Forget,
        };
    }

    pub(super) fn ask_those(&mut self, handover: &Handover) {
        let usable = |owner: &u32| !handover.is_abandoned(*owner);
        self.asked = self.old.iter().copied().filter(usable).collect();
    }

    pub(super) fn act_unless_read(&mut self) {
        self.stage = match self.nature {
            Nature::Reads => Stage::Done,
            _ => Stage::Act,
        };
    }

    /// From the beginning: others have changed something meanwhile.
    pub(super) fn again(&mut self) -> Verdict {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            let text = "the key is being moved by others";
            return self.fails(Error::new(Status::Busy, text), true);
        }
        (self.stage, self.stub, self.item) = (Stage::Ask, None, 0);
        Verdict::GoesOn
    }

    pub(super) fn fails(&mut self, error: Error, unsent: bool) -> Verdict {
        self.stage = Stage::Done;
        Verdict::Failed(error, unsent)
    }
}

fn nature_of(op: &Operation<'_>) -> Nature {
    let marks = op.want.has(Want::INVALIDATE | Want::DROP_VALUE);
    match op.kind {
        Kind::Get => Nature::Reads,
        Kind::Set if !marks => Nature::Replaces,
        Kind::Delete if !marks && op.cas == 0 => Nature::Replaces,
        _ => Nature::DependsOnIt,
    }
}

pub(super) fn failure(results: &Results, place: usize) -> Error {
    let failure = results.failure_of(place);
    failure.map_or_else(|| Error::new(Status::Cancelled, ""), |(error, _)| error)
}
