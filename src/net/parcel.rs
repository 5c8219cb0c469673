//! A share of a call that another caller may carry along on its connection. It owns what
//! is asked and what is answered, so whoever asked may give up at any time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self_cell::self_cell;
use smallvec::SmallVec;

use super::bell::{Bells, Place};
use super::budget::Budget;
use super::pool::Grant;
use super::results::Results;
use super::wake::Wake;
use crate::protocol::Operation;

/// A larger share is better off with a connection of its own: it makes good use of its system
/// calls, and its copy would cost more than it saves.
const OPERATIONS_MAX: usize = 32;
const BYTES_MAX: usize = 4096;

/// A short key takes no memory of its own, and neither does a single operation.
type Bytes = SmallVec<[u8; 64]>;

#[derive(Debug)]
enum Operations<'a> {
    One(Operation<'a>),
    Many(Vec<Operation<'a>>),
}

self_cell!(
    /// Operations, and the bytes they lead to.
    pub struct OwnedOperations {
        owner: Bytes,
        #[covariant]
        dependent: Operations,
    }
    impl {Debug}
);

impl OwnedOperations {
    pub fn copy_of<'a>(
        operations: impl ExactSizeIterator<Item = &'a Operation<'a>> + Clone,
    ) -> Self {
        let len = operations.clone().map(size).sum();
        let mut bytes = Bytes::with_capacity(len);
        for op in operations.clone() {
            bytes.extend_from_slice(op.key);
            bytes.extend_from_slice(op.value);
            bytes.extend_from_slice(op.route.unwrap_or_default());
        }
        Self::new(bytes, |bytes| {
            let mut rest = bytes.as_slice();
            let mut cut = |len| {
                let (part, behind) = rest.split_at(len);
                rest = behind;
                part
            };
            let copy = |op: &Operation<'_>| Operation {
                key: cut(op.key.len()),
                value: cut(op.value.len()),
                route: op.route.map(|route| cut(route.len())),
                ..*op
            };
            let count = operations.len();
            let mut copies = operations.map(copy);
            match (count, copies.next()) {
                (1, Some(one)) => Operations::One(one),
                (_, first) => Operations::Many(first.into_iter().chain(copies).collect()),
            }
        })
    }

    pub fn as_slice(&self) -> &[Operation<'_>] {
        match self.borrow_dependent() {
            Operations::One(one) => std::slice::from_ref(one),
            Operations::Many(many) => many,
        }
    }
}

fn size(op: &Operation<'_>) -> usize {
    op.key.len() + op.value.len() + op.route.map_or(0, <[u8]>::len)
}

#[derive(Debug)]
pub struct Parcel {
    pub operations: OwnedOperations,
    pub results: Results,
}

impl Parcel {
    /// `None` for a share that is to have a connection of its own. `budget`: the call's.
    pub fn pack<'a>(
        operations: impl ExactSizeIterator<Item = &'a Operation<'a>> + Clone,
        budget: impl FnOnce() -> Budget,
    ) -> Option<Self> {
        let count = operations.len();
        let fits = count <= OPERATIONS_MAX
            && operations.clone().map(size).sum::<usize>() <= BYTES_MAX
            && !operations.clone().any(|op| op.kind.is_of_server());
        fits.then(|| Self {
            operations: OwnedOperations::copy_of(operations),
            results: Results::new(count, budget()),
        })
    }
}

/// What a caller who waits for a connection holds: it gets a connection, or the
/// answers that somebody else has fetched.
#[derive(Debug)]
pub struct Receipt {
    state: Mutex<State>,
    waiter: Waiter,
}

/// How the caller waits.
#[derive(Debug)]
pub enum Waiter {
    /// For nothing else: together with others, at the server's bells.
    Asleep(Place),
    /// For other things too, or in an event loop.
    Awake(Arc<Wake>),
}

#[derive(Debug)]
enum State {
    /// In the queue. `None`: wants a connection of its own.
    Queued(Option<Parcel>),
    /// On somebody's connection.
    Carried,
    Granted(Grant),
    Answered(Results),
    /// Nobody waits any more. True: the caller gave the server all the time it may take.
    GivenUp(bool),
}

