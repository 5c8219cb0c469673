//! The answers of a batch.

use smallvec::SmallVec;

use super::budget::Budget;
use super::exchange::{Answers, Details, Item};
use super::spare::Spare;
use super::values::{Place, Values};
use crate::error::{Error, Result, Status};

/// Memory for the records of large batches, and for what they are mapped to.
pub static RECORDS: Spare<Record> = Spare::empty();

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

    /// Where its value is, if it has one.
    pub fn place(&self) -> Option<Place> {
        self.value.filter(|_| self.status == Some(Status::Ok))
    }

    pub fn details(&self) -> Details {
        self.details.as_deref().copied().unwrap_or_default()
    }
}

/// One record for each operation, in the order given, and the values.
#[derive(Debug, Default)]
pub struct Results {
    // Inline: those of a single operation, which must cost no memory of their own.
    records: SmallVec<[Record; 1]>,
    values: Values,
    budget: Budget,
    /// Of the operations that got no answer, the first, and why.
    failure: Option<(u32, Error)>,
}

impl Results {
    /// Room for the results of so many operations, whose values may come to `budget`.
    pub fn with_capacity(count: usize, budget: Budget) -> Self {
        Self {
            records: match count {
                0 | 1 => SmallVec::new(),
                _ => RECORDS.with_capacity(count).into(),
            },
            values: Values::default(),
            budget,
            failure: None,
        }
    }

    /// With a record for each operation.
    pub fn new(count: usize, budget: Budget) -> Self {
        let mut results = Self::with_capacity(count, budget);
        results.records.resize_with(count, Record::default);
        results
    }

    /// With free bytes before the values: see [`Values::with_headroom`].
    pub fn behind(mut self, headroom: usize) -> Result<Self> {
        self.values = Values::with_headroom(headroom, self.records.capacity())?;
        Ok(self)
    }

    /// Adds the record of one more operation. `server`: as [`Record::server`].
    #[inline]
    pub fn add(&mut self, server: Option<u32>) {
        self.records.push(Record {
            server,
            ..Record::default()
        });
    }

