//! The engine on real servers: batches, shared connections, servers that come and go.

mod support;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use consistent_memcached::client::{Client, Results};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::{Kind, Operation};
use support::{Memcached, PATIENCE, Port, client, client_of, get, run_within, set};

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("key:{number}")).collect()
}

fn set_all(client: &Client, keys: &[String]) -> Results {
    let operations = keys.iter().map(|key| {
        Ok(Operation {
            value: key.as_bytes(),
            ..Operation::new(Kind::Set, key.as_bytes())
        })
    });
    client.execute(operations, Duration::ZERO).unwrap()
}

fn get_all(client: &Client, keys: &[String], timeout: Duration) -> Results {
    let operations = keys.iter();
    let operations = operations.map(|key| Ok(Operation::new(Kind::Get, key.as_bytes())));
    client.execute(operations, timeout).unwrap()
}

/// Every key has its own name as its value.
fn assert_all(results: &Results, keys: &[String]) {
    assert_eq!(results.records().len(), keys.len());
    for (record, key) in results.records().iter().zip(keys) {
        assert_eq!(
            record.status(),
            Status::Ok,
            "{key}: {:?}",
            results.failure()
        );
        assert_eq!(results.value(record), Some(key.as_bytes()));
    }
}

fn start(count: usize) -> Vec<Memcached> {
    (0..count).map(|_| Memcached::start()).collect()
}

#[test]
fn a_batch_over_all_servers() {
    let servers = start(4);
    let client = client(&servers, &[]);
    let keys = keys(5000);
    let stored = set_all(&client, &keys);
    assert!(stored.records().iter().all(|r| r.status() == Status::Ok));
    assert_all(&get_all(&client, &keys, Duration::ZERO), &keys);
    for server in 0..4 {
        let owned = stored.records().iter().filter(|r| r.server == Some(server));
        assert!(owned.count() > 1000);
    }
}

#[test]
fn more_callers_than_connections() {
    let servers = start(2);
    let client = client(&servers, &[("connections_per_server", "1")]);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (client, barrier) = (&client, &barrier);
            scope.spawn(move || {
                let keys: Vec<_> = (0..50).map(|n| format!("{thread}:{n}")).collect();
                barrier.wait();
                for _ in 0..40 {
                    assert!(set_all(client, &keys).failure().is_none());
                    assert_all(&get_all(client, &keys, Duration::ZERO), &keys);
                    let key = keys[0].as_bytes();
                    assert_eq!(get(client, key), (Status::Ok, key.to_vec()));
                }
            });
        }
    });
}

#[test]
fn values_larger_than_the_buffers() {
    let servers = [Memcached::start_with(&["-I", "8m"])];
    let client = client(&servers, &[]);
    for len in [0, 1, 4096, 4097, 16384, 16385, 65535, 65536, 65537, 4 << 20] {
        let value: Vec<u8> = (0..len).map(|at| (at * 7 + at / 251) as u8).collect();
        assert_eq!(set(&client, b"large", &value), Status::Ok);
        // Not assert_eq: it would print the value.
        assert!(get(&client, b"large") == (Status::Ok, value), "{len}");
    }
    let results = get_all(
        &client,
        &["large".into(), "none".into(), "large".into()],
        Duration::ZERO,
    );
    let lens: Vec<_> = results
        .records()
        .iter()
        .map(|r| results.value(r).map(<[u8]>::len))
        .collect();
    assert_eq!(lens, [Some(4 << 20), None, Some(4 << 20)]);
}

#[test]
fn one_key_many_times() {
    let servers = start(1);
    let client = client(&servers, &[]);
    set(&client, b"twice", b"twice");
    let keys = vec!["twice".to_owned(); 1000];
    assert_all(&get_all(&client, &keys, Duration::ZERO), &keys);
}

#[test]
fn a_unix_socket() {
    let path = std::env::temp_dir().join(format!("cm test,{}%.sock", std::process::id()));
    let server = Memcached::start_on_socket(path);
    let list = server
        .address()
        .replace('%', "%25")
        .replace(' ', "%20")
        .replace(',', "%2C");
    let client = client_of(&list, &[]);
    assert_eq!(set(&client, b"key", b"value"), Status::Ok);
    assert_eq!(get(&client, b"key"), (Status::Ok, b"value".to_vec()));
}

