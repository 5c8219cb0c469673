//! What placement promises whatever the fleet: order, least movement, even load.

use consistent_memcached::placement::{Label, Node, Placement, Position, Route, Settings};
use proptest::prelude::*;
use proptest::sample::subsequence;
use std::collections::HashSet;

const SLOTS: usize = 65_536;

#[derive(Clone, Debug)]
struct Server {
    identity: String,
    host: String,
    port: u16,
    weight: u32,
}

impl Server {
    fn new(number: u32, weight: u32) -> Self {
        let host = format!(
            "10.{}.{}.{}",
            number >> 16 & 0xff,
            number >> 8 & 0xff,
            number & 0xff
        );
        let port = if number.is_multiple_of(2) {
            11_211
        } else {
            11_212
        };
        let identity = format!("{host}:{port}");
        Self {
            identity,
            host,
            port,
            weight,
        }
    }

    fn node(&self) -> Node<'_> {
        Node {
            identity: &self.identity,
            label: Label::Tcp {
                host: &self.host,
                port: self.port,
            },
            weight: self.weight,
        }
    }
}

fn build(servers: &[Server], distribution: &str) -> Placement {
    let nodes: Vec<Node<'_>> = servers.iter().map(Server::node).collect();
    let settings = Settings::resolve(None, Some(distribution), None, None, None).unwrap();
    Placement::build(&nodes, &settings).unwrap()
}

/// Different servers, with weights from the range given.
fn fleet(
    count: impl Into<prop::collection::SizeRange>,
    weights: std::ops::RangeInclusive<u32>,
) -> impl Strategy<Value = Vec<Server>> {
    let numbers = prop::collection::btree_set(0..1_u32 << 24, count);
    (numbers, prop::collection::vec(weights, 128)).prop_map(|(numbers, weights)| {
        numbers
            .into_iter()
            .zip(weights)
            .map(|(number, weight)| Server::new(number, weight))
            .collect()
    })
}

fn keys() -> Vec<String> {
    (0..500)
        .map(|number| format!("key:{number}:{}", number * 7_919 % 10_007))
        .collect()
}

/// The identity of the owner of each key.
fn owners<'a>(servers: &'a [Server], distribution: &str) -> Vec<&'a str> {
    let placement = build(servers, distribution);
    let owner = |key: String| placement.owner(Route::Key(key.as_bytes()));
    keys()
        .into_iter()
        .map(|key| servers[owner(key)].identity.as_str())
        .collect()
}

/// The identity of the owner of each slot of `rehash`.
fn slots(servers: &[Server]) -> Vec<&str> {
    let placement = build(servers, "rehash");
    let owner = |slot: usize| {
        let route = Route::Hash(i64::from(unmixed((slot as u32) << 16)));
        assert_eq!(placement.position(route), Position::Slot(slot as u64));
        servers[placement.owner(route)].identity.as_str()
    };
    (0..SLOTS).map(owner).collect()
}

/// The hash that MurmurHash3's finalizer makes this of.
fn unmixed(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x7ed1_b41d);
    hash ^= hash >> 13 ^ hash >> 26;
    hash = hash.wrapping_mul(0xa5cb_9243);
    hash ^ hash >> 16
}

