use proptest::prelude::*;

use super::*;

const PLAIN: KeyForm<'_> = KeyForm {
    prefix: b"p:",
    as_base64: false,
};

fn encoded(key: KeyForm<'_>, op: &Operation<'_>) -> String {
    let mut out = Vec::new();
    let exptimes = Exptimes::of(op, || 0).unwrap();
    assert!(!command(&mut out, key, op, exptimes, 7));
    String::from_utf8(out).unwrap()
}

fn with_everything(kind: Kind) -> Operation<'static> {
    Operation {
        value: b"value",
        flags: 5,
        ttl: Ttl::FromNow(60),
        cas: 99,
        delta: 4,
        create: Some(30),
        initial: 3,
        refresh_before: 20,
        ..Operation::new(kind, b"key")
    }
}

#[test]
fn every_command() {
    let metadata = Want::CAS | Want::TTL | Want::LAST_ACCESS | Want::HIT_BEFORE | Want::SIZE;
    for (kind, want, line) in [
        (Kind::Get, Want::NOTHING, "mg p:key v f c N30 R20 O7\r\n"),
        (Kind::Get, metadata, "mg p:key v f c t l h s N30 R20 O7\r\n"),
        (
            Kind::GetAndTouch,
            Want::NO_VALUE | Want::NO_BUMP,
            "mg p:key T60 f c s u N30 R20 O7\r\n",
        ),
        (
            Kind::Cas,
            Want::INVALIDATE,
            "ms p:key 5 F5 T60 C99 I N30 O7\r\nvalue\r\n",
        ),
        (
            Kind::Set,
            Want::CAS | Want::SIZE,
            "ms p:key 5 F5 T60 N30 c s O7\r\nvalue\r\n",
        ),
        (
            Kind::Set,
            Want::QUIET,
            "ms p:key 5 F5 T60 N30 q O7\r\nvalue\r\n",
        ),
        (
            Kind::Add,
            Want::QUIET,
            "ms p:key 5 ME F5 T60 N30 q O7\r\nvalue\r\n",
        ),
        (
            Kind::Replace,
            Want::QUIET,
            "ms p:key 5 MR F5 T60 N30 q O7\r\nvalue\r\n",
        ),
        (
            Kind::Append,
            Want::QUIET,
            "ms p:key 5 MA F5 T60 C99 N30 q O7\r\nvalue\r\n",
        ),
        (
            Kind::Prepend,
            Want::QUIET,
            "ms p:key 5 MP F5 T60 C99 N30 q O7\r\nvalue\r\n",
        ),
        (Kind::Delete, Want::NOTHING, "md p:key C99 T60 O7\r\n"),
        (
            Kind::Delete,
            Want::INVALIDATE | Want::DROP_VALUE | Want::QUIET,
            "md p:key C99 I x T60 q O7\r\n",
        ),
        (
            Kind::Increment,
            Want::NOTHING,
            "ma p:key D4 N30 J3 T60 C99 v O7\r\n",
        ),
        (
            Kind::Decrement,
            Want::CAS | Want::TTL,
            "ma p:key MD D4 N30 J3 T60 C99 v c t O7\r\n",
        ),
        (
            Kind::Increment,
            Want::QUIET,
            "ma p:key D4 N30 J3 T60 C99 q O7\r\n",
        ),
    ] {
        let op = Operation {
            want,
            ..with_everything(kind)
        };
        assert_eq!(encoded(PLAIN, &op), line);
    }
    let read = inspection(&with_everything(Kind::GetAndTouch));
    assert_eq!(encoded(PLAIN, &read), "mg p:key v f O7\r\n");
}

#[test]
fn nothing_is_said_that_was_not_asked() {
    for (kind, line) in [
        (Kind::Get, "mg cDr/ b v f O7\r\n"),
        (Kind::GetAndTouch, "mg cDr/ b T0 v f O7\r\n"),
        (Kind::Touch, "mg cDr/ b T0 O7\r\n"),
        (Kind::Set, "ms cDr/ 0 b O7\r\n\r\n"),
        (Kind::Append, "ms cDr/ 0 b MA O7\r\n\r\n"),
        (Kind::Delete, "md cDr/ b O7\r\n"),
        (Kind::Increment, "ma cDr/ b D0 v O7\r\n"),
    ] {
        let key = KeyForm {
            as_base64: true,
            ..PLAIN
        };
        assert_eq!(encoded(key, &Operation::new(kind, b"\xff")), line);
    }
}

