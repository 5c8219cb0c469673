//! Conversations in meta commands.

use std::sync::atomic::Ordering;

use super::*;
use crate::net::exchange::Dialect;
use crate::protocol::Version;

impl Line {
    /// To a memcached whose version is known already.
    fn to(major: u16, minor: u16, patch: u16) -> Self {
        let mut line = Self::new();
        let version = Version::new(major, minor, patch);
        line.connection.dialect = Some(Dialect::Memcached(version));
        line
    }

    fn quiet_failures(&self) -> u64 {
        self.quiet_failures.load(Ordering::Relaxed)
    }
}

fn wanting(kind: Kind, key: &[u8], want: Want) -> Operation<'_> {
    Operation {
        want,
        ..op(kind, key)
    }
}

fn leased(key: &[u8]) -> Operation<'_> {
    Operation {
        create: Some(30),
        ..op(Kind::Get, key)
    }
}

fn quiet(kind: Kind, key: &[u8]) -> Operation<'_> {
    wanting(kind, key, Want::QUIET)
}

fn statuses(collected: &Collected) -> Vec<Option<Status>> {
    let seen = collected.seen.iter();
    seen.map(|seen| seen.as_ref().map(|seen| seen.0)).collect()
}

/// Classic and meta, quiet and not, with values of all sizes and a stub.
fn conversation() -> (Vec<Operation<'static>>, Vec<u8>) {
    let operations = vec![
        op(Kind::Get, b"a"),
        wanting(Kind::Get, b"b", Want::TTL),
        leased(b"stub"),
        wanting(Kind::Get, b"large", Want::SIZE),
        quiet(Kind::Set, b"a"),
        quiet(Kind::Add, b"b"),
        quiet(Kind::Delete, b"c"),
        op(Kind::Set, b"a"),
        wanting(Kind::Increment, b"n", Want::CAS),
        wanting(Kind::Delete, b"d", Want::INVALIDATE),
        wanting(Kind::Get, b"e", Want::NO_VALUE),
        leased(b"stale"),
        wanting(Kind::Get, b"none", Want::TTL),
        wanting(Kind::Append, b"f", Want::CAS),
        wanting(Kind::Get, b"last", Want::NO_BUMP),
    ];
    let mut replies = b"VALUE a 7 3\r\nabc\r\nEND\r\n".to_vec();
    replies.extend_from_slice(b"VA 2 f3 t-1 O1\r\nhi\r\nVA 0 f0 c9 O2 W\r\n\r\n");
    replies.extend_from_slice(b"VA 20000 f1 s20000 O3\r\n");
    replies.extend_from_slice(&[b'\n'; 20_000]);
    replies.extend_from_slice(b"\r\nNS O5\r\nMN\r\nSTORED\r\nVA 2 c11 O8\r\n42\r\n");
    replies.extend_from_slice(b"HD O9\r\nHD f4 s5 O10\r\nVA 3 f2 c5 O11 X Z\r\nold\r\n");
    replies.extend_from_slice(b"EN O12\r\nNS c0 O13\r\nVA 20001 f6 O14\r\n");
    replies.extend_from_slice(&[b'x'; 20_001]);
    replies.extend_from_slice(b"\r\n");
    (operations, replies)
}

fn expected() -> Vec<Option<Seen>> {
    let item = |value: &[u8], flags, cas| Some((Status::Ok, value.to_vec(), flags, cas));
    let plain = |status, number| Some((status, Vec::new(), 0, number));
    vec![
        item(b"abc", 7, 0),
        item(b"hi", 3, 0),
        plain(Status::NotFound, 0),
        item(&[b'\n'; 20_000], 1, 0),
        plain(Status::Ok, 0),
        plain(Status::NotStored, 0),
        plain(Status::Ok, 0),
        plain(Status::Ok, 0),
        plain(Status::Ok, 42),
        plain(Status::Ok, 0),
        plain(Status::Ok, 0),
        item(b"old", 2, 5),
        plain(Status::NotFound, 0),
        plain(Status::NotStored, 0),
        item(&[b'x'; 20_001], 6, 0),
    ]
}

