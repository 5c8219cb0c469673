//! What is asked in a conversation.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::protocol::Operation;
use crate::protocol::encode::meta::KeyForm;

/// What all conversations with one server have in common.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The server, for errors.
    pub server: Arc<str>,
    pub prefix: Arc<[u8]>,
    /// Keys that cannot go as they are go as base64.
    pub binary_keys: bool,
    pub max_value_bytes: u64,
    /// The clock, asked only for a ttl of more than 30 days.
    pub unix_now: fn() -> i64,
    /// Counts what a server refused of quiet operations and no result told of.
    pub quiet_failures: Arc<AtomicU64>,
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
    #[inline]
    pub(super) fn at(&self, position: usize) -> &'a Operation<'a> {
        &self.operations[self.order[position] as usize]
    }

    /// The operations from this position on.
    pub(super) fn from(&self, position: usize) -> impl Iterator<Item = &'a Operation<'a>> {
        let operations = self.operations;
        let rest = self.order[position..].iter();
        rest.map(move |&op| &operations[op as usize])
    }

    /// Where the run of quiet operations that starts at `position` ends.
    pub(super) fn quiet_end(&self, position: usize) -> usize {
        position + self.from(position).take_while(|op| op.is_quiet()).count()
    }

    pub(super) fn key_form(&self, op: &Operation<'_>) -> KeyForm<'a> {
        KeyForm {
            prefix: &self.terms.prefix,
            as_base64: op.encodes_key(self.terms.binary_keys),
        }
    }

    #[inline]
    pub(super) fn needs_meta(&self, op: &Operation<'_>) -> bool {
        op.needs_meta(op.encodes_key(self.terms.binary_keys))
    }
}