fn count(owners: &[&str], identity: &str) -> usize {
    owners.iter().filter(|owner| **owner == identity).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_order_of_the_list_changes_nothing(
        (list, shuffled) in fleet(2..40, 1..=10).prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        prop_assert_eq!(owners(&list, "rehash"), owners(&shuffled, "rehash"));
        let unweighted = |list: Vec<Server>| -> Vec<Server> {
            list.into_iter().map(|server| Server { weight: 1, ..server }).collect()
        };
        let (list, shuffled) = (unweighted(list), unweighted(shuffled));
        prop_assert_eq!(owners(&list, "rendezvous"), owners(&shuffled, "rendezvous"));
    }

    #[test]
    fn a_server_that_comes_or_goes_moves_only_its_own_keys(
        servers in fleet(2..30, 1..=1),
        place: prop::sample::Index,
    ) {
        let mut without = servers.clone();
        let server = without.remove(place.index(servers.len()));
        for distribution in [
            "rendezvous", "ketama", "dalli", "proxy-ring", "proxy-ketama", "proxy-twemproxy", "proxy-evcache",
        ] {
            for (with, without) in owners(&servers, distribution).iter().zip(owners(&without, distribution)) {
                prop_assert!(*with == without || *with == server.identity, "{}", distribution);
            }
        }
    }

    #[test]
    fn rehash_holds_its_cap_and_moves_next_to_the_least(
        servers in fleet(4..=100, 1..=10),
        place: prop::sample::Index,
    ) {
        let with = slots(&servers);
        let total: usize = servers.iter().map(|server| server.weight as usize).sum();
        for server in &servers {
            let cap = (21 * SLOTS * server.weight as usize).div_ceil(20 * total);
            prop_assert!(count(&with, &server.identity) <= cap);
        }

        let mut others = servers.clone();
        others.remove(place.index(servers.len()));
        let without = slots(&others);
        let moved = with.iter().zip(&without).filter(|(a, b)| a != b).count();
        // What each server gains when one is added; when it is removed, others gain as much.
        let gain = |server: &Server| {
            count(&with, &server.identity).saturating_sub(count(&without, &server.identity))
        };
        let least: usize = servers.iter().map(gain).sum();
        prop_assert!(least <= moved);
        prop_assert!(moved - least <= SLOTS / 1_000, "{} moved, {} at least", moved, least);
    }

    #[test]
    fn failover_leaves_the_keys_of_living_servers_where_they_are(
        (servers, dead) in fleet(3..20, 1..=1).prop_flat_map(|servers| {
            let indexes: Vec<usize> = (0..servers.len()).collect();
            let dead = subsequence(indexes, 1..servers.len());
            (Just(servers), dead)
        }),
    ) {
        for distribution in ["rehash", "ketama", "rendezvous", "jump", "proxy-ring"] {
            let placement = build(&servers, distribution);
            for key in keys() {
                let route = Route::Key(key.as_bytes());
                let owner = placement.owner(route);
                let choice = placement.choose(route, |server| dead.contains(&server)).unwrap();
                prop_assert!(!dead.contains(&choice));
                prop_assert!(choice == owner || dead.contains(&owner));
            }
        }
    }
}

/// What a dead server held spreads over all the others, about evenly.
#[test]
fn rehash_spreads_what_a_dead_server_held() {
    let servers: Vec<Server> = (0..10).map(|number| Server::new(number, 1)).collect();
    let placement = build(&servers, "rehash");
    let mut taken = [0; 10];
    for number in 0..100_000 {
        let key = format!("key:{number}");
        let route = Route::Key(key.as_bytes());
        if placement.owner(route) == 3 {
            taken[placement.choose(route, |server| server == 3).unwrap()] += 1;
        }
    }
    let all: u32 = taken.iter().sum();
    for (server, &keys) in taken.iter().enumerate().filter(|&(server, _)| server != 3) {
        assert!(
            (0.8..1.2).contains(&(f64::from(keys) * 9.0 / f64::from(all))),
            "{server}: {keys} of {all}"
        );
    }
}

/// A kind of keys, and how its keys come from a number.
type Kind = (&'static str, fn(u64) -> String);

#[test]
fn rehash_loads_ten_servers_evenly_whatever_the_keys() {
    let servers: Vec<Server> = (0..10).map(|number| Server::new(number, 1)).collect();
    let placement = build(&servers, "rehash");
    let kinds: [Kind; 5] = [
        ("sequential numbers", |number| number.to_string()),
        ("URLs", |number| {
            format!(
                "https://www.example.com/articles/{}/{number}?page={}",
                number % 97,
                number % 7
            )
        }),
        ("UUIDs", |number| uuid(number)),
        ("e-mail addresses", |number| {
            format!("user.{number}@mail{}.example.org", number % 13)
        }),
        ("prefix and counter", |number| {
            format!("session:v2:{number:08}")
        }),
    ];
    for (kind, key) in kinds {
        let mut load = [0; 10];
        let mut seen = HashSet::new();
        for number in 0..100_000 {
            let key = key(number);
            load[placement.owner(Route::Key(key.as_bytes()))] += 1;
            assert!(seen.insert(key));
        }
        let fullest = f64::from(*load.iter().max().unwrap()) / 10_000.0;
        println!("{kind}: the fullest server has {fullest:.3} times its share");
        assert!(fullest <= 1.06, "{kind}: {load:?}");
    }
}

/// A version 4 UUID from a number, spread by SplitMix64's finalizer.
fn uuid(number: u64) -> String {
    let spread = |mut z: u64| {
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    };
    let (a, b) = (spread(2 * number + 1), spread(2 * number + 2));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        0x8000 | b >> 48 & 0x3fff,
        b & 0xffff_ffff_ffff
    )
}
