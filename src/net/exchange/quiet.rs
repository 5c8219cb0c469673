//! Quiet operations: nobody waits for what they come to. Behind a run of them goes a fence, `mn`,
//! whose answer shows that all before it have been dealt with; until then only refusals arrive. When a
//! conversation ends with such a run, its answers are owed by the connection: they are read ahead of
//! the replies of the next.

use std::sync::atomic::Ordering;

use super::verdict::{meta_answer, refusal};
use super::{Answers, Exchange, Fault, Form, Run, Script, in_step_after, nobody_asked};
use crate::error::{Error, Status};
use crate::net::connection::{Connection, Owed};
use crate::protocol::decode::{self, Code, Letters, Meta, Reply};

/// A line that an earlier conversation left unread.
pub(super) fn take_owed(
    reply: &Reply<'_>,
    owed: &mut Owed,
    script: &Script<'_>,
) -> Result<(), Fault> {
    match reply {
        Reply::Fence => {
            owed.settle_one();
            Ok(())
        }
        // An increment that creates is answered although it is quiet.
        Reply::Meta(line) => match (line.code, line.details()?) {
            (Code::Done, _) => Ok(()),
            (Code::Value(_) | Code::Miss, _) => Err(decode::out_of_place(reply).into()),
            _ => {
                count_failure(script);
                Ok(())
            }
        },
        Reply::Error | Reply::ClientError(_) | Reply::ServerError(_) => {
            count_failure(script);
            in_step_after(reply, owed.is_about_values())
        }
        _ => Err(decode::out_of_place(reply).into()),
    }
}

impl Exchange {
    /// A line while a run of quiet operations is awaited.
    pub(super) fn take_quiet(
        &mut self,
        reply: &Reply<'_>,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<(), Fault> {
        let Run { start, end, .. } = self.run;
        match reply {
            Reply::Fence if end <= self.exposed => {
                self.end_quiet(script, answers);
                return Ok(());
            }
            Reply::Fence => return Err(nobody_asked()),
            Reply::Meta(line) => return self.take_quiet_answer(line, script, answers),
            _ => {}
        }
        let Some((status, text)) = refusal(script.at(start).kind, reply) else {
            return Err(decode::out_of_place(reply).into());
        };
        if end == start + 1 && answers.is_pending(script.order[start]) {
            let error = Error::new(status, text).on(&script.terms.server);
            answers.failed(script.order[start], &error, false);
        } else {
            // It does not say which it is about.
            count_failure(script);
        }
        let carries_value = |position| script.at(position).kind.carries_value();
        in_step_after(reply, (start..end).any(carries_value))
    }

    /// What the server says of a quiet operation, by its opaque.
    fn take_quiet_answer(
        &self,
        line: &Meta<'_>,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<(), Fault> {
        let details = line.details()?;
        let position = usize::try_from(details.opaque).unwrap_or(usize::MAX);
        let asked = self.run.start..self.run.end.min(self.exposed);
        let status = asked
            .contains(&position)
            .then(|| meta_answer(script.at(position), line.code))
            .flatten()
            .filter(|_| details.seen == Letters::OPAQUE);
        let Some(status) = status else {
            return Err(decode::out_of_place(&Reply::Meta(*line)).into());
        };
        if answers.is_pending(script.order[position]) {
            answers.done(script.order[position], status, 0);
        }
        Ok(())
    }

    /// Quiet operations that were sent, and of which nothing bad was heard, are done.
    fn end_quiet(&mut self, script: &Script<'_>, answers: &mut impl Answers) {
        let run = &script.order[self.run.start..self.run.end];
        for &op in run {
            if answers.is_pending(op) {
                answers.done(op, Status::Ok, 0);
            }
        }
        self.run.start = self.run.end;
    }

    /// When nothing is left but quiet operations, and they have been sent, their answers are left to
    /// the next exchange on this connection.
    pub(super) fn leave_quiet(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) {
        let all = script.order.len();
        if all == 0 || !script.needs_meta(script.at(all - 1)) {
            // The last answer is still to come, or has ended the exchange.
            return;
        }
        self.begin_run(connection, script);
        let Run { start, end, .. } = self.run;
        let is_last = start < end && end == all && self.doubts.is_empty();
        if !is_last || !matches!(self.run.form, Form::Quiet) || connection.owed.is_full() {
            return;
        }
        if self.encoded == all && !self.wants_to_send(connection, script) {
            let carries_value = |position| script.at(position).kind.carries_value();
            connection.owed.add((start..end).any(carries_value));
            self.end_quiet(script, answers);
        }
    }
}

fn count_failure(script: &Script<'_>) {
    script.terms.quiet_failures.fetch_add(1, Ordering::Relaxed);
}
