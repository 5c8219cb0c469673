//! What building a client takes: time, and memory that stays.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use consistent_memcached::client::Client;
use consistent_memcached::options::Options;

/// The system's allocator, counting what is held.
pub struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system's allocator as it comes; `realloc` and
// `alloc_zeroed` are made of these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What building a client took.
pub struct Build {
    pub name: String,
    /// Median, in milliseconds.
    pub milliseconds: f64,
    pub bytes: usize,
}

const ROUNDS: usize = 15;

pub fn measure() -> Vec<Build> {
    let equal = |count| super::servers(count).join(",");
    let cases = [
        ("the default, 10 servers", equal(10), "rehash"),
        ("the default, 100 servers", equal(100), "rehash"),
        ("the default, 1000 servers", equal(1000), "rehash"),
        (
            "the default, weights 100 and 65535",
            "10.0.0.1 weight=100,10.0.0.2 weight=65535".to_owned(),
            "rehash",
        ),
        ("ketama, 1000 servers", equal(1000), "ketama"),
    ];
    let build = |(name, servers, distribution): (&str, String, &str)| {
        let mut options = Options::new();
        options
            .set("distribution", distribution)
            .expect("a distribution");
        let mut bytes = 0;
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let held = HELD.load(Ordering::Relaxed);
                let start = Instant::now();
                let client = Client::new(&servers, &options).expect("a client");
                let time = start.elapsed();
                bytes = HELD.load(Ordering::Relaxed) - held;
                drop(client);
                time.as_secs_f64() * 1e3
            })
            .collect();
        Build {
            name: name.to_owned(),
            milliseconds: super::report::median(&mut times),
            bytes,
        }
    };
    cases.into_iter().map(build).collect()
}
