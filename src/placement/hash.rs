//! The hashes of keys, each as the clients that place by it compute it.

use super::jenkins::jenkins;
use super::murmur::{Murmur3, murmur2};
use super::table::names;
use md5::{Digest, Md5};
use twox_hash::XxHash3_64;

/// A hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Crc32,
    Cmemcache,
    Cmemcache1,
    Md5,
    Fnv1_32,
    Fnv1a32,
    Fnv1_64,
    Fnv1a64,
    OneAtATime,
    Murmur,
    Murmur3,
    Jenkins,
    Xxh3,
}

pub(super) const TABLE: &[(&str, Hash)] = &[
    ("crc32", Hash::Crc32),
    ("cmemcache", Hash::Cmemcache),
    ("cmemcache-1", Hash::Cmemcache1),
    ("md5", Hash::Md5),
    ("fnv1_32", Hash::Fnv1_32),
    ("fnv1a_32", Hash::Fnv1a32),
    ("fnv1_64", Hash::Fnv1_64),
    ("fnv1a_64", Hash::Fnv1a64),
    ("one-at-a-time", Hash::OneAtATime),
    ("murmur", Hash::Murmur),
    ("murmur3", Hash::Murmur3),
    ("jenkins", Hash::Jenkins),
    ("xxh3", Hash::Xxh3),
];

/// The names `hash` can take.
pub const HASHES: &[&str] = &names::<_, { TABLE.len() }>(TABLE);

impl Hash {
    pub(super) fn name(self) -> &'static str {
        let row = TABLE.iter().find(|row| row.1 == self);
        row.map_or("", |row| row.0)
    }

    /// The hash of `key`. Only `xxh3` has 64 bits; the others are extended by zeros.
    #[inline]
    pub(super) fn of(self, key: &[u8]) -> u64 {
        u64::from(match self {
            Self::Crc32 => crc32fast::hash(key),
            Self::Cmemcache => cmemcache(key),
            Self::Cmemcache1 => cmemcache(key).max(1),
            Self::Md5 => md5_words(key)[0],
            Self::Fnv1_32 => fnv1_32(key),
            Self::Fnv1a32 => fnv1a_32(key),
            Self::Fnv1_64 => fnv1_64(key),
            Self::Fnv1a64 => fnv1a_64(key),
            Self::OneAtATime => one_at_a_time(key),
            Self::Murmur => murmur2(key, seed_of_length(key)),
            Self::Murmur3 => Murmur3::new(seed_of_length(key)).with(key).finish(),
            Self::Jenkins => jenkins(key),
            Self::Xxh3 => return XxHash3_64::oneshot(key),
        })
    }

    /// True for hashes that leave the upper half of 32 bits empty.
    pub(super) fn is_15_bit(self) -> bool {
        matches!(self, Self::Cmemcache | Self::Cmemcache1)
    }
}

/// MD5 as four little-endian words. libmemcached 1.1.4, twemproxy 0.5.0 and
/// memcached's proxy hash keys to the first and take all four for points.
pub(super) fn md5_words(text: &[u8]) -> [u32; 4] {
    let digest = Md5::digest(text);
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    words
}

/// python-memcached 1.60 and later (`cmemcache_hash`), libmemcached 1.1.4
/// (`HASH_CRC`), twemproxy 0.5.0 (`crc32`). Up to 1.59 python-memcached has 1 in
/// place of 0: `cmemcache-1`.
fn cmemcache(key: &[u8]) -> u32 {
    (crc32fast::hash(key) >> 16) & 0x7fff
}

/// libmemcached 1.1.4 and twemproxy 0.5.0 seed both their Murmur hashes with the
/// key's length.
fn seed_of_length(key: &[u8]) -> u32 {
    0xdead_beef_u32.wrapping_mul(key.len() as u32)
}

const FNV_32_INIT: u32 = 0x811c_9dc5;
const FNV_32_PRIME: u32 = 0x0100_0193;
const FNV_64_INIT: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_64_PRIME: u64 = 0x0100_0000_01b3;

/// libmemcached 1.1.4 and twemproxy 0.5.0 read keys as C's `char`, which is signed
/// on the machines they were proven on: bytes from 0x80 on count as negative.
fn signed(byte: u8) -> u32 {
    byte as i8 as u32
}

