//! The conversation on one connection: operations are encoded as the socket takes
//! them, replies are decoded as they come and matched to what was asked. It never
//! waits by itself, and a large batch is read while it is written, so two full
//! buffers cannot wait for each other.

mod answers;
mod script;
mod sending;
#[cfg(test)]
mod tests;
mod verdict;

use std::io;

pub use self::answers::{Answers, Item};
pub use self::script::{Script, Terms};
use self::verdict::{answer, refusal};
use super::connection::{Connection, INPUT_CAPACITY};
use super::stream::Wait;
use crate::error::Error;
use crate::protocol::Kind;
use crate::protocol::decode::{self, Head, Reply, Violation};

/// A value up to this size is taken out of the input buffer once it is there as a whole.
const BUFFERED_VALUE_MAX: usize = INPUT_CAPACITY / 4;

/// Why a conversation cannot go on. The connection must be closed.
#[derive(Debug)]
pub enum Fault {
    /// The server closed the connection.
    Ended,
    Io(io::Error),
    /// What came is not the answer to what was asked.
    Violation(String),
    /// The server refused a request that carries a value, and may read the value as commands.
    OutOfStep,
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Fault::Violation(violation.0)
    }
}

/// How far a conversation has come. Positions count in [`Script::order`].
#[derive(Debug, Default)]
pub struct Exchange {
    /// The next operation to encode.
    encoded: usize,
    /// Bytes of what is encoded now that the socket has taken.
    sent: usize,
    /// The operation whose value follows the encoded bytes from where it lies.
    large: Option<usize>,
    /// Operations before this one may have reached the server.
    exposed: usize,
    /// The run whose replies are awaited.
    run: Run,
    /// A value that is received into its own buffer.
    incoming: Option<Incoming>,
}

/// Operations that share one command.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    start: usize,
    end: usize,
    /// Where to look first for the key of the next item.
    cursor: usize,
}

#[derive(Clone, Copy, Debug)]
struct Incoming {
    op: u32,
    item: Item,
    left: usize,
}

impl Exchange {
    pub fn new(connection: &mut Connection) -> Self {
        connection.output.clear();
        Self::default()
    }

    /// True once every operation has its answer.
    pub fn is_done(&self, script: &Script<'_>) -> bool {
        self.run.start == script.order.len()
    }

    /// True when nothing of the operation at this position can have reached the server.
    pub fn is_unsent(&self, position: usize) -> bool {
        position >= self.exposed
    }

