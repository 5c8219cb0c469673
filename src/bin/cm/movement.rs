//! What a change of the fleet moves, measured by placing keys before and after it.
//!
//! Keys are placed by the client itself, so what is measured is what happens.

use std::collections::HashMap;

use consistent_memcached::client::Client;
use consistent_memcached::error::Result;
use consistent_memcached::fleet::list;
use consistent_memcached::options::Options;

/// The keys that are placed.
pub enum Keys {
    Given(Vec<Vec<u8>>),
    /// This many keys made from numbers; always the same ones.
    Sample(u64),
}

impl Keys {
    pub fn count(&self) -> u64 {
        match self {
            Self::Given(keys) => keys.len() as u64,
            Self::Sample(count) => *count,
        }
    }

    fn try_each(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Given(keys) => keys.iter().try_for_each(|key| each(key)),
            Self::Sample(count) => (0..*count).try_for_each(|number| each(&sample(number))),
        }
    }
}

/// 16 hexadecimal digits that look random (SplitMix64 of the number).
fn sample(number: u64) -> [u8; 16] {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    std::array::from_fn(|digit| b"0123456789abcdef"[(z >> (60 - 4 * digit) & 15) as usize])
}

/// A server of either list.
pub struct Server {
    pub identity: String,
    /// Share of the weights before and after; 0 where it is not in the list.
    pub fair: [f64; 2],
}

/// Two lists of servers.
pub struct Change {
    lists: [String; 2],
    /// Those of the first list, then those only of the second.
    pub servers: Vec<Server>,
    /// For each list, the servers' places in `servers`.
    places: [Vec<usize>; 2],
}

impl Change {
    pub fn new(from: &str, to: &str) -> Result<Self> {
        let lists = [from.to_owned(), to.to_owned()];
        let mut servers: Vec<Server> = Vec::new();
        let mut known = HashMap::new();
        let mut places = [Vec::new(), Vec::new()];
        for (side, list) in lists.iter().enumerate() {
            let specs = list::parse(list)?;
            let total: f64 = specs.iter().map(|spec| f64::from(spec.weight)).sum();
            for spec in specs {
                let place = *known.entry(spec.identity.clone()).or_insert_with(|| {
                    servers.push(Server {
                        identity: spec.identity,
                        fair: [0.0; 2],
                    });
                    servers.len() - 1
                });
                servers[place].fair[side] = f64::from(spec.weight) / total;
                places[side].push(place);
            }
        }
        Ok(Self {
            lists,
            servers,
            places,
        })
    }

    /// The share of keys that has to move for even shares: what the servers gain.
    pub fn least(&self) -> f64 {
        let gain = |server: &Server| (server.fair[1] - server.fair[0]).max(0.0);
        self.servers.iter().map(gain).sum()
    }

    /// Places the keys with these options before, and those after.
    pub fn measure(&self, keys: &Keys, options: [&Options; 2]) -> Result<Movement> {
        let clients = [0, 1].map(|side| Client::new(&self.lists[side], options[side]));
        let [before, after] = clients;
        let (before, after) = (before?, after?);
        let mut held = [0, 1].map(|_| vec![0_u64; self.servers.len()]);
        let mut moved = 0;
        keys.try_each(|key| {
            let from = self.places[0][before.select_server(key)?];
            let to = self.places[1][after.select_server(key)?];
            held[0][from] += 1;
            held[1][to] += 1;
            moved += u64::from(from != to);
            Ok(())
        })?;
        let count = keys.count() as f64;
        let share = |held: &[u64]| held.iter().map(|&keys| keys as f64 / count).collect();
        let gains = held[0].iter().zip(&held[1]);
        let least: u64 = gains
            .map(|(before, after)| after.saturating_sub(*before))
            .sum();
        Ok(Movement {
            shares: [share(&held[0]), share(&held[1])],
            moved: moved as f64 / count,
            least: least as f64 / count,
        })
    }

    /// The load of the fullest server over its fair share, before and after.
    pub fn fullest(&self, movement: &Movement) -> [f64; 2] {
        [0, 1].map(|side| {
            let loads = self.servers.iter().zip(&movement.shares[side]);
            loads
                .filter(|(server, _)| server.fair[side] > 0.0)
                .map(|(server, share)| share / server.fair[side])
                .fold(0.0, f64::max)
        })
    }
}

/// What became of the keys, in shares of all.
pub struct Movement {
    /// What each server of the change holds, before and after.
    pub shares: [Vec<f64>; 2],
    pub moved: f64,
    /// What any way of placing keys moves that comes to the same shares.
    pub least: f64,
}
