//! The crate `memcache` as a peer of the benchmark: see peer.h for what it obeys.
//!
//! `memcache_crate VARIANT OPERATION SERVERS KEYS BATCH VALUE_BYTES THREADS`, with VARIANT empty
//! and one thread. The pool is told not to try a connection before it hands it out, which is not
//! its default: each call would cost another round trip. Keys are placed as libmemcached does.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use memcache::{Client, ConnectionManager, Url};

const DIGITS: usize = 8;

struct Peer {
    client: Client,
    operation: String,
    keys: Vec<String>,
    values: Vec<Vec<u8>>,
    batch: usize,
}

fn one_at_a_time(key: &str) -> u64 {
    let mut hash = 0_u32;
    for byte in key.bytes() {
        hash = hash.wrapping_add(byte.into());
        hash = hash.wrapping_add(hash << 10);
        hash ^= hash >> 6;
    }
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15).into()
}

fn connect(servers: &str) -> Client {
    let pools = servers.split(',').map(|address| {
        let url = format!("memcache://{address}?tcp_nodelay=true&protocol=ascii");
        r2d2::Pool::builder()
            .max_size(1)
            .test_on_check_out(false)
            .build(ConnectionManager::new(Url::parse(&url).expect("a URL")))
            .expect("a connection")
    });
    let mut client = Client::with_pools(pools.collect()).expect("a client");
    client.hash_function = one_at_a_time;
    client
}

impl Peer {
    fn new(arguments: &[String]) -> Self {
        let [_, operation, servers, numbers @ ..] = arguments else {
            panic!("VARIANT OPERATION SERVERS KEYS BATCH VALUE_BYTES THREADS");
        };
        let numbers: Vec<usize> = numbers
            .iter()
            .map(|number| number.parse().expect("a number"))
            .collect();
        let [keys, batch, value_bytes, 1] = numbers[..] else {
            panic!("KEYS BATCH VALUE_BYTES THREADS, and one thread");
        };
        let value = |number: usize| {
            let mut value = format!("{number:0DIGITS$}").into_bytes();
            value.resize(value_bytes, b'a' + (number % 26) as u8);
            value
        };
        Self {
            client: connect(servers),
            operation: operation.clone(),
            keys: (0..keys)
                .map(|number| format!("session:profile:{number:0DIGITS$}"))
                .collect(),
            values: (0..keys).map(value).collect(),
            batch,
        }
    }

    fn get(&self, number: usize) {
        let value: Vec<u8> = self
            .client
            .get(&self.keys[number])
            .expect("get")
            .expect("a hit");
        self.check(number, &value);
    }

    fn get_multi(&self, first: usize) {
        let keys: Vec<&str> = self.keys[first..first + self.batch]
            .iter()
            .map(String::as_str)
            .collect();
        let found: HashMap<String, Vec<u8>> = self.client.gets(&keys).expect("gets");
        assert_eq!(found.len(), self.batch, "not all were found");
        for (key, value) in &found {
            let number = key[key.len() - DIGITS..].parse().expect("a key of ours");
            self.check(number, value);
        }
    }

    fn set(&self, number: usize) {
        self.client
            .set(&self.keys[number], &self.values[number][..], 0)
            .expect("set");
    }

    fn check(&self, number: usize, value: &[u8]) {
        let expected = &self.values[number];
        assert!(value.len() == expected.len() && value[..DIGITS] == expected[..DIGITS]);
    }

    fn prepare(&self) {
        for number in 0..self.keys.len() {
            self.set(number);
            let value: Option<Vec<u8>> = self.client.get(&self.keys[number]).expect("get");
            assert_eq!(value.as_ref(), Some(&self.values[number]));
        }
    }

    fn call(&self, call: usize) {
        let first = call * self.batch % self.keys.len();
        match &self.operation[..] {
            "get" => self.get(first),
            "set" => self.set(first),
            "get_multi" => self.get_multi(first),
            "set_multi" => (first..first + self.batch).for_each(|number| self.set(number)),
            _ => panic!("an unknown operation"),
        }
    }

    /// Makes calls and says how long they took: together, of the processor, median, 99th of 100.
    fn run(&self, count: usize) -> [f64; 4] {
        let (cpu_before, start) = (cpu(), Instant::now());
        let mut before = start;
        let mut samples: Vec<f64> = (0..count)
            .map(|call| {
                self.call(call);
                let after = Instant::now();
                let took = after - before;
                before = after;
                took.as_secs_f64()
            })
            .collect();
        let (took, used) = (start.elapsed().as_secs_f64(), cpu() - cpu_before);
        samples.sort_by(f64::total_cmp);
        let last = count - 1;
        [took, used, samples[last / 2], samples[last * 99 / 100]]
    }
}

fn cpu() -> f64 {
    // SAFETY: all zeroes is a valid rusage, and getrusage fills the one it is given.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() < 7 {
        // `cargo bench` without a name starts every benchmark.
        return println!("run by benches/run.py");
    }
    let peer = Peer::new(&arguments);
    peer.prepare();
    println!("ready");
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (command, count) = line.split_once(' ').expect("a command and a count");
        let count = count.parse().expect("a count");
        match command {
            "run" => {
                let [took, used, p50, p99] = peer.run(count);
                println!("{took:.9} {used:.9} {p50:.9} {p99:.9}");
            }
            "plain" => {
                (0..count).for_each(|call| peer.call(call));
                println!("done");
            }
            _ => panic!("an unknown command"),
        }
        io::stdout().flush().expect("somebody reads");
    }
}
