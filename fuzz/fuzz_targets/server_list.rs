//! Lists of servers: no panic, and what is accepted keeps its promises.
#![no_main]

use std::collections::HashSet;

use consistent_memcached::fleet::list;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(specs) = list::parse(text) else {
        return;
    };
    assert!(!specs.is_empty());
    let identities: HashSet<_> = specs.iter().map(|spec| &spec.identity).collect();
    assert_eq!(identities.len(), specs.len());
    for spec in &specs {
        assert!((1..=65_535).contains(&spec.weight));
        assert!(!spec.identity.contains('\0'));
    }
});