    /// Receives once, and takes in what came. False when nothing has come.
    pub fn receive(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
        wait: Wait,
    ) -> Result<bool, Fault> {
        let received = match &mut self.incoming {
            Some(incoming) if incoming.left > 0 => {
                let buffer = answers.buffer(incoming.op);
                let received = connection.stream.receive(buffer, incoming.left, wait);
                incoming.left -= *received.as_ref().unwrap_or(&0);
                received
            }
            _ => connection.fill(wait),
        };
        match received {
            Ok(0) => return Err(Fault::Ended),
            Ok(_) => {}
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => return Ok(false),
                _ => return Err(Fault::Io(error)),
            },
        }
        while self.take_one(connection, script, answers)? {}
        if self.is_done(script) && !connection.input.unread().is_empty() {
            return Err(Fault::Violation("a reply nobody asked for".into()));
        }
        Ok(true)
    }

    /// Takes in one thing that has been received as a whole. False when more is needed.
    fn take_one(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<bool, Fault> {
        if let Some(incoming) = self.incoming {
            return self.end_incoming(incoming, connection, answers);
        }
        if self.is_done(script) || connection.input.unread().is_empty() {
            return Ok(false);
        }
        if self.run.end == self.run.start {
            self.run.end = script.run_end(self.run.start);
            self.run.cursor = self.run.start;
        }
        let unread = connection.input.unread();
        let Some((reply, len)) = decode::line(unread)? else {
            return Ok(false);
        };
        if self.run.end > self.exposed {
            return Err(Fault::Violation("a reply nobody asked for".into()));
        }
        let consumed = match reply {
            Reply::Value(head) => {
                let position = self.position_of(&head, script, answers)?;
                let op = script.order[position];
                let rest = &unread[len..];
                let Some(value) = self.take_value(op, &head, rest, script, answers)? else {
                    return Ok(false);
                };
                self.run.cursor = position + 1;
                len + value
            }
            Reply::Stat(text) if script.at(self.run.start).kind == Kind::Stats => {
                take_stat(text, answers.buffer(script.order[self.run.start]), script)?;
                len
            }
            reply => {
                self.end_run(&reply, script, answers)?;
                len
            }
        };
        connection.input.consume(consumed);
        Ok(true)
    }

    /// The operation an item answers: the next of the run that asked for this key. A server
    /// answers in order; a proxy that spreads a line over servers need not.
    fn position_of(
        &mut self,
        head: &Head<'_>,
        script: &Script<'_>,
        answers: &impl Answers,
    ) -> Result<usize, Fault> {
        let Run { start, end, cursor } = self.run;
        let asked = |&position: &usize| {
            let op = script.at(position);
            matches!(op.kind, Kind::Get | Kind::GetAndTouch)
                && head.key.strip_prefix(&*script.terms.prefix) == Some(op.key)
                && head.cas.is_some() == op.want_cas
                && answers.is_pending(script.order[position])
        };
        let found = (cursor..end).chain(start..cursor).find(asked);
        found.ok_or_else(|| decode::out_of_place(&Reply::Value(*head)).into())
    }

    /// Takes the value behind `head`, or arranges for its reception. `None`: more is needed first.
    fn take_value(
        &mut self,
        op: u32,
        head: &Head<'_>,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        let item = Item {
            flags: head.flags,
            cas: head.cas.unwrap_or(0),
        };
        let len = match usize::try_from(head.len) {
            Ok(len) if head.len <= script.terms.max_value_bytes => len,
            _ => {
                let text = format!("a value of {} bytes, over max_value_bytes", head.len);
                return Err(Fault::Violation(text));
            }
        };
        if len > BUFFERED_VALUE_MAX {
            let here = &rest[..rest.len().min(len)];
            if let Err(error) = answers.reserve(op, len) {
                answers.failed(op, &error.on(&script.terms.server), false);
                return Err(Fault::OutOfStep);
            }
            answers.buffer(op).extend_from_slice(here);
            self.incoming = Some(Incoming {
                op,
                item,
                left: len - here.len(),
            });
            return Ok(Some(here.len()));
        }
        let Some(behind) = rest.get(len..) else {
            return Ok(None);
        };
        let Some(end) = decode::value_end(behind)? else {
            return Ok(None);
        };
        answers.item(op, item, &rest[..len]);
        Ok(Some(len + end))
    }

    fn end_incoming(
        &mut self,
        incoming: Incoming,
        connection: &mut Connection,
        answers: &mut impl Answers,
    ) -> Result<bool, Fault> {
        if incoming.left > 0 {
            return Ok(false);
        }
        let Some(end) = decode::value_end(connection.input.unread())? else {
            return Ok(false);
        };
        connection.input.consume(end);
        answers.buffered(incoming.op, incoming.item);
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
        let run = script.order[start..end].iter().copied();
        self.run.start = end;
        if let Some((status, text)) = refusal(kind, reply) {
            let error = Error::new(status, text).on(&script.terms.server);
            for op in run {
                if answers.is_pending(op) {
                    answers.failed(op, &error, false);
                }
            }
            let refused_request = matches!(reply, Reply::Error | Reply::ClientError(_));
            if refused_request && kind.carries_value() {
                return Err(Fault::OutOfStep);
            }
            return Ok(());
        }
        let Some((status, number)) = answer(kind, reply) else {
            return Err(decode::out_of_place(reply).into());
        };
        if let (Kind::Version, Reply::Version(text)) = (kind, reply) {
            answers.item(script.order[start], Item::default(), text);
            return Ok(());
        }
        for op in run {
            if answers.is_pending(op) {
                answers.done(op, status, number);
            }
        }
        Ok(())
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
