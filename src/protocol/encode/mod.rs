//! Operations to bytes.

pub mod meta;

use super::{Kind, Operation, Want};
use crate::error::Result;

/// A value up to this size is copied behind its command; a larger one is sent from where it lies.
pub const COPIED_VALUE_MAX: usize = 4096;

/// One `get` line asks for at most this many keys and about this many bytes: memcached reads
/// a line of up to 16 KiB in its ordinary buffer and must allocate for a longer one.
const LINE_KEYS: usize = 256;
const LINE_BYTES: usize = 12 * 1024;

/// The ttls of an operation as they go on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exptimes {
    pub ttl: i64,
    pub create: i64,
}

impl Exptimes {
    /// An error where one does not fit. `unix_now` as for [`super::expiry::Ttl::exptime`].
    pub fn of(op: &Operation<'_>, unix_now: fn() -> i64) -> Result<Self> {
        Ok(Self {
            ttl: op.ttl.exptime(unix_now)?,
            create: op.create_ttl().map_or(Ok(0), |ttl| ttl.exptime(unix_now))?,
        })
    }
}

/// Appends the `get` line for the plain gets at the start of `operations`, of which there is at
/// least one, and returns how many share it.
pub fn get_line<'a>(
    out: &mut Vec<u8>,
    prefix: &[u8],
    binary_keys: bool,
    operations: impl Iterator<Item = &'a Operation<'a>>,
) -> usize {
    let mut want = None;
    let (mut count, mut bytes) = (0, 0);
    for op in operations.take(LINE_KEYS) {
        match want {
            None => {
                want = Some(op.want);
                out.extend_from_slice(if op.want.has(Want::CAS) {
                    b"gets"
                } else {
                    b"get"
                });
            }
            Some(want) => {
                let is_plain = op.kind == Kind::Get && !op.needs_meta(op.encodes_key(binary_keys));
                if bytes >= LINE_BYTES || op.want != want || !is_plain {
                    break;
                }
            }
        }
        out.push(b' ');
        out.extend_from_slice(prefix);
        out.extend_from_slice(op.key);
        bytes += prefix.len() + op.key.len() + 1;
        count += 1;
    }
    out.extend_from_slice(b"\r\n");
    count
}

/// Appends the classic command of any operation but a plain get. `exptime` is the ttl as it goes on
/// the wire. Returns true when the value is too large to be copied: the caller sends it,
/// and a line end, after what was appended.
#[must_use]
pub fn command(out: &mut Vec<u8>, prefix: &[u8], op: &Operation<'_>, exptime: i64) -> bool {
    let mut line = Line { out, prefix };
    match op.kind {
        Kind::Get => {
            get_line(line.out, prefix, false, std::iter::once(op));
        }
        Kind::Set => return line.storage(b"set", op, exptime),
        Kind::Add => return line.storage(b"add", op, exptime),
        Kind::Replace => return line.storage(b"replace", op, exptime),
        Kind::Append => return line.storage(b"append", op, exptime),
        Kind::Prepend => return line.storage(b"prepend", op, exptime),
        Kind::Cas => return line.storage(b"cas", op, exptime),
        Kind::Delete => line.start(b"delete", op).end(),
        Kind::Touch => line.start(b"touch", op).number(exptime).end(),
        Kind::GetAndTouch => {
            // The one command whose numbers stand before the key.
            line.out.extend_from_slice(if op.want.has(Want::CAS) {
                b"gats"
            } else {
                b"gat"
            });
            line.number(exptime).key(op.key).end();
        }
        Kind::Increment => line.start(b"incr", op).number(op.delta).end(),
        Kind::Decrement => line.start(b"decr", op).number(op.delta).end(),
        Kind::Stats if op.key.is_empty() => line.out.extend_from_slice(b"stats\r\n"),
        Kind::Stats => {
            line.out.extend_from_slice(b"stats ");
            line.out.extend_from_slice(op.key);
            line.end();
        }
        Kind::FlushAll => {
            line.out.extend_from_slice(b"flush_all");
            line.number(exptime).end();
        }
        Kind::Version => line.out.extend_from_slice(b"version\r\n"),
    }
    false
}

/// A command line being written.
struct Line<'o, 'p> {
    out: &'o mut Vec<u8>,
    prefix: &'p [u8],
}

