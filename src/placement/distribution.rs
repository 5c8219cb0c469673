//! The distributions: their names, their default hashes, what they do with weights.

use super::hash::Hash;
use super::table::names;

/// A way of laying servers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    Rehash,
    Rehash2013,
    Modulo,
    Ketama,
    KetamaWeighted,
    KetamaSpy,
    Rendezvous,
    Dalli,
    Twemproxy,
    TwemproxyModula,
    Jump,
    ProxyRing,
    ProxyKetama,
    ProxyTwemproxy,
    ProxyEvcache,
}

pub(super) const TABLE: &[(&str, Distribution)] = &[
    ("rehash", Distribution::Rehash),
    ("rehash-2013", Distribution::Rehash2013),
    ("modulo", Distribution::Modulo),
    ("ketama", Distribution::Ketama),
    ("ketama-weighted", Distribution::KetamaWeighted),
    ("ketama-spy", Distribution::KetamaSpy),
    ("rendezvous", Distribution::Rendezvous),
    ("dalli", Distribution::Dalli),
    ("twemproxy", Distribution::Twemproxy),
    ("twemproxy-modula", Distribution::TwemproxyModula),
    ("jump", Distribution::Jump),
    ("proxy-ring", Distribution::ProxyRing),
    ("proxy-ketama", Distribution::ProxyKetama),
    ("proxy-twemproxy", Distribution::ProxyTwemproxy),
    ("proxy-evcache", Distribution::ProxyEvcache),
];

/// The names `distribution` can take.
pub const DISTRIBUTIONS: &[&str] = &names::<_, { TABLE.len() }>(TABLE);

/// What becomes of the servers' weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    Use,
    /// A weight other than 1 is an error.
    Refuse,
    /// Every weight counts as 1.
    Ignore,
    /// A weight above 1 turns `ketama` into `ketama-weighted`, the hash of the keys
    /// staying what it is.
    Switch,
}

impl Distribution {
    pub(super) fn name(self) -> &'static str {
        let row = TABLE.iter().find(|row| row.1 == self);
        row.map_or("", |row| row.0)
    }

    /// The hash that keys have where `hash` does not say.
    pub(super) fn default_hash(self) -> Hash {
        match self {
            Self::Rehash | Self::Modulo | Self::Dalli => Hash::Crc32,
            Self::Rehash2013 => Hash::Cmemcache1,
            Self::Ketama => Hash::OneAtATime,
            Self::Twemproxy | Self::TwemproxyModula => Hash::Fnv1a64,
            Self::Jump | Self::ProxyRing => Hash::Xxh3,
            Self::KetamaWeighted
            | Self::KetamaSpy
            | Self::ProxyKetama
            | Self::ProxyTwemproxy
            | Self::ProxyEvcache => Hash::Md5,
            // Not of the key alone, and no choice.
            Self::Rendezvous => Hash::Murmur3,
        }
    }

    /// Whether `hash` selects anything.
    pub(super) fn leaves_hash_open(self) -> bool {
        self != Self::Rendezvous
    }

    pub(super) fn weights(self) -> Weights {
        match self {
            Self::Rehash
            | Self::Rehash2013
            | Self::Modulo
            | Self::KetamaWeighted
            | Self::KetamaSpy
            | Self::Dalli
            | Self::Twemproxy
            | Self::TwemproxyModula => Weights::Use,
            Self::Ketama
            | Self::Rendezvous
            | Self::Jump
            | Self::ProxyRing
            | Self::ProxyKetama
            | Self::ProxyTwemproxy
            | Self::ProxyEvcache => Weights::Refuse,
        }
    }
}
