//! A change of the fleet with `handover_ms`: nothing that is there is missed, nothing that is gone
//! comes back.

mod support;

use std::time::{Duration, Instant};

use consistent_memcached::error::Status;
use consistent_memcached::protocol::{Kind, Operation, Want};
use support::fleet::{ON, found, get, keys, list, moved, one, run, set, set_all, start};
use support::{Memcached, PATIENCE, client};

#[test]
fn nothing_is_missed_when_a_server_joins() {
    for copy in ["lease", "add", "none"] {
        let servers = start(5);
        let options = [ON[0], ("handover_copy", copy)];
        let client = client(&servers[..4], &options);
        let keys = keys(5000);
        set_all(&client, &keys);
        let moved = moved(&client, &keys, &list(&servers));
        assert!((800..1200).contains(&moved.len()), "{}", moved.len());
        assert_eq!(found(&client, &keys), keys.len(), "{copy}");
        // Copies are sent, and not waited for.
        let alone = support::client(&servers, &[]);
        let expected = if copy == "none" { 0 } else { moved.len() };
        let until = Instant::now() + PATIENCE;
        while found(&alone, &moved) != expected {
            assert!(Instant::now() < until, "{copy}: not all is copied");
        }
        if copy == "none" {
            continue;
        }
        let item = Operation {
            want: Want::TTL,
            ..Operation::new(Kind::Get, moved[0].as_bytes())
        };
        let results = run(&alone, std::iter::once(item));
        assert_eq!(results.records()[0].flags, 7);
        let ttl = results.records()[0].details().ttl;
        assert!((990..=1000).contains(&ttl), "{ttl}");
    }
}

#[test]
fn what_is_deleted_or_written_anew_stays_so() {
    let servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(500);
    set_all(&client, &keys);
    let moved = moved(&client, &keys, &list(&servers));
    for key in &moved {
        assert_eq!(
            one(&client, Operation::new(Kind::Delete, key.as_bytes())).0,
            Status::Ok
        );
        assert_eq!(get(&client, key), None, "{key}");
        assert_eq!(
            one(&client, Operation::new(Kind::Delete, key.as_bytes())).0,
            Status::NotFound
        );
    }
    set_all(&client, &moved);
    client.set_servers(&list(&servers[..4])).unwrap();
    assert_eq!(found(&client, &keys), keys.len(), "back again");
    assert!(set(&client, &moved[0], "new"));
    assert_eq!(get(&client, &moved[0]).as_deref(), Some("new"));
    client.set_servers(&list(&servers)).unwrap();
    assert_eq!(
        get(&client, &moved[0]).as_deref(),
        Some("new"),
        "not the older copy"
    );
}

#[test]
fn what_depends_on_the_old_value_finds_it() {
    for copy in ["lease", "add", "none"] {
        let servers = start(5);
        let options = [ON[0], ("handover_copy", copy)];
        let client = client(&servers[..4], &options);
        let keys = keys(200);
        for key in &keys {
            assert!(set(&client, key, "5"));
        }
        let moved = moved(&client, &keys, &list(&servers));
        for (number, key) in moved.iter().enumerate() {
            let op = |kind| Operation {
                delta: 1,
                value: b"1",
                ..Operation::new(kind, key.as_bytes())
            };
            match number % 6 {
                0 => assert_eq!(one(&client, op(Kind::Increment)).2, 6, "{copy}"),
                1 => assert_eq!(one(&client, op(Kind::Add)).0, Status::NotStored),
                2 => assert_eq!(one(&client, op(Kind::Append)).0, Status::Ok),
                3 => assert_eq!(one(&client, op(Kind::Touch)).0, Status::Ok),
                4 => assert_eq!(
                    one(
                        &client,
                        Operation {
                            cas: 1,
                            ..op(Kind::Cas)
                        }
                    )
                    .0,
                    Status::Exists
                ),
                _ => assert_eq!(one(&client, op(Kind::Replace)).0, Status::Ok),
            }
            let expected = ["6", "5", "51", "5", "5", "1"][number % 6];
            assert_eq!(get(&client, key).as_deref(), Some(expected), "{copy} {key}");
        }
        let missing = Operation {
            delta: 1,
            ..Operation::new(Kind::Increment, b"missing")
        };
        assert_eq!(one(&client, missing).0, Status::NotFound);
        for number in 0..50 {
            let key = format!("new:{number}");
            let add = Operation {
                value: b"1",
                ..Operation::new(Kind::Add, key.as_bytes())
            };
            assert_eq!(one(&client, add).0, Status::Ok, "a stub is not in its way");
        }
    }
}

