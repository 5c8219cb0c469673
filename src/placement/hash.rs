//! The hashes of keys, each as the clients that place by it compute it.

use super::settings::{find, names};

/// A hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Crc32,
    Cmemcache,
}

const TABLE: &[(&str, Hash)] = &[("crc32", Hash::Crc32), ("cmemcache", Hash::Cmemcache)];

/// The names `hash` can take.
pub const HASHES: &[&str] = &names::<_, { TABLE.len() }>(TABLE);

impl Hash {
    pub(super) fn named(name: &str) -> Option<Self> {
        find(TABLE, name)
    }

    /// The hash of `key`. Hashes of fewer than 64 bits are extended by zeros.
    #[inline]
    pub(super) fn of(self, key: &[u8]) -> u64 {
        match self {
            Self::Crc32 => u64::from(crc32fast::hash(key)),
            Self::Cmemcache => u64::from(cmemcache(key)),
        }
    }

    /// True for hashes that leave the upper half of 32 bits empty.
    pub(super) fn is_15_bit(self) -> bool {
        matches!(self, Self::Cmemcache)
    }
}

/// python-memcached's `cmemcache_hash`, from 1.60 on.
fn cmemcache(key: &[u8]) -> u32 {
    (crc32fast::hash(key) >> 16) & 0x7fff
}
