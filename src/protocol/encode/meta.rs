//! Operations to meta commands, for what the classic ones cannot say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{COPIED_VALUE_MAX, Exptimes};
use crate::protocol::decode::Letters;
use crate::protocol::expiry::Ttl;
use crate::protocol::key::{MAX_ENCODED_LEN, MAX_LEN};
use crate::protocol::{Kind, Operation, Version, Want};

/// The end of a run of quiet operations: its answer shows that they have been dealt with.
pub const FENCE: &[u8] = b"mn\r\n";

/// How a key goes on the wire.
#[derive(Clone, Copy, Debug)]
pub struct KeyForm<'a> {
    pub prefix: &'a [u8],
    pub as_base64: bool,
}

/// Appends the meta command of an operation on a key. The answer will carry `opaque`. Returns true
/// when the value is left to the caller, as [`super::command`].
#[must_use]
pub fn command(
    out: &mut Vec<u8>,
    key: KeyForm<'_>,
    op: &Operation<'_>,
    exptimes: Exptimes,
    opaque: usize,
) -> bool {
    let mut line = Line { out };
    let command: &[u8] = match op.kind {
        Kind::Get | Kind::GetAndTouch | Kind::Touch => b"mg ",
        Kind::Delete => b"md ",
        Kind::Increment | Kind::Decrement => b"ma ",
        _ => b"ms ",
    };
    line.out.extend_from_slice(command);
    line.key(key, op.key);
    if op.kind.carries_value() {
        line.out.push(b' ');
        line.digits(op.value.len());
    }
    if key.as_base64 {
        line.flag(b'b');
    }
    match op.kind {
        Kind::Get | Kind::GetAndTouch | Kind::Touch => line.get(op, exptimes),
        Kind::Delete => line.delete(op, exptimes),
        Kind::Increment | Kind::Decrement => line.arithmetic(op, exptimes),
        _ => line.set(op, exptimes),
    }
    if op.is_quiet() {
        line.flag(b'q');
    }
    line.number(b'O', opaque);
    line.out.extend_from_slice(b"\r\n");
    if !op.kind.carries_value() {
        return false;
    }
    if op.value.len() > COPIED_VALUE_MAX {
        return true;
    }
    line.out.extend_from_slice(op.value);
    line.out.extend_from_slice(b"\r\n");
    false
}

/// The read that tells a stub from an item of no bytes, for an operation that brought none. It is
/// asked with `mg`, and touches nothing.
pub fn inspection<'a>(op: &Operation<'a>) -> Operation<'a> {
    let mut read = Operation::new(Kind::Get, op.key);
    if op.want.has(Want::CAS) {
        read.want = Want::CAS;
    }
    read
}

/// What the answer to a meta command carries if it is not "no".
pub fn returned(op: &Operation<'_>) -> Letters {
    let mut letters = Letters::OPAQUE;
    let mut add = |wanted: bool, letter: Letters| {
        if wanted {
            letters = letters | letter;
        }
    };
    let reads = matches!(op.kind, Kind::Get | Kind::GetAndTouch);
    add(wants_cas(op), Letters::CAS);
    add(op.want.has(Want::TTL), Letters::TTL);
    add(op.want.has(Want::LAST_ACCESS), Letters::LAST_ACCESS);
    add(op.want.has(Want::HIT_BEFORE), Letters::HIT_BEFORE);
    // A stub shows by its length where there is no value to look at.
    add(
        op.want.has(Want::SIZE) || (reads && !brings_value(op)),
        Letters::SIZE,
    );
    add(reads, Letters::CLIENT_FLAGS);
    letters
}

/// True when the answer to an operation that reads or counts is a value.
pub fn brings_value(op: &Operation<'_>) -> bool {
    match op.kind {
        Kind::Get | Kind::GetAndTouch => !op.want.has(Want::NO_VALUE),
        Kind::Increment | Kind::Decrement => !op.is_quiet(),
        _ => false,
    }
}

/// Who wins the right to recompute needs the cas id to store what it computed.
fn wants_cas(op: &Operation<'_>) -> bool {
    let reads = matches!(op.kind, Kind::Get | Kind::GetAndTouch);
    op.want.has(Want::CAS) || (reads && (op.create.is_some() || op.refresh_before != 0))
}

/// What an operation needs of a server that has the meta commands, if not all have it: the version it
/// came with, and its name.
pub fn requirement(op: &Operation<'_>) -> (Version, &'static str) {
    let stores = op.kind.carries_value();
    let needs = [
        (
            op.want.has(Want::DROP_VALUE),
            Version::new(1, 6, 27),
            "dropping the value of a stale item",
        ),
        (
            stores && op.want.has(Want::CAS),
            Version::new(1, 6, 21),
            "the cas id of what is stored",
        ),
        (
            stores && op.want.has(Want::SIZE),
            Version::new(1, 6, 20),
            "the size of what is stored",
        ),
        (
            stores && op.create.is_some(),
            Version::new(1, 6, 20),
            "append and prepend that create",
        ),
    ];
    let need = needs.iter().find(|(needed, ..)| *needed);
    need.map_or((Version::new(1, 6, 0), "this"), |&(_, version, what)| {
        (version, what)
    })
}