impl Line<'_, '_> {
    fn start(&mut self, command: &[u8], op: &Operation<'_>) -> &mut Self {
        self.out.extend_from_slice(command);
        self.key(op.key)
    }

    fn key(&mut self, key: &[u8]) -> &mut Self {
        self.out.push(b' ');
        self.out.extend_from_slice(self.prefix);
        self.out.extend_from_slice(key);
        self
    }

    fn number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.out.push(b' ');
        self.out
            .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self
    }

    fn end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// True when the value is left to the caller.
    fn storage(&mut self, command: &[u8], op: &Operation<'_>, exptime: i64) -> bool {
        self.start(command, op)
            .number(op.flags)
            .number(exptime)
            .number(op.value.len());
        if op.kind == Kind::Cas {
            self.number(op.cas);
        }
        self.end();
        if op.value.len() > COPIED_VALUE_MAX {
            return true;
        }
        self.out.extend_from_slice(op.value);
        self.end();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::expiry::Ttl;

    fn encoded(op: &Operation<'_>) -> String {
        let mut out = Vec::new();
        let left = command(&mut out, b"p:", op, op.ttl.exptime(|| 0).unwrap());
        assert!(!left);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_command() {
        let op = |kind| Operation {
            value: b"value",
            flags: 7,
            ttl: Ttl::FromNow(60),
            cas: 99,
            delta: 5,
            ..Operation::new(kind, b"key")
        };
        for (kind, line) in [
            (Kind::Get, "get p:key\r\n"),
            (Kind::Set, "set p:key 7 60 5\r\nvalue\r\n"),
            (Kind::Add, "add p:key 7 60 5\r\nvalue\r\n"),
            (Kind::Replace, "replace p:key 7 60 5\r\nvalue\r\n"),
            (Kind::Append, "append p:key 7 60 5\r\nvalue\r\n"),
            (Kind::Prepend, "prepend p:key 7 60 5\r\nvalue\r\n"),
            (Kind::Cas, "cas p:key 7 60 5 99\r\nvalue\r\n"),
            (Kind::Delete, "delete p:key\r\n"),
            (Kind::Touch, "touch p:key 60\r\n"),
            (Kind::GetAndTouch, "gat 60 p:key\r\n"),
            (Kind::Increment, "incr p:key 5\r\n"),
            (Kind::Decrement, "decr p:key 5\r\n"),
            (Kind::Stats, "stats key\r\n"),
            (Kind::FlushAll, "flush_all 60\r\n"),
            (Kind::Version, "version\r\n"),
        ] {
            assert_eq!(encoded(&op(kind)), line);
        }
        assert_eq!(encoded(&Operation::new(Kind::Stats, b"")), "stats\r\n");
    }

    #[test]
    fn a_large_value_is_left_to_the_caller() {
        let value = vec![0; COPIED_VALUE_MAX + 1];
        let op = Operation {
            value: &value,
            ..Operation::new(Kind::Set, b"k")
        };
        let mut out = Vec::new();
        assert!(command(&mut out, b"", &op, 0));
        assert_eq!(out, b"set k 0 0 4097\r\n");
    }

    #[test]
    fn runs_of_gets_share_a_line() {
        let get = Operation::new(Kind::Get, b"k");
        let gets = Operation {
            want: Want::CAS,
            ..get
        };
        let leased = Operation {
            create: Some(30),
            ..get
        };
        let binary = Operation::new(Kind::Get, b"\0");
        let set = Operation::new(Kind::Set, b"k");
        let line = |ops: &[Operation<'_>], binary_keys| {
            let mut out = Vec::new();
            let len = get_line(&mut out, b"", binary_keys, ops.iter());
            (len, String::from_utf8(out).unwrap())
        };
        let len = |ops: &[Operation<'_>]| line(ops, true).0;
        assert_eq!(line(&[get, get, set, get], true), (2, "get k k\r\n".into()));
        assert_eq!(line(&[gets, get], true), (1, "gets k\r\n".into()));
        assert_eq!(len(&[get, gets]), 1);
        assert_eq!(len(&[get, leased, get]), 1);
        assert_eq!(len(&[get, binary]), 1);
        assert_eq!(line(&[get, binary], false).0, 2);
        assert_eq!(len(&vec![get; 1000]), LINE_KEYS);
        let long = Operation::new(Kind::Get, &[b'k'; 250]);
        assert_eq!(len(&vec![long; 1000]), LINE_BYTES / 251 + 1);
    }
}