#[test]
fn what_newer_servers_are_needed_for() {
    let needed = |op: Operation<'_>| requirement(&op).0;
    let of = |kind, want| Operation {
        want,
        ..Operation::new(kind, b"k")
    };
    assert_eq!(
        needed(of(Kind::Get, Want::CAS | Want::SIZE)),
        Version::new(1, 6, 0)
    );
    assert_eq!(needed(of(Kind::Set, Want::QUIET)), Version::new(1, 6, 0));
    assert_eq!(
        needed(of(Kind::Set, Want::CAS | Want::SIZE)),
        Version::new(1, 6, 21)
    );
    assert_eq!(needed(of(Kind::Set, Want::SIZE)), Version::new(1, 6, 20));
    assert_eq!(
        needed(with_everything(Kind::Append)),
        Version::new(1, 6, 20)
    );
    assert_eq!(
        needed(with_everything(Kind::Increment)),
        Version::new(1, 6, 0)
    );
    assert_eq!(
        needed(of(Kind::Delete, Want::DROP_VALUE)),
        Version::new(1, 6, 27)
    );
}

fn any_operation() -> impl Strategy<Value = (Kind, u32, u32, u64, Option<i32>, u32)> {
    let kinds = [
        Kind::Get,
        Kind::Set,
        Kind::Add,
        Kind::Replace,
        Kind::Append,
        Kind::Prepend,
        Kind::Cas,
        Kind::Delete,
        Kind::Touch,
        Kind::GetAndTouch,
        Kind::Increment,
        Kind::Decrement,
    ];
    (
        proptest::sample::select(kinds.to_vec()),
        any::<u32>(),
        any::<u32>(),
        any::<u64>(),
        proptest::option::of(-5i32..2_000_000_000),
        0u32..2_592_000,
    )
}

proptest! {
    /// Whatever is asked, a line is one that a server reads: within its limits, no flag twice, the
    /// key and the length where they belong, and the key what was given.
    #[test]
    fn a_server_can_read_every_line(
        (kind, bits, flags, number, create, refresh_before) in any_operation(),
        key in proptest::collection::vec(any::<u8>(), 1..100),
        value in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let op = Operation {
            want: Want::from_bits(bits),
            flags,
            value: &value,
            ttl: Ttl::FromNow(number as i64 % 1_000_000),
            cas: number,
            delta: number,
            initial: number,
            create,
            refresh_before,
            ..Operation::new(kind, &key)
        };
        let form = KeyForm { as_base64: true, ..PLAIN };
        let mut out = Vec::new();
        let _ = command(&mut out, form, &op, Exptimes::of(&op, || 0).unwrap(), usize::MAX);
        let end = out.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let behind = &out[end + 2..];
        let line = String::from_utf8(out[..end].to_vec()).unwrap();
        prop_assert!(line.len() < 1024);
        let tokens: Vec<_> = line.split(' ').collect();
        prop_assert!(tokens.len() <= 20);
        prop_assert_eq!(&STANDARD.decode(tokens[1]).unwrap()[2..], &key[..]);
        let flags = if kind.carries_value() {
            prop_assert_eq!(tokens[2], value.len().to_string());
            prop_assert_eq!(behind, &[&value[..], b"\r\n"].concat()[..]);
            &tokens[3..]
        } else {
            prop_assert!(behind.is_empty());
            &tokens[2..]
        };
        let mut letters: Vec<_> = flags.iter().map(|flag| flag.as_bytes()[0]).collect();
        letters.sort_unstable();
        prop_assert!(letters.windows(2).all(|pair| pair[0] != pair[1]), "{line}");
        prop_assert_eq!(letters.contains(&b'q'), op.is_quiet());
        prop_assert!(letters.contains(&b'b') && letters.contains(&b'O'));
    }
}
