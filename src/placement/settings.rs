//! From option strings to a rule.

use super::hash::{HASHES, Hash};
use crate::error::{Error, Result, Status};

/// A way of laying servers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    Rehash,
    Modulo,
}

const DISTRIBUTION_TABLE: &[(&str, Distribution)] = &[
    ("rehash", Distribution::Rehash),
    ("modulo", Distribution::Modulo),
];

/// The names `distribution` can take.
pub const DISTRIBUTIONS: &[&str] = &names::<_, { DISTRIBUTION_TABLE.len() }>(DISTRIBUTION_TABLE);

/// The names `compat` can take.
pub const COMPATS: &[&str] = &[];

/// The slots of `rehash` where `slots` does not say otherwise.
const DEFAULT_SLOTS: u32 = 65_536;

/// What `compat`, `distribution`, `hash`, `slots` and `hash_prefix` come to.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) distribution: Distribution,
    pub(super) hash: Hash,
    pub(super) slots: u32,
    /// Whether the key is placed with its prefix.
    pub hash_prefix: bool,
    /// Whether a key goes to the next choice when its server is down, where
    /// `failover` does not say.
    pub fails_over: bool,
}

impl Settings {
    /// Resolves the options; `None` is an option that was not given.
    pub fn resolve(
        compat: Option<&str>,
        distribution: Option<&str>,
        hash: Option<&str>,
        slots: Option<u32>,
        hash_prefix: Option<bool>,
    ) -> Result<Self> {
        if let Some(name) = compat {
            return Err(unknown("compat", name, COMPATS));
        }
        let distribution = match distribution {
            Some(name) => find(DISTRIBUTION_TABLE, name)
                .ok_or_else(|| unknown("distribution", name, DISTRIBUTIONS))?,
            None => Distribution::Rehash,
        };
        let hash = match hash {
            Some(name) => Hash::named(name).ok_or_else(|| unknown("hash", name, HASHES))?,
            None => Hash::Crc32,
        };
        if distribution == Distribution::Rehash && hash.is_15_bit() {
            return Err(Error::new(
                Status::Option,
                "hash=cmemcache has 15 bits: with distribution=rehash it would reach half the slots",
            ));
        }
        let slots = slots.unwrap_or(DEFAULT_SLOTS);
        if !slots.is_power_of_two() || !(1024..=4_194_304).contains(&slots) {
            let message = format!("slots={slots} is not a power of two from 1024 to 4194304");
            return Err(Error::new(Status::Option, message));
        }
        Ok(Self {
            distribution,
            hash,
            slots,
            hash_prefix: hash_prefix.unwrap_or(true),
            fails_over: false,
        })
    }
}

fn unknown(option: &str, name: &str, allowed: &[&str]) -> Error {
    let message = format!("{option}={name} is not one of {}", allowed.join(", "));
    Error::new(Status::Option, message)
}

/// The names of a table, in its order.
pub(super) const fn names<T: Copy, const N: usize>(
    table: &[(&'static str, T)],
) -> [&'static str; N] {
    let mut names = [""; N];
    let mut i = 0;
    while i < N {
        names[i] = table[i].0;
        i += 1;
    }
    names
}

/// The entry of a table that has this name.
pub(super) fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}
