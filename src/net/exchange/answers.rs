//! Where the answers of a conversation go.

use crate::error::{Error, Result, Status};
use crate::net::budget::Budget;
use crate::protocol::decode;

/// What an item brings besides its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Item {
    pub flags: u32,
    pub cas: u64,
}

/// What an answer brings that few ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Seconds left; -1 never expires.
    pub ttl: i64,
    /// Seconds since the item was last asked for.
    pub last_access: i64,
    /// Length of the value.
    pub size: u64,
    /// The item had been asked for before.
    pub hit_before: bool,
    /// The caller won the right to recompute the value.
    pub won: bool,
    /// The value is stale.
    pub stale: bool,
    /// Another is recomputing the value.
    pub already_sent: bool,
}

impl Details {
    pub(super) fn of(answer: &decode::Details) -> Self {
        Self {
            ttl: answer.ttl,
            last_access: answer.last_access,
            size: answer.size,
            hit_before: answer.hit_before,
            won: answer.won(),
            stale: answer.is_stale(),
            already_sent: answer.is_already_sent(),
        }
    }
}

/// Where answers go. Operations are named by their number in the batch.
pub trait Answers {
    /// Names the server (its index in the list) that is asked.
    fn set_server(&mut self, op: u32, server: u32);

    /// What has become of an operation; `None` while it has no answer.
    fn status(&self, op: u32) -> Option<Status>;

    /// True while an operation has no answer.
    fn is_pending(&self, op: u32) -> bool {
        self.status(op).is_none()
    }

    /// What comes with an answer to a meta command, ahead of it. It may come twice.
    fn details(&mut self, op: u32, item: Item, details: Details);
    /// An item, whole. An error when there is no room for its value.
    fn item(&mut self, op: u32, item: Item, value: &[u8]) -> Result<()>;
    /// Makes room for `len` bytes that will be appended to [`Answers::buffer`]. An error when there
    /// is none.
    fn reserve(&mut self, op: u32, len: usize) -> Result<()>;
    /// The operation's own buffer.
    fn buffer(&mut self, op: u32) -> &mut Vec<u8>;
    /// The buffer holds the whole value.
    fn buffered(&mut self, op: u32, item: Item);
    /// An answer without an item.
    fn done(&mut self, op: u32, status: Status, number: u64);
    /// The operation failed. `unsent`: nothing of it can have reached the server.
    fn failed(&mut self, op: u32, error: &Error, unsent: bool);
    /// Forgets what has come for an operation that is to be repeated.
    fn reset(&mut self, op: u32);
    /// What the values of all operations may come to, to be shared with who carries some of them.
    fn share_budget(&mut self) -> Budget {
        Budget::UNLIMITED
    }
}
