//! The answers of a batch.

use smallvec::SmallVec;

use super::exchange::{Answers, Details, Item};
use crate::error::{Error, Result, Status};

/// Small values are collected in chunks of at least this size. A chunk never grows, so
/// what lies in it stays where it is.
const CHUNK: usize = 32 * 1024;

/// A batch of few operations takes no more than this for each.
const SHARE: usize = 512;

/// What an operation came to.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// `None` until there is an answer; every operation has one when the batch has ended.
    status: Option<Status>,
    pub flags: u32,
    pub cas: u64,
    pub number: u64,
    /// Index of the server that answered or failed; `None`: none was involved.
    pub server: Option<u32>,
    /// Nothing of the operation can have reached the server.
    pub unsent: bool,
    /// The server could not be used at all.
    unusable: bool,
    value: Option<Place>,
    /// What few ask for takes no room where nobody did.
    details: Option<Box<Details>>,
}

impl Record {
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Cancelled)
    }

    fn item(&self) -> Item {
        Item {
            flags: self.flags,
            cas: self.cas,
        }
    }

    pub fn details(&self) -> Details {
        self.details.as_deref().copied().unwrap_or_default()
    }
}

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    chunk: usize,
    start: usize,
    len: usize,
}

/// One record for each operation, in the order given, and the values.
#[derive(Debug, Default)]
pub struct Results {
    // Inline: those of a single operation, which must cost no memory of their own.
    records: SmallVec<[Record; 1]>,
    chunks: SmallVec<[Vec<u8>; 1]>,
    /// The chunk that small values go to.
    filling: Option<usize>,
    /// Of the operations that got no answer, the first, and why.
    failure: Option<(u32, Error)>,
}

impl Results {
    pub fn new(count: usize) -> Self {
        Self {
            records: std::iter::repeat_with(Record::default)
                .take(count)
                .collect(),
            chunks: SmallVec::new(),
            filling: None,
            failure: None,
        }
    }

    /// Gives the server's answer to an operation on to where it is wanted, under the number it has there.
    pub fn give(&self, op: usize, to_op: u32, to: &mut impl Answers) {
        let record = &self.records[op];
        if let Some(details) = &record.details {
            to.details(to_op, record.item(), **details);
        }
        match (record.status(), self.value(record)) {
            (_, Some(value)) => {
                to.item(to_op, record.item(), value);
            }
            (status, None) => to.done(to_op, status, record.number),
        }
    }

    /// Why an operation got no answer, and whether it is certain that nothing of it was sent.
    pub fn failure_of(&self, op: usize) -> Option<(Error, bool)> {
        let record = &self.records[op];
        let status = record.status();
        if !status.is_failure() {
            return None;
        }
        // Only the first failure of a batch shows its text.
        let first = self.failure().filter(|first| first.status() == status);
        let error = first.cloned().unwrap_or_else(|| Error::new(status, ""));
        Some((error.unusable(record.unusable), record.unsent))
    }

    /// Leaves the first so many.
    pub fn truncate(&mut self, count: usize) {
        self.records.truncate(count);
    }

    /// To be called when records were reset: the failure is to be one that is still there.
    pub fn settle(&mut self) {
        let failed = |record: &Record| record.status.is_some_and(Status::is_failure);
        let is_there = |&(op, _): &(u32, Error)| self.records.get(op as usize).is_some_and(failed);
        if self.failure.as_ref().is_some_and(is_there) {
            return;
        }
        let first = self.records.iter().position(failed);
        self.failure = first.map(|op| {
            let record = &self.records[op];
            let error = Error::new(record.status(), "no answer").unsent(record.unsent);
            (op as u32, error)
        });
    }

