//! What other clients do by default, for `compat`.

use super::distribution::{Distribution, Weights};
use super::hash::Hash;
use super::table::names;

/// A client's defaults.
#[derive(Clone, Copy)]
pub(super) struct Compat {
    pub(super) distribution: Distribution,
    /// Where the client has another default than the distribution.
    pub(super) hash: Option<Hash>,
    /// Where the client treats weights otherwise than the distribution does.
    pub(super) weights: &'static [(Distribution, Weights)],
    /// Whether the prefix of a key takes part in its hash.
    pub(super) hash_prefix: bool,
    /// Whether keys of a dead server go elsewhere.
    pub(super) fails_over: bool,
}

impl Compat {
    const fn of(distribution: Distribution) -> Self {
        Self {
            distribution,
            hash: None,
            weights: &[],
            hash_prefix: true,
            fails_over: false,
        }
    }
}

pub(super) const TABLE: &[(&str, Compat)] = &[
    ("python-memcached", PYTHON_MEMCACHED),
    ("libmemcached", LIBMEMCACHED),
    ("pylibmc", LIBMEMCACHED),
    ("libmemcached-ketama", LIBMEMCACHED_KETAMA),
    ("pylibmc-ketama", LIBMEMCACHED_KETAMA),
    ("pymemcache", PYMEMCACHE),
    ("dalli", DALLI),
    ("gomemcache", GOMEMCACHE),
    ("twemproxy", Compat::of(Distribution::Twemproxy)),
    ("memcached-proxy", Compat::of(Distribution::Jump)),
];

/// The names `compat` can take.
pub const COMPATS: &[&str] = &names::<_, { TABLE.len() }>(TABLE);

/// python-memcached 1.62 tries up to ten buckets.
const PYTHON_MEMCACHED: Compat = Compat {
    hash: Some(Hash::Cmemcache),
    fails_over: true,
    ..Compat::of(Distribution::Modulo)
};

/// libmemcached 1.1.4 does not hash the prefix unless told to (`HASH_WITH_PREFIX_KEY`),
/// and `server_add` turns any continuum weighted when it meets a weight above 1.
const LIBMEMCACHED: Compat = Compat {
    hash: Some(Hash::OneAtATime),
    weights: &[
        (Distribution::Modulo, Weights::Ignore),
        (Distribution::Ketama, Weights::Switch),
    ],
    hash_prefix: false,
    ..Compat::of(Distribution::Modulo)
};

/// `KETAMA=1`.
const LIBMEMCACHED_KETAMA: Compat = Compat {
    distribution: Distribution::Ketama,
    ..LIBMEMCACHED
};

/// pymemcache 4.0.0 takes a dead server out of its hasher.
const PYMEMCACHE: Compat = Compat {
    hash_prefix: false,
    fails_over: true,
    ..Compat::of(Distribution::Rendezvous)
};

/// Dalli 3.0.6 has `failover: true`.
const DALLI: Compat = Compat {
    fails_over: true,
    ..Compat::of(Distribution::Dalli)
};

/// A `ServerList` of gomemcache has no weights. (It hashes 256 bytes of a key at most;
/// no key is longer than 250.)
const GOMEMCACHE: Compat = Compat {
    weights: &[(Distribution::Modulo, Weights::Refuse)],
    ..Compat::of(Distribution::Modulo)
};
