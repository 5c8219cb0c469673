//! Takes a model through everything it can do, breadth first: what is found wrong is found on a
//! shortest path.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

pub trait Model {
    type State: Clone + Hash;
    type Step: Copy + Debug;

    fn initial(&self) -> Vec<Self::State>;

    /// All that can happen next.
    fn steps(&self, state: &Self::State) -> Vec<Self::Step>;

    /// What a step leads to, or what is wrong with it.
    fn after(&self, state: &Self::State, step: Self::Step) -> Result<Self::State, String>;

    /// A step and the state it led to, in one line.
    fn tell(&self, before: &Self::State, step: Self::Step, after: &Self::State) -> String;
}

/// What went wrong, and the steps that led there.
#[derive(Debug)]
pub struct Counterexample {
    pub wrong: String,
    pub path: Vec<String>,
}

/// From where, and by which step, each state was reached first: by the states' hashes.
type Ways<S> = HashMap<u64, Option<(u64, S)>>;

/// The number of states, if nothing is wrong with any of them. States are told apart by a hash of
/// 64 bits: two of some million are as good as never taken for one.
pub fn explore<M: Model>(model: &M) -> Result<usize, Box<Counterexample>> {
    let mut ways: Ways<M::Step> = HashMap::new();
    let mut queue = VecDeque::new();
    for state in model.initial() {
        let hash = hash(&state);
        if ways.insert(hash, None).is_none() {
            queue.push_back((hash, state));
        }
    }
    while let Some((from, state)) = queue.pop_front() {
        for step in model.steps(&state) {
            match model.after(&state, step) {
                Ok(next) => {
                    let hash = hash(&next);
                    if let Entry::Vacant(entry) = ways.entry(hash) {
                        entry.insert(Some((from, step)));
                        queue.push_back((hash, next));
                    }
                }
                Err(wrong) => {
                    let mut path = replay(model, &ways, from);
                    path.push(format!("{step:?}"));
                    return Err(Box::new(Counterexample { wrong, path }));
                }
            }
        }
    }
    Ok(ways.len())
}

fn replay<M: Model>(model: &M, ways: &Ways<M::Step>, mut to: u64) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(&Some((from, step))) = ways.get(&to) {
        steps.push(step);
        to = from;
    }
    let is_root = |state: &M::State| hash(state) == to;
    let mut state = model.initial().into_iter().find(is_root).expect("a root");
    let mut path = Vec::new();
    for step in steps.into_iter().rev() {
        let next = model.after(&state, step).expect("it was right before");
        path.push(model.tell(&state, step, &next));
        state = next;
    }
    path
}

fn hash(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