    /// Forgets a cas id that the caller did not ask for.
    pub fn hide_cas(&mut self, op: u32) {
        self.records[op as usize].cas = 0;
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The value of an item, the text of statistics or of a version; `None` where there is none.
    pub fn value(&self, record: &Record) -> Option<&[u8]> {
        let place = record.value.filter(|_| record.status == Some(Status::Ok))?;
        self.chunks[place.chunk].get(place.start..place.start + place.len)
    }

    /// Why the operation with the lowest number that got no answer got none.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref().map(|(_, error)| error)
    }

    fn place(&mut self, value: &[u8]) -> Place {
        let fits = |chunk: &Vec<u8>| chunk.capacity() - chunk.len() >= value.len();
        let chunk = match self.filling.filter(|&filling| fits(&self.chunks[filling])) {
            Some(filling) => filling,
            None => self.add_chunk(value.len().max(CHUNK.min(SHARE * self.records.len()))),
        };
        self.filling = Some(chunk);
        let start = self.chunks[chunk].len();
        self.chunks[chunk].extend_from_slice(value);
        Place {
            chunk,
            start,
            len: value.len(),
        }
    }

    fn add_chunk(&mut self, capacity: usize) -> usize {
        self.chunks.push(Vec::with_capacity(capacity));
        self.chunks.len() - 1
    }

    fn note_failure(&mut self, op: u32, error: impl FnOnce() -> Error) {
        if self.failure.as_ref().is_none_or(|&(first, _)| op < first) {
            self.failure = Some((op, error()));
        }
    }
}

impl Answers for Results {
    fn set_server(&mut self, op: u32, server: u32) {
        self.records[op as usize].server = Some(server);
    }

    fn is_pending(&self, op: u32) -> bool {
        self.records[op as usize].status.is_none()
    }

    fn details(&mut self, op: u32, item: Item, details: Details) {
        let record = &mut self.records[op as usize];
        record.flags = item.flags;
        record.cas = item.cas;
        record.details = (details != Details::default()).then(|| Box::new(details));
    }

    fn item(&mut self, op: u32, item: Item, value: &[u8]) {
        let place = self.place(value);
        let record = &mut self.records[op as usize];
        record.value = Some(place);
        record.flags = item.flags;
        record.cas = item.cas;
        record.status = Some(Status::Ok);
    }

    fn reserve(&mut self, op: u32, len: usize) -> Result<()> {
        let mut chunk = Vec::new();
        if chunk.try_reserve_exact(len).is_err() {
            let text = format!("no memory for a value of {len} bytes");
            return Err(Error::new(Status::NoMemory, text));
        }
        self.chunks.push(chunk);
        self.records[op as usize].value = Some(Place {
            chunk: self.chunks.len() - 1,
            start: 0,
            len,
        });
        Ok(())
    }

    fn buffer(&mut self, op: u32) -> &mut Vec<u8> {
        let chunk = match self.records[op as usize].value {
            Some(place) => place.chunk,
            None => {
                let chunk = self.add_chunk(0);
                self.records[op as usize].value = Some(Place {
                    chunk,
                    start: 0,
                    len: 0,
                });
                chunk
            }
        };
        &mut self.chunks[chunk]
    }

    fn buffered(&mut self, op: u32, item: Item) {
        let record = &mut self.records[op as usize];
        record.flags = item.flags;
        record.cas = item.cas;
        record.status = Some(Status::Ok);
    }

    fn done(&mut self, op: u32, status: Status, number: u64) {
        let record = &mut self.records[op as usize];
        record.status = Some(status);
        record.number = number;
        // Statistics grew line by line.
        if let Some(place) = &mut record.value {
            place.len = self.chunks[place.chunk].len();
        }
    }

    fn failed(&mut self, op: u32, error: &Error, unsent: bool) {
        let record = &mut self.records[op as usize];
        record.status = Some(error.status());
        record.unsent = unsent;
        record.unusable = error.is_unusable();
        self.note_failure(op, || error.clone().unsent(unsent));
    }

    fn reset(&mut self, op: u32) {
        let record = &mut self.records[op as usize];
        *record = Record {
            server: record.server,
            ..Record::default()
        };
    }
}
