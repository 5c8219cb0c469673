//! What placement promises whatever the fleet: order, least movement, even load.

use consistent_memcached::placement::{Label, Node, Placement, Position, Route, Settings};
use proptest::prelude::*;
use proptest::sample::subsequence;
use std::collections::{HashMap, HashSet};

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
    build_with(servers, distribution, None)
}

fn build_with(servers: &[Server], distribution: &str, slots: Option<u32>) -> Placement {
    let nodes: Vec<Node<'_>> = servers.iter().map(Server::node).collect();
    let settings = Settings::resolve(None, Some(distribution), None, slots, None).unwrap();
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

/// The identity of the owner of each slot of `rehash`, of which there are this many.
fn slots(servers: &[Server], slots: usize) -> Vec<&str> {
    let placement = build_with(servers, "rehash", Some(slots as u32));
    let owner = |slot: usize| {
        let route = Route::Hash(i64::from(unmixed(
            (slot << 32 >> slots.trailing_zeros()) as u32,
        )));
        assert_eq!(placement.position(route), Position::Slot(slot as u64));
        servers[placement.owner(route)].identity.as_str()
    };
    (0..slots).map(owner).collect()
}

/// What each server holds.
fn held<'a>(owners: &[&'a str]) -> HashMap<&'a str, usize> {
    let mut held = HashMap::new();
    for owner in owners {
        *held.entry(*owner).or_default() += 1;
    }
    held
}

/// No server holds more than its cap, and what a change moves beyond the least, which is what
/// the servers gain, is at most a thousandth of all slots.
fn rehash_keeps_its_promises(before: &[Server], after: &[Server], count: usize) {
    let tables = [before, after].map(|servers| (servers, slots(servers, count)));
    for (servers, table) in &tables {
        let held = held(table);
        let total: usize = servers.iter().map(|server| server.weight as usize).sum();
        for server in *servers {
            let cap = (21 * count * server.weight as usize).div_ceil(20 * total);
            assert!(held[&*server.identity] <= cap, "{}", server.identity);
        }
    }
    let [(_, from), (_, to)] = &tables;
    let moved = from.iter().zip(to).filter(|(a, b)| a != b).count();
    let (had, has) = (held(from), held(to));
    let gain =
        |(server, has): (&&str, &usize)| has.saturating_sub(had.get(server).copied().unwrap_or(0));
    let least: usize = has.iter().map(gain).sum();
    assert!(least <= moved);
    assert!(
        moved - least <= count / 1_000,
        "{} servers become {}: {moved} moved, {least} at least",
        before.len(),
        after.len()
    );
}

/// The hash that MurmurHash3's finalizer makes this of.
fn unmixed(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x7ed1_b41d);
    hash ^= hash >> 13 ^ hash >> 26;
    hash = hash.wrapping_mul(0xa5cb_9243);
    hash ^ hash >> 16
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
        servers in fleet(4..=101, 1..=10),
        place: prop::sample::Index,
        weight in 1..=10_u32,
    ) {
        let place = place.index(servers.len());
        let mut without = servers.clone();
        without.remove(place);
        rehash_keeps_its_promises(&servers, &without, SLOTS);
        rehash_keeps_its_promises(&without, &servers, SLOTS);
        let mut reweighted = servers[..servers.len().min(100)].to_vec();
        let place = place.min(reweighted.len() - 1);
        reweighted[place].weight = weight;
        rehash_keeps_its_promises(&servers[..reweighted.len()], &reweighted, SLOTS);
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

/// Fleets of up to 300 servers want more slots.
#[test]
fn rehash_with_more_slots_moves_next_to_the_least_in_larger_fleets() {
    for count in [150, 300] {
        let servers: Vec<Server> = (0..count + 1)
            .map(|number| Server::new(number * 7, 1 + number * 13 % 10))
            .collect();
        let (last, others) = servers.split_last().unwrap();
        rehash_keeps_its_promises(others, &servers, 262_144);
        rehash_keeps_its_promises(&servers, others, 262_144);
        let mut reweighted = servers.clone();
        reweighted[count as usize].weight = 11 - last.weight;
        rehash_keeps_its_promises(&servers, &reweighted, 262_144);
    }
}

/// As many servers as there can be: each is reached, the last too, and none that is not there.
#[test]
fn the_largest_fleet_is_served_or_refused_but_not_wrong() {
    let servers: Vec<Server> = (0..65_535).map(|number| Server::new(number, 1)).collect();
    for (distribution, slots) in [
        ("rehash", Some(4_194_304)),
        ("modulo", None),
        ("jump", None),
        ("ketama", None),
    ] {
        let placement = build_with(&servers, distribution, slots);
        let mut reached = HashSet::new();
        for number in 0..1_000_000_u64 {
            let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            reached.insert(placement.owner(Route::Hash(hash as i64)));
        }
        let last = reached.iter().max();
        assert_eq!(last, Some(&65_534), "{distribution}");
        assert!(reached.len() > 60_000, "{distribution}: {}", reached.len());
    }
    let nodes: Vec<Node<'_>> = servers.iter().map(Server::node).collect();
    let settings = Settings::resolve(None, Some("rehash"), None, None, None).unwrap();
    let error = Placement::build(&nodes, &settings).unwrap_err();
    assert!(
        error.message().contains("gets none of the 65536 slots"),
        "{error}"
    );
}