/// What has become of a caller in the queue, when a connection comes free.
// Taken apart at once.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Boarding {
    Parcel(Parcel),
    /// It wants the connection for itself.
    Alone,
    GivenUp,
}

impl Receipt {
    pub fn new(parcel: Option<Parcel>, waiter: Waiter) -> Self {
        Self {
            state: Mutex::new(State::Queued(parcel)),
            waiter,
        }
    }

    /// Takes the parcel, to be carried.
    pub fn board(&self) -> Boarding {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Carried) {
            State::Queued(Some(parcel)) => Boarding::Parcel(parcel),
            State::Queued(None) => {
                *state = State::Queued(None);
                Boarding::Alone
            }
            other => {
                *state = other;
                Boarding::GivenUp
            }
        }
    }

    /// Hands over a grant, of which the owner is to be told; a caller that has given up returns it.
    pub fn grant(&self, grant: Grant) -> Option<Grant> {
        let mut state = self.lock();
        if !matches!(*state, State::Queued(_) | State::Carried) {
            return Some(grant);
        }
        *state = State::Granted(grant);
        None
    }

    /// Hands over the answers.
    pub fn answer(&self, results: Results) {
        let mut state = self.lock();
        if !matches!(*state, State::GivenUp(_)) {
            *state = State::Answered(results);
        }
    }

    /// True when its caller waited in vain, as long as a server may take.
    pub fn timed_out(&self) -> bool {
        matches!(*self.lock(), State::GivenUp(true))
    }

    /// True for a caller whose thread waits, false for an event loop.
    pub fn is_of_thread(&self) -> bool {
        match &self.waiter {
            Waiter::Asleep(_) => true,
            Waiter::Awake(wake) => matches!(**wake, Wake::Thread(_)),
        }
    }

    /// Wakes the caller.
    pub fn ring(&self, bells: &Bells) {
        bells.ring(self.ring_or_place());
    }

    /// Where the caller sleeps, to be woken with others; one that does not is told at once.
    pub fn ring_or_place(&self) -> Option<Place> {
        match &self.waiter {
            Waiter::Asleep(place) => Some(*place),
            Waiter::Awake(wake) => {
                wake.ring();
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waiting caller's half of a receipt. Dropped, what it was granted goes to the next.
#[derive(Debug)]
pub struct Waiting {
    pub receipt: Arc<Receipt>,
}

/// What a wait came to.
// Taken apart at once.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Outcome {
    Granted(Grant),
    Answered(Results),
}

impl Waiting {
    pub fn outcome(&self) -> Option<Outcome> {
        let mut state = self.receipt.lock();
        match std::mem::replace(&mut *state, State::Carried) {
            State::Granted(grant) => Some(Outcome::Granted(grant)),
            State::Answered(results) => Some(Outcome::Answered(results)),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Waits no longer. `in_vain`: the server had all the time it may take. True when nothing can
    /// have been sent, nor will be: decided at one with giving up.
    pub fn time_out(self, in_vain: bool) -> bool {
        self.give_up(in_vain)
    }

    fn give_up(&self, in_vain: bool) -> bool {
        let mut state = self.receipt.lock();
        if matches!(*state, State::GivenUp(_)) {
            return false;
        }
        let state = {
            let before = std::mem::replace(&mut *state, State::GivenUp(in_vain));
            drop(state);
            before
        };
        let unsent = match &state {
            State::Granted(grant) => !matches!(grant, Grant::Round(_)),
            state => matches!(state, State::Queued(_)),
        };
        if let State::Granted(grant) = state {
            grant.pass_on();
        }
        unsent
    }

    /// Sleeps until there is an outcome, or the time is over. May return early. False when the
    /// caller waits in another way.
    pub fn sleep(&self, bells: &Bells, timeout: Duration) -> bool {
        let Waiter::Asleep(place) = self.receipt.waiter else {
            return false;
        };
        let is_over = || {
            let state = self.receipt.lock();
            matches!(*state, State::Granted(_) | State::Answered(_))
        };
        bells.sleep(place, timeout, is_over);
        true
    }

    /// True while nothing can have been sent; it may be at any moment.
    pub fn is_queued(&self) -> bool {
        matches!(*self.receipt.lock(), State::Queued(_))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.give_up(false);
    }
}
