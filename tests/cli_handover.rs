//! `cm handover`, run as a shell runs it, against real servers.
#![cfg(feature = "cli")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use consistent_memcached::client::{Client, Results};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation, Want};
use support::cm::{counts, done, failed, handover, temporary, text};
use support::fleet::{keys, list, start};
use support::{Memcached, Port, client, client_of, get, set};

fn run<'a>(client: &Client, operations: impl Iterator<Item = Operation<'a>>) -> Results {
    let operations: Vec<_> = operations.map(Ok).collect();
    let results = client.execute(operations.into_iter(), Duration::ZERO);
    let results = results.unwrap();
    assert!(results.failure().is_none(), "{:?}", results.failure());
    results
}

/// Every second item has a ttl, each its own flags.
fn ttl_of(number: usize) -> i64 {
    if number.is_multiple_of(2) { 0 } else { 1000 }
}

fn set_all(client: &Client, keys: &[String]) {
    let sets = keys.iter().enumerate().map(|(number, key)| Operation {
        value: key.as_bytes(),
        flags: number as u32 + 0xffff_0000,
        ttl: Ttl::FromNow(ttl_of(number)),
        ..Operation::new(Kind::Set, key.as_bytes())
    });
    run(client, sets);
}

/// How many of the keys are there; those that are, must be as [`set_all`] left them.
fn found(client: &Client, keys: &[String]) -> usize {
    let gets = keys.iter().map(|key| Operation {
        want: Want::TTL,
        ..Operation::new(Kind::Get, key.as_bytes())
    });
    let results = run(client, gets);
    let records = results.records().iter().enumerate();
    let hits = records.filter(|(_, record)| record.status() == Status::Ok);
    let right = hits.inspect(|(number, record)| {
        assert_eq!(results.value(record), Some(keys[*number].as_bytes()));
        assert_eq!(record.flags, *number as u32 + 0xffff_0000);
        let left = record.details().ttl;
        match ttl_of(*number) {
            0 => assert_eq!(left, -1),
            ttl => assert!((ttl - 120..=ttl).contains(&left), "{left}"),
        }
    });
    right.count()
}

/// How many keys have another owner.
fn moved(before: &Client, after: &Client, keys: &[String]) -> usize {
    let owner = |client: &Client, key: &String| {
        let index = client.select_server(key.as_bytes()).unwrap();
        client.identities()[index].clone()
    };
    let moves = |key: &&String| owner(before, key) != owner(after, key);
    keys.iter().filter(moves).count()
}

#[test]
fn everything_is_at_its_new_owner_before_the_switch() {
    let mut servers = start(4);
    let before = client(&servers, &[]);
    let from = list(&servers);
    servers.push(Memcached::start());
    let (after, to) = (client(&servers, &[]), list(&servers));
    let keys = keys(2000);
    set_all(&before, &keys);
    let moved = moved(&before, &after, &keys);
    assert!((200..800).contains(&moved), "{moved}");

    let dry = done(&handover(&from, &to, &["--dry-run"]));
    assert_eq!(dry, [2000, 0, 0, moved, 0, 0, 0, 0]);
    assert_eq!(found(&after, &keys), 2000 - moved);

    assert_eq!(
        done(&handover(&from, &to, &[])),
        [2000, 0, 0, moved, moved, 0, 0, 0]
    );
    assert_eq!(found(&after, &keys), 2000);
    assert_eq!(found(&before, &keys), 2000);

    assert_eq!(
        done(&handover(&from, &to, &[])),
        [2000, 0, 0, moved, 0, moved, 0, 0]
    );
}

#[test]
fn what_the_new_owner_has_already_stays() {
    let servers = start(2);
    let (before, after) = (client(&servers[..1], &[]), client(&servers[1..], &[]));
    set(&before, b"both", b"old");
    set(&before, b"one", b"old");
    set(&after, b"both", b"new");
    let output = handover(&servers[0].address(), &servers[1].address(), &[]);
    assert_eq!(done(&output), [2, 0, 0, 2, 1, 1, 0, 0]);
    assert_eq!(get(&after, b"both").1, b"new");
    assert_eq!(get(&after, b"one").1, b"old");
}