/// A command line being written.
struct Line<'o> {
    out: &'o mut Vec<u8>,
}

impl Line<'_> {
    fn key(&mut self, form: KeyForm<'_>, key: &[u8]) {
        if !form.as_base64 {
            self.out.extend_from_slice(form.prefix);
            self.out.extend_from_slice(key);
            return;
        }
        let mut raw = [0; MAX_ENCODED_LEN];
        let (prefix, behind) = raw.split_at_mut(form.prefix.len());
        prefix.copy_from_slice(form.prefix);
        behind[..key.len()].copy_from_slice(key);
        let raw = &raw[..form.prefix.len() + key.len()];
        let mut encoded = [0; MAX_LEN];
        // The length was checked when the operation was accepted.
        let len = STANDARD.encode_slice(raw, &mut encoded).unwrap_or(0);
        self.out.extend_from_slice(&encoded[..len]);
    }

    fn digits(&mut self, number: impl itoa::Integer) {
        self.out
            .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn flag(&mut self, letter: u8) {
        self.out.extend_from_slice(&[b' ', letter]);
    }

    fn number(&mut self, letter: u8, number: impl itoa::Integer) {
        self.flag(letter);
        self.digits(number);
    }

    fn get(&mut self, op: &Operation<'_>, exptimes: Exptimes) {
        if op.kind != Kind::Get {
            self.number(b'T', exptimes.ttl);
        }
        if brings_value(op) {
            self.flag(b'v');
        }
        let letters = returned(op);
        for (letter, name) in [
            (Letters::CLIENT_FLAGS, b'f'),
            (Letters::CAS, b'c'),
            (Letters::TTL, b't'),
            (Letters::LAST_ACCESS, b'l'),
            (Letters::HIT_BEFORE, b'h'),
            (Letters::SIZE, b's'),
        ] {
            if letters.has(letter) {
                self.flag(name);
            }
        }
        if op.want.has(Want::NO_BUMP) {
            self.flag(b'u');
        }
        if op.create.is_some() {
            self.number(b'N', exptimes.create);
        }
        if op.refresh_before != 0 {
            self.number(b'R', op.refresh_before);
        }
    }

    fn set(&mut self, op: &Operation<'_>, exptimes: Exptimes) {
        let mode = match op.kind {
            Kind::Add => Some(b'E'),
            Kind::Append => Some(b'A'),
            Kind::Prepend => Some(b'P'),
            Kind::Replace => Some(b'R'),
            _ => None,
        };
        if let Some(mode) = mode {
            self.out.extend_from_slice(&[b' ', b'M', mode]);
        }
        if op.flags != 0 {
            self.number(b'F', op.flags);
        }
        if exptimes.ttl != 0 {
            self.number(b'T', exptimes.ttl);
        }
        if op.kind == Kind::Cas || (op.cas != 0 && op.kind.extends()) {
            self.number(b'C', op.cas);
        }
        if op.want.has(Want::INVALIDATE) {
            self.flag(b'I');
        }
        if op.create.is_some() {
            self.number(b'N', exptimes.create);
        }
        if op.want.has(Want::CAS) {
            self.flag(b'c');
        }
        if op.want.has(Want::SIZE) {
            self.flag(b's');
        }
    }

    fn delete(&mut self, op: &Operation<'_>, exptimes: Exptimes) {
        if op.cas != 0 {
            self.number(b'C', op.cas);
        }
        if op.want.has(Want::INVALIDATE) {
            self.flag(b'I');
        }
        if op.want.has(Want::DROP_VALUE) {
            self.flag(b'x');
        }
        if op.ttl != Ttl::NEVER {
            self.number(b'T', exptimes.ttl);
        }
    }

    fn arithmetic(&mut self, op: &Operation<'_>, exptimes: Exptimes) {
        if op.kind == Kind::Decrement {
            self.out.extend_from_slice(b" MD");
        }
        self.number(b'D', op.delta);
        if op.create.is_some() {
            self.number(b'N', exptimes.create);
            self.number(b'J', op.initial);
        }
        if op.ttl != Ttl::NEVER {
            self.number(b'T', exptimes.ttl);
        }
        if op.cas != 0 {
            self.number(b'C', op.cas);
        }
        if brings_value(op) {
            self.flag(b'v');
        }
        if op.want.has(Want::CAS) {
            self.flag(b'c');
        }
        if op.want.has(Want::TTL) {
            self.flag(b't');
        }
    }
}

#[cfg(test)]
mod tests;
