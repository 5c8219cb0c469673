//! The conversation on one connection: operations are encoded as the socket takes
//! them, replies are decoded as they come and matched to what was asked. It never
//! waits by itself, and a large batch is read while it is written, so two full
//! buffers cannot wait for each other.
//!
//! An exchange goes in steps: each operation of the script is one, each hit that may be a stub is
//! one more at the end. Steps that share a command, or a fence, are a run.

mod answers;
mod classic;
mod dialect;
mod meta;
mod quiet;
mod script;
mod sending;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

pub use self::answers::{Answers, Details, Item};
pub use self::dialect::Dialect;
pub use self::script::{Script, Terms};
use super::connection::{Connection, INPUT_CAPACITY};
use super::stream::Wait;
use crate::error::{Error, Status};
use crate::protocol::decode::{self, Reply, Violation};

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

impl Fault {
    pub fn to_error(&self) -> Error {
        let text = match self {
            Fault::Violation(text) => return Error::new(Status::Protocol, text),
            Fault::Ended => "the server closed the connection".to_owned(),
            Fault::Io(error) => format!("the connection broke: {error}"),
            Fault::OutOfStep => "the server refused a request before this one".to_owned(),
        };
        Error::new(Status::Connection, text)
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Fault::Violation(violation.0)
    }
}

/// How far a conversation has come.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The next step to encode.
    encoded: usize,
    /// Bytes of what is encoded now that the socket has taken.
    sent: usize,
    /// The operation whose value follows the encoded bytes from where it lies.
    large: Option<usize>,
    /// Steps before this one may have reached the server.
    exposed: usize,
    /// The run whose replies are awaited.
    run: Run,
    /// The `get` lines of more than one key that are encoded and still ahead of that run.
    lines: VecDeque<Range<usize>>,
    /// A value that is received into its own buffer.
    incoming: Option<Incoming>,
    /// Hits that may be stubs.
    doubts: Vec<Doubt>,
    /// The version was asked, and nothing is encoded before it has been told.
    version_awaited: bool,
    /// A run of quiet operations was encoded, but not yet the fence behind it.
    fence_due: bool,
    answered: bool,
}

/// Steps that share one command, or one fence.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    start: usize,
    end: usize,
    /// Where to look first for the key of the next item.
    cursor: usize,
    form: Form,
}

/// How the steps of a run are answered.
#[derive(Clone, Copy, Debug, Default)]
enum Form {
    #[default]
    Classic,
    Meta,
    Quiet,
}

/// A hit of no bytes and no flags: an empty item, or a stub.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    position: usize,
    cas: u64,
}

#[derive(Clone, Copy, Debug)]
struct Incoming {
    op: u32,
    item: Item,
    left: usize,
    /// It was refused, and is read only to keep in step.
    dropped: bool,
}

impl Exchange {
    pub fn new(connection: &mut Connection) -> Self {
        connection.output.clear();
        Self::default()
    }

    /// True once every operation has its answer. What quiet ones come to may still be owed.
    pub fn is_done(&self, script: &Script<'_>) -> bool {
        self.run.start == script.order.len() + self.doubts.len() && self.incoming.is_none()
    }

    /// True once the server has answered anything: an exchange of quiet operations can end before.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// True when nothing of the operation at this position of [`Script::order`] can have reached
    /// the server.
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
            Some(incoming) if incoming.left > 0 && !incoming.dropped => {
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
        self.leave_quiet(connection, script, answers);
        let owes = !connection.owed.is_nothing();
        if self.is_done(script) && !owes && !connection.input.unread().is_empty() {
            return Err(nobody_asked());
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
            return self.go_on_with(incoming, connection, answers);
        }
        if connection.input.unread().is_empty() {
            return Ok(false);
        }
        self.begin_run(connection, script);
        if self.is_done(script) {
            return Ok(false);
        }
        let unread = connection.input.unread();
        let Some((reply, len)) = decode::line(unread)? else {
            return Ok(false);
        };
        let rest = &unread[len..];
        let behind = if !connection.owed.is_nothing() {
            quiet::take_owed(&reply, &mut connection.owed, script)?;
            Some(0)
        } else if self.version_awaited && self.run.start == self.encoded {
            let told = Dialect::from_reply(&reply);
            connection.dialect = Some(told.ok_or_else(|| decode::out_of_place(&reply))?);
            self.version_awaited = false;
            Some(0)
        } else {
            self.take_reply(&reply, rest, script, answers)?
        };
        let Some(behind) = behind else {
            return Ok(false);
        };
        self.answered = true;
        connection.input.consume(len + behind);
        Ok(true)
    }

    /// Finds the run that the next reply answers, past what was not asked of this server.
    fn begin_run(&mut self, connection: &Connection, script: &Script<'_>) {
        while self.run.end <= self.run.start && self.run.start < self.encoded {
            let start = self.run.start;
            let (form, asked, end) = if start >= script.order.len() {
                (Form::Meta, true, start + 1)
            } else {
                let op = script.at(start);
                let peer = connection.dialect;
                let (form, asked) = if op.is_quiet() {
                    (Form::Quiet, peer.is_some_and(Dialect::has_meta))
                } else if script.needs_meta(op) {
                    (Form::Meta, peer.is_some_and(|peer| peer.knows(op)))
                } else {
                    (Form::Classic, true)
                };
                let end = match form {
                    Form::Classic => {
                        let line = self.lines.pop_front_if(|line| line.start == start);
                        line.map_or(start + 1, |line| line.end)
                    }
                    Form::Meta => start + 1,
                    Form::Quiet => script.quiet_end(start),
                };
                (form, asked, end)
            };
            self.run = Run {
                start: if asked { start } else { end },
                end,
                cursor: start,
                form,
            };
        }
    }

    /// Takes a line, and what follows it: the number of bytes behind the line that belong to it. `None`:
    /// more is needed first.
    fn take_reply(
        &mut self,
        reply: &Reply<'_>,
        rest: &[u8],
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<Option<usize>, Fault> {
        match self.run.form {
            Form::Quiet => self.take_quiet(reply, script, answers).map(|()| Some(0)),
            _ if self.run.end > self.exposed => Err(nobody_asked()),
            Form::Meta => self.take_meta(reply, rest, script, answers),
            Form::Classic => self.take_classic(reply, rest, script, answers),
        }
    }
}

/// The server may read the value of a request that it refused as commands.
fn in_step_after(refusal: &Reply<'_>, with_value: bool) -> Result<(), Fault> {
    match refusal {
        Reply::Error | Reply::ClientError(_) if with_value => Err(Fault::OutOfStep),
        _ => Ok(()),
    }
}

fn nobody_asked() -> Fault {
    Fault::Violation("a reply nobody asked for".into())
}
