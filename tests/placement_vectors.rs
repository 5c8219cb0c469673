//! Placement against vectors taken from the clients themselves: every variant of
//! `vectors/options.tsv` agrees on every key, or the test fails.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use consistent_memcached::placement::{Label, Node, Placement, Route, Settings};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::rc::Rc;

/// The rows of `sequences.tsv` and `tuple_keys.tsv`, and the variants of
/// `options.tsv` that they belong to.
const BELONGS_TO: &[(&str, &str, &str)] = &[
    ("dalli", "failover", "ring"),
    (
        "python-memcached-1.62",
        "rehash_cmemcache",
        "modulo_cmemcache",
    ),
    ("python-memcached-1.62", "rehash_crc32", "modulo_crc32"),
    (
        "python-memcached-1.62",
        "tuplekey_cmemcache",
        "modulo_cmemcache",
    ),
    (
        "reference",
        "rehash_failover_distinct",
        "rehash_slots_65536",
    ),
];

#[test]
fn every_variant_places_every_key_like_the_client() {
    let vectors = Vectors::read();
    let mut checked: BTreeMap<(&str, &str), usize> = vectors
        .options
        .keys()
        .map(|&variant| (variant, 0))
        .collect();
    for row in rows("placement.tsv") {
        let [system, variant, fleet, "A", owners] = row[..] else {
            panic!("unknown row {row:?}");
        };
        let Some(count) = checked.get_mut(&(system, variant)) else {
            continue;
        };
        let placement = vectors.placement(system, variant, fleet);
        let owned: Vec<usize> = vectors
            .keys
            .iter()
            .map(|key| placement.owner(Route::Key(key)))
            .collect();
        assert_eq!(owned, numbers(owners), "{system} {variant} {fleet}");
        *count += owned.len();
    }
    for ((system, variant), keys) in checked {
        println!("{system} {variant}: {keys} keys agree");
        assert_ne!(keys, 0, "{system} {variant} has no row in placement.tsv");
    }
}

#[test]
fn failover_tries_the_servers_the_client_tries() {
    let vectors = Vectors::read();
    let mut checked = Checked::new("sequences.tsv");
    for row in rows("sequences.tsv") {
        let [system, variant, fleet, "A", key, tried] = row[..] else {
            panic!("unknown row {row:?}");
        };
        let Some(belongs_to) = checked.variant(system, variant) else {
            continue;
        };
        let placement = vectors.placement(system, belongs_to, fleet);
        let route = Route::Key(vectors.keys[key.parse::<usize>().unwrap()]);
        let tried = numbers(tried);
        let sequence: Vec<usize> = placement.sequence(route).collect();
        if variant.ends_with("_distinct") {
            assert_eq!(
                distinct(&sequence)[..tried.len()],
                tried,
                "{fleet} key {key}"
            );
        } else {
            assert_eq!(sequence, tried, "{system} {variant} {fleet} key {key}");
        }
        follows(&placement, route, &sequence);
        checked.count(system, variant);
    }
    checked.report(4);
}

#[test]
fn a_callers_hash_places_like_python_memcacheds_tuple_keys() {
    let vectors = Vectors::read();
    let mut checked = Checked::new("tuple_keys.tsv");
    for row in rows("tuple_keys.tsv") {
        let [system, variant, fleet, hash, owner, tried] = row[..] else {
            panic!("unknown row {row:?}");
        };
        let Some(belongs_to) = checked.variant(system, variant) else {
            continue;
        };
        let placement = vectors.placement(system, belongs_to, fleet);
        // Python's integers have no end; what a caller can hand in has 64 bits.
        let Ok(hash) = hash.parse() else { continue };
        let route = Route::Hash(hash);
        let tried = numbers(tried);
        let sequence: Vec<usize> = placement.sequence(route).take(tried.len()).collect();
        assert_eq!(
            placement.owner(route),
            owner.parse::<usize>().unwrap(),
            "{fleet} {hash}"
        );
        assert_eq!(sequence, tried, "{fleet} {hash}");
        checked.count(system, variant);
    }
    checked.report(1);
}

#[test]
fn slots_are_those_of_python_consistent_memcached() {
    let vectors = Vectors::read();
    let mut tables = 0;
    for row in rows("slots.tsv") {
        let ["slots_weighted", fleet, table] = row[..] else {
            panic!("unknown row {row:?}");
        };
        let table = STANDARD.decode(table).unwrap();
        let table: Vec<usize> = table
            .chunks_exact(2)
            .map(|slot| usize::from(u16::from_le_bytes([slot[0], slot[1]])))
            .collect();
        let placement = vectors.placement("python_consistent_memcached", "keys_weighted", fleet);
        let slots: Vec<usize> = (0..table.len())
            .map(|slot| placement.owner(Route::Hash(slot as i64)))
            .collect();
        assert_eq!(table.len(), 32_775);
        assert!(slots == table, "{fleet}");
        println!(
            "python_consistent_memcached {fleet}: {} slots agree",
            slots.len()
        );
        tables += 1;
    }
    assert_eq!(tables, 4);
}