#[test]
fn keys_of_any_bytes() {
    let socket = temporary("handover.sock");
    let old = Memcached::start_on_socket(socket);
    let new = Memcached::start();
    let base64 = [("binary_keys", "base64")];
    let (before, after) = (
        client_of(&old.address(), &base64),
        client_of(&new.address(), &base64),
    );
    let longest = "x%".repeat(125);
    let binary: Vec<u8> = (0..186).collect();
    let keys: [&[u8]; 10] = [
        b"a%20b",
        b"%",
        b"100%25+1",
        b"size=3&key=x",
        "gr\u{fc}n".as_bytes(),
        b"\xff\xfe",
        longest.as_bytes(),
        b"with a space",
        b"\r\nEND\r\n",
        &binary,
    ];
    for key in keys {
        assert_eq!(set(&before, key, key), Status::Ok, "{}", key.escape_ascii());
    }
    // A value larger than a batch, and an empty one.
    let large = vec![b'v'; 1_000_000];
    set(&before, b"large", &large);
    set(&before, b"empty", b"");

    let output = handover(&old.address(), &new.address(), &[]);
    assert_eq!(done(&output), [12, 0, 0, 12, 12, 0, 0, 0]);
    for key in keys {
        let (status, value) = get(&after, key);
        assert_eq!(status, Status::Ok, "{}", key.escape_ascii());
        assert_eq!(value, key);
    }
    assert_eq!(get(&after, b"large").1, large);
    assert_eq!(get(&after, b"empty").0, Status::Ok);
}

#[test]
fn another_placement_on_the_same_servers() {
    let servers = start(4);
    let servers_list = list(&servers);
    let before = client(&servers, &[("distribution", "modulo")]);
    let after = client(&servers, &[]);
    let keys = keys(500);
    set_all(&before, &keys);
    let moved = moved(&before, &after, &keys);
    let change = [
        "--distribution",
        "modulo",
        "--to-option",
        "distribution=rehash",
    ];
    let output = handover(&servers_list, &servers_list, &change);
    // A copy that comes to a server before it is listed is a leftover there.
    let counts = done(&output);
    assert_eq!(counts[0], 500 + counts[2]);
    assert_eq!(counts[3..], [moved, moved, 0, 0, 0]);
    assert_eq!(found(&after, &keys), 500);
}

#[test]
fn prefixes_and_leftovers() {
    let servers = start(3);
    let before = client(&servers[..2], &[("key_prefix", "app:")]);
    let after = client(&servers[2..], &[("key_prefix", "app:")]);
    let keys = keys(100);
    set_all(&before, &keys);
    for server in &servers[..2] {
        // To one of both it does not belong.
        set(&client_of(&server.address(), &[]), b"app:stray", b"x");
        set(&client_of(&server.address(), &[]), b"other", b"x");
        set(&client_of(&server.address(), &[]), b"app:", b"x");
    }
    let (from, to) = (list(&servers[..2]), list(&servers[2..]));
    let ours = ["-o", "key_prefix=app:"];
    let begins = keys.iter().filter(|key| key.starts_with("key:1")).count();
    let some = [&ours[..], &["--prefix", "app:key:1"]].concat();
    let output = handover(&from, &to, &some);
    let outside = 106 - begins;
    assert_eq!(done(&output), [106, outside, 0, begins, begins, 0, 0, 0]);
    assert_eq!(found(&after, &keys), begins);

    let output = handover(&from, &to, &ours);
    let copied = 101 - begins;
    assert_eq!(done(&output), [106, 4, 1, 101, copied, begins, 0, 0]);
    assert_eq!(found(&after, &keys), 100);

    let change = [&ours[..], &["--to-option", "key_prefix=new:"]].concat();
    let refused = handover(&from, &to, &change);
    assert_eq!(refused.status.code(), Some(2));
}

/// The machine that takes over a name has nothing yet.
#[test]
fn a_name_that_goes_to_another_machine() {
    let servers = start(2);
    let [from, to] = [0, 1].map(|index| format!("{} name=seven", servers[index].address()));
    set(&client(&servers[..1], &[]), b"key", b"value");
    assert_eq!(done(&handover(&from, &to, &[])), [1, 0, 0, 1, 1, 0, 0, 0]);
    assert_eq!(get(&client(&servers[1..], &[]), b"key").1, b"value");
    let renamed = format!("{} name=eight", servers[0].address());
    assert_eq!(
        done(&handover(&from, &renamed, &[])),
        [1, 0, 0, 0, 0, 0, 0, 0]
    );
}

