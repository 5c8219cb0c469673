//! What callers have been told must be what one server could have told them, doing one thing after
//! the other, each at some time between its beginning and its answer (linearizability).
//!
//! One thing more is allowed: what replaces and what deletes take effect twice, at the old owner and at
//! the new one. Between the two others see a miss.
//!
//! Kept are all the ways in which it could have gone so far, as far as the answers allow.

/// What an actor asks for.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Wish {
    Read,
    /// A read for its cas id, which only the new owner can answer.
    ReadCas,
    Set(u8),
    Add(u8),
    Replace(u8),
    Delete,
    Increment,
}

impl Wish {
    pub fn is_read(self) -> bool {
        matches!(self, Wish::Read | Wish::ReadCas)
    }

    /// What it makes of a value, and its answer.
    fn on(self, value: Option<u8>) -> (Option<u8>, Answer) {
        let seen = |value: Option<u8>| value.map_or(Answer::Miss, Answer::Value);
        match self {
            Wish::Read | Wish::ReadCas => (value, seen(value)),
            Wish::Set(new) => (Some(new), Answer::Done),
            Wish::Add(_) if value.is_some() => (value, Answer::Refused),
            Wish::Add(new) => (Some(new), Answer::Done),
            Wish::Replace(_) if value.is_none() => (value, Answer::Refused),
            Wish::Replace(new) => (Some(new), Answer::Done),
            Wish::Delete => (None, Answer::Done),
            Wish::Increment => {
                let value = value.map(|value| value + 1);
                (value, seen(value))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Answer {
    Value(u8),
    Miss,
    /// Of a deletion too that found nothing.
    Done,
    Refused,
    /// No answer. `unsent`: and it is certain that nothing was done.
    Failed {
        unsent: bool,
    },
}

/// The actors there can be.
pub const ACTORS_MAX: usize = 4;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Part {
    Open,
    /// A write or deletion that has taken the old value away, and will act once more.
    Emptied,
    Done(Answer),
    Told,
}

/// One way in which it could have gone.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
struct Way {
    value: Option<u8>,
    parts: [Part; ACTORS_MAX],
}

#[derive(Clone, Debug, Hash)]
pub struct History {
    ways: Vec<Way>,
    /// By actor: has begun, has been told, and (a read) may have missed what was there.
    begun: [bool; ACTORS_MAX],
    told: [bool; ACTORS_MAX],
    may_miss: [bool; ACTORS_MAX],
}

impl History {
    pub fn new(value: Option<u8>) -> Self {
        let parts = [Part::Open; ACTORS_MAX];
        Self {
            ways: vec![Way { value, parts }],
            begun: [false; ACTORS_MAX],
            told: [false; ACTORS_MAX],
            may_miss: [false; ACTORS_MAX],
        }
    }

    /// A read beside something that writes or moves the value may miss it: a cache may.
    pub fn begin(&mut self, wishes: &[Wish], actor: usize) {
        self.begun[actor] = true;
        let under_way = |&other: &usize| self.begun[other] && !self.told[other];
        for other in (0..wishes.len()).filter(under_way).collect::<Vec<_>>() {
            self.may_miss[actor] |= !wishes[other].is_read();
            self.may_miss[other] |= !wishes[actor].is_read();
        }
    }

    /// False when there is no way in which it could have come to this answer. `lossy`: what is
    /// there may be lost at any time.
    pub fn told(&mut self, wishes: &[Wish], actor: usize, answer: Answer, lossy: bool) -> bool {
        let kept = |way: &Way| match (answer, way.parts[actor]) {
            // It may still happen.
            (Answer::Failed { unsent: false }, _) => true,
            (Answer::Failed { unsent: true }, part) => !matches!(part, Part::Done(_)),
            (Answer::Miss, Part::Done(_))
                if wishes[actor].is_read() && (lossy || self.may_miss[actor]) =>
            {
                true
            }
            (answer, part) => part == Part::Done(answer),
        };
        let mut ways = self.closure(wishes, lossy);
        ways.retain(kept);
        if answer != (Answer::Failed { unsent: false }) {
            self.told[actor] = true;
            let mut all = Vec::with_capacity(ways.len());
            for mut way in ways {
                way.parts[actor] = Part::Told;
                if !all.contains(&way) {
                    all.push(way);
                }
            }
            ways = all;
        }
        self.ways = ways;
        !self.ways.is_empty()
    }

    /// True when this can be what is there now.
    pub fn leaves(&self, wishes: &[Wish], value: Option<u8>, lossy: bool) -> bool {
        let ways = self.closure(wishes, lossy);
        ways.iter().any(|way| way.value == value)
    }

    /// All that can have happened since.
    fn closure(&self, wishes: &[Wish], lossy: bool) -> Vec<Way> {
        let mut ways = self.ways.clone();
        let mut place = 0;
        while place < ways.len() {
            let way = ways[place];
            place += 1;
            let mut add = |way: Way| {
                if !ways.contains(&way) {
                    ways.push(way);
                }
            };
            if lossy {
                add(Way { value: None, ..way });
            }
            for (actor, wish) in wishes.iter().enumerate() {
                if !self.begun[actor] || !matches!(way.parts[actor], Part::Open | Part::Emptied) {
                    continue;
                }
                let (value, answer) = wish.on(way.value);
                let mut then = Way { value, ..way };
                then.parts[actor] = Part::Done(answer);
                add(then);
                if matches!(wish, Wish::Set(_) | Wish::Delete) && way.parts[actor] == Part::Open {
                    let mut then = Way { value: None, ..way };
                    then.parts[actor] = Part::Emptied;
                    add(then);
                }
            }
        }
        ways
    }
}