#[test]
fn cut_anywhere_it_is_the_same() {
    let (operations, replies) = conversation();
    for cut in 0..=replies.len() {
        let inside = (200..20_000).contains(&cut) || (20_400..40_100).contains(&cut);
        if inside && cut % 97 != 0 {
            continue;
        }
        let (first, second) = replies.split_at(cut);
        let mut line = Line::to(1, 6, 40);
        let (collected, outcome) = line.converse(&operations, &[first, second]);
        assert!(matches!(outcome, Ok(true)), "cut at {cut}: {outcome:?}");
        assert!(collected.seen == expected(), "cut at {cut}");
        assert_eq!(collected.details[1].ttl, -1);
        assert!(collected.details[2].won && !collected.details[2].already_sent);
        assert!(collected.details[11].stale && collected.details[11].already_sent);
        assert_eq!(line.quiet_failures(), 0);
    }
}

#[test]
fn the_version_is_asked_once_and_before_anything_depends_on_it() {
    let mut line = Line::new();
    let operations = [op(Kind::Get, b"a"), leased(b"b"), op(Kind::Get, b"c")];
    let pieces: [&[u8]; 3] = [b"END\r\nVERSION 1.6.18\r\n", b"EN O1\r\n", b"END\r\n"];
    let (collected, outcome) = line.converse(&operations, &pieces);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    assert_eq!(statuses(&collected), [Some(Status::NotFound); 3]);
    let sent = "get a\r\nversion\r\nmg b v f c N30 O1\r\nget c\r\n";
    assert_eq!(line.sent(), sent);
    let (_, outcome) = line.converse(&operations[1..2], &[b"EN O0\r\n"]);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    assert_eq!(line.sent(), "mg b v f c N30 O0\r\n");
}

#[test]
fn what_the_server_does_not_know_is_not_sent() {
    let operations = [
        leased(b"a"),
        wanting(Kind::Set, b"b", Want::CAS),
        quiet(Kind::Delete, b"c"),
        op(Kind::Delete, b"d"),
    ];
    for told in [
        "ERROR",
        "VERSION mcrouter 1.0",
        "VERSION 1.5.22",
        "VERSION 0.5.0",
    ] {
        let mut line = Line::new();
        let version = format!("{told}\r\n");
        let pieces: [&[u8]; 2] = [version.as_bytes(), b"DELETED\r\n"];
        let (collected, outcome) = line.converse(&operations, &pieces);
        assert!(matches!(outcome, Ok(true)), "{outcome:?}");
        let refused = Some(Status::Unsupported);
        let expected = [refused, refused, refused, Some(Status::Ok)];
        assert_eq!(statuses(&collected), expected);
        assert_eq!(line.sent(), "version\r\ndelete d\r\n");
        let (_, outcome) = line.converse(&operations[..3], &[]);
        assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    }
    let (collected, _) = Line::to(1, 6, 18).converse(&operations, &[b"EN O0\r\nMN\r\nDELETED\r\n"]);
    assert_eq!(statuses(&collected)[1], Some(Status::Unsupported));
    assert_eq!(statuses(&collected)[2], Some(Status::Ok));
}

