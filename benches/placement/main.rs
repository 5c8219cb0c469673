//! Placement beside other clients' own code: `cargo bench --bench placement [-- --json]`.
//!
//! Lookups for 4 to 1000 servers and keys of 8 to 250 bytes. Everyone takes a turn in every
//! round, and what is shown is medians over the rounds: of the time of a lookup, and of the
//! ratio to the peer's in the same round. Then the time and memory that building takes.
//!
//! `peers/install` fetches the peers; one that is missing is left out, with a line that says so.

mod build;
mod ours;
mod peer;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use ours::Ours;
use peer::Peer;
use report::{Lookup, Report};

#[global_allocator]
static ALLOCATOR: build::Counting = build::Counting;

const SIZES: [usize; 5] = [4, 10, 100, 300, 1000];
const KEY_BYTES: [usize; 4] = [8, 32, 100, 250];
const KEYS: usize = 4096;
const ROUNDS: usize = 15;

/// How long one turn lasts, about.
const TURN_NS: u64 = 3_000_000;

/// Who is timed: a name, the distribution in this library, and the peer it is compared with.
const CONTENDERS: &[(&str, &str, Option<&str>)] = &[
    ("rehash", "rehash", Some("libmemcached ketama")),
    ("ketama", "ketama", Some("libmemcached ketama")),
    (
        "ketama-weighted",
        "ketama-weighted",
        Some("libmemcached ketama-weighted"),
    ),
    ("rendezvous", "rendezvous", Some("pymemcache")),
    ("dalli", "dalli", Some("Dalli")),
];

/// The peers that place as one of ours does, and so must find the same owners.
const AGREE: &[(&str, &str)] = &[
    ("ketama", "libmemcached ketama"),
    ("ketama-weighted", "libmemcached ketama-weighted"),
    ("rendezvous", "pymemcache"),
    ("dalli", "Dalli"),
];

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-placement");
    fs::create_dir_all(&folder).expect("a folder for the peers' input");
    let programs = peer::programs(&folder);
    let mut report = Report::default();
    for bytes in KEY_BYTES {
        let keys = keys(bytes);
        let key_file = folder.join("keys");
        fs::write(&key_file, keys.join("\n") + "\n").expect("the file of keys");
        lookups(&programs, &folder, &key_file, &keys, &mut report);
    }
    report.builds = build::measure();
    if json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
}

/// Somebody who is timed with a fleet of some size.
enum Contender {
    Ours(Ours),
    Peer(Peer),
}

impl Contender {
    fn time(&mut self, keys: &[String], count: u64) -> u64 {
        match self {
            Self::Ours(ours) => ours.time(keys, count),
            Self::Peer(peer) => peer.time(count),
        }
    }

    fn owners(&mut self, keys: &[String], count: usize) -> Vec<usize> {
        match self {
            Self::Ours(ours) => ours.owners(&keys[..count]),
            Self::Peer(peer) => peer.owners(count),
        }
    }
}

fn lookups(
    programs: &[peer::Program],
    folder: &Path,
    key_file: &Path,
    keys: &[String],
    report: &mut Report,
) {
    let mut contenders = Vec::new();
    for size in SIZES {
        let servers = servers(size);
        let server_file = folder.join(format!("servers-{size}"));
        fs::write(&server_file, servers.join("\n") + "\n").expect("the file of servers");
        for (name, distribution, _) in CONTENDERS {
            let ours = Ours::new(&servers.join(","), distribution);
            contenders.push((size, *name, Contender::Ours(ours)));
        }
        for program in programs {
            let peer = Peer::start(program, &server_file, key_file);
            contenders.push((size, program.name, Contender::Peer(peer)));
        }
        agree(size, &mut contenders, keys);
    }

    let counts: Vec<u64> = contenders
        .iter_mut()
        .map(|(_, _, contender)| count_of_a_turn(contender, keys))
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (((_, _, contender), &count), times) in
            contenders.iter_mut().zip(&counts).zip(&mut times)
        {
            times.push(contender.time(keys, count) as f64 / count as f64);
        }
    }
    for ((servers, name, _), times) in contenders.iter().zip(times) {
        report.lookups.push(Lookup {
            name,
            servers: *servers,
            key_bytes: keys[0].len(),
            times,
        });
    }
}

/// A peer that finds other owners would be timed at something else.
fn agree(size: usize, contenders: &mut [(usize, &str, Contender)], keys: &[String]) {
    for (ours, theirs) in AGREE {
        let mut owners = [ours, theirs].map(|wanted| {
            let found = contenders
                .iter_mut()
                .find(|(of, name, _)| *of == size && name == wanted);
            found.map(|(_, _, contender)| contender.owners(keys, 50))
        });
        if let [Some(ours), Some(peers)] = &mut owners {
            assert_eq!(ours, peers, "{theirs} places otherwise than {size} servers");
        }
    }
}

/// So many lookups that a turn lasts about as long as it should.
fn count_of_a_turn(contender: &mut Contender, keys: &[String]) -> u64 {
    let mut count = 1;
    loop {
        let time = contender.time(keys, count);
        if time >= TURN_NS / 4 || count >= 1 << 24 {
            return (count * TURN_NS / time.max(1)).max(1);
        }
        count *= 4;
    }
}

fn servers(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("10.0.{}.{}:11211", number / 250, number % 250 + 1))
        .collect()
}

/// Different keys of this length that look random.
fn keys(bytes: usize) -> Vec<String> {
    let mut state = bytes as u64;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(state >> 59) as usize])
    };
    (0..KEYS)
        .map(|_| (0..bytes).map(|_| letter()).collect())
        .collect()
}
