//! How evenly `rehash` spreads keys as programs have them, and what a dead server held.

use std::collections::HashSet;

use consistent_memcached::fleet::list;
use consistent_memcached::placement::{Node, Placement, Route, Settings};

fn ten_servers() -> Placement {
    let names: Vec<String> = (0..10).map(|number| format!("10.0.0.{number}")).collect();
    let specs = list::parse(&names.join(",")).unwrap();
    let nodes: Vec<Node<'_>> = specs.iter().map(list::Spec::node).collect();
    let settings = Settings::resolve(None, None, None, None, None).unwrap();
    Placement::build(&nodes, &settings).unwrap()
}

/// What a dead server held spreads over all the others, about evenly.
#[test]
fn rehash_spreads_what_a_dead_server_held() {
    let placement = ten_servers();
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
    let placement = ten_servers();
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
