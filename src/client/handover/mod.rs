//! Calls on keys whose owner has changed, while a handover is on: each operation takes its
//! [`course`], all of them step by step together, under the call's one deadline.

mod blocking;
mod course;
#[cfg(test)]
mod model;
mod outcome;
mod queued;
mod request;

use std::collections::HashMap;
use std::time::Instant;

pub use self::queued::{Next, Travel};

use course::{Course, Nature, Verdict};
use smallvec::SmallVec;

use crate::error::{Error, Result, Status};
use crate::fleet::{Fleet, Handover};
use crate::net::exchange::{Answers, Details, Item};
use crate::net::results::Results;
use crate::options::Config;
use crate::protocol::{Kind, Operation, Want};

/// The courses of a call's operations.
#[derive(Debug)]
pub struct Journey {
    courses: Vec<Course>,
    /// Operations, by their numbers, that are wrong from the start.
    bad: Vec<(u32, Error)>,
    is_first: bool,
}

impl Journey {
    /// `None` when no key of the call has moved.
    pub fn new(
        fleet: &Fleet,
        config: &Config,
        operations: &[Result<Operation<'_>>],
        now: Instant,
    ) -> Option<Self> {
        let handover = fleet.handover.as_ref()?;
        // A stub is to outlast the call that left it, and not by much.
        let lease = config.timeout.as_secs() as i32 + 2;
        let (mut courses, mut bad) = (Vec::new(), Vec::new());
        for (number, op) in (0..).zip(operations) {
            let op = match op {
                Ok(op) if op.is_of_server() => continue,
                Ok(op) => op,
                Err(error) => {
                    bad.push((number, error.clone()));
                    continue;
                }
            };
            let owner = fleet.server_of(op, config) as u32;
            let old = fleet.former_owners(op, owner, config, now);
            if !old.is_empty() {
                let copying = config.handover_copy;
                courses.push(Course::new(number, op, old, copying, lease, handover));
            }
        }
        line_up(&mut courses, operations);
        handover.count_moved(courses.len() as u64);
        (!courses.is_empty()).then_some(Self {
            courses,
            bad,
            is_first: true,
        })
    }

    /// The requests of the next step; none when all is done. In the first, what has not moved is
    /// asked for too: each operation's request has its operation's number, what more there is follows.
    pub fn step<'x>(&'x mut self, operations: &'x [Operation<'x>]) -> Vec<Result<Operation<'x>>> {
        let mut end = if self.is_first { operations.len() } else { 0 };
        for at in 0..self.courses.len() {
            let is_done = |&before: &usize| self.courses[before].is_done();
            let is_held = !self.courses[at].after.iter().all(is_done);
            let course = &mut self.courses[at];
            course.is_held = is_held;
            let count = match is_held {
                // Its place in the first step asks for nothing that matters.
                true => usize::from(self.is_first),
                false => course.count(),
            };
            course.places.clear();
            if self.is_first && count > 0 {
                course.places.push(course.number as usize);
            }
            let more = count - course.places.len();
            course.places.extend(end..end + more);
            end += more;
        }
        let mut requests: Vec<_> = match self.is_first {
            true => operations.iter().copied().map(Ok).collect(),
            false => Vec::new(),
        };
        requests.resize(end, Ok(Operation::new(Kind::Get, &[])));
        for (number, error) in self.bad.iter().filter(|_| self.is_first) {
            requests[*number as usize] = Err(error.clone());
        }
        for course in &self.courses {
            let op = &operations[course.number as usize];
            for (number, &place) in course.places.iter().enumerate() {
                requests[place] = Ok(course.request(op, number));
            }
        }
        requests
    }

    /// Takes in what the first step came to; `answers` are the caller's from now on.
    pub fn begin(
        &mut self,
        operations: &[Operation<'_>],
        handover: &Handover,
        answers: &mut Results,
    ) {
        self.is_first = false;
        for course in &mut self.courses {
            if course.is_held {
                answers.reset(course.number);
                continue;
            }
            let op = &operations[course.number as usize];
            let verdict = course.advance(op, answers, handover);
            match verdict {
                // The answer is where it belongs.
                Verdict::Answered => {}
                // What is there is an answer to us, not to the caller.
                Verdict::GoesOn => answers.reset(course.number),
                verdict => tell(course, verdict, answers),
            }
            hide_cas(course, op, answers);
        }
        answers.truncate(operations.len());
    }

    /// Takes in what a later step came to.
    pub fn advance(
        &mut self,
        operations: &[Operation<'_>],
        handover: &Handover,
        results: &mut Results,
        answers: &mut Results,
    ) {
        let goes_on = |course: &&mut Course| !course.is_done() && !course.is_held;
        for course in self.courses.iter_mut().filter(goes_on) {
            let op = &operations[course.number as usize];
            let verdict = course.advance(op, results, handover);
            if let (Verdict::Answered | Verdict::Done, &[place, ..]) = (&verdict, &*course.places) {
                answers.name_server_of(course.number, &results.records()[place]);
            }
            match verdict {
                Verdict::Answered => {
                    let place = course.places[0];
                    answers.reset(course.number);
                    let given = results.give(place, course.number, answers);
                    if let Err((error, unsent)) = given {
                        answers.failed(course.number, &error, unsent);
                    }
                }
                verdict => tell(course, verdict, answers),
            }
            hide_cas(course, op, answers);
        }
    }

    /// There is no time for another step, or nobody waits: what has no answer gets `error`.
    pub fn stop(&mut self, error: &Error, answers: &mut Results) {
        for course in self.courses.iter_mut().filter(|course| !course.is_done()) {
            let is_answered = !answers.is_pending(course.number);
            let verdict = course.stop(error, is_answered);
            tell(course, verdict, answers);
        }
    }
}

/// What is asked of one key is done in the order given; only reads go together.
fn line_up(courses: &mut [Course], operations: &[Result<Operation<'_>>]) {
    if courses.len() < 2 {
        return;
    }
    let mut lines: HashMap<&[u8], Line> = HashMap::with_capacity(courses.len());
    for (at, course) in courses.iter_mut().enumerate() {
        let Ok(op) = &operations[course.number as usize] else {
            continue;
        };
        let line = lines.entry(op.key).or_default();
        course.after.extend(line.write);
        if course.nature == Nature::Reads {
            line.reads.push(at);
        } else {
            course.after.append(&mut line.reads);
            line.write = Some(at);
        }
    }
}

/// The last on a key, by their places.
#[derive(Default)]
struct Line {
    write: Option<usize>,
    reads: SmallVec<[usize; 1]>,
}

/// Puts what a course came to into its caller's answers.
fn tell(course: &Course, verdict: Verdict, answers: &mut Results) {
    let number = course.number;
    if matches!(verdict, Verdict::Answered | Verdict::GoesOn) {
        return;
    }
    answers.reset(number);
    match verdict {
        Verdict::GoesOn | Verdict::Answered => {}
        Verdict::Missed => answers.done(number, Status::NotFound, 0),
        Verdict::NotStored => answers.done(number, Status::NotStored, 0),
        Verdict::Done => answers.done(number, Status::Ok, 0),
        Verdict::Failed(error, unsent) => answers.failed(number, &error, unsent),
        Verdict::Found => {
            if let Some(found) = course.found() {
                let item = Item {
                    flags: found.flags,
                    cas: 0,
                };
                answers.details(number, item, Details::default());
                if let Err(error) = answers.item(number, item, &found.value) {
                    answers.failed(number, &error, false);
                }
            }
        }
    }
}

/// A cas id, and a won lease, that only the handover asked for.
fn hide_cas(course: &Course, op: &Operation<'_>, answers: &mut Results) {
    if course.is_done() && !op.want.has(Want::CAS) && op.create.is_none() {
        answers.hide_cas(course.number);
    }
}

/// The operations of a call, checked. Those that are wrong have a place-holder.
fn good<'a>(checked: &[Result<Operation<'a>>]) -> Vec<Operation<'a>> {
    let nothing = Operation::new(Kind::Get, &[]);
    let good = |op: &Result<Operation<'a>>| *op.as_ref().unwrap_or(&nothing);
    checked.iter().map(good).collect()
}

/// Why a course that had not come to its end has none.
pub fn no_time() -> Error {
    let text = "no time was left after asking where the key was before";
    Error::new(Status::Timeout, text)
}
