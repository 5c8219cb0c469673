//! What the answers to a step of a [`Course`] lead to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::course::{Course, Found, Nature, Stage, Stub, TRIES_MAX, Verdict, failure};
use super::request::needs_an_item;
use crate::error::Status;
use crate::fleet::Handover;
use crate::net::results::{Record, Results};
use crate::options::Copying;
use crate::protocol::{Kind, Operation, Want};

impl Course {
    pub(super) fn asked_new(
        &mut self,
        op: &Operation<'_>,
        record: &Record,
        results: &Results,
        handover: &Handover,
    ) -> Verdict {
        let details = record.details();
        let server = record.server.unwrap_or_default();
        let stub = Stub {
            server,
            cas: record.cas,
        };
        let reads = self.nature == Nature::Reads;
        match record.status() {
            Status::Unsupported if self.copying == Copying::Lease => {
                self.copying = Copying::Add;
                return Verdict::GoesOn;
            }
            status if status.is_failure() && !reads => {
                return self.fails(failure(results, self.places[0]), true);
            }
            // The caller's own, or the handover's.
            Status::NotFound if details.won => self.stub = Some(stub),
            Status::NotFound
                if self.copying == Copying::Lease && details.already_sent && !reads =>
            {
                // The caller's own, which it won to store by.
                if op.cas == stub.cas {
                    self.forget(handover);
                    return Verdict::GoesOn;
                }
                // Another's says as well as one's own whether somebody interferes.
                self.stub = Some(stub);
            }
            Status::NotFound => {}
            _ if reads => {
                self.stage = Stage::Done;
                return Verdict::Answered;
            }
            _ => {
                if needs_an_item(op.kind) {
                    self.item = record.cas;
                }
                self.forget(handover);
                return Verdict::GoesOn;
            }
        }
        self.refused = false;
        self.ask_those(handover);
        if self.asked.is_empty() {
            return self.not_found(op);
        }
        self.stage = Stage::AskOld;
        match reads {
            // A caller who asked for a lease may have it: who has is to be told.
            true if op.create.is_some() => Verdict::Answered,
            true => Verdict::Missed,
            false => Verdict::GoesOn,
        }
    }

    pub(super) fn asked_old(
        &mut self,
        op: &Operation<'_>,
        results: &Results,
        handover: &Handover,
    ) -> Verdict {
        let asked = std::mem::take(&mut self.asked);
        for (&place, &owner) in self.places.iter().zip(&asked) {
            let record = &results.records()[place];
            match record.status() {
                Status::Ok => {
                    let (details, value) = (record.details(), results.value(record));
                    // What expires within the second, or is out of date, is not worth moving.
                    if details.ttl == 0 || details.stale {
                        break;
                    }
                    count(&handover.counts.found);
                    self.found = Some(Found {
                        value: value.unwrap_or_default().to_vec(),
                        flags: record.flags,
                        ttl: details.ttl,
                    });
                    return self.found_it(op, handover);
                }
                Status::NotFound => {}
                _ if self.nature == Nature::Reads => break,
                _ => match failure(results, place) {
                    error if error.is_unusable() => handover.abandon(owner),
                    error => return self.fails(error, true),
                },
            }
        }
        self.not_found(op)
    }

    fn found_it(&mut self, op: &Operation<'_>, handover: &Handover) -> Verdict {
        let reads = self.nature == Nature::Reads;
        let needs_copy = !reads || self.wants_more(op);
        let may_copy = match self.copying {
            _ if self.stub.is_some() => true,
            Copying::Lease => false,
            Copying::Add => true,
            Copying::Never => needs_copy,
        };
        self.stage = match (may_copy, needs_copy) {
            (true, _) => Stage::Copy,
            (false, false) => Stage::Done,
            // Somebody else is copying it.
            (false, true) if self.tries < TRIES_MAX => {
                self.tries += 1;
                Stage::Ask
            }
            (false, true) => Stage::Done,
        };
        if self.stage == Stage::Copy {
            count(&handover.counts.copied);
        }
        match reads {
            true => Verdict::Found,
            false => Verdict::GoesOn,
        }
    }

