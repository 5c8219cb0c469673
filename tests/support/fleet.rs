//! Several servers, and what tests do with all of them.

use std::time::Duration;

use consistent_memcached::client::{Client, Results};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation};

use super::Memcached;

/// Handovers that do not end while a test goes on.
pub const ON: &[(&str, &str)] = &[("handover_ms", "60000")];

pub fn start(count: usize) -> Vec<Memcached> {
    (0..count).map(|_| Memcached::start()).collect()
}

pub fn list(servers: &[Memcached]) -> String {
    let addresses: Vec<_> = servers.iter().map(Memcached::address).collect();
    addresses.join(",")
}

pub fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("key:{number}")).collect()
}

pub fn run<'a>(client: &Client, operations: impl Iterator<Item = Operation<'a>>) -> Results {
    let operations: Vec<_> = operations.map(Ok).collect();
    client
        .execute(operations.into_iter(), Duration::ZERO)
        .unwrap()
}

pub fn one(client: &Client, op: Operation<'_>) -> (Status, Vec<u8>, u64) {
    let results = run(client, std::iter::once(op));
    let record = &results.records()[0];
    let value = results.value(record).unwrap_or_default().to_vec();
    (record.status(), value, record.number)
}

pub fn set(client: &Client, key: &str, value: &str) -> bool {
    super::set(client, key.as_bytes(), value.as_bytes()) == Status::Ok
}

/// The value; `None` for a miss. Nothing may fail.
pub fn get(client: &Client, key: &str) -> Option<String> {
    let (status, value) = super::get(client, key.as_bytes());
    assert!(!status.is_failure(), "{key}: {status:?}");
    (status == Status::Ok).then(|| String::from_utf8(value).expect("text"))
}

pub fn set_all(client: &Client, keys: &[String]) {
    let results = run(
        client,
        keys.iter().map(|key| Operation {
            value: key.as_bytes(),
            flags: 7,
            ttl: Ttl::FromNow(1000),
            ..Operation::new(Kind::Set, key.as_bytes())
        }),
    );
    assert!(results.failure().is_none());
}

/// How many of the keys have their own name as their value; the others must be misses.
pub fn found(client: &Client, keys: &[String]) -> usize {
    let gets = keys
        .iter()
        .map(|key| Operation::new(Kind::Get, key.as_bytes()));
    let results = run(client, gets);
    assert!(results.failure().is_none(), "{:?}", results.failure());
    let hits = results.records().iter().zip(keys).filter(|(record, key)| {
        let value = results.value(record);
        assert!(value.is_none_or(|value| value == key.as_bytes()));
        value.is_some()
    });
    hits.count()
}

/// Keys whose owner the change moves.
pub fn moved(client: &Client, keys: &[String], list: &str) -> Vec<String> {
    let owner = |key: &String| client.select_server(key.as_bytes()).unwrap();
    let name = |key: &String| client.identities()[owner(key)].clone();
    let before: Vec<_> = keys.iter().map(name).collect();
    client.set_servers(list).unwrap();
    let moved = keys.iter().zip(&before);
    let moved = moved.filter(|(key, before)| name(key) != **before);
    moved.map(|(key, _)| key.clone()).collect()
}
