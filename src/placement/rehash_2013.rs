//! `rehash-2013`: python_consistent_memcached 0.0.1 on CPython 2.7, where `rehash`
//! comes from.
//!
//! Machines take turns to claim slots drawn from their random streams; a slot that is
//! taken is drawn again. A machine has as many turns in a row as its weight says, all
//! of them from one stream. Keys go to the slot their hash leaves as a remainder, and
//! failover is python-memcached's, whose client it extends.

use super::hash::Hash;
use super::modulo::Modulo;
use super::node::{Label, Node, point_names};
use crate::error::{Error, Result, Status};
use md5::{Digest, Md5};
use rand_mt::Mt;

/// `make_consistent_weighted_buckets`: 16387 * 2 + 1.
const SLOTS: usize = 32_775;

/// No server: one more than the highest index.
const FREE: u16 = u16::MAX;

pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Result<Modulo> {
    let names = point_names(nodes, machine)?;
    let mut streams: Vec<Option<Mt>> = names.iter().map(|_| None).collect();
    let mut table = vec![FREE; SLOTS];
    let turns = nodes.iter().enumerate();
    let turns = turns.flat_map(|(server, node)| (0..node.weight).map(move |_| server));
    for server in turns.cycle().take(SLOTS) {
        let stream = streams[server].get_or_insert_with(|| stream(&names[server]));
        let slot = loop {
            let slot = draw(stream);
            if table[slot] == FREE {
                break slot;
            }
        };
        table[slot] = server as u16;
    }
    if let Some(server) = streams.iter().position(Option::is_none) {
        let message = format!(
            "server {} gets none of the {SLOTS} slots: the weights before it use them up",
            nodes[server].identity
        );
        return Err(Error::new(Status::Argument, message));
    }
    Ok(Modulo::over(table.into(), hash))
}

/// The string a machine was given by.
fn machine(label: Label<'_>) -> String {
    match label {
        Label::Name(name) => name.to_owned(),
        Label::Tcp { host, port } => format!("{host}:{port}"),
        Label::Unix(path) => format!("unix:{path}"),
    }
}

/// `random.Random(md5(machine).hexdigest())`: CPython 2.7 seeds by the hash of the
/// string, taken as an unsigned number and cut into 32-bit words, the lowest first.
fn stream(machine: &str) -> Mt {
    let digest = Md5::digest(machine);
    let hexdigest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = python_hash(hexdigest.as_bytes());
    let (low, high) = (hash as u32, (hash >> 32) as u32);
    if high == 0 {
        Mt::new_with_key([low])
    } else {
        Mt::new_with_key([low, high])
    }
}

/// `hash(str)` of a 64-bit CPython 2.7 without `-R`, for strings that are not empty.
fn python_hash(text: &[u8]) -> u64 {
    let start = u64::from(text[0]) << 7;
    let hash = text.iter().fold(start, |hash, &byte| {
        hash.wrapping_mul(1_000_003) ^ u64::from(byte)
    });
    match hash ^ text.len() as u64 {
        // -1 means an error in CPython.
        u64::MAX => u64::MAX - 1,
        hash => hash,
    }
}

/// `int(random() * SLOTS)`, which is what `randint(0, SLOTS - 1)` comes to.
fn draw(stream: &mut Mt) -> usize {
    let high = f64::from(stream.next_u32() >> 5);
    let low = f64::from(stream.next_u32() >> 6);
    let random = (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0;
    (random * SLOTS as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_hashes() {
        // hash('a') and hash('abc') of CPython 2.7 on a 64-bit machine.
        assert_eq!(python_hash(b"a"), 12_416_037_344);
        assert_eq!(python_hash(b"abc"), 1_453_079_729_188_098_211);
    }

    #[test]
    fn a_server_that_comes_too_late_for_a_slot_is_named() {
        let [first, second] = ["first", "second"].map(|name| Node {
            identity: name,
            label: Label::Name(name),
            weight: 40_000,
        });
        let error = build(&[first, second], Hash::Cmemcache1).unwrap_err();
        assert_eq!(error.status(), Status::Argument);
        assert!(error.message().contains("second"), "{error}");
    }
}
