//! What a caller may ask while a handover is on: all that it may ask otherwise.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use consistent_memcached::client::Queue;
use consistent_memcached::error::Status;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation, Want};
use support::fleet::{ON, found, get, keys, list, moved, one, run, set_all, start};
use support::{PATIENCE, client};

#[test]
fn a_cas_id_is_the_new_owners() {
    let servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(100);
    set_all(&client, &keys);
    for key in moved(&client, &keys, &list(&servers)) {
        let gets = Operation {
            want: Want::CAS,
            ..Operation::new(Kind::Get, key.as_bytes())
        };
        let results = run(&client, std::iter::once(gets));
        let cas = results.records()[0].cas;
        let op = Operation {
            cas,
            value: b"mine",
            ..Operation::new(Kind::Cas, key.as_bytes())
        };
        assert_eq!(one(&client, op).0, Status::Ok);
        assert_eq!(one(&client, op).0, Status::Exists);
        assert_eq!(get(&client, &key).as_deref(), Some("mine"));
    }
}

/// Who won a lease stores by its cas id, as ever.
#[test]
fn a_lease_is_its_winners() {
    let servers = start(5);
    let client = client(&servers[..4], &[ON[0], ("distribution", "modulo")]);
    client.set_servers(&list(&servers)).unwrap();
    for key in keys(20) {
        let read = Operation {
            create: Some(100),
            ..Operation::new(Kind::Get, key.as_bytes())
        };
        let results = run(&client, std::iter::once(read));
        let record = &results.records()[0];
        assert_eq!(record.status(), Status::NotFound);
        assert!(record.details().won);
        let store = Operation {
            cas: record.cas,
            value: b"made",
            ..Operation::new(Kind::Cas, key.as_bytes())
        };
        assert_eq!(one(&client, store).0, Status::Ok, "{key}");
        assert_eq!(get(&client, &key).as_deref(), Some("made"));
    }
}

/// What is asked of one key in a batch is done in the order given, as ever.
#[test]
fn a_batch_may_ask_for_a_key_more_than_once() {
    let servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(200);
    set_all(&client, &keys);
    for key in moved(&client, &keys, &list(&servers)) {
        let op = |kind| Operation {
            value: b"1",
            delta: 1,
            ..Operation::new(kind, key.as_bytes())
        };
        let kinds = [
            (Kind::Get, Status::Ok),
            (Kind::Set, Status::Ok),
            (Kind::Get, Status::Ok),
            (Kind::Increment, Status::Ok),
            (Kind::Get, Status::Ok),
            (Kind::Get, Status::Ok),
            (Kind::Delete, Status::Ok),
            (Kind::Get, Status::NotFound),
            (Kind::Replace, Status::NotStored),
            (Kind::Add, Status::Ok),
            (Kind::Add, Status::NotStored),
            (Kind::Get, Status::Ok),
        ];
        let results = run(&client, kinds.iter().map(|&(kind, _)| op(kind)));
        let came_to = results.records().iter().map(|record| record.status());
        assert!(came_to.eq(kinds.iter().map(|&(_, status)| status)), "{key}");
        let values: Vec<_> = results.records().iter().map(|r| results.value(r)).collect();
        let expected = [key.as_bytes(), b"1", b"2", b"2", b"1"].map(Some);
        assert_eq!([0, 2, 4, 5, 11].map(|at: usize| values[at]), expected);
    }
}

/// What is to expire soon must not be found, with more time, where it was before.
#[test]
fn a_shorter_ttl_holds_everywhere() {
    let servers = start(5);
    let client = client(&servers[..4], ON);
    let keys = keys(50);
    set_all(&client, &keys);
    let moved = moved(&client, &keys, &list(&servers));
    for (number, key) in moved.iter().enumerate() {
        let kind = [Kind::GetAndTouch, Kind::Touch][number % 2];
        let op = Operation {
            ttl: Ttl::FromNow(1),
            ..Operation::new(kind, key.as_bytes())
        };
        assert_eq!(one(&client, op).0, Status::Ok);
    }
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(found(&client, &moved), 0);
}

/// Those that are no longer in the list too.
#[test]
fn what_is_flushed_does_not_come_back() {
    let servers = start(5);
    let client = client(&servers, ON);
    let keys = keys(500);
    set_all(&client, &keys);
    client.set_servers(&list(&servers[..4])).unwrap();
    assert_eq!(found(&client, &keys[..250]), 250);
    let flush = Operation::new(Kind::FlushAll, &[]);
    let results = client.execute_on_all(flush, Duration::ZERO).unwrap();
    assert_eq!(results.records().len(), 4);
    assert!(results.failure().is_none());
    assert_eq!(found(&client, &keys), 0);
}

#[test]
fn the_queue_does_it_too() {
    let servers = start(5);
    let client = Arc::new(client(&servers[..4], ON));
    let keys = keys(2000);
    set_all(&client, &keys);
    client.set_servers(&list(&servers)).unwrap();
    let mut queue = Queue::new(Arc::clone(&client)).unwrap();
    for (tag, batch) in keys.chunks(10).enumerate() {
        let gets = batch
            .iter()
            .map(|key| Ok(Operation::new(Kind::Get, key.as_bytes())));
        queue.submit(gets, Duration::ZERO, tag as u64).unwrap();
    }
    let (mut done, until) = (0, Instant::now() + PATIENCE);
    while done < keys.len() / 10 {
        assert!(Instant::now() < until);
        queue.drive().unwrap();
        while let Some(completion) = queue.completed() {
            let batch = &keys[completion.tag as usize * 10..];
            for (record, key) in completion.results.records().iter().zip(batch) {
                assert_eq!(completion.results.value(record), Some(key.as_bytes()));
            }
            done += 1;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    let delete = Operation::new(Kind::Delete, keys[0].as_bytes());
    queue
        .submit(std::iter::once(Ok(delete)), Duration::ZERO, 0)
        .unwrap();
    queue.cancel(0).unwrap();
    assert_eq!(queue.completed().map(|completion| completion.tag), Some(0));
}
