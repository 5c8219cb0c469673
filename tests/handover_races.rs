//! Handovers while many read, write, delete and count: tests/handover.rs has the rest.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use consistent_memcached::client::Client;
use consistent_memcached::error::Status;
use consistent_memcached::protocol::{Kind, Operation};
use support::client;
use support::fleet::{get, keys, list, one, set, start};

/// What the actors of a race have done to one key.
#[derive(Default)]
struct Fate {
    /// The highest version whose write was answered, before a read began.
    written: AtomicU64,
    /// Increments that were answered.
    counted: AtomicU64,
}

/// How long each race goes on: `make race` takes a minute.
fn length() -> Duration {
    let seconds = std::env::var("RACE_SECONDS");
    Duration::from_secs(seconds.map_or(4, |text| text.parse().expect("seconds")))
}

/// Writers, each of its own keys, write rising versions and delete; readers see only what was not
/// overtaken when they began. Incrementers count. The fleet changes all the while.
#[test]
fn actors_race() {
    let servers = start(5);
    // It moves most keys, and is built at once.
    let client = client(
        &servers[..4],
        &[("handover_ms", "60000"), ("distribution", "modulo")],
    );
    let fates: HashMap<String, Fate> = keys(4).into_iter().map(|k| (k, Fate::default())).collect();
    for key in fates.keys() {
        assert!(set(&client, &format!("n:{key}"), "0"));
    }
    let over = AtomicBool::new(false);
    let all: Vec<_> = fates.keys().collect();
    let (client, fates, all, over) = (&client, &fates, &all, &over);
    std::thread::scope(|scope| {
        for share in all.chunks(2) {
            scope.spawn(move || write_and_delete(client, share, fates, over));
            scope.spawn(move || count_up(client, all, fates, over));
        }
        for _ in 0..2 {
            scope.spawn(move || read(client, all, fates, over));
        }
        let until = Instant::now() + length();
        let mut count = 4;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(3));
            count = 9 - count;
            client.set_servers(&list(&servers[..count])).unwrap();
        }
        over.store(true, Ordering::SeqCst);
    });
    for (key, fate) in fates {
        let expected = fate.counted.load(Ordering::SeqCst).to_string();
        assert_eq!(get(client, &format!("n:{key}")), Some(expected), "{key}");
    }
}

/// A value that is appended to, or replaced, was there; a stub is none.
#[test]
fn nothing_is_appended_to_a_stub() {
    let servers = start(5);
    let client = client(
        &servers[..4],
        &[("handover_ms", "60000"), ("distribution", "modulo")],
    );
    let over = AtomicBool::new(false);
    let names: Vec<_> = keys(4).iter().map(|key| format!("a:{key}")).collect();
    let (client, over, names) = (&client, &over, &names);
    let each = |act: &(dyn Fn(&str) + Sync)| {
        while !over.load(Ordering::SeqCst) {
            names.iter().for_each(|name| act(name));
        }
    };
    let act = |kind, key: &str| {
        let op = Operation {
            value: b"x",
            ..Operation::new(kind, key.as_bytes())
        };
        let (status, ..) = one(client, op);
        assert!(!status.is_failure(), "{kind:?} {key}: {status:?}");
    };
    let change = |key: &str| {
        assert!(set(client, key, "whole:"));
        act(Kind::Append, key);
        act(Kind::Delete, key);
    };
    let look = |key: &str| {
        let value = get(client, key).unwrap_or("whole:".into());
        assert!(value.starts_with("whole:"), "{key}: {value}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| each(&change));
        scope.spawn(|| each(&|key| act(Kind::Append, key)));
        scope.spawn(|| each(&|key| act(Kind::Touch, key)));
        scope.spawn(|| each(&look));
        scope.spawn(|| each(&look));
        let until = Instant::now() + length();
        let mut count = 4;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(3));
            count = 9 - count;
            client.set_servers(&list(&servers[..count])).unwrap();
        }
        over.store(true, Ordering::SeqCst);
    });
}

fn write_and_delete(
    client: &Client,
    keys: &[&String],
    fates: &HashMap<String, Fate>,
    over: &AtomicBool,
) {
    let mut version = 0;
    while !over.load(Ordering::SeqCst) {
        for key in keys {
            version += 1;
            let value = version.to_string();
            if version % 3 == 0 {
                let (status, ..) = one(client, Operation::new(Kind::Delete, key.as_bytes()));
                assert!(!status.is_failure(), "{status:?}");
            } else {
                assert!(set(client, key, &value));
            }
            fates[*key].written.store(version, Ordering::SeqCst);
        }
    }
}

fn read(client: &Client, keys: &[&String], fates: &HashMap<String, Fate>, over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) {
        for key in keys {
            let before = fates[*key].written.load(Ordering::SeqCst);
            if let Some(value) = get(client, key) {
                let version: u64 = value.parse().expect("a version");
                assert!(
                    version >= before,
                    "{key}: {version} was read after {before} was done"
                );
            }
        }
    }
}

fn count_up(client: &Client, keys: &[&String], fates: &HashMap<String, Fate>, over: &AtomicBool) {
    let mut last = HashMap::new();
    while !over.load(Ordering::SeqCst) {
        for key in keys {
            let name = format!("n:{key}");
            let op = Operation {
                delta: 1,
                ..Operation::new(Kind::Increment, name.as_bytes())
            };
            let (status, _, number) = one(client, op);
            assert_eq!(status, Status::Ok, "{key}");
            fates[*key].counted.fetch_add(1, Ordering::SeqCst);
            let last = last.insert(*key, number).unwrap_or_default();
            assert!(number > last, "{key}: {number} after {last}");
        }
    }
}