fn fnv1_32(key: &[u8]) -> u32 {
    key.iter().fold(FNV_32_INIT, |hash, &byte| {
        hash.wrapping_mul(FNV_32_PRIME) ^ signed(byte)
    })
}

fn fnv1a_32(key: &[u8]) -> u32 {
    key.iter().fold(FNV_32_INIT, |hash, &byte| {
        (hash ^ signed(byte)).wrapping_mul(FNV_32_PRIME)
    })
}

/// 64 bits throughout, then cut to 32.
fn fnv1_64(key: &[u8]) -> u32 {
    key.iter().fold(FNV_64_INIT, |hash, &byte| {
        hash.wrapping_mul(FNV_64_PRIME) ^ (byte as i8 as u64)
    }) as u32
}

/// 32 bits throughout, with the constants of the 64-bit hash cut to 32: that is how
/// libmemcached 1.1.4 and twemproxy 0.5.0 have it.
fn fnv1a_64(key: &[u8]) -> u32 {
    key.iter().fold(FNV_64_INIT as u32, |hash, &byte| {
        (hash ^ signed(byte)).wrapping_mul(FNV_64_PRIME as u32)
    })
}

/// Bob Jenkins' one-at-a-time, in libmemcached 1.1.4 and twemproxy 0.5.0.
fn one_at_a_time(key: &[u8]) -> u32 {
    let mut hash = key.iter().fold(0_u32, |mut hash, &byte| {
        hash = hash.wrapping_add(signed(byte));
        hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::table::look_up;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// The columns of libhashkit's rows, by the names `hash` has for them.
    const COLUMNS: [&str; 10] = [
        "one-at-a-time",
        "md5",
        "cmemcache",
        "fnv1_64",
        "fnv1a_64",
        "fnv1_32",
        "fnv1a_32",
        "murmur",
        "jenkins",
        "murmur3",
    ];

    fn named(name: &str) -> Hash {
        look_up("hash", TABLE, Some(name)).unwrap().unwrap()
    }

    fn rows(system: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u32>)> {
        include_str!("../../tests/vectors/hashes.tsv")
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(move |fields| fields[0] == system)
            .map(|fields| {
                let values = fields[3..].iter().map(|value| value.parse().unwrap());
                (STANDARD.decode(fields[2]).unwrap(), values.collect())
            })
    }

    #[test]
    fn hashes_are_those_of_libhashkit() {
        let mut keys = 0;
        for (key, values) in rows("libhashkit-1.1.4") {
            for (name, value) in COLUMNS.iter().zip(values) {
                assert_eq!(named(name).of(&key), u64::from(value), "{name} of {key:?}");
            }
            keys += 1;
        }
        assert_eq!(keys, 200);
    }

    #[test]
    fn murmur3_without_seed_is_that_of_pymemcache() {
        let mut keys = 0;
        for (key, values) in rows("pymemcache-4.0.0") {
            assert_eq!(Murmur3::new(0).with(&key).finish(), values[1]);
            keys += 1;
        }
        assert_eq!(keys, 200);
    }

    /// The start and the end of a key may fall anywhere in a block of four.
    #[test]
    fn murmur3_is_the_same_in_pieces() {
        let key = b"0123456789abcdef";
        for len in 0..=key.len() {
            let whole = Murmur3::new(7).with(&key[..len]).finish();
            for cut in 0..=len {
                let pieces = Murmur3::new(7).with(&key[..cut]).with(&key[cut..len]);
                assert_eq!(pieces.finish(), whole);
            }
        }
    }

    #[test]
    fn published_values() {
        let of = |name: &str, key: &[u8]| named(name).of(key);
        assert_eq!(of("crc32", b"123456789"), 0xcbf4_3926);
        assert_eq!(of("xxh3", b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(of("md5", b""), 0xd98c_1dd4);
    }

    #[test]
    fn cmemcache_1_has_no_zero() {
        let key = (0_u32..)
            .map(|n| n.to_string())
            .find(|key| cmemcache(key.as_bytes()) == 0)
            .unwrap();
        assert_eq!(Hash::Cmemcache.of(key.as_bytes()), 0);
        assert_eq!(Hash::Cmemcache1.of(key.as_bytes()), 1);
        assert_eq!(Hash::Cmemcache1.of(b"a"), Hash::Cmemcache.of(b"a"));
    }
}
