//! Replies to classic commands, and values of any.

use super::verdict::{answer, refusal};
use super::{
    Answers, BUFFERED_VALUE_MAX, Doubt, Exchange, Fault, Incoming, Item, Run, Script, in_step_after,
};
use crate::error::{Error, Status};
use crate::net::connection::Connection;
use crate::protocol::decode::{self, Head, Reply};
use crate::protocol::{Kind, Want};

impl Exchange {
    /// As [`Exchange::take_reply`], for a run of classic commands.
    pub(super) fn take_classic(
        &mut self,
        reply: &Reply<'_>,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let start = self.run.start;
        match reply {
            Reply::Value(head) => self.take_item(head, rest, script, answers),
            Reply::Stat(text) if script.at(start).kind == Kind::Stats => {
                take_stat(text, answers.buffer(script.order[start]), script)?;
                Ok(Some(0))
            }
            reply => self.end_run(reply, script, answers).map(|()| Some(0)),
        }
    }

    fn take_item(
        &mut self,
        head: &Head<'_>,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let position = self.position_of(head, script, answers)?;
        let cas = head.cas.unwrap_or(0);
        let taken = if head.len == 0 && head.flags == 0 {
            let end = decode::value_end(rest)?;
            if end.is_some() {
                self.doubts.push(Doubt { position, cas });
            }
            end
        } else {
            let flags = head.flags;
            let op = script.order[position];
            self.take_value(op, Item { flags, cas }, head.len, rest, script, answers)?
        };
        if taken.is_some() {
            self.run.cursor = position + 1;
        }
        Ok(taken)
    }

    /// The operation an item answers: the next of the run that asked for this key. A server
    /// answers in order; a proxy that spreads a line over servers need not.
    fn position_of(
        &mut self,
        head: &Head<'_>,
        script: &Script<'_>,
        answers: &impl Answers,
    ) -> Result<usize, Fault> {
        let Run {
            start, end, cursor, ..
        } = self.run;
        let asked = |&position: &usize| {
            let op = script.at(position);
            matches!(op.kind, Kind::Get | Kind::GetAndTouch)
                && head.key.strip_prefix(&*script.terms.prefix) == Some(op.key)
                && head.cas.is_some() == op.want.has(Want::CAS)
                && self.is_open(position, script, answers)
        };
        let found = (cursor..end).chain(start..cursor).find(asked);
        found.ok_or_else(|| decode::out_of_place(&Reply::Value(*head)).into())
    }

    /// True while nothing has come for an operation of this run, not even a doubtful item.
    #[inline]
    fn is_open(&self, position: usize, script: &Script<'_>, answers: &impl Answers) -> bool {
        if self.doubts.is_empty() {
            return answers.is_pending(script.order[position]);
        }
        let of_this_run = |doubt: &&Doubt| doubt.position >= self.run.start;
        let mut doubts = self.doubts.iter().rev().take_while(of_this_run);
        answers.is_pending(script.order[position]) && doubts.all(|doubt| doubt.position != position)
    }

    /// Takes a value of this length, or arranges for its reception. `None`: more is needed first.
    #[inline]
    pub(super) fn take_value(
        &mut self,
        op: u32,
        item: Item,
        len: u64,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let len = match usize::try_from(len) {
            Ok(whole) if len <= script.terms.max_value_bytes => whole,
            _ => {
                let text = format!("a value of {len} bytes, over max_value_bytes");
                return Err(Fault::Violation(text));
            }
        };
        if len > BUFFERED_VALUE_MAX {
            return self.begin_incoming(op, item, len, rest, script, answers);
        }
        let Some(behind) = rest.get(len..) else {
            return Ok(None);
        };
        let Some(end) = decode::value_end(behind)? else {
            return Ok(None);
        };
        take_item(op, item, &rest[..len], script, answers);
        Ok(Some(len + end))
    }

    /// A value that is received into its place. One that is refused is read nevertheless, so that
    /// the connection stays in step.
    fn begin_incoming(
        &mut self,
        op: u32,
        item: Item,
        len: usize,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let here = &rest[..rest.len().min(len)];
        let room = answers.reserve(op, len);
        self.incoming = Some(Incoming {
            op,
            item,
            left: len - here.len(),
            dropped: room.is_err(),
        });
        match room {
            Ok(()) => answers.buffer(op).extend_from_slice(here),
            Err(error) => {
                answers.failed(op, &error.clone().on(&script.terms.server), false);
                if error.status() != Status::ValueTooLarge {
                    return Err(Fault::OutOfStep);
                }
            }
        }
        Ok(Some(here.len()))
    }

    /// What of a value has come, and the line end behind it. True when nothing is missing.
    pub(super) fn go_on_with(
        &mut self,
        mut incoming: Incoming,
        connection: &mut Connection,
        answers: &mut impl Answers,
    ) -> Result<bool, Fault> {
        if incoming.dropped {
            let here = incoming.left.min(connection.input.unread().len());
            connection.input.consume(here);
            incoming.left -= here;
            self.incoming = Some(incoming);
        }
        if incoming.left > 0 {
            return Ok(false);
        }
        let Some(end) = decode::value_end(connection.input.unread())? else {
            return Ok(false);
        };
        connection.input.consume(end);
        if !incoming.dropped {
            answers.buffered(incoming.op, incoming.item);
        }
        self.incoming = None;
        Ok(true)
    }

    /// The reply that ends a run.
    fn end_run(
        &mut self,
        reply: &Reply<'_>,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<(), Fault> {
        let Run { start, end, .. } = self.run;
        let kind = script.at(start).kind;
        if let Some((status, text)) = refusal(kind, reply) {
            let error = Error::new(status, text).on(&script.terms.server);
            for position in start..end {
                if self.is_open(position, script, answers) {
                    answers.failed(script.order[position], &error, false);
                }
            }
            self.run.start = end;
            return in_step_after(reply, kind.carries_value());
        }
        let Some((status, number)) = answer(kind, reply) else {
            return Err(decode::out_of_place(reply).into());
        };
        if let (Kind::Version, Reply::Version(text)) = (kind, reply) {
            take_item(script.order[start], Item::default(), text, script, answers);
        } else {
            for position in start..end {
                if self.is_open(position, script, answers) {
                    answers.done(script.order[position], status, number);
                }
            }
        }
        self.run.start = end;
        Ok(())
    }
}

/// Hands over an item. One that is refused has failed.
#[inline]
pub(super) fn take_item(
    op: u32,
    item: Item,
    value: &[u8],
    script: &Script<'_>,
    answers: &mut impl Answers,
) {
    if let Err(error) = answers.item(op, item, value) {
        answers.failed(op, &error.on(&script.terms.server), false);
    }
}

/// A line of `stats`, collected in the operation's buffer.
fn take_stat(text: &[u8], buffer: &mut Vec<u8>, script: &Script<'_>) -> Result<(), Fault> {
    if (buffer.len() + text.len()) as u64 > script.terms.max_value_bytes {
        return Err(Fault::Violation("statistics over max_value_bytes".into()));
    }
    buffer.extend_from_slice(text);
    buffer.push(b'\n');
    Ok(())
}
