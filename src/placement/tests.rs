use super::*;

fn tcp(identity: &str, port: u16, weight: u32) -> Node<'_> {
    let host = identity.split(':').next().unwrap_or_default();
    Node {
        identity,
        label: Label::Tcp { host, port },
        weight,
    }
}

fn named<'a>(identity: &'a str, weight: u32) -> Node<'a> {
    Node {
        identity,
        label: Label::Name(identity),
        weight,
    }
}

fn settings(compat: Option<&str>, distribution: Option<&str>) -> Settings {
    Settings::resolve(compat, distribution, None, None, None).unwrap()
}

fn placed(nodes: &[Node<'_>], distribution: &str) -> Placement {
    Placement::build(nodes, &settings(None, Some(distribution))).unwrap()
}

fn refusal(nodes: &[Node<'_>], settings: &Settings) -> String {
    let error = Placement::build(nodes, settings).unwrap_err();
    assert_eq!(error.status(), Status::Argument);
    assert!(!error.message().contains('\n'));
    error.message().to_owned()
}

/// Keys that differ all over: the 32-bit `fnv1a_64` of keys that differ in their last
/// bytes alone hardly differs in its upper bits.
fn keys() -> impl Iterator<Item = Vec<u8>> {
    (1..=1_000_u32).map(|number| format!("{:08x}", number.wrapping_mul(0x9e37_79b1)).into_bytes())
}

fn same(a: &Placement, b: &Placement) -> bool {
    keys().all(|key| a.owner(Route::Key(&key)) == b.owner(Route::Key(&key)))
}

#[test]
fn every_distribution_places_one_server_and_reaches_each_of_three() {
    for distribution in DISTRIBUTIONS {
        let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 1), tcp("c:1", 1, 1)];
        let one = placed(&nodes[..1], distribution);
        assert!(keys().all(|key| one.owner(Route::Key(&key)) == 0));
        let three = placed(&nodes, distribution);
        for server in 0..3 {
            assert!(
                keys().any(|key| three.owner(Route::Key(&key)) == server),
                "{distribution}"
            );
        }
    }
}

#[test]
fn every_sequence_begins_with_the_owner() {
    let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 1), tcp("c:1", 1, 1)];
    for distribution in DISTRIBUTIONS {
        let placement = placed(&nodes, distribution);
        for key in keys().take(100) {
            let route = Route::Key(&key);
            let owner = placement.owner(route);
            assert_eq!(placement.sequence(route).next(), Some(owner));
            assert_eq!(placement.choose(route, |_| false), Some(owner));
            assert_eq!(placement.choose(route, |_| true), None);
            let next = placement.choose(route, |server| server == owner).unwrap();
            assert_ne!(next, owner);
        }
    }
}

#[test]
fn a_callers_hash_is_taken_by_all_but_rendezvous() {
    let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 1)];
    for distribution in DISTRIBUTIONS {
        let placement = placed(&nodes, distribution);
        assert_eq!(placement.takes_hash(), *distribution != "rendezvous");
        if placement.takes_hash() {
            for hash in [0, 1, -1, i64::MIN, i64::MAX] {
                let owner = placement.owner(Route::Hash(hash));
                assert_eq!(placement.sequence(Route::Hash(hash)).next(), Some(owner));
            }
        }
    }
}

#[test]
fn python_memcached_gives_up_after_ten_tries() {
    let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 1_000)];
    let placement = Placement::build(&nodes, &settings(Some("python-memcached"), None)).unwrap();
    let given_up = keys().filter(|key| {
        placement
            .choose(Route::Key(key), |server| server == 1)
            .is_none()
    });
    assert!(given_up.count() > 900);
}

#[test]
fn weights_are_refused_where_the_client_has_none() {
    let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 3)];
    let refusing = [
        "ketama",
        "rendezvous",
        "jump",
        "proxy-ring",
        "proxy-ketama",
        "proxy-twemproxy",
        "proxy-evcache",
    ];
    for distribution in DISTRIBUTIONS {
        let settings = settings(None, Some(distribution));
        if refusing.contains(distribution) {
            let message = refusal(&nodes, &settings);
            assert!(
                message.contains("b:1") && message.contains(distribution),
                "{message}"
            );
        } else {
            Placement::build(&nodes, &settings).unwrap();
        }
    }
    for compat in ["pymemcache", "gomemcache", "memcached-proxy"] {
        assert!(refusal(&nodes, &settings(Some(compat), None)).contains("b:1"));
    }
}

#[test]
fn libmemcached_ignores_weights_with_modula_and_turns_ketama_weighted() {
    let light = [tcp("a:1", 1, 1), tcp("b:1", 1, 1)];
    let heavy = [tcp("a:1", 1, 1), tcp("b:1", 1, 3)];
    let by = |nodes: &[Node<'_>], compat, distribution, hash| {
        let settings = Settings::resolve(compat, distribution, hash, None, None).unwrap();
        Placement::build(nodes, &settings).unwrap()
    };
    for compat in ["libmemcached", "pylibmc"].map(Some) {
        assert!(same(
            &by(&light, compat, None, None),
            &by(&heavy, compat, None, None)
        ));
        let weighted = by(&heavy, None, Some("ketama-weighted"), Some("one-at-a-time"));
        assert!(same(&by(&heavy, compat, Some("ketama"), None), &weighted));
        let unweighted = by(&light, None, Some("ketama"), None);
        assert!(same(&by(&light, compat, Some("ketama"), None), &unweighted));
    }
}

