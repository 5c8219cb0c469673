//! Where the answers of a conversation go.

use crate::error::{Error, Result, Status};

/// What an item brings besides its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Item {
    pub flags: u32,
    pub cas: u64,
}

/// Where answers go. Operations are named by their number in the batch.
pub trait Answers {
    /// True while an operation has no answer.
    fn is_pending(&self, op: u32) -> bool;
    /// An item, whole.
    fn item(&mut self, op: u32, item: Item, value: &[u8]);
    /// Makes room for `len` bytes that will be appended to [`Answers::buffer`].
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
}