#[test]
fn a_hit_of_no_bytes_is_looked_into() {
    let operations = [
        op(Kind::Get, b"stub"),
        op(Kind::Get, b"empty"),
        op(Kind::Get, b"none"),
        op(Kind::Get, b"stub"),
        wanting(Kind::GetAndTouch, b"gone", Want::CAS),
    ];
    let first: &[u8] =
        b"VALUE stub 0 0\r\n\r\nVALUE empty 0 0\r\n\r\nVALUE stub 0 0\r\n\r\nEND\r\n\
        VALUE gone 0 0 5\r\n\r\nEND\r\n";
    let second: &[u8] = b"VA 0 f0 O5 Z\r\n\r\nVA 0 f0 O6\r\n\r\nVA 3 f0 O7\r\nnew\r\nEN O8\r\n";
    let mut line = Line::to(1, 6, 18);
    let (collected, outcome) = line.converse(&operations, &[first, second]);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    let plain = |status| Some((status, Vec::new(), 0, 0));
    let new = Some((Status::Ok, b"new".to_vec(), 0, 0));
    let miss = || plain(Status::NotFound);
    assert_eq!(
        collected.seen,
        [miss(), plain(Status::Ok), miss(), new, miss()]
    );
    assert_eq!(
        line.sent(),
        "get stub empty none stub\r\ngats 0 gone\r\n\
         mg stub v f O5\r\nmg empty v f O6\r\nmg stub v f O7\r\nmg gone v f c O8\r\n"
    );
    // A server without meta commands has no stubs: what it says is believed.
    let pieces: [&[u8]; 2] = [first, b"ERROR\r\n"];
    let (collected, outcome) = Line::new().converse(&operations, &pieces);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    let hit = |cas| Some((Status::Ok, Vec::new(), 0, cas));
    assert_eq!(collected.seen, [hit(0), hit(0), miss(), hit(0), hit(5)]);
    // One item for one key, be it ever so empty.
    let twice = b"VALUE empty 0 0\r\n\r\nVALUE empty 0 0\r\n\r\nEND\r\n";
    let (_, outcome) = Line::to(1, 6, 18).converse(&operations[1..3], &[twice]);
    assert!(matches!(outcome, Err(Fault::Violation(_))), "{outcome:?}");
}

#[test]
fn answers_to_quiet_operations_are_left_to_the_next() {
    let mut line = Line::to(1, 6, 18);
    let writes = [quiet(Kind::Add, b"a"), quiet(Kind::Delete, b"b")];
    for _ in 0..3 {
        let (collected, outcome) = line.converse(&writes, &[]);
        assert!(matches!(outcome, Ok(true)), "{outcome:?}");
        assert_eq!(statuses(&collected), [Some(Status::Ok); 2]);
    }
    assert!(
        line.sent()
            .starts_with("ms a 5 ME q O0\r\nvalue\r\nmd b q O1\r\nmn\r\nms a")
    );
    let replies = b"NS O0\r\nNF O1\r\nMN\r\nSERVER_ERROR busy\r\nMN\r\nHD O0\r\nMN\r\nEND\r\n";
    for cut in 0..replies.len() {
        let mut line = Line::to(1, 6, 18);
        for _ in 0..3 {
            line.converse(&writes, &[]).1.unwrap();
        }
        let (first, second) = replies.split_at(cut);
        let (collected, outcome) = line.converse(&[op(Kind::Get, b"a")], &[first, second]);
        assert!(matches!(outcome, Ok(true)), "{outcome:?}");
        assert_eq!(statuses(&collected), [Some(Status::NotFound)]);
        assert_eq!(line.quiet_failures(), 3);
    }
}

#[test]
fn a_connection_owes_only_so_much() {
    let mut line = Line::to(1, 6, 18);
    let write = [quiet(Kind::Delete, b"a")];
    for _ in 0..64 {
        assert!(matches!(line.converse(&write, &[]).1, Ok(true)));
    }
    assert!(matches!(line.converse(&write, &[]).1, Ok(false)), "waits");
    let mut line = Line::to(1, 6, 18);
    for _ in 0..64 {
        line.converse(&write, &[]).1.unwrap();
    }
    // Room for one is enough.
    assert!(matches!(line.converse(&write, &[b"MN\r\n"]).1, Ok(true)));
}

/// The server may have read the value of a refused request as commands: nothing that follows is
/// to be believed. Without a value the stream is in step.
#[test]
fn a_refused_value_costs_the_connection() {
    for (kind, in_step) in [(Kind::Set, false), (Kind::Increment, true)] {
        let mut line = Line::to(1, 6, 18);
        line.converse(&[quiet(kind, b"a")], &[]).1.unwrap();
        let replies: &[u8] = b"CLIENT_ERROR bad\r\nMN\r\nEND\r\n";
        let (_, outcome) = line.converse(&[op(Kind::Get, b"b")], &[replies]);
        assert_eq!(matches!(outcome, Ok(true)), in_step, "{outcome:?}");
        assert_eq!(matches!(outcome, Err(Fault::OutOfStep)), !in_step);
        assert_eq!(line.quiet_failures(), 1);
    }
}