#[test]
fn a_name_is_the_whole_point_name() {
    for (distribution, name) in [
        ("rehash-2013", "host:11211"),
        ("ketama", "host"),
        ("ketama-weighted", "host"),
        ("ketama-spy", "/host:11211"),
        ("rendezvous", "host:11211"),
        ("dalli", "host:11211"),
        ("twemproxy", "host"),
        ("proxy-ring", "host:11211"),
        ("proxy-ketama", "host:11211"),
        ("proxy-twemproxy", "host"),
        ("proxy-evcache", "host/host:11211"),
    ] {
        let other = tcp("other:11211", 11_211, 1);
        let by_address = placed(&[tcp("host:11211", 11_211, 1), other], distribution);
        let by_name = placed(&[named(name, 1), other], distribution);
        assert!(same(&by_address, &by_name), "{distribution}");
        let by_another = placed(&[named("another", 1), other], distribution);
        assert!(!same(&by_address, &by_another), "{distribution}");
    }
}

#[test]
fn letter_case_counts_in_point_names() {
    let other = tcp("other:1", 1, 1);
    let upper = Node {
        label: Label::Tcp {
            host: "HOST",
            port: 1,
        },
        ..tcp("host:1", 1, 1)
    };
    for distribution in ["ketama", "dalli", "rendezvous", "twemproxy", "proxy-ring"] {
        let lower = placed(&[tcp("host:1", 1, 1), other], distribution);
        assert!(
            !same(&lower, &placed(&[upper, other], distribution)),
            "{distribution}"
        );
    }
    assert!(same(
        &placed(&[tcp("host:1", 1, 1), other], "rehash"),
        &placed(&[upper, other], "rehash")
    ));
}

#[test]
fn sockets_are_placed_by_their_path() {
    let socket = |identity, path| Node {
        identity,
        label: Label::Unix(path),
        weight: 1,
    };
    let nodes = [socket("unix:/a", "/a"), socket("unix:/b", "/b")];
    for distribution in DISTRIBUTIONS {
        let placement = placed(&nodes, distribution);
        assert!(
            keys().any(|key| placement.owner(Route::Key(&key)) == 1),
            "{distribution}"
        );
    }
    let by_name = |a, b| {
        [
            Node {
                label: Label::Name(a),
                ..nodes[0]
            },
            Node {
                label: Label::Name(b),
                ..nodes[1]
            },
        ]
    };
    assert!(same(
        &placed(&nodes, "dalli"),
        &placed(&by_name("/a", "/b"), "dalli")
    ));
    assert!(same(
        &placed(&nodes, "ketama"),
        &placed(&by_name("/a:0", "/b:0"), "ketama")
    ));
}

#[test]
fn two_servers_with_the_same_points_are_refused() {
    let nodes = [tcp("host:11211", 11_211, 1), named("host", 1)];
    let message = refusal(&nodes, &settings(None, Some("ketama")));
    assert!(message.contains("server host "), "{message}");
    placed(&nodes, "dalli");
    placed(&nodes, "rehash");
}

#[test]
fn a_server_without_a_slot_is_named() {
    let nodes = [tcp("heavy:1", 1, 65_535), tcp("light:1", 1, 1)];
    let settings = Settings::resolve(None, None, None, Some(1_024), None).unwrap();
    let message = refusal(&nodes, &settings);
    assert!(
        message.contains("light:1") && message.contains("1024"),
        "{message}"
    );
}

#[test]
fn lists_that_cannot_be_placed_are_refused() {
    assert!(refusal(&[], &settings(None, None)).contains("no server"));
    let message = refusal(&[tcp("a:1", 1, 1), tcp("b:1", 1, 0)], &settings(None, None));
    assert!(message.contains("b:1"), "{message}");
    let identities: Vec<String> = (0..=SERVERS_MAX)
        .map(|number| format!("{number}:1"))
        .collect();
    let nodes: Vec<Node<'_>> = identities
        .iter()
        .map(|identity| tcp(identity, 1, 1))
        .collect();
    assert!(refusal(&nodes, &settings(None, Some("modulo"))).contains("65536 servers"));
    // As many as there may be: too many for the slots, and served by remainder.
    let message = refusal(&nodes[..SERVERS_MAX], &settings(None, None));
    assert!(message.contains("none of the 65536 slots"), "{message}");
    let placement = placed(&nodes[..SERVERS_MAX], "modulo");
    assert_eq!(placement.owner(Route::Hash(65_534)), 65_534);
}

#[test]
fn positions_say_where_the_owner_was_found() {
    let nodes = [tcp("a:1", 1, 1), tcp("b:1", 1, 1)];
    let position = |distribution, hash| placed(&nodes, distribution).position(Route::Hash(hash));
    assert_eq!(position("modulo", 5), Position::Slot(1));
    assert_eq!(position("rehash", 0), Position::Slot(0));
    assert_eq!(position("rehash-2013", 32_774), Position::Slot(32_774));
    let Position::Point(point) = position("ketama", 1_000_000) else {
        panic!("a continuum has points");
    };
    assert!(point >= 1_000_000);
    assert_eq!(position("ketama", i64::from(point)), Position::Point(point));
    let Position::Score(score) = placed(&nodes, "rendezvous").position(Route::Key(b"key")) else {
        panic!("rendezvous has scores");
    };
    assert_ne!(score, 0);
}
