//! Conversations with a scripted peer, cut wherever they can be cut.

mod meta;
mod refused;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use proptest::prelude::*;
use socket2::Socket;

use super::{Answers, Details, Exchange, Fault, Item, Script, Terms};
use crate::error::{Error, Result, Status};
use crate::net::connection::Connection;
use crate::net::stream::{Stream, Wait};
use crate::protocol::{Kind, Operation, Want};

/// What an operation came to: status, value, flags, number.
type Seen = (Status, Vec<u8>, u32, u64);

#[derive(Debug, Default, PartialEq)]
struct Collected {
    seen: Vec<Option<Seen>>,
    buffers: Vec<Vec<u8>>,
    details: Vec<Details>,
    /// For each value.
    room: usize,
}

impl Collected {
    fn new(count: usize, room: usize) -> Self {
        Self {
            seen: vec![None; count],
            buffers: vec![Vec::new(); count],
            details: vec![Details::default(); count],
            room,
        }
    }

    fn admit(&self, len: usize) -> Result<()> {
        let refused = || Error::new(Status::ValueTooLarge, "no room");
        (len <= self.room).then_some(()).ok_or_else(refused)
    }
}

impl Answers for Collected {
    fn set_server(&mut self, _: u32, _: u32) {}

    fn status(&self, op: u32) -> Option<Status> {
        self.seen[op as usize].as_ref().map(|&(status, ..)| status)
    }

    fn details(&mut self, op: u32, _: Item, details: Details) {
        self.details[op as usize] = details;
    }

    fn item(&mut self, op: u32, item: Item, value: &[u8]) -> Result<()> {
        assert!(self.is_pending(op));
        self.admit(value.len())?;
        self.seen[op as usize] = Some((Status::Ok, value.to_vec(), item.flags, item.cas));
        Ok(())
    }

    fn reserve(&mut self, op: u32, len: usize) -> Result<()> {
        self.admit(len)?;
        self.buffers[op as usize] = Vec::with_capacity(len);
        Ok(())
    }

    fn buffer(&mut self, op: u32) -> &mut Vec<u8> {
        &mut self.buffers[op as usize]
    }

    fn buffered(&mut self, op: u32, item: Item) {
        let value = std::mem::take(&mut self.buffers[op as usize]);
        let _ = self.item(op, item, &value);
    }

    fn done(&mut self, op: u32, status: Status, number: u64) {
        assert!(self.is_pending(op));
        let text = std::mem::take(&mut self.buffers[op as usize]);
        self.seen[op as usize] = Some((status, text, 0, number));
    }

    fn failed(&mut self, op: u32, error: &Error, _: bool) {
        assert!(self.is_pending(op));
        self.seen[op as usize] = Some((error.status(), Vec::new(), 0, 0));
    }

    fn reset(&mut self, _: u32) {}
}

/// A connection to a scripted peer.
struct Line {
    connection: Connection,
    peer: Socket,
    quiet_failures: Arc<AtomicU64>,
    room: usize,
}

impl Line {
    fn new() -> Self {
        let (stream, peer) = Stream::pair();
        Self {
            connection: Connection::new(stream, Instant::now(), 0),
            peer,
            quiet_failures: Arc::default(),
            room: usize::MAX,
        }
    }

