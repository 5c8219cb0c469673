//! The old owner and the new one, and actors who go through the steps that the client goes through.
//!
//! A request and its answer are one step: what a server does is the only thing that others can
//! see. Who dies is one who takes no further step.

use super::explorer::Model;
use super::history::{History, Wish};
use super::server::{Slot, renumber};
use super::trip::Trip;
use crate::options::Copying;

pub const OLD: usize = 0;
pub const NEW: usize = 1;

#[derive(Debug)]
pub struct World {
    pub wishes: Vec<Wish>,
    /// So many of the first actors have the old list, and began before the change.
    pub before: usize,
    /// The others wait for them.
    pub settles: bool,
    /// What the servers have at first.
    pub slots: Vec<[Slot; 2]>,
    pub copying: Copying,
    /// So often an actor may start again.
    pub tries: u32,
    /// Servers may refuse, and not answer.
    pub fails: bool,
    /// Each actor is a process of its own, and knows nothing of what others could not delete.
    pub is_apart: bool,
    pub fault: Fault,
}

/// What is made wrong, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The old owner is read before the new one.
    EarlyRead,
    /// What replaces acts at the new owner before it deletes at the old.
    EarlyAct,
    /// The copy does not ask whose stub is there.
    BlindCopy,
}

#[derive(Clone, Debug, Hash)]
pub struct State {
    pub slots: [Slot; 2],
    actors: Vec<Actor>,
    pub history: History,
    /// By actor: does not ask the old owner any more.
    pub abandoned: Vec<bool>,
}

#[derive(Clone, Debug, Hash)]
#[allow(clippy::large_enum_variant)]
pub enum Actor {
    Waits,
    Goes(Box<Trip>),
    Over,
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Goes(usize, Fate),
    Expires(usize),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// The server cannot be connected.
    Refused,
    /// It is lost, or its answer.
    Lost,
    AnswerLost,
}

impl World {
    /// All is right, both servers are there, and the old owner or both or none have the value.
    pub fn new(wishes: &[Wish]) -> Self {
        use Slot::{Item, Nothing, Stub};
        Self {
            wishes: wishes.to_vec(),
            before: 0,
            settles: true,
            slots: vec![
                [Item(1, 1), Nothing],
                [Nothing, Nothing],
                [Item(1, 1), Item(1, 2)],
                [Item(1, 1), Stub(2)],
            ],
            copying: Copying::Lease,
            tries: 2,
            fails: false,
            is_apart: false,
            fault: Fault::None,
        }
    }

    /// What the next who reads will find.
    fn value(&self, state: &State) -> Option<u8> {
        let all_abandoned = state.abandoned.iter().all(|abandoned| *abandoned);
        match state.slots {
            [_, Slot::Item(value, _)] => Some(value),
            [Slot::Item(value, _), _] if !all_abandoned => Some(value),
            _ => None,
        }
    }
}

impl Model for World {
    type State = State;
    type Step = Step;

    fn initial(&self) -> Vec<State> {
        let value = |slots: &[Slot; 2]| match slots[OLD] {
            Slot::Item(value, _) => Some(value),
            _ => None,
        };
        let state = |slots: &[Slot; 2]| State {
            slots: *slots,
            actors: vec![Actor::Waits; self.wishes.len()],
            history: History::new(value(slots)),
            abandoned: vec![false; self.wishes.len()],
        };
        self.slots.iter().map(state).collect()
    }

    fn steps(&self, state: &State) -> Vec<Step> {
        let is_over = |actor: &Actor| matches!(actor, Actor::Over);
        let settled = !self.settles || state.actors[..self.before].iter().all(is_over);
        let mut steps = Vec::new();
        for (number, actor) in state.actors.iter().enumerate() {
            // Of two who do the same, the first begins first.
            let twin = (self.before..number)
                .rev()
                .find(|&n| self.wishes[n] == self.wishes[number]);
            let after_twin = twin.is_none_or(|n| !matches!(state.actors[n], Actor::Waits));
            match actor {
                Actor::Over => continue,
                Actor::Waits if number >= self.before && !(settled && after_twin) => continue,
                _ => steps.push(Step::Goes(number, Fate::Answered)),
            }
            if self.fails && number >= self.before {
                let fates = [Fate::Refused, Fate::Lost, Fate::AnswerLost];
                steps.extend(fates.map(|fate| Step::Goes(number, fate)));
            }
        }
        let is_stub = |server: &usize| matches!(state.slots[*server], Slot::Stub(_));
        steps.extend([OLD, NEW].into_iter().filter(is_stub).map(Step::Expires));
        steps
    }

    fn after(&self, state: &State, step: Step) -> Result<State, String> {
        let mut next = state.clone();
        match step {
            Step::Expires(server) => next.slots[server] = Slot::Nothing,
            Step::Goes(number, fate) => {
                let actor = std::mem::replace(&mut next.actors[number], Actor::Over);
                next.actors[number] = match actor {
                    Actor::Waits if number < self.before => {
                        self.finish_before(&mut next, number)?
                    }
                    Actor::Waits => {
                        let trip = self.begin(&mut next, number);
                        self.go(&mut next, number, Box::new(trip), fate)?
                    }
                    Actor::Goes(trip) => self.go(&mut next, number, trip, fate)?,
                    Actor::Over => unreachable!("it takes no step"),
                };
            }
        }
        renumber(&mut next.slots, next.actors.iter_mut().flat_map(known));
        let value = self.value(&next);
        let is_over = next.actors.iter().all(|actor| matches!(actor, Actor::Over));
        if is_over && !next.history.leaves(&self.wishes, value, self.fails) {
            return Err(format!("{value:?} is there in the end"));
        }
        Ok(next)
    }

    fn tell(&self, before: &State, step: Step, after: &State) -> String {
        let what = match step {
            Step::Expires(_) => "the stub expires".to_owned(),
            Step::Goes(actor, fate) => {
                let stage = match &before.actors[actor] {
                    Actor::Goes(trip) => format!("{:?}", trip.course.stage),
                    _ => "begins".to_owned(),
                };
                format!("{actor} {:?}: {stage}, {fate:?}", self.wishes[actor])
            }
        };
        format!(
            "{what} -> old {:?}, new {:?}",
            after.slots[OLD], after.slots[NEW]
        )
    }
}

/// The cas ids that an actor knows.
fn known(actor: &mut Actor) -> Vec<&mut u64> {
    let Actor::Goes(trip) = actor else {
        return Vec::new();
    };
    let course = &mut trip.course;
    let item = Some(&mut course.item).filter(|item| **item != 0);
    let stub = course.stub.as_mut().map(|stub| &mut stub.cas);
    stub.into_iter().chain(item).collect()
}