    fn not_found(&mut self, op: &Operation<'_>) -> Verdict {
        let reads = self.nature == Nature::Reads;
        // A caller who asked for a lease is told what came of that.
        if reads && op.create.is_some() {
            let verdict = match self.stage {
                Stage::Ask => Verdict::Answered,
                _ => Verdict::GoesOn,
            };
            self.stage = Stage::Done;
            return verdict;
        }
        match self.stub {
            Some(_) if op.kind == Kind::Add && !op.is_quiet() => self.stage = Stage::Fill,
            Some(_) => self.stage = Stage::DropStub,
            None => self.act_unless_read(),
        }
        match reads {
            true => Verdict::Missed,
            false => Verdict::GoesOn,
        }
    }

    /// The stub, or nothing, was there until now: and nothing at the former owner, where nobody puts
    /// anything. To act would be to meet the next one's stub.
    pub(super) fn dropped(
        &mut self,
        op: &Operation<'_>,
        record: &Record,
        results: &Results,
    ) -> Verdict {
        if self.nature == Nature::Reads {
            self.stage = Stage::Done;
            return Verdict::GoesOn;
        }
        match record.status() {
            status if status.is_failure() => self.fails(failure(results, self.places[0]), true),
            Status::Ok | Status::NotFound => {
                let verdict = verdict_on_nothing(op);
                self.stage = match verdict {
                    Verdict::GoesOn => Stage::Act,
                    _ => Stage::Done,
                };
                verdict
            }
            _ => self.again(),
        }
    }

    pub(super) fn filled(&mut self, record: &Record) -> Verdict {
        match record.status() {
            Status::Exists | Status::NotFound => self.again(),
            _ => {
                self.stage = Stage::Done;
                Verdict::Answered
            }
        }
    }

    pub(super) fn acted(&mut self, op: &Operation<'_>, record: &Record) -> Verdict {
        let counts = matches!(op.kind, Kind::Increment | Kind::Decrement);
        let touches = matches!(op.kind, Kind::Touch | Kind::GetAndTouch);
        match record.status() {
            // Another's stub is no number either. Looking again tells.
            Status::Rejected if counts && self.copying == Copying::Lease && !self.refused => {
                self.refused = true;
                return self.again();
            }
            // Another item, or somebody's stub, is in the place of the one that was met.
            Status::Exists if self.compares(op) => return self.again(),
            Status::NotFound if touches && record.details().already_sent => return self.again(),
            _ => self.stage = Stage::Done,
        }
        match record.status() {
            Status::NotFound if self.deleted && op.kind == Kind::Delete => Verdict::Done,
            Status::NotFound if op.kind == Kind::Replace => Verdict::NotStored,
            Status::Ok if op.kind == Kind::Touch => Verdict::Done,
            _ => Verdict::Answered,
        }
    }

    pub(super) fn copied(
        &mut self,
        op: &Operation<'_>,
        record: &Record,
        results: &Results,
        handover: &Handover,
    ) -> Verdict {
        let reads = self.nature == Nature::Reads;
        if reads && !self.wants_more(op) {
            self.stage = Stage::Done;
            return Verdict::GoesOn;
        }
        match record.status() {
            status if status.is_failure() && reads => {
                self.stage = Stage::Done;
                Verdict::GoesOn
            }
            status if status.is_failure() => self.fails(failure(results, self.places[0]), true),
            Status::Exists | Status::NotFound => {
                count(&handover.counts.lost_races);
                self.again()
            }
            // What the copy is known by is asked for.
            _ if reads || self.asks_for_copy(op) => self.again(),
            _ => {
                self.forget(handover);
                Verdict::GoesOn
            }
        }
    }

    pub(super) fn forgotten(&mut self, results: &Results, handover: &Handover) -> Verdict {
        let asked = std::mem::take(&mut self.asked);
        for (&place, &owner) in self.places.iter().zip(&asked) {
            let status = results.records()[place].status();
            self.deleted |= status == Status::Ok;
            if status.is_failure() {
                match failure(results, place) {
                    error if error.is_unusable() => handover.abandon(owner),
                    error => return self.fails(error, false),
                }
            }
        }
        self.stage = Stage::Act;
        Verdict::GoesOn
    }
}

/// What an operation comes to where there is nothing. It goes on if it is to make an item.
fn verdict_on_nothing(op: &Operation<'_>) -> Verdict {
    match op.kind {
        _ if op.create.is_some() || op.want.has(Want::INVALIDATE) => Verdict::GoesOn,
        Kind::Replace | Kind::Append | Kind::Prepend => Verdict::NotStored,
        Kind::Set | Kind::Add => Verdict::GoesOn,
        _ => Verdict::Missed,
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
