//! What a server that was away held is out of date: `on_return`.

mod support;

use std::time::{Duration, Instant};

use consistent_memcached::client::Client;
use consistent_memcached::error::Status;
use consistent_memcached::fleet::Standing;
use support::{Memcached, PATIENCE, client, get, set};

const OPTIONS: &[(&str, &str)] = &[
    ("failover", "next"),
    ("timeout_ms", "200"),
    ("connect_timeout_ms", "200"),
    ("failure_threshold", "1"),
    ("retry_after_ms", "300"),
];

fn start() -> (Vec<Memcached>, String) {
    let servers: Vec<_> = (0..2).map(|_| Memcached::start()).collect();
    let finder = client(&servers, &[]);
    let key = (0..).map(|number| format!("key:{number}"));
    let of_first = |key: &String| finder.select_server(key.as_bytes()).unwrap() == 0;
    let key = key.into_iter().find(of_first).unwrap();
    (servers, key)
}

/// Repeats until the first server has been tried again, and what `until` asks for is so.
fn wait(client: &Client, until: impl Fn() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !until() || client.servers().unwrap()[0].standing != Standing::Up {
        assert!(Instant::now() < limit, "{:?}", client.servers());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An old value at the first server, which freezes; a newer one elsewhere.
fn overtaken(client: &Client, servers: &[Memcached], key: &str) {
    assert_eq!(set(client, key.as_bytes(), b"old"), Status::Ok);
    servers[0].suspend();
    let limit = Instant::now() + PATIENCE;
    while set(client, key.as_bytes(), b"new") != Status::Ok {
        assert!(Instant::now() < limit);
    }
    // What was sent to the frozen server it may still do.
    assert_eq!(set(client, key.as_bytes(), b"newest"), Status::Ok);
    assert_eq!(
        get(client, key.as_bytes()),
        (Status::Ok, b"newest".to_vec())
    );
    servers[0].resume();
}

#[test]
fn a_server_that_returns_keeps_what_it_has() {
    let (servers, key) = start();
    let client = client(&servers, OPTIONS);
    overtaken(&client, &servers, &key);
    wait(&client, || {
        let (status, value) = get(&client, key.as_bytes());
        status == Status::Ok && value != b"newest"
    });
}

#[test]
fn a_server_that_returns_is_emptied() {
    let (servers, key) = start();
    let options: Vec<_> = OPTIONS
        .iter()
        .copied()
        .chain([("on_return", "flush")])
        .collect();
    let client = client(&servers, &options);
    overtaken(&client, &servers, &key);
    wait(&client, || {
        let (status, value) = get(&client, key.as_bytes());
        assert!(
            status == Status::NotFound || value == b"newest",
            "{value:?}"
        );
        status == Status::NotFound
    });
}

#[test]
fn a_server_that_refuses_to_be_emptied_does_not_return() {
    let mut servers = vec![Memcached::start_with(&["-F"]), Memcached::start()];
    let options: Vec<_> = OPTIONS
        .iter()
        .copied()
        .chain([("on_return", "flush")])
        .collect();
    let client = client(&servers, &options);
    let keys: Vec<_> = (0..50).map(|number| format!("key:{number}")).collect();
    servers[0].stop();
    let is_set = |key: &String| set(&client, key.as_bytes(), b"1") == Status::Ok;
    assert!(keys.iter().all(is_set));
    servers[0].restart_with(&["-F"]);
    let refused = || {
        keys.iter()
            .for_each(|key| drop(get(&client, key.as_bytes())));
        let events = client.take_events().unwrap().events;
        events
            .iter()
            .any(|event| event.reason.contains("refused to be emptied"))
    };
    let limit = Instant::now() + PATIENCE;
    while !refused() {
        assert!(Instant::now() < limit);
        std::thread::sleep(Duration::from_millis(20));
    }
    let is_there = |key: &String| get(&client, key.as_bytes()).0 == Status::Ok;
    assert!(keys.iter().all(is_there), "nothing is asked of it");
}
