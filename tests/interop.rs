//! What this library writes, an independent client (the `memcache` crate) reads, and the
//! other way round.

mod support;

use consistent_memcached::client::{Single, Target};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::{Kind, Operation, Want};
use std::time::Duration;
use support::{Memcached, client, get, run, set};

fn peer(server: &Memcached) -> memcache::Client {
    let url = format!("memcache://{}?protocol=ascii", server.address());
    memcache::connect(url).expect("memcache crate")
}

fn every_byte() -> Vec<u8> {
    (0..=255).cycle().take(3000).collect()
}

#[test]
fn what_we_write_the_peer_reads() {
    let servers = [Memcached::start()];
    let (ours, theirs) = (client(&servers, &[]), peer(&servers[0]));
    let value = every_byte();
    let op = Operation {
        value: &value,
        flags: 0xfedc_ba98,
        ..Operation::new(Kind::Set, b"bytes")
    };
    assert_eq!(run(&ours, op).0, Status::Ok);
    let read: (Vec<u8>, u32) = theirs.get("bytes").unwrap().unwrap();
    assert_eq!(read, (value, 0xfedc_ba98));

    assert_eq!(set(&ours, b"number", b"41"), Status::Ok);
    assert_eq!(theirs.increment("number", 1).unwrap(), 42);
    assert_eq!(set(&ours, b"empty", b""), Status::Ok);
    assert_eq!(theirs.get::<Vec<u8>>("empty").unwrap(), Some(Vec::new()));
}

#[test]
fn what_the_peer_writes_we_read() {
    let servers = [Memcached::start()];
    let (ours, theirs) = (client(&servers, &[]), peer(&servers[0]));
    let value = every_byte();
    theirs.set("bytes", value.as_slice(), 0).unwrap();
    assert_eq!(get(&ours, b"bytes"), (Status::Ok, value));

    theirs.set("number", 10u64, 0).unwrap();
    let mut single = Single::new(Target::Owned { headroom: 0 });
    let op = Operation {
        delta: 3,
        ..Operation::new(Kind::Decrement, b"number")
    };
    ours.execute_one(&op, Duration::ZERO, &mut single);
    assert_eq!((single.status(), single.number), (Status::Ok, 7));

    theirs.delete("bytes").unwrap();
    assert_eq!(get(&ours, b"bytes").0, Status::NotFound);
}

#[test]
fn a_cas_id_read_by_one_is_good_for_the_other() {
    let servers = [Memcached::start()];
    let (ours, theirs) = (client(&servers, &[]), peer(&servers[0]));
    theirs.set("key", "first", 0).unwrap();
    let mut single = Single::new(Target::Owned { headroom: 0 });
    let op = Operation {
        want: Want::CAS,
        ..Operation::new(Kind::Get, b"key")
    };
    ours.execute_one(&op, Duration::ZERO, &mut single);
    assert!(theirs.cas("key", "second", 0, single.cas).unwrap());
    let late = Operation {
        value: b"third",
        cas: single.cas,
        ..Operation::new(Kind::Cas, b"key")
    };
    assert_eq!(run(&ours, late).0, Status::Exists);
    assert_eq!(get(&ours, b"key"), (Status::Ok, b"second".to_vec()));
}
