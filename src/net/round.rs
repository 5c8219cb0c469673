//! Parcels of several callers on one connection, in one go. One of the callers leads: it
//! receives, and hands each its answers. When it has to leave, another leads on.

use std::sync::Arc;
use std::time::Instant;

use super::bell::Bells;
use super::exchange::{Answers, Details, Exchange, Item, Script, Terms};
use super::parcel::{OwnedOperations, Parcel, Receipt};
use super::pool::{Grant, Lease};
use super::results::Results;
use crate::error::{Error, Result, Status};
use crate::protocol::Operation;

/// So many operations share one go at most: the first of them waits for the last.
const OPERATIONS_MAX: usize = 256;

/// A conversation under way, and whose it is.
#[derive(Debug)]
pub struct Round {
    pub lease: Lease,
    pub exchange: Exchange,
    pub order: Vec<u32>,
    /// What could be repeated has been.
    pub repeated: bool,
    pub load: Load,
}

impl Round {
    /// Sends what the socket takes at once, so that the server is at work before a leader is awake.
    /// What needs no reply is over at once, and leaves the connection.
    pub fn begin(mut lease: Lease, mut load: Load, terms: &Terms) -> Result<Box<Self>, Lease> {
        // The connection may have waited for somebody who did not take it.
        lease.connection.used = Instant::now();
        let mut exchange = Exchange::new(&mut lease.connection);
        let order: Vec<u32> = (0..load.count() as u32).collect();
        let (operations, answers) = load.parts();
        let script = Script {
            terms,
            operations: &operations,
            order: &order,
        };
        // The leader's next step meets the same failure.
        let sent = exchange.send(&mut lease.connection, &script, answers);
        if sent.is_ok() && exchange.is_done(&script) {
            return Err(lease);
        }
        drop(operations);
        Ok(Box::new(Self {
            lease,
            exchange,
            order,
            repeated: false,
            load,
        }))
    }

    /// Makes one of those who wait for answers the leader. Returns the round if nobody does.
    pub fn hand_on(mut self: Box<Self>) -> Option<Box<Self>> {
        let bells = Arc::clone(&self.load.bells);
        // A thread that waits is there at once, an event loop when it comes to it.
        let (threads, loops): (Vec<_>, Vec<_>) =
            (self.load.waiting().into_iter()).partition(|receipt| receipt.is_of_thread());
        for receipt in threads.into_iter().chain(loops) {
            match receipt.grant(Grant::Round(self)) {
                None => {
                    receipt.ring(&bells);
                    return None;
                }
                Some(Grant::Round(refused)) => self = refused,
                Some(_) => return None,
            }
        }
        Some(self)
    }
}

/// The parcels of a round, and where their answers are collected.
#[derive(Debug)]
pub struct Load {
    bells: Arc<Bells>,
    operations: Vec<OwnedOperations>,
    answers: Shared,
}

impl Load {
    pub fn new(bells: Arc<Bells>) -> Self {
        Self {
            bells,
            operations: Vec::new(),
            answers: Shared::default(),
        }
    }

    pub fn add(&mut self, receipt: Arc<Receipt>, parcel: Parcel) {
        let share = self.operations.len() as u32;
        let count = parcel.operations.as_slice().len() as u32;
        self.operations.push(parcel.operations);
        self.answers.places.extend((0..count).map(|op| (share, op)));
        self.answers.shares.push(Share {
            receipt,
            results: Some(parcel.results),
            left: count,
        });
    }

    pub fn is_full(&self) -> bool {
        self.count() >= OPERATIONS_MAX
    }

    fn count(&self) -> usize {
        self.answers.places.len()
    }

    /// All operations, in the order of the parcels.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        concatenated(&self.operations)
    }

    /// All operations, and where their answers go.
    pub fn parts(&mut self) -> (Vec<Operation<'_>>, &mut Shared) {
        (concatenated(&self.operations), &mut self.answers)
    }

    /// Those without all their answers, whoever they are.
    fn waiting(&self) -> Vec<Arc<Receipt>> {
        let shares = self.answers.shares.iter();
        let waiting = shares.filter(|share| share.results.is_some() && share.left > 0);
        waiting.map(|share| Arc::clone(&share.receipt)).collect()
    }

    /// Hands over the answers of each share that has them all. `leader` need not be rung.
    pub fn deliver(&mut self, leader: &Arc<Receipt>) {
        if std::mem::take(&mut self.answers.finished) == 0 {
            return;
        }
        let finished = self
            .answers
            .shares
            .iter_mut()
            .filter(|share| share.left == 0);
        let places = finished.filter_map(|share| {
            share.receipt.answer(share.results.take()?);
            let rings = !Arc::ptr_eq(&share.receipt, leader);
            rings.then(|| share.receipt.ring_or_place()).flatten()
        });
        self.bells.ring(places);
    }

    /// True if a share that has not been answered was given up by a caller with time enough.
    pub fn counts_as_timeout(&self) -> bool {
        self.waiting().iter().any(|receipt| receipt.timed_out())
    }
}