/// No stub is left, and none is in the way.
#[test]
fn what_depends_on_a_value_that_is_not_there() {
    let servers = start(5);
    // It moves most keys.
    let client = client(&servers[..4], &[ON[0], ("distribution", "modulo")]);
    client.set_servers(&list(&servers)).unwrap();
    let alone = support::client(&servers, &[("distribution", "modulo")]);
    let kinds = [
        (Kind::Increment, Status::NotFound),
        (Kind::Touch, Status::NotFound),
        (Kind::Cas, Status::NotFound),
        (Kind::Append, Status::NotStored),
        (Kind::Prepend, Status::NotStored),
        (Kind::Replace, Status::NotStored),
        (Kind::Add, Status::Ok),
    ];
    for (number, want) in (0..40).flat_map(|n| [(n, Want::NOTHING), (n + 40, Want::CAS)]) {
        for (kind, expected) in kinds {
            let key = format!("{kind:?}:{number}");
            let op = Operation {
                delta: 1,
                cas: 7,
                value: b"1",
                flags: 5,
                want: if kind == Kind::Increment {
                    want
                } else {
                    Want::NOTHING
                },
                ..Operation::new(kind, key.as_bytes())
            };
            assert_eq!(one(&client, op).0, expected, "{key}");
            let again = one(
                &alone,
                Operation {
                    cas: 0,
                    ..Operation::new(Kind::Add, key.as_bytes())
                },
            );
            let free = kind != Kind::Add;
            assert_eq!(again.0 == Status::Ok, free, "{key}: nothing is left there");
        }
        let key = format!("created:{number}");
        let op = Operation {
            delta: 1,
            initial: 3,
            create: Some(100),
            ..Operation::new(Kind::Increment, key.as_bytes())
        };
        assert_eq!(one(&client, op).2, 3);
        assert_eq!(one(&client, op).2, 4);
    }
}

#[test]
fn what_is_no_number_is_refused() {
    let servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(20);
    set_all(&client, &keys);
    client.set_servers(&list(&servers)).unwrap();
    for key in &keys {
        let op = Operation {
            delta: 1,
            ..Operation::new(Kind::Increment, key.as_bytes())
        };
        assert_eq!(one(&client, op).0, Status::Rejected, "{key}");
        assert_eq!(get(&client, key).as_ref(), Some(key));
    }
}

#[test]
fn a_former_owner_that_is_gone_is_not_waited_for() {
    let mut servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(400);
    set_all(&client, &keys);
    let rest: Vec<_> = servers[1..].iter().map(Memcached::address).collect();
    let lost = moved(&client, &keys, &rest.join(","));
    servers[0].stop();
    for key in &lost[..20] {
        let owner = client.select_server(key.as_bytes()).unwrap() as u32;
        let deleted = run(
            &client,
            [Operation::new(Kind::Delete, key.as_bytes())].into_iter(),
        );
        assert_eq!(deleted.records()[0].server, Some(owner));
        let status = one(&client, Operation::new(Kind::Get, key.as_bytes())).0;
        assert!(
            matches!(status, Status::Ok | Status::NotFound),
            "{status:?}"
        );
        assert!(set(&client, key, "again"));
        assert_eq!(get(&client, key).as_deref(), Some("again"));
    }
}

#[test]
fn several_changes_in_one_window() {
    let servers = start(6);
    let client = client(&servers[..3], ON);
    let keys = keys(3000);
    set_all(&client, &keys);
    for count in 4..=6 {
        client.set_servers(&list(&servers[..count])).unwrap();
        assert!(found(&client, &keys[..keys.len() / 2]) == keys.len() / 2);
    }
    assert_eq!(found(&client, &keys), keys.len());
}

#[test]
fn after_the_window_it_is_over() {
    let servers = start(5);
    let client = client(&servers[..4], &[("handover_ms", "50")]);
    let keys = keys(1000);
    set_all(&client, &keys);
    let moved = moved(&client, &keys, &list(&servers));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(found(&client, &moved), 0);
}
