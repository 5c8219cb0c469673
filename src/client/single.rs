//! The answer of a single operation, with as few copies and allocations as it can have.

use crate::error::{Error, Result, Status};
use crate::net::exchange::{Answers, Details, Item};

/// Where the value of a single operation goes.
#[derive(Debug)]
pub enum Target<'a> {
    /// Into memory of its own, behind this many free bytes: a caller that puts a header before
    /// the value so gets by with one allocation.
    Owned { headroom: usize },
    /// Into the caller's memory. A value that does not fit is [`Status::ValueTooLarge`].
    Buffer(&'a mut [u8]),
}

#[derive(Debug)]
pub struct Single<'a> {
    target: Target<'a>,
    status: Option<Status>,
    pub item_flags: u32,
    pub cas: u64,
    pub number: u64,
    pub details: Details,
    /// Length of the value, also of one that did not fit.
    pub value_len: usize,
    /// Index of the server that answered or failed.
    pub server: Option<u32>,
    /// The value behind the headroom. Empty when there is no value, and when it is small and
    /// went to the caller's buffer.
    memory: Vec<u8>,
    error: Option<Error>,
}

impl<'a> Single<'a> {
    pub fn new(target: Target<'a>) -> Self {
        Self {
            target,
            status: None,
            item_flags: 0,
            cas: 0,
            number: 0,
            details: Details::default(),
            value_len: 0,
            server: None,
            memory: Vec::new(),
            error: None,
        }
    }

    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Cancelled)
    }

    pub fn into_error(self) -> Option<Error> {
        self.error
    }

    /// Headroom and value, for a hit with [`Target::Owned`].
    pub fn take_memory(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.memory)
    }

    fn hit(&mut self, item: Item, len: usize) {
        self.item_flags = item.flags;
        self.cas = item.cas;
        self.value_len = len;
        self.status = Some(Status::Ok);
    }

    /// An item for the caller's memory, if that is the target.
    fn copy_out(&mut self, item: Item, value: &[u8]) {
        self.hit(item, value.len());
        let Target::Buffer(buffer) = &mut self.target else {
            return;
        };
        match buffer.get_mut(..value.len()) {
            Some(start) => start.copy_from_slice(value),
            None => {
                let (len, room) = (value.len(), buffer.len());
                let text = format!("the value has {len} bytes, the buffer {room}");
                self.status = Some(Status::ValueTooLarge);
                self.error = Some(Error::new(Status::ValueTooLarge, text));
            }
        }
    }
}

impl Answers for Single<'_> {
    fn set_server(&mut self, _: u32, server: u32) {
        self.server = Some(server);
    }

    fn status(&self, _: u32) -> Option<Status> {
        self.status
    }

    fn details(&mut self, _: u32, item: Item, details: Details) {
        self.item_flags = item.flags;
        self.cas = item.cas;
        self.details = details;
    }

    fn item(&mut self, op: u32, item: Item, value: &[u8]) -> Result<()> {
        if let Target::Owned { .. } = self.target {
            self.reserve(op, value.len())?;
            self.memory.extend_from_slice(value);
        }
        self.copy_out(item, value);
        Ok(())
    }

    fn reserve(&mut self, _: u32, len: usize) -> Result<()> {
        let headroom = match self.target {
            Target::Owned { headroom } => headroom,
            Target::Buffer(_) => 0,
        };
        let mut memory = Vec::new();
        if memory.try_reserve_exact(headroom + len).is_err() {
            let text = format!("no memory for a value of {len} bytes");
            return Err(Error::new(Status::NoMemory, text));
        }
        memory.resize(headroom, 0);
        self.memory = memory;
        Ok(())
    }

    fn buffer(&mut self, _: u32) -> &mut Vec<u8> {
        &mut self.memory
    }

    fn buffered(&mut self, _: u32, item: Item) {
        match &mut self.target {
            Target::Owned { headroom } => {
                let len = self.memory.len() - *headroom;
                self.hit(item, len);
            }
            Target::Buffer(_) => {
                let value = std::mem::take(&mut self.memory);
                self.copy_out(item, &value);
            }
        }
    }

    fn done(&mut self, _: u32, status: Status, number: u64) {
        self.status = Some(status);
        self.number = number;
    }

    fn failed(&mut self, _: u32, error: &Error, unsent: bool) {
        self.status = Some(error.status());
        self.error = Some(error.clone().unsent(unsent));
    }

    fn reset(&mut self, _: u32) {
        self.memory.clear();
        self.details = Details::default();
    }
}
