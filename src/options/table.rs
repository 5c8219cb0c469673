//! The table itself.

use super::{Kind, Spec};
use crate::placement;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Every option there is. An option stands here from the day it works.
pub const TABLE: &[Spec] = &[
    Spec {
        name: "distribution",
        kind: Kind::Choice(placement::DISTRIBUTIONS),
        default: "rehash",
        text: "How keys are spread over the servers.",
    },
    Spec {
        name: "compat",
        kind: Kind::Choice(placement::COMPATS),
        default: "",
        text: "Place keys as this client does by default. Options given besides it win.",
    },
    Spec {
        name: "hash",
        kind: Kind::Choice(placement::HASHES),
        default: "",
        text: "The hash of the key. When not set, the one that belongs to the distribution.",
    },
    Spec {
        name: "slots",
        kind: Kind::Integer {
            min: placement::SLOTS_MIN as u64,
            max: placement::SLOTS_MAX as u64,
        },
        default: "65536",
        text: "Size of the slot table of `rehash`, a power of two. Changing it moves keys.",
    },
    Spec {
        name: "key_prefix",
        kind: Kind::Text,
        default: "",
        text: "Put before every key. It counts towards the 250 bytes a key may have.",
    },
    Spec {
        name: "hash_prefix",
        kind: Kind::Boolean,
        default: "true",
        text: "Whether the prefix takes part in choosing the server.",
    },
    Spec {
        name: "binary_keys",
        kind: Kind::Choice(&["reject", "base64"]),
        default: "reject",
        text: "Keys with spaces or control characters: refused, or sent as base64, at most 186 bytes, to memcached 1.6 or newer.",
    },
    Spec {
        name: "timeout_ms",
        kind: Kind::Integer {
            min: 1,
            max: DAY_MS,
        },
        default: "1000",
        text: "The deadline of a whole call, in milliseconds: names, connecting, all servers, all tries.",
    },
    Spec {
        name: "connect_timeout_ms",
        kind: Kind::Integer {
            min: 1,
            max: DAY_MS,
        },
        default: "250",
        text: "How long making a connection may take, in milliseconds, all addresses of a name together.",
    },
    Spec {
        name: "connections_per_server",
        kind: Kind::Integer { min: 1, max: 1024 },
        default: "2",
        text: "At most this many connections to each server. They are made when first needed.",
    },
    Spec {
        name: "idle_close_ms",
        kind: Kind::Integer {
            min: 0,
            max: DAY_MS,
        },
        default: "0",
        text: "A connection not used for this many milliseconds is closed, not used again. 0: kept.",
    },
    Spec {
        name: "max_value_bytes",
        kind: Kind::Integer {
            min: 1,
            max: 1 << 32,
        },
        default: "67108864",
        text: "A longer value announced by a server is an error, before memory is taken for it.",
    },
    Spec {
        name: "max_batch_bytes",
        kind: Kind::Integer {
            min: 1,
            max: 1 << 48,
        },
        default: "1073741824",
        text: "What the values that a batch brings may come to. One that no longer fits is refused, and read without memory; a smaller one after it may fit.",
    },
    Spec {
        name: "spin_us",
        kind: Kind::Integer {
            min: 0,
            max: 10_000,
        },
        default: "0",
        text: "How many microseconds a caller looks for its reply before it sleeps. Takes CPU.",
    },
    Spec {
        name: "failover",
        kind: Kind::Choice(&["none", "next"]),
        default: "none",
        text: "Where the keys of a server go that is down or cannot be connected: nowhere, or to the next server. When not set, as the client of `compat` does.",
    },
    Spec {
        name: "failure_threshold",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: "3",
        text: "A server is taken for down after this many failures in a row.",
    },
    Spec {
        name: "retry_after_ms",
        kind: Kind::Integer {
            min: 1,
            max: DAY_MS,
        },
        default: "30000",
        text: "A server that is down is tried again after this many milliseconds.",
    },
    Spec {
        name: "on_return",
        kind: Kind::Choice(&["keep", "flush"]),
        default: "keep",
        text: "What becomes of the items of a server that was down: kept, or all deleted, by every client that saw it down, before it is used again.",
    },
    Spec {
        name: "handover_ms",
        kind: Kind::Integer {
            min: 0,
            max: 30 * DAY_MS,
        },
        default: "0",
        text: "For this many milliseconds after a change of the servers, what is missed is looked for at the key's owner before.",
    },
    Spec {
        name: "handover_copy",
        kind: Kind::Choice(&["lease", "add", "none"]),
        default: "lease",
        text: "How what is found there is copied: under a lease, or by `add` for fleets shared with clients that would read a lease's stub as an empty value, or not at all.",
    },
    Spec {
        name: "tcp_nodelay",
        kind: Kind::Boolean,
        default: "true",
        text: "Send small requests at once (TCP_NODELAY).",
    },
    Spec {
        name: "tcp_keepalive_s",
        kind: Kind::Integer {
            min: 0,
            max: 32_767,
        },
        default: "0",
        text: "Seconds without traffic after which TCP asks whether the peer is there. 0: never.",
    },
];