/// A stub of a lease, and what is out of date, are not values.
#[test]
fn what_is_no_value_is_not_copied() {
    let servers = start(2);
    let (before, after) = (client(&servers[..1], &[]), client(&servers[1..], &[]));
    let lease = Operation {
        create: Some(1000),
        ..Operation::new(Kind::Get, b"stub")
    };
    support::run(&before, lease);
    set(&before, b"stale", b"x");
    let mark = Operation {
        want: Want::INVALIDATE,
        ttl: Ttl::FromNow(1000),
        ..Operation::new(Kind::Delete, b"stale")
    };
    assert_eq!(support::run(&before, mark).0, Status::Ok);
    let output = handover(&servers[0].address(), &servers[1].address(), &[]);
    assert_eq!(done(&output), [2, 0, 0, 2, 0, 0, 2, 0]);
    assert_eq!(get(&after, b"stale").0, Status::NotFound);
}

#[test]
fn no_faster_than_told() {
    let servers = start(2);
    let keys = keys(150);
    set_all(&client(&servers[..1], &[]), &keys);
    let begin = Instant::now();
    let limit = ["--rate", "100", "--progress"];
    let output = handover(&servers[0].address(), &servers[1].address(), &limit);
    // The first ten go at once.
    assert!(begin.elapsed() >= Duration::from_millis(1390));
    text(&output);
    assert_eq!(counts(&output)[4], 150);
    let said = String::from_utf8(output.stderr).unwrap();
    let address = servers[0].address();
    assert!(said.lines().count() >= 2, "{said}");
    for line in said.lines() {
        assert!(line.starts_with(&format!("{address}: ")), "{said}");
        assert!(line.contains(" of them done, 0 failed"), "{said}");
    }
}

#[test]
fn servers_that_fail_are_named_and_the_others_done() {
    let servers = start(2);
    let (dead, silent) = (Port::reserve(), Memcached::start_with(&["-X"]));
    let dead = dead.address().to_string();
    let off = Memcached::start_with(&["-o", "no_lru_crawler"]);
    let keys = keys(300);
    let from = format!(
        "{},{dead},{},{}",
        servers[0].address(),
        silent.address(),
        off.address()
    );
    let before = client_of(&from, &[]);
    let its = |key: &&String| before.select_server(key.as_bytes()).unwrap() == 0;
    let its: Vec<String> = keys.iter().filter(its).cloned().collect();
    set_all(&before, &its);
    let (said, counts) = failed(&handover(&from, &servers[1].address(), &[]));
    let copied = its.len();
    assert_eq!(counts, [copied, 0, 0, copied, copied, 0, 0, 0]);
    assert_eq!(said.lines().count(), 3, "{said}");
    let listing = |server: &str| format!("cm: {server}: cannot list its keys: ");
    assert!(said.contains(&listing(&dead)), "{said}");
    assert!(said.contains(&format!(
        "{}it was started with -X",
        listing(&silent.address())
    )));
    assert!(said.contains(&format!("{}its LRU crawler is", listing(&off.address()))));
    assert_eq!(found(&client(&servers[1..], &[]), &its), copied);

    // The new owner of some is dead.
    set_all(&client(&servers[1..], &[]), &keys);
    let to = format!("{},{dead}", servers[0].address());
    let after = client_of(&to, &[]);
    let lost = |key: &&String| after.select_server(key.as_bytes()).unwrap() == 1;
    let lost = keys.iter().filter(lost).count();
    let (said, counts) = failed(&handover(&servers[1].address(), &to, &[]));
    let there = its.len();
    let copied = 300 - lost - there;
    assert_eq!(counts, [300, 0, 0, 300, copied, there, 0, lost]);
    let line = format!("cm: {dead}: {lost} keys failed: ");
    assert!(
        said.starts_with(&line) && said.lines().count() == 1,
        "{said}"
    );
}

/// Answers each connection with the next of these.
fn answering(replies: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for reply in replies {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 100]);
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn listings_that_are_late_or_not_whole() {
    let busy = answering(&["BUSY currently processing crawler request\r\n", "END\r\n"]);
    assert_eq!(done(&handover(&busy, &busy, &[])), [0; 8]);
    for (replies, reason) in [
        (
            &["key=a exp=-1 la=1 cas=1 fetch=no cls=1 size=60\nkey=b e"][..],
            "broke off",
        ),
        (&[""], "broke off"),
        (&["ERROR\r\n"], "not memcached 1.6"),
        (
            &["CLIENT_ERROR unauthenticated\r\n"],
            "CLIENT_ERROR unauthenticated",
        ),
        (&["key=a\n"], "not a line of a listing"),
    ] {
        let server = answering(replies);
        let (said, _) = failed(&handover(&server, &server, &[]));
        assert!(said.contains(&server) && said.contains(reason), "{said}");
    }
}