#[test]
fn a_name_is_resolved() {
    let server = Memcached::start();
    let list = server.address().replace("127.0.0.1", "LocalHost.");
    let client = client_of(&list, &[]);
    assert_eq!(set(&client, b"key", b"value"), Status::Ok);
    let keys = keys(100);
    set_all(&client, &keys);
    assert_all(&get_all(&client, &keys, Duration::ZERO), &keys);
}

#[test]
fn a_name_that_cannot_be_resolved() {
    let client = client_of("no-such-host.invalid", &[("connect_timeout_ms", "500")]);
    let start = Instant::now();
    let (status, _) = get(&client, b"key");
    assert!(
        matches!(status, Status::Resolve | Status::Timeout),
        "{status:?}"
    );
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn nobody_listens() {
    let port = Port::reserve();
    let client = client_of(&port.address().to_string(), &[("failure_threshold", "3")]);
    let statuses: Vec<_> = (0..5).map(|_| get(&client, b"key").0).collect();
    let (refused, down) = (Status::Connection, Status::ServerDown);
    assert_eq!(statuses, [refused, refused, refused, down, down]);
    let results = get_all(&client, &keys(10), Duration::ZERO);
    assert!(
        results
            .records()
            .iter()
            .all(|r| r.status() == down && r.unsent)
    );
}

#[test]
fn a_restarted_server_is_used_again() {
    let mut servers = start(1);
    let client = client(&servers, &[("retry_after_ms", "50")]);
    set(&client, b"key", b"value");
    servers[0].restart();
    // A read is repeated on a new connection: the caller notices nothing but the miss.
    assert_eq!(get(&client, b"key").0, Status::NotFound);
    servers[0].restart();
    std::thread::sleep(Duration::from_millis(60));
    // The connection was idle, so its end is seen before the write.
    assert_eq!(set(&client, b"key", b"value"), Status::Ok);
}

#[test]
fn closing_ends_waits_for_connections_and_replies() {
    let servers = start(1);
    let client = client(&servers, &[("connections_per_server", "1")]);
    set(&client, b"key", b"value");
    servers[0].suspend();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| get(&client, b"key").0))
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        client.close();
        client.close();
        for call in calls {
            assert_eq!(call.join().unwrap(), Status::Closed);
        }
    });
    servers[0].resume();
    assert_eq!(get(&client, b"key").0, Status::Closed);
    assert_eq!(
        client.select_server(b"key").unwrap_err().status(),
        Status::Closed
    );
}

#[test]
fn a_caller_who_gives_up_leaves_its_place() {
    let servers = start(1);
    let client = client(&servers, &[("connections_per_server", "1")]);
    set(&client, b"key", b"value");
    servers[0].suspend();
    let hurry = Duration::from_millis(200);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let op = Operation::new(Kind::Get, b"key");
                assert_eq!(run_within(&client, op, hurry).0, Status::Timeout);
            });
        }
    });
    servers[0].resume();
    assert_eq!(get(&client, b"key"), (Status::Ok, b"value".to_vec()));
}

#[test]
fn a_stopped_server_does_not_keep_the_others() {
    let servers = start(4);
    let client = client(&servers, &[]);
    let keys = keys(1000);
    set_all(&client, &keys);
    servers[2].suspend();
    // In this time the others answer, however slow the machine is.
    let results = get_all(&client, &keys, Duration::from_millis(2000));
    for record in results.records() {
        let expected = if record.server == Some(2) {
            Status::Timeout
        } else {
            Status::Ok
        };
        assert_eq!(record.status(), expected);
    }
    servers[2].resume();
    assert_all(&get_all(&client, &keys, Duration::ZERO), &keys);
}

#[test]
fn many_connections_are_not_made_for_one_caller() {
    let servers = start(1);
    let client = client(&servers, &[("connections_per_server", "8")]);
    for _ in 0..100 {
        set(&client, b"key", b"value");
    }
    let stats = client
        .execute_on_all(Operation::new(Kind::Stats, b""), Duration::ZERO)
        .unwrap();
    let text = String::from_utf8(stats.value(&stats.records()[0]).unwrap().to_vec()).unwrap();
    let total = text
        .lines()
        .find(|line| line.starts_with("total_connections "))
        .unwrap();
    // The test's own look whether the server is up, memcached's listening socket, and the client's.
    let total: u32 = total.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(total <= 4, "{total}");
}