    /// Gives the server's answer to an operation on to where it is wanted, under the number it has
    /// there. As [`Results::failure_of`] where there is none, and where it is not taken.
    pub fn give(
        &mut self,
        op: usize,
        to_op: u32,
        to: &mut impl Answers,
    ) -> Result<(), (Error, bool)> {
        if let Some(failure) = self.failure_of(op) {
            return Err(failure);
        }
        let record = &self.records[op];
        if let Some(details) = &record.details {
            to.details(to_op, record.item(), **details);
        }
        let Some(place) = record.place() else {
            to.done(to_op, record.status(), record.number);
            return Ok(());
        };
        // It counts there from now on.
        self.budget.put_back(place.len);
        let taken = to.item(to_op, record.item(), self.values.get(place));
        taken.map_err(|error| (error, false))
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

    /// To be called when records were reset: the failure is to be one that is still there. A server
    /// beyond the first so many is none of the list.
    pub fn settle(&mut self, listed: usize) {
        for record in self.records.iter_mut() {
            record.server = record.server.filter(|&server| (server as usize) < listed);
        }
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

    /// The server of this operation is that of another's record.
    pub fn name_server_of(&mut self, op: u32, record: &Record) {
        self.records[op as usize].server = record.server;
    }

    /// Forgets a cas id that the caller did not ask for.
    pub fn hide_cas(&mut self, op: u32) {
        self.records[op as usize].cas = 0;
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Makes something else of each record; where that is no larger, it takes the memory of the
    /// records. The values stay where they are.
    pub fn map<T>(mut self, make: impl Fn(&Self, &Record) -> T) -> (Vec<T>, Values) {
        let records = std::mem::take(&mut self.records).into_vec().into_iter();
        let made = records.map(|record| make(&self, &record)).collect();
        (made, std::mem::take(&mut self.values))
    }

    /// As [`Results::map`], for who makes something else of the values, too.
    pub fn into_parts(mut self) -> (Vec<Record>, Values) {
        let records = std::mem::take(&mut self.records);
        (records.into_vec(), std::mem::take(&mut self.values))
    }

    /// The value of an item, the text of statistics or of a version; `None` where there is none.
    #[inline]
    pub fn value(&self, record: &Record) -> Option<&[u8]> {
        record.place().map(|place| self.values.get(place))
    }

    /// Why the operation with the lowest number that got no answer got none.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref().map(|(_, error)| error)
    }

    /// Forgets a value that has not come as a whole.
    fn forget(&mut self, op: u32) {
        if let Some(place) = self.records[op as usize].value.take() {
            self.values.free(place);
            self.budget.put_back(place.len);
        }
    }

    fn note_failure(&mut self, op: u32, error: impl FnOnce() -> Error) {
        if self.failure.as_ref().is_none_or(|&(first, _)| op < first) {
            self.failure = Some((op, error()));
        }
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        if self.records.spilled() {
            RECORDS.lay_by(std::mem::take(&mut self.records).into_vec());
        }
    }
}

impl Answers for Results {
    fn set_server(&mut self, op: u32, server: u32) {
        self.records[op as usize].server = Some(server);
    }

    fn status(&self, op: u32) -> Option<Status> {
        self.records[op as usize].status
    }

    fn share_budget(&mut self) -> Budget {
        self.budget.share()
    }

    fn details(&mut self, op: u32, item: Item, details: Details) {
        let record = &mut self.records[op as usize];
        record.flags = item.flags;
        record.cas = item.cas;
        record.details = (details != Details::default()).then(|| Box::new(details));
    }

    fn item(&mut self, op: u32, item: Item, value: &[u8]) -> Result<()> {
        self.budget.take(value.len())?;
        let place = self.values.put(value, self.records.len())?;
        let record = &mut self.records[op as usize];
        record.value = Some(place);
        record.flags = item.flags;
        record.cas = item.cas;
        record.status = Some(Status::Ok);
        Ok(())
    }

    fn reserve(&mut self, op: u32, len: usize) -> Result<()> {
        self.budget.take(len)?;
        let place = self.values.add(len)?;
        self.records[op as usize].value = Some(place);
        Ok(())
    }

    fn buffer(&mut self, op: u32) -> &mut Vec<u8> {
        let record = &mut self.records[op as usize];
        let place = *record.value.get_or_insert_with(|| self.values.begin());
        self.values.buffer(place)
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
            place.len = self.values.buffer(*place).len();
        }
    }

    fn failed(&mut self, op: u32, error: &Error, unsent: bool) {
        self.forget(op);
        let record = &mut self.records[op as usize];
        record.status = Some(error.status());
        record.unsent = unsent;
        record.unusable = error.is_unusable();
        self.note_failure(op, || error.clone().unsent(unsent));
    }

    fn reset(&mut self, op: u32) {
        self.forget(op);
        let record = &mut self.records[op as usize];
        *record = Record {
            server: record.server,
            ..Record::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_leaves_room() {
        let item = Item::default();
        let mut results = Results::new(3, Budget::new(100_000));
        results.reserve(0, 60_000).unwrap();
        results.item(1, item, &[1; 40_000]).unwrap();
        assert!(results.reserve(2, 60_000).is_err());
        results.failed(0, &Error::new(Status::Timeout, ""), false);
        results.reserve(2, 60_000).unwrap();
        results.reset(2);
        results.item(2, item, &[2; 60_000]).unwrap();
        let records = results.records();
        assert_eq!(results.value(&records[0]), None);
        assert_eq!(results.value(&records[1]), Some(&[1; 40_000][..]));
        assert_eq!(results.value(&records[2]), Some(&[2; 60_000][..]));
    }

    #[test]
    fn what_is_given_on_counts_once() {
        let mut caller = Results::new(2, Budget::new(10));
        let mut carried = Results::new(2, caller.share_budget());
        carried.item(0, Item::default(), b"seven..").unwrap();
        assert!(carried.item(1, Item::default(), b"four").is_err());
        carried.item(1, Item::default(), b"two").unwrap();
        for op in 0..2 {
            carried.give(op, op as u32, &mut caller).unwrap();
        }
        assert_eq!(caller.value(&caller.records()[0]), Some(&b"seven.."[..]));
    }
}
