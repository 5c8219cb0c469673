//! What memcached does with one key.

use crate::error::{Error, Status};
use crate::net::exchange::{Answers, Details, Item};
use crate::net::results::Results;
use crate::protocol::{Kind, Operation};

/// What a server has under the key.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Slot {
    Nothing,
    /// Vivified by a read.
    Stub(u64),
    /// A value below ten, and its cas id.
    Item(u8, u64),
}

use Slot::{Nothing, Stub as Placeholder};

impl Slot {
    pub fn cas(&mut self) -> Option<&mut u64> {
        match self {
            Nothing => None,
            Placeholder(cas) | Slot::Item(_, cas) => Some(cas),
        }
    }

    /// Does what is asked. What is stored gets the cas id `fresh`.
    pub fn serve(&mut self, op: &Operation<'_>, fresh: u64, answers: &mut Results, number: u32) {
        let status = match op.kind {
            Kind::Get => return self.read(op, fresh, answers, number),
            Kind::Increment => return self.increment(op, fresh, answers, number),
            Kind::Delete => match self.cas().map(|cas| *cas) {
                None => Status::NotFound,
                Some(cas) if op.cas != 0 && op.cas != cas => Status::Exists,
                Some(_) => {
                    *self = Nothing;
                    Status::Ok
                }
            },
            Kind::Set => self.store(op, fresh),
            // A stub is an item to these.
            Kind::Replace if *self == Nothing => Status::NotStored,
            Kind::Add if *self != Nothing => Status::NotStored,
            Kind::Add | Kind::Replace => self.store(op, fresh),
            Kind::Cas => match self.cas() {
                None => Status::NotFound,
                Some(cas) if *cas != op.cas => Status::Exists,
                Some(_) => self.store(op, fresh),
            },
            other => unimplemented!("{other:?}"),
        };
        // Who does not wait knows nothing.
        answers.done(number, if op.is_quiet() { Status::Ok } else { status }, 0);
    }

    fn store(&mut self, op: &Operation<'_>, fresh: u64) -> Status {
        *self = Slot::Item(op.value[0] - b'0', fresh);
        Status::Ok
    }

    fn read(&mut self, op: &Operation<'_>, fresh: u64, answers: &mut Results, number: u32) {
        let mut details = Details {
            ttl: -1,
            ..Details::default()
        };
        match *self {
            Slot::Item(value, cas) => {
                let item = Item { flags: 0, cas };
                answers.details(number, item, details);
                answers.item(number, item, &[b'0' + value]).expect("room");
                return;
            }
            // The client tells a miss.
            Placeholder(cas) => {
                details.already_sent = true;
                answers.details(number, Item { flags: 0, cas }, details);
            }
            Nothing if op.create.is_some() => {
                *self = Placeholder(fresh);
                details.won = true;
                let item = Item {
                    flags: 0,
                    cas: fresh,
                };
                answers.details(number, item, details);
            }
            Nothing => {}
        }
        answers.done(number, Status::NotFound, 0);
    }

    fn increment(&mut self, op: &Operation<'_>, fresh: u64, answers: &mut Results, number: u32) {
        match *self {
            Slot::Item(value, _) => {
                let value = value + op.delta as u8;
                *self = Slot::Item(value, fresh);
                answers.done(number, Status::Ok, value.into());
            }
            Nothing => answers.done(number, Status::NotFound, 0),
            Placeholder(_) => {
                let text = "cannot increment or decrement non-numeric value";
                answers.failed(number, &Error::new(Status::Rejected, text), false);
            }
        }
    }
}

/// Numbers cas ids anew, in the order in which they appear: only which are equal matters.
pub fn renumber<'a>(slots: &'a mut [Slot], known: impl Iterator<Item = &'a mut u64>) {
    let mut seen: Vec<u64> = Vec::new();
    let ids = slots.iter_mut().filter_map(Slot::cas);
    for id in ids.chain(known) {
        let place = seen.iter().position(|other| other == id);
        *id = 1 + place.unwrap_or_else(|| {
            seen.push(*id);
            seen.len() - 1
        }) as u64;
    }
}
