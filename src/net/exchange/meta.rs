//! Answers to meta commands, matched by their opaque.

use std::borrow::Cow;

use super::verdict::{meta_answer, refusal};
use super::{Answers, Details, Exchange, Fault, Item, Script, in_step_after};
use crate::error::{Error, Status};
use crate::protocol::decode::{self, Code, Letters, Meta, Reply};
use crate::protocol::encode::meta;
use crate::protocol::{Kind, Operation};

/// The digits of the largest number.
const MAX_DIGITS: u64 = 20;

impl Exchange {
    /// As [`Exchange::take_reply`], for a step that is a run of its own.
    pub(super) fn take_meta(
        &mut self,
        reply: &Reply<'_>,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let step = self.run.start;
        let (number, op) = self.asked(step, script);
        if let Some((status, text)) = refusal(op.kind, reply) {
            let error = Error::new(status, text).on(&script.terms.server);
            answers.failed(number, &error, false);
            self.run.start = self.run.end;
            return in_step_after(reply, op.kind.carries_value()).map(|()| Some(0));
        }
        let Reply::Meta(line) = reply else {
            return Err(decode::out_of_place(reply).into());
        };
        let details = checked(line, step, &op)?;
        let Some(status) = meta_answer(&op, line.code) else {
            return Err(decode::out_of_place(reply).into());
        };
        let taken = match line.code {
            Code::Value(len) if matches!(op.kind, Kind::Increment | Kind::Decrement) => {
                take_number(number, len, &details, rest, answers)?
            }
            Code::Value(_) | Code::Done => {
                self.take_found(number, &op, line, &details, rest, script, answers)?
            }
            _ => {
                answers.done(number, status, 0);
                Some(0)
            }
        };
        if taken.is_some() {
            self.run.start = self.run.end;
        }
        Ok(taken)
    }

    /// What was asked at a step: the operation's number, and the operation that was sent.
    fn asked<'s>(&self, step: usize, script: &Script<'s>) -> (u32, Cow<'s, Operation<'s>>) {
        let all = script.order.len();
        if step < all {
            return (script.order[step], Cow::Borrowed(script.at(step)));
        }
        let position = self.doubts[step - all].position;
        let read = meta::inspection(script.at(position));
        (script.order[position], Cow::Owned(read))
    }

    /// What was stored, deleted or read. A stub is a miss.
    #[allow(clippy::too_many_arguments)]
    fn take_found(
        &mut self,
        number: u32,
        op: &Operation<'_>,
        line: &Meta<'_>,
        found: &decode::Details,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let item = Item {
            flags: found.client_flags,
            cas: found.cas,
        };
        let reads = matches!(op.kind, Kind::Get | Kind::GetAndTouch);
        let len = match line.code {
            Code::Value(len) => len,
            _ => found.size,
        };
        let is_stub = reads && len == 0 && (found.won() || found.is_already_sent());
        answers.details(number, item, Details::of(found));
        match line.code {
            Code::Value(len) if !is_stub => {
                self.take_value(number, item, len, rest, script, answers)
            }
            Code::Value(_) => {
                let end = decode::value_end(rest)?;
                if end.is_some() {
                    answers.done(number, Status::NotFound, 0);
                }
                Ok(end)
            }
            _ => {
                let status = if is_stub {
                    Status::NotFound
                } else {
                    Status::Ok
                };
                answers.done(number, status, 0);
                Ok(Some(0))
            }
        }
    }
}

/// The flags of an answer, if they are those that were asked for.
fn checked(line: &Meta<'_>, step: usize, op: &Operation<'_>) -> Result<decode::Details, Fault> {
    let details = line.details()?;
    let expected = meta::returned(op);
    let is_read = matches!(op.kind, Kind::Get | Kind::GetAndTouch | Kind::Touch);
    let seen = if is_read {
        details.seen.without(Letters::STATE)
    } else {
        details.seen
    };
    let fits = match line.code {
        Code::Done | Code::Value(_) => seen == expected,
        _ => seen.has(Letters::OPAQUE) && seen.without(expected) == Letters::default(),
    };
    if !fits || details.opaque != step as u64 {
        return Err(decode::out_of_place(&Reply::Meta(*line)).into());
    }
    Ok(details)
}

/// The value that arithmetic came to.
fn take_number(
    op: u32,
    len: u64,
    details: &decode::Details,
    rest: &[u8],
    answers: &mut impl Answers,
) -> Result<Option<usize>, Fault> {
    if len > MAX_DIGITS {
        return Err(Fault::Violation(format!("a number of {len} digits")));
    }
    let Some((digits, behind)) = rest.split_at_checked(len as usize) else {
        return Ok(None);
    };
    let Some(end) = decode::value_end(behind)? else {
        return Ok(None);
    };
    let Some(number) = decode::number(digits) else {
        return Err(Fault::Violation("a value that is no number".into()));
    };
    let item = Item {
        flags: 0,
        cas: details.cas,
    };
    answers.details(op, item, Details::of(details));
    answers.done(op, Status::Ok, number);
    Ok(Some(len as usize + end))
}
