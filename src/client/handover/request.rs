//! What each step of a [`Course`] asks.

use super::course::{Course, Nature, Stage, Stub};
use crate::options::Copying;
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation, Want};

impl Course {
    /// How many requests this step makes.
    pub fn count(&self) -> usize {
        match self.stage {
            Stage::AskOld | Stage::Forget => self.asked.len(),
            Stage::Done => 0,
            _ => 1,
        }
    }

    /// This step's request with this number. `op` is what the caller asked for.
    pub fn request<'x>(&'x self, op: &Operation<'x>, number: usize) -> Operation<'x> {
        if self.is_held {
            return Operation {
                want: want(op, Want::NO_VALUE),
                ..about(op, Kind::Get)
            };
        }
        match self.stage {
            Stage::Ask => self.ask(op),
            Stage::AskOld => Operation {
                want: want(op, Want::TTL | Want::PINNED),
                server: self.asked[number],
                ..about(op, Kind::Get)
            },
            Stage::Copy => self.copy(op),
            Stage::DropStub => {
                let request = drop_stub(op, self.held());
                Operation {
                    want: request.want | self.quiet_if_read(),
                    ..request
                }
            }
            Stage::Fill => Operation {
                kind: Kind::Cas,
                cas: self.held().cas,
                server: self.held().server,
                want: op.want | Want::PINNED,
                ..*op
            },
            Stage::Forget => Operation {
                want: want(op, Want::PINNED),
                server: self.asked[number],
                ..about(op, Kind::Delete)
            },
            Stage::Act => self.act(op),
            Stage::Done => *op,
        }
    }

    fn ask<'x>(&self, op: &Operation<'x>) -> Operation<'x> {
        let plain = match self.nature {
            Nature::Reads => *op,
            _ => about(op, Kind::Get),
        };
        if self.copying != Copying::Lease {
            return plain;
        }
        let no_value = match self.nature {
            Nature::Reads => Want::NOTHING,
            _ => Want::NO_VALUE,
        };
        // A stub that is met the second time may be one's own: it is as good as another's.
        let repeatable = match plain.is_pure_read() {
            true => Want::REPEATABLE,
            false => Want::NOTHING,
        };
        Operation {
            want: plain.want | Want::CAS | no_value | repeatable,
            create: plain.create.or(Some(self.lease)),
            ..plain
        }
    }

    /// What the caller asked for, in a form that a stub is no item to.
    fn act<'x>(&self, op: &Operation<'x>) -> Operation<'x> {
        match op.kind {
            Kind::Touch if self.copying == Copying::Lease => Operation {
                want: want(op, Want::NO_VALUE),
                ttl: op.ttl,
                ..about(op, Kind::GetAndTouch)
            },
            // The answer is needed: it may be that the item is another by now.
            _ if self.compares(op) => Operation {
                kind: match op.kind {
                    Kind::Replace => Kind::Cas,
                    kind => kind,
                },
                cas: self.item,
                want: op.want.without(Want::QUIET),
                ..*op
            },
            _ => *op,
        }
    }

    /// True when the operation is done to the item that was met, and to no other.
    pub(super) fn compares(&self, op: &Operation<'_>) -> bool {
        self.item != 0 && needs_an_item(op.kind)
    }

    /// True when the copy's cas id must be known before what the caller asked for.
    pub(super) fn asks_for_copy(&self, op: &Operation<'_>) -> bool {
        self.copying == Copying::Lease && needs_an_item(op.kind)
    }

    fn copy<'x>(&'x self, op: &Operation<'x>) -> Operation<'x> {
        let (value, flags, left) = match &self.found {
            Some(found) => (found.value.as_slice(), found.flags, found.ttl),
            None => (&[][..], 0, 0),
        };
        let ttl = match left {
            ..0 => Ttl::NEVER,
            left => Ttl::FromNow(left),
        };
        let item = Operation {
            value,
            flags,
            ttl,
            ..about(op, Kind::Add)
        };
        // Nobody waits for a copy on which nothing depends.
        let quiet = match self.wants_more(op) {
            true => Want::NOTHING,
            false => self.quiet_if_read(),
        };
        match self.stub {
            Some(stub) => Operation {
                kind: Kind::Cas,
                cas: stub.cas,
                server: stub.server,
                want: want(op, Want::PINNED | quiet),
                ..item
            },
            None => Operation {
                want: want(op, quiet),
                ..item
            },
        }
    }

    /// The stub that is held, in the stages that are about it.
    fn held(&self) -> Stub {
        self.stub.unwrap_or(Stub { server: 0, cas: 0 })
    }

    fn quiet_if_read(&self) -> Want {
        match self.nature {
            Nature::Reads => Want::QUIET,
            _ => Want::NOTHING,
        }
    }

    /// True for a read that only the item at its new owner can answer.
    pub(super) fn wants_more(&self, op: &Operation<'_>) -> bool {
        let details = Want::CAS | Want::TTL | Want::LAST_ACCESS | Want::HIT_BEFORE | Want::SIZE;
        self.nature == Nature::Reads
            && (op.want.has(details) || op.create.is_some() || op.refresh_before != 0)
    }
}

/// True for what asks that there is an item, and does not say which.
pub(super) fn needs_an_item(kind: Kind) -> bool {
    kind == Kind::Replace || kind.extends()
}

/// An operation on the same key.
fn about<'x>(op: &Operation<'x>, kind: Kind) -> Operation<'x> {
    Operation {
        want: want(op, Want::NOTHING),
        route: op.route,
        hash: op.hash,
        ..Operation::new(kind, op.key)
    }
}

/// What the form of the key asks for, and more.
fn want(op: &Operation<'_>, more: Want) -> Want {
    match op.want.has(Want::BASE64_KEY) {
        true => Want::BASE64_KEY | more,
        false => more,
    }
}

fn drop_stub<'x>(op: &Operation<'x>, stub: Stub) -> Operation<'x> {
    Operation {
        want: want(op, Want::PINNED),
        cas: stub.cas,
        server: stub.server,
        ..about(op, Kind::Delete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Handover;

    /// As a read without a handover is.
    #[test]
    fn a_stub_does_not_keep_a_read_from_being_repeated() {
        let ask = |op: &Operation<'_>| {
            let old = [0].into_iter().collect();
            let course = Course::new(0, op, old, Copying::Lease, 3, &Handover::among(2));
            course.request(op, 0).is_pure_read()
        };
        let read = Operation::new(Kind::Get, b"key");
        assert!(ask(&read));
        assert!(ask(&Operation::new(Kind::Increment, b"key")));
        let lease = Operation {
            create: Some(3),
            ..read
        };
        assert!(!ask(&lease), "whose it is, only the first answer tells");
    }
}
