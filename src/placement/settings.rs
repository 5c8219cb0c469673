//! From option strings to a rule.

use super::compat::{self, Compat};
use super::distribution::{self, Distribution, Weights};
use super::hash::{self, Hash};
use super::table::look_up;
use crate::error::{Error, Result, Status};

/// The fewest and the most slots `rehash` can have, and how many it has where
/// `slots` does not say.
pub const SLOTS_MIN: u32 = 1_024;
pub const SLOTS_MAX: u32 = 4_194_304;
pub const SLOTS_DEFAULT: u32 = 65_536;

/// What `compat`, `distribution`, `hash`, `slots` and `hash_prefix` come to.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) distribution: Distribution,
    pub(super) hash: Hash,
    pub(super) slots: u32,
    pub(super) weights: Weights,
    /// Whether a key is placed with its prefix.
    pub hash_prefix: bool,
    /// Whether keys of a server that is down go to their next choice, where `failover`
    /// does not say.
    pub fails_over: bool,
}

impl Settings {
    /// Resolves the options; `None` is an option that was not given. One that was given
    /// wins over what `compat` says, and a distribution that was given brings its own
    /// default hash.
    pub fn resolve(
        compat: Option<&str>,
        distribution: Option<&str>,
        hash: Option<&str>,
        slots: Option<u32>,
        hash_prefix: Option<bool>,
    ) -> Result<Self> {
        let compat: Option<Compat> = look_up("compat", compat::TABLE, compat)?;
        let given = look_up("distribution", distribution::TABLE, distribution)?;
        let hash = look_up("hash", hash::TABLE, hash)?;

        let from_compat = compat.map(|compat| compat.distribution);
        let distribution = given.or(from_compat).unwrap_or(Distribution::Rehash);
        check_hash(distribution, hash)?;
        let usual_hash = match (given, compat) {
            (
                None,
                Some(Compat {
                    hash: Some(hash), ..
                }),
            ) => hash,
            _ => distribution.default_hash(),
        };
        let weights = compat
            .and_then(|compat| compat.weights.iter().find(|row| row.0 == distribution))
            .map_or(distribution.weights(), |row| row.1);

        Ok(Self {
            distribution,
            hash: hash.unwrap_or(usual_hash),
            slots: check_slots(distribution, slots)?,
            weights,
            hash_prefix: hash_prefix.unwrap_or(compat.is_none_or(|compat| compat.hash_prefix)),
            fails_over: compat.is_some_and(|compat| compat.fails_over),
        })
    }
}

fn check_hash(distribution: Distribution, hash: Option<Hash>) -> Result<()> {
    let Some(hash) = hash else { return Ok(()) };
    let (name, hash_name) = (distribution.name(), hash.name());
    if !distribution.leaves_hash_open() {
        let message = format!("hash={hash_name}: distribution={name} has a hash of its own");
        return Err(Error::new(Status::Option, message));
    }
    if distribution == Distribution::Rehash && hash.is_15_bit() {
        let message =
            format!("hash={hash_name} is of 15 bits and reaches half the slots of {name}");
        return Err(Error::new(Status::Option, message));
    }
    Ok(())
}

fn check_slots(distribution: Distribution, slots: Option<u32>) -> Result<u32> {
    let Some(slots) = slots else {
        return Ok(SLOTS_DEFAULT);
    };
    let message = if distribution != Distribution::Rehash {
        format!(
            "slots={slots}: distribution={} has none",
            distribution.name()
        )
    } else if !slots.is_power_of_two() || !(SLOTS_MIN..=SLOTS_MAX).contains(&slots) {
        format!("slots={slots} is not a power of two from {SLOTS_MIN} to {SLOTS_MAX}")
    } else {
        return Ok(slots);
    };
    Err(Error::new(Status::Option, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "" is an option that is not given.
    fn resolve(compat: &str, distribution: &str, hash: &str) -> Result<Settings> {
        let [compat, distribution, hash] =
            [compat, distribution, hash].map(|name| Some(name).filter(|name| !name.is_empty()));
        Settings::resolve(compat, distribution, hash, None, None)
    }

    fn refusal(result: Result<Settings>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.status(), Status::Option);
        error.message().to_owned()
    }

    #[test]
    fn without_options_it_is_rehash() {
        let settings = resolve("", "", "").unwrap();
        assert_eq!(settings.distribution, Distribution::Rehash);
        assert_eq!(settings.hash, Hash::Crc32);
        assert_eq!(settings.slots, SLOTS_DEFAULT);
        assert!(settings.hash_prefix);
        assert!(!settings.fails_over);
    }

    #[test]
    fn a_distribution_given_besides_compat_brings_its_hash() {
        assert_eq!(
            resolve("libmemcached", "", "").unwrap().hash,
            Hash::OneAtATime
        );
        assert_eq!(
            resolve("libmemcached", "modulo", "").unwrap().hash,
            Hash::Crc32
        );
        assert_eq!(
            resolve("libmemcached", "modulo", "md5").unwrap().hash,
            Hash::Md5
        );
        assert_eq!(resolve("libmemcached", "", "md5").unwrap().hash, Hash::Md5);
        let settings = resolve("python-memcached", "rehash", "").unwrap();
        assert_eq!(settings.hash, Hash::Crc32);
        assert!(settings.fails_over);
    }

    #[test]
    fn the_clients_that_do_not_hash_the_prefix() {
        let without: Vec<&str> = compat::COMPATS
            .iter()
            .copied()
            .filter(|name| !resolve(name, "", "").unwrap().hash_prefix)
            .collect();
        assert_eq!(
            without,
            [
                "libmemcached",
                "pylibmc",
                "libmemcached-ketama",
                "pylibmc-ketama",
                "pymemcache"
            ]
        );
        let settings = Settings::resolve(Some("pylibmc"), None, None, None, Some(true)).unwrap();
        assert!(settings.hash_prefix);
    }

    #[test]
    fn unknown_names_are_refused_by_name() {
        assert!(refusal(resolve("memcached", "", "")).starts_with("compat=memcached "));
        assert!(refusal(resolve("", "Ketama", "")).starts_with("distribution=Ketama "));
        assert!(refusal(resolve("", "", "md4")).starts_with("hash=md4 "));
    }

    #[test]
    fn hashes_that_do_not_fit_are_refused() {
        for hash in ["cmemcache", "cmemcache-1"] {
            assert!(refusal(resolve("", "", hash)).contains("15 bits"));
            assert!(refusal(resolve("python-memcached", "rehash", hash)).contains("15 bits"));
        }
        assert!(refusal(resolve("pymemcache", "", "md5")).contains("hash=md5"));
    }

    #[test]
    fn slots_are_a_power_of_two_and_for_rehash() {
        let slots =
            |distribution, slots| Settings::resolve(None, distribution, None, Some(slots), None);
        for number in [SLOTS_MIN, SLOTS_DEFAULT, SLOTS_MAX] {
            assert_eq!(slots(None, number).unwrap().slots, number);
        }
        for number in [0, 512, 1_025, 65_535, 8_388_608] {
            assert!(refusal(slots(None, number)).contains(&format!("slots={number} ")));
        }
        assert!(refusal(slots(Some("ketama"), 1_024)).contains("ketama"));
    }
}