#[test]
fn what_is_known_of_a_quiet_operation_is_told() {
    let operations = [quiet(Kind::Set, b"a"), op(Kind::Get, b"b")];
    let replies: &[u8] = b"SERVER_ERROR object too large for cache\r\nMN\r\nEND\r\n";
    let mut line = Line::to(1, 6, 18);
    let (collected, outcome) = line.converse(&operations, &[replies]);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    let too_large = Some(Status::ValueTooLarge);
    assert_eq!(statuses(&collected), [too_large, Some(Status::NotFound)]);
    assert_eq!(line.quiet_failures(), 0);
    // Which of several it is about is not known, nor does it pass for the answer to the read.
    let operations = [operations[0], operations[0], operations[1]];
    let (collected, outcome) = line.converse(&operations, &[replies]);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    let expected = [Some(Status::Ok), Some(Status::Ok), Some(Status::NotFound)];
    assert_eq!(statuses(&collected), expected);
    assert_eq!(line.quiet_failures(), 1);
}

#[test]
fn a_wrong_reply_is_a_violation() {
    let read = [wanting(Kind::Get, b"key", Want::TTL)];
    let writes = [quiet(Kind::Delete, b"a"), op(Kind::Get, b"b")];
    let wrong: &[(&[Operation<'_>], &[u8])] = &[
        (&read, b"VA 1 f0 t1 O1\r\nx\r\n"),
        (&read, b"VA 1 f0 O0\r\nx\r\n"),
        (&read, b"VA 1 f0 t1 t1 O0\r\nx\r\n"),
        (&read, b"VA 1048577 f0 t1 O0\r\n"),
        (&read, b"HD f0 t1 O0\r\n"),
        (&read, b"EN O0\r\nEN O0\r\n"),
        (&read, b"END\r\n"),
        (&writes, b"NF O1\r\n"),
        (&writes, b"NF\r\n"),
        (&writes, b"EX O0\r\n"),
        (&writes, b"VA 1 O0\r\nx\r\n"),
        (&writes, b"MN\r\nMN\r\n"),
        (&writes, b"END\r\n"),
        (&writes, b"VALUE b 0 1\r\nx\r\nEND\r\n"),
    ];
    for (operations, replies) in wrong {
        let (_, outcome) = Line::to(1, 6, 18).converse(operations, &[replies]);
        let shown = String::from_utf8_lossy(replies);
        assert!(
            matches!(outcome, Err(Fault::Violation(_))),
            "{shown:?}: {outcome:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A good stream with one byte changed never gives one key the value of another, nor an error
    /// the look of a miss for the wrong one.
    #[test]
    fn a_garbled_stream_never_swaps_values(at in 0usize..52, byte in any::<u8>()) {
        let operations = [
            wanting(Kind::Get, b"k1", Want::NO_BUMP),
            wanting(Kind::Get, b"k2", Want::NO_BUMP),
        ];
        let mut replies = b"VA 8 f0 O0\r\nvalue:k1\r\nVA 8 f0 O1\r\nvalue:k2\r\n".to_vec();
        prop_assume!(at < replies.len());
        // Damaged values are told by nobody.
        prop_assume!(!(12..20).contains(&at) && !(34..42).contains(&at));
        replies[at] = byte;
        let (collected, _) = Line::to(1, 6, 18).converse(&operations, &[&replies]);
        for (seen, own) in collected.seen.iter().zip([b"value:k1", b"value:k2"]) {
            if let Some((Status::Ok, value, ..)) = seen {
                prop_assert_eq!(value, own);
            }
        }
    }

    #[test]
    fn junk_never_becomes_a_value(junk in proptest::collection::vec(any::<u8>(), 0..100)) {
        let operations = [wanting(Kind::Get, b"key", Want::NO_BUMP)];
        let (collected, _) = Line::to(1, 6, 18).converse(&operations, &[&junk]);
        if let Some(Some((Status::Ok, value, ..))) = collected.seen.first() {
            prop_assert!(junk.starts_with(b"VA "), "{value:?}");
        }
    }
}
