//! Values that there is no room for.

use super::*;

/// The conversation of all kinds, with no room for its large value.
fn without_the_large_one() -> Vec<Option<Seen>> {
    let mut expected = expected();
    expected[4] = Some((Status::ValueTooLarge, Vec::new(), 0, 0));
    expected
}

#[test]
fn it_is_read_and_the_rest_goes_on() {
    let (operations, replies) = conversation();
    for cut in 0..=replies.len() {
        if (200..20_000).contains(&cut) && cut % 97 != 0 {
            continue;
        }
        let (first, second) = replies.split_at(cut);
        let mut line = Line::new();
        line.room = 19_999;
        let (collected, outcome) = line.converse(&operations, &[first, second]);
        assert!(matches!(outcome, Ok(true)), "cut at {cut}: {outcome:?}");
        assert!(collected.seen == without_the_large_one(), "cut at {cut}");
        assert!(collected.buffers.iter().all(Vec::is_empty), "cut at {cut}");
    }
}

#[test]
fn a_small_one_is_refused_too() {
    let operations = [op(Kind::Get, b"a"), op(Kind::Get, b"b")];
    let replies = b"VALUE a 0 4\r\nlong\r\nVALUE b 0 3\r\nabc\r\nEND\r\n";
    let mut line = Line::new();
    line.room = 3;
    let bytes: Vec<&[u8]> = replies.chunks(1).collect();
    let (collected, outcome) = line.converse(&operations, &bytes);
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    let statuses = collected.seen.iter().flatten().map(|seen| seen.0);
    assert!(statuses.eq([Status::ValueTooLarge, Status::Ok]));
}

#[test]
fn its_end_must_be_right() {
    let mut replies = b"VALUE key 0 20000\r\n".to_vec();
    replies.extend_from_slice(&[b'x'; 20_001]);
    let mut line = Line::new();
    line.room = 0;
    let (_, outcome) = line.converse(&[op(Kind::Get, b"key")], &[&replies]);
    assert!(matches!(outcome, Err(Fault::Violation(_))), "{outcome:?}");
}