impl Drop for Load {
    /// After a panic, or when everybody has given up: nobody is to wait for what cannot come.
    fn drop(&mut self) {
        let waiting = |share: &Share| share.results.is_some();
        if !self.answers.shares.iter().any(waiting) {
            return;
        }
        let error = Error::new(Status::Connection, "the connection was given up");
        let operations = 0..self.answers.places.len() as u32;
        for op in operations {
            if self.answers.is_pending(op) {
                self.answers.failed(op, &error, false);
            }
        }
        for share in &mut self.answers.shares {
            if let Some(results) = share.results.take() {
                share.receipt.answer(results);
                share.receipt.ring(&self.bells);
            }
        }
    }
}

fn concatenated(parcels: &[OwnedOperations]) -> Vec<Operation<'_>> {
    let slices: Vec<_> = parcels.iter().map(OwnedOperations::as_slice).collect();
    slices.concat()
}

/// The answers of a round: each goes to its own caller's results.
#[derive(Debug, Default)]
pub struct Shared {
    shares: Vec<Share>,
    /// For each operation of the round its share, and its number there.
    places: Vec<(u32, u32)>,
    /// How many shares have got their last answer since the last delivery.
    finished: usize,
}

#[derive(Debug)]
struct Share {
    receipt: Arc<Receipt>,
    /// `None` once delivered.
    results: Option<Results>,
    left: u32,
}

impl Shared {
    fn of(&mut self, op: u32) -> (&mut Results, u32) {
        let (share, local) = self.places[op as usize];
        let results = &mut self.shares[share as usize].results;
        // Only a pending operation is answered, and what was delivered has none.
        (results.as_mut().expect("not delivered yet"), local)
    }

    fn answered(&mut self, op: u32) {
        let share = &mut self.shares[self.places[op as usize].0 as usize];
        share.left -= 1;
        self.finished += usize::from(share.left == 0);
    }
}

impl Answers for Shared {
    fn set_server(&mut self, op: u32, server: u32) {
        let (results, local) = self.of(op);
        results.set_server(local, server);
    }

    fn details(&mut self, op: u32, item: Item, details: Details) {
        let (results, local) = self.of(op);
        results.details(local, item, details);
    }

    fn status(&self, op: u32) -> Option<Status> {
        let (share, local) = self.places[op as usize];
        let results = &self.shares[share as usize].results;
        // What has been delivered was answered; how, its caller knows.
        results
            .as_ref()
            .map_or(Some(Status::Ok), |r| r.status(local))
    }

    fn item(&mut self, op: u32, item: Item, value: &[u8]) -> Result<()> {
        let (results, local) = self.of(op);
        results.item(local, item, value)?;
        self.answered(op);
        Ok(())
    }

    fn reserve(&mut self, op: u32, len: usize) -> Result<()> {
        let (results, local) = self.of(op);
        results.reserve(local, len)
    }

    fn buffer(&mut self, op: u32) -> &mut Vec<u8> {
        let (results, local) = self.of(op);
        results.buffer(local)
    }

    fn buffered(&mut self, op: u32, item: Item) {
        let (results, local) = self.of(op);
        results.buffered(local, item);
        self.answered(op);
    }

    fn done(&mut self, op: u32, status: Status, number: u64) {
        let (results, local) = self.of(op);
        results.done(local, status, number);
        self.answered(op);
    }

    fn failed(&mut self, op: u32, error: &Error, unsent: bool) {
        let (results, local) = self.of(op);
        results.failed(local, error, unsent);
        self.answered(op);
    }

    fn reset(&mut self, op: u32) {
        let (results, local) = self.of(op);
        results.reset(local);
    }
}
