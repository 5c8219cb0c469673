//! This library's lookups.

use std::hint::black_box;
use std::time::Instant;

use consistent_memcached::fleet::list;
use consistent_memcached::placement::{Node, Placement, Route, Settings};

pub struct Ours(Placement);

impl Ours {
    pub fn new(servers: &str, distribution: &str) -> Self {
        let settings = Settings::resolve(None, Some(distribution), None, None, None);
        let specs = list::parse(servers).expect("a list of servers");
        let nodes: Vec<Node<'_>> = specs.iter().map(list::Spec::node).collect();
        let settings = settings.expect("a distribution");
        Self(Placement::build(&nodes, &settings).expect("a placement"))
    }

    /// Nanoseconds that this many lookups take.
    pub fn time(&self, keys: &[String], count: u64) -> u64 {
        let mut left = keys.iter().cycle();
        let start = Instant::now();
        for _ in 0..count {
            let key = left.next().map_or("", String::as_str);
            black_box(self.0.owner(Route::Key(black_box(key.as_bytes()))));
        }
        start.elapsed().as_nanos() as u64
    }

    pub fn owners(&self, keys: &[String]) -> Vec<usize> {
        let owner = |key: &String| self.0.owner(Route::Key(key.as_bytes()));
        keys.iter().map(owner).collect()
    }
}
