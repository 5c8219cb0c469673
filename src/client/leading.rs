//! A conversation that carries other callers' operations beside one's own.

use super::call::Call;
use super::trip::{Interest, Trip};
use crate::net::exchange::Answers;
use crate::net::parcel::Waiting;
use crate::net::round::{Load, Round, Shared};

#[derive(Debug)]
pub struct Leading {
    pub trip: Trip,
    pub load: Load,
    /// The leader's share is answered as everybody's.
    pub own: Waiting,
}

impl Leading {
    /// Takes a step of the trip, on behalf of all who are on it.
    pub fn step<A: Answers, T>(
        &mut self,
        call: &mut Call<'_, A>,
        step: impl FnOnce(&mut Trip, &mut Call<'_, Shared>) -> T,
    ) -> T {
        let (operations, answers) = self.load.parts();
        let trip = &mut self.trip;
        let result = call.on_behalf(&operations, answers, |shared| step(trip, shared));
        self.load.deliver(&self.own.receipt);
        result
    }

    pub fn interest<A>(&self, call: &mut Call<'_, A>) -> Interest {
        self.trip
            .interest(&call.with(&self.load.operations(), &mut ()))
    }

    pub fn hand_on(self) {
        if let Some(round) = self.trip.into_round(self.load) {
            drop(round.hand_on());
        }
    }

    /// Leaves without answers. The last to leave closes the connection; true when that speaks
    /// against the server.
    pub fn leave(self, in_vain: bool) -> bool {
        let Leading { trip, load, own } = self;
        own.time_out(in_vain);
        match trip.into_round(load).map(Round::hand_on) {
            Some(nobody) => nobody.is_some_and(|round| round.load.counts_as_timeout()),
            None => in_vain,
        }
    }
}