    /// Sends the operations, then lets the peer answer in these pieces.
    fn converse(
        &mut self,
        operations: &[Operation<'_>],
        pieces: &[&[u8]],
    ) -> (Collected, std::result::Result<bool, Fault>) {
        let order: Vec<u32> = (0..operations.len() as u32).collect();
        let terms = Terms {
            server: Arc::from("peer"),
            prefix: Arc::from([]),
            binary_keys: false,
            max_value_bytes: 1 << 20,
            unix_now: || 0,
            quiet_failures: Arc::clone(&self.quiet_failures),
        };
        let script = Script {
            terms: &terms,
            operations,
            order: &order,
        };
        let connection = &mut self.connection;
        let mut collected = Collected::new(operations.len(), self.room);
        let mut exchange = Exchange::new(connection);
        let mut outcome = exchange.send(connection, &script, &mut collected);
        for piece in pieces {
            self.peer.write_all(piece).unwrap();
            // Nothing is awaited once it is done: what still comes is found by whoever is next.
            while outcome.is_ok() && !exchange.is_done(&script) {
                match exchange.receive(connection, &script, &mut collected, Wait::No) {
                    Ok(false) => break,
                    Ok(true) => outcome = exchange.send(connection, &script, &mut collected),
                    Err(fault) => outcome = Err(fault),
                }
            }
        }
        (collected, outcome.map(|()| exchange.is_done(&script)))
    }

    /// What has been sent.
    fn sent(&mut self) -> String {
        let mut bytes = [0; 4096];
        let len = self.peer.read(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }
}

fn converse(
    operations: &[Operation<'_>],
    pieces: &[&[u8]],
) -> (Collected, std::result::Result<bool, Fault>) {
    Line::new().converse(operations, pieces)
}

fn op(kind: Kind, key: &[u8]) -> Operation<'_> {
    Operation {
        value: b"value",
        cas: if kind == Kind::Cas { 5 } else { 0 },
        ..Operation::new(kind, key)
    }
}

/// One of everything, with values of all sizes, and what the server answers.
fn conversation() -> (Vec<Operation<'static>>, Vec<u8>) {
    let operations = vec![
        op(Kind::Get, b"a"),
        op(Kind::Get, b"b"),
        op(Kind::Get, b"a"),
        op(Kind::Set, b"a"),
        op(Kind::Get, b"large"),
        op(Kind::Get, b"empty"),
        op(Kind::Increment, b"n"),
        op(Kind::Cas, b"a"),
        op(Kind::Delete, b"a"),
        op(Kind::GetAndTouch, b"a"),
        op(Kind::Stats, b""),
        op(Kind::Add, b"a"),
        op(Kind::Version, b""),
    ];
    let large = vec![b'\n'; 20_000];
    let mut replies = Vec::new();
    replies.extend_from_slice(b"VALUE a 7 3\r\nabc\r\nVALUE a 7 3\r\nabc\r\nEND\r\nSTORED\r\n");
    replies.extend_from_slice(b"VALUE large 1 20000\r\n");
    replies.extend_from_slice(&large);
    replies.extend_from_slice(b"\r\nVALUE empty 2 0\r\n\r\nEND\r\n18446744073709551615\r\n");
    replies.extend_from_slice(b"EXISTS\r\nNOT_FOUND\r\nVALUE a 9 5\r\nEND\r\n\r\nEND\r\n");
    replies.extend_from_slice(b"STAT pid 1\r\nSTAT x y z\r\nEND\r\nNOT_STORED\r\nVERSION 1.6\r\n");
    (operations, replies)
}

fn expected() -> Vec<Option<Seen>> {
    let item = |value: &[u8], flags| Some((Status::Ok, value.to_vec(), flags, 0));
    let plain = |status, number| Some((status, Vec::new(), 0, number));
    vec![
        item(b"abc", 7),
        plain(Status::NotFound, 0),
        item(b"abc", 7),
        plain(Status::Ok, 0),
        item(&[b'\n'; 20_000], 1),
        item(b"", 2),
        plain(Status::Ok, u64::MAX),
        plain(Status::Exists, 0),
        plain(Status::NotFound, 0),
        item(b"END\r\n", 9),
        item(b"pid 1\nx y z\n", 0),
        plain(Status::NotStored, 0),
        item(b"1.6", 0),
    ]
}

#[test]
fn cut_anywhere_it_is_the_same() {
    let (operations, replies) = conversation();
    for cut in 0..=replies.len() {
        // In the middle of the large value every cut is like the next.
        if (200..20_000).contains(&cut) && cut % 97 != 0 {
            continue;
        }
        let (first, second) = replies.split_at(cut);
        let (collected, outcome) = converse(&operations, &[first, second]);
        assert!(matches!(outcome, Ok(true)), "cut at {cut}: {outcome:?}");
        assert!(collected.seen == expected(), "cut at {cut}");
    }
}

#[test]
fn byte_by_byte_it_is_the_same() {
    let (operations, replies) = conversation();
    let bytes: Vec<&[u8]> = replies.chunks(1).collect();
    let (collected, outcome) = converse(&operations, &bytes);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    assert!(collected.seen == expected());
}

#[test]
fn a_wrong_reply_is_a_violation() {
    let get = [op(Kind::Get, b"key")];
    let gets = [Operation {
        want: Want::CAS,
        ..get[0]
    }];
    let set = [op(Kind::Set, b"key")];
    let wrong: &[(&[Operation<'_>], &[u8])] = &[
        (&get, b"VALUE other 0 1\r\nx\r\nEND\r\n"),
        (&get, b"VALUE key 0 1\r\nx\r\nVALUE key 0 1\r\nx\r\nEND\r\n"),
        (&get, b"VALUE key 0 1\r\nxy\r\nEND\r\n"),
        (&get, b"VALUE key 0 1 7\r\nx\r\nEND\r\n"),
        (&gets, b"VALUE key 0 1\r\nx\r\nEND\r\n"),
        (&get, b"VALUE key 0 4294967296\r\n"),
        (&get, b"VALUE key 0 1048577\r\n"),
        (&get, b"VALUE key 0 -1\r\n"),
        (&get, b"STORED\r\n"),
        (&get, b"7\r\n"),
        (&get, b"END\r\nEND\r\n"),
        (&set, b"NOT_FOUND\r\n"),
        (&set, b"EXISTS\r\n"),
        (&set, b"END\r\n"),
        (&set, b"VALUE key 0 1\r\nx\r\nEND\r\n"),
        (&set, b"STORED\r\nSTORED\r\n"),
    ];
    for (operations, replies) in wrong {
        let (_, outcome) = converse(operations, &[replies]);
        let shown = String::from_utf8_lossy(replies);
        assert!(
            matches!(outcome, Err(Fault::Violation(_))),
            "{shown:?}: {outcome:?}"
        );
    }
}

#[test]
fn an_error_line_answers_its_own_request() {
    let operations = [
        op(Kind::Get, b"a"),
        op(Kind::Increment, b"a"),
        op(Kind::Get, b"b"),
        op(Kind::Set, b"c"),
        op(Kind::Set, b"d"),
        op(Kind::Set, b"e"),
    ];
    let replies = b"SERVER_ERROR out of memory\r\nCLIENT_ERROR not a number\r\nERROR\r\n\
        SERVER_ERROR object too large for cache\r\nCLIENT_ERROR bad data chunk\r\n";
    let (collected, outcome) = converse(&operations, &[replies]);
    assert!(matches!(outcome, Err(Fault::OutOfStep)), "{outcome:?}");
    let statuses: Vec<_> = collected
        .seen
        .iter()
        .map(|seen| seen.as_ref().map(|s| s.0))
        .collect();
    assert_eq!(
        statuses,
        [
            Some(Status::Server),
            Some(Status::Rejected),
            Some(Status::Unsupported),
            Some(Status::ValueTooLarge),
            Some(Status::Rejected),
            None,
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Nothing but what the server sent for a key is ever taken for its value.
    #[test]
    fn junk_never_becomes_a_value(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        let operations = [op(Kind::Get, b"key"), op(Kind::Set, b"key")];
        let (collected, _) = converse(&operations, &[&junk]);
        if let Some(Some((Status::Ok, value, ..))) = collected.seen.first() {
            prop_assert!(junk.starts_with(b"VALUE key "), "{value:?}");
        }
    }

    /// A good stream with one byte changed never gives one key the value of another.
    #[test]
    fn a_garbled_stream_never_swaps_values(at in 0usize..62, byte in any::<u8>()) {
        let operations = [op(Kind::Get, b"k1"), op(Kind::Get, b"k2")];
        let mut replies = b"VALUE k1 0 10\r\nvalue:k1:x\r\nVALUE k2 0 10\r\nvalue:k2:x\r\nEND\r\n".to_vec();
        prop_assume!(at < replies.len());
        let in_value = (15..25).contains(&at) || (42..52).contains(&at);
        // Damaged keys are told by the key, damaged values by nobody.
        prop_assume!(!in_value && ![7, 34].contains(&at));
        replies[at] = byte;
        let (collected, _) = converse(&operations, &[&replies]);
        for (seen, own) in collected.seen.iter().zip([b"value:k1", b"value:k2"]) {
            if let Some((Status::Ok, value, ..)) = seen {
                prop_assert!(own.starts_with(value.as_slice()) || value.starts_with(own));
            }
        }
    }
}
