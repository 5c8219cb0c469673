//! Several servers, and what tests do with all of them.

use std::time::Duration;

use consistent_memcached::client::{Client, Results};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::Operation;

use super::Memcached;

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