/// What is skipped leads from each server of a sequence to the next.
fn follows(placement: &Placement, route: Route<'_>, sequence: &[usize]) {
    let mut skipped = Vec::new();
    for server in distinct(sequence) {
        assert_eq!(
            placement.choose(route, |server| skipped.contains(&server)),
            Some(server)
        );
        skipped.push(server);
    }
    assert_eq!(
        placement.choose(route, |server| skipped.contains(&server)),
        None
    );
}

fn distinct(sequence: &[usize]) -> Vec<usize> {
    let mut seen = Vec::new();
    for &server in sequence {
        if !seen.contains(&server) {
            seen.push(server);
        }
    }
    seen
}

/// How many rows of a file were checked, by the variants of [`BELONGS_TO`].
struct Checked {
    file: &'static str,
    rows: BTreeMap<(String, String), usize>,
}

impl Checked {
    fn new(file: &'static str) -> Self {
        Self {
            file,
            rows: BTreeMap::new(),
        }
    }

    fn variant(&self, system: &str, variant: &str) -> Option<&'static str> {
        BELONGS_TO
            .iter()
            .find(|row| row.0 == system && row.1 == variant)
            .map(|row| row.2)
    }

    fn count(&mut self, system: &str, variant: &str) {
        *self
            .rows
            .entry((system.to_owned(), variant.to_owned()))
            .or_default() += 1;
    }

    fn report(self, variants: usize) {
        for ((system, variant), rows) in &self.rows {
            println!("{system} {variant}: {rows} rows of {} agree", self.file);
        }
        assert_eq!(self.rows.len(), variants);
    }
}

struct Server {
    identity: String,
    host: &'static str,
    port: u16,
    weight: u32,
}

impl Server {
    fn node(&self, weights: bool) -> Node<'_> {
        Node {
            identity: &self.identity,
            label: Label::Tcp {
                host: self.host,
                port: self.port,
            },
            weight: if weights { self.weight } else { 1 },
        }
    }
}

struct Vectors {
    keys: Vec<&'static [u8]>,
    fleets: HashMap<&'static str, Vec<Server>>,
    /// By system and variant: the options, and whether weights are used.
    options: HashMap<(&'static str, &'static str), (&'static str, bool)>,
    built: RefCell<HashMap<String, Rc<Placement>>>,
}

impl Vectors {
    fn read() -> Self {
        let keys: &[u8] = fs::read(path("keys_A.txt")).unwrap().leak();
        let mut fleets: HashMap<&str, Vec<Server>> = HashMap::new();
        for row in rows("fleets.tsv") {
            fleets.entry(row[0]).or_default().push(Server {
                identity: format!("{}:{}", row[1], row[2]),
                host: row[1],
                port: row[2].parse().unwrap(),
                weight: row[3].parse().unwrap(),
            });
        }
        Self {
            keys: keys
                .strip_suffix(b"\n")
                .unwrap_or(keys)
                .split(|&byte| byte == b'\n')
                .collect(),
            fleets,
            options: rows("options.tsv")
                .map(|row| ((row[0], row[1]), (row[2], row[3] == "use")))
                .collect(),
            built: RefCell::default(),
        }
    }

    /// The placement that the options of a variant give for a fleet, built once.
    fn placement(&self, system: &str, variant: &str, fleet: &str) -> Rc<Placement> {
        let name = [system, variant, fleet].join(" ");
        let mut built = self.built.borrow_mut();
        Rc::clone(built.entry(name).or_insert_with(|| {
            let (options, weights) = self.options[&(system, variant)];
            let servers = self.fleets[fleet].iter();
            let nodes: Vec<Node<'_>> = servers.map(|server| server.node(weights)).collect();
            Rc::new(Placement::build(&nodes, &settings(options)).unwrap())
        }))
    }
}

fn settings(options: &str) -> Settings {
    let options: HashMap<&str, &str> = options
        .split(' ')
        .map(|option| option.split_once('=').unwrap())
        .collect();
    let get = |name| options.get(name).copied();
    let slots = get("slots").map(|slots| slots.parse().unwrap());
    Settings::resolve(get("compat"), get("distribution"), get("hash"), slots, None).unwrap()
}

/// The fields of each row of a file. The texts live as long as the test.
fn rows(file: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let text: &'static str = fs::read_to_string(path(file)).unwrap().leak();
    text.lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split('\t').collect())
}

fn path(file: &str) -> String {
    format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn numbers(list: &str) -> Vec<usize> {
    list.split(',')
        .map(|number| number.parse().unwrap())
        .collect()
}
