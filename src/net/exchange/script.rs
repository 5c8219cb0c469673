//! What is asked in a conversation.

use std::sync::Arc;

use crate::protocol::{Operation, encode};

/// What all conversations with one server have in common.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The server, for errors.
    pub server: Arc<str>,
    pub prefix: Arc<[u8]>,
    pub max_value_bytes: u64,
    /// The clock, asked only for a ttl of more than 30 days.
    pub unix_now: fn() -> i64,
}

/// What is to be asked of one server.
#[derive(Clone, Copy)]
pub struct Script<'a> {
    pub terms: &'a Terms,
    pub operations: &'a [Operation<'a>],
    /// Numbers of the operations meant for this server, in the order they are sent.
    pub order: &'a [u32],
}

impl<'a> Script<'a> {
    pub(super) fn at(&self, position: usize) -> &'a Operation<'a> {
        &self.operations[self.order[position] as usize]
    }

    /// Where the run that starts at `position` ends: its operations share one command.
    pub(super) fn run_end(&self, position: usize) -> usize {
        let rest = self.order[position..].iter();
        let operations = rest.map(|&op| &self.operations[op as usize]);
        position + encode::run_len(&self.terms.prefix, operations)
    }
}
