//! The one table of options: name, type, default, range, text.
//!
//! Names and values are strings, so that a binding passes its keyword arguments
//! straight through and a new option needs no new function. `docs/options.md` and
//! the table in the README are generated from here.

mod config;

use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::placement;
pub use crate::placement::Settings;
pub use config::{Config, Copying, only_settings};

/// What an option takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within these bounds.
    Integer { min: u64, max: u64 },
    /// `true` or `false` (also `1` and `0`).
    Boolean,
    /// Any text.
    Text,
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    pub kind: Kind,
    /// The value an option has when nobody sets it.
    pub default: &'static str,
    pub text: &'static str,
}

impl Spec {
    /// The name of the type, as documents and `cm_option` show it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Choice(_) => "choice",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::Text => "text",
        }
    }

    /// The values allowed, as documents and `cm_option` show them.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Choice(words) => words.join(", "),
            Kind::Integer { min, max } => format!("{min} to {max}"),
            Kind::Boolean => "true, false".into(),
            Kind::Text => "any".into(),
        }
    }

    fn check(&self, value: &str) -> Result<()> {
        let good = match self.kind {
            Kind::Choice(words) => words.contains(&value),
            Kind::Integer { min, max } => {
                integer(value).is_some_and(|number| (min..=max).contains(&number))
            }
            Kind::Boolean => boolean(value).is_some(),
            Kind::Text => true,
        };
        if good {
            return Ok(());
        }
        let (name, range) = (self.name, self.range());
        Err(Error::new(
            Status::Option,
            format!("{name} cannot be \"{}\": {range}", value.escape_debug()),
        ))
    }
}

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

/// Options as the caller sets them. Belongs to one thread at a time.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Beside [`TABLE`]; `None` where the default holds.
    values: Vec<Option<String>>,
}

impl Options {
    pub fn new() -> Self {
        Self {
            values: vec![None; TABLE.len()],
        }
    }

    /// Sets an option. An unknown name or a value out of range is [`Status::Option`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let row = row(name)?;
        TABLE[row].check(value)?;
        self.values[row] = Some(value.into());
        Ok(())
    }

    /// The value of an option, its default if nobody set it.
    pub fn get(&self, name: &str) -> Result<&str> {
        let row = row(name)?;
        Ok(self.values[row].as_deref().unwrap_or(TABLE[row].default))
    }

    /// The value of an option if somebody set it.
    fn chosen(&self, name: &str) -> Result<Option<&str>> {
        Ok(self.values[row(name)?].as_deref())
    }

    /// The names of the options that somebody set.
    fn names_chosen(&self) -> impl Iterator<Item = &'static str> {
        let chosen = TABLE.iter().zip(&self.values);
        chosen.filter_map(|(spec, value)| value.as_ref().map(|_| spec.name))
    }

    fn integer(&self, name: &str) -> Result<u64> {
        let text = self.get(name)?;
        integer(text).ok_or_else(|| Error::new(Status::Option, format!("{name} is not a number")))
    }

    fn size(&self, name: &str) -> Result<usize> {
        usize::try_from(self.integer(name)?).map_err(|_| {
            Error::new(
                Status::Option,
                format!("{name} is too large for this machine"),
            )
        })
    }

    fn milliseconds(&self, name: &str) -> Result<Duration> {
        Ok(Duration::from_millis(self.integer(name)?))
    }

    fn boolean(&self, name: &str) -> Result<bool> {
        Ok(boolean(self.get(name)?) == Some(true))
    }
}

fn row(name: &str) -> Result<usize> {
    TABLE
        .iter()
        .position(|spec| spec.name == name)
        .ok_or_else(|| {
            let name = name.escape_debug();
            Error::new(Status::Option, format!("there is no option \"{name}\""))
        })
}

/// Digits only, as C and every binding write a number.
fn integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_range() {
        for spec in TABLE.iter().filter(|spec| !spec.default.is_empty()) {
            spec.check(spec.default).unwrap();
        }
        Config::new(&Options::new()).unwrap();
    }

    #[test]
    fn errors_name_the_offender() {
        let mut options = Options::new();
        for (name, value, text) in [
            ("colour", "red", "there is no option \"colour\""),
            ("slots", "12", "slots cannot be \"12\": 1024 to 4194304"),
            (
                "timeout_ms",
                "0",
                "timeout_ms cannot be \"0\": 1 to 86400000",
            ),
            (
                "timeout_ms",
                "+5",
                "timeout_ms cannot be \"+5\": 1 to 86400000",
            ),
            ("timeout_ms", "", "timeout_ms cannot be \"\": 1 to 86400000"),
            (
                "tcp_nodelay",
                "yes",
                "tcp_nodelay cannot be \"yes\": true, false",
            ),
        ] {
            let error = options.set(name, value).unwrap_err();
            assert_eq!(error.status(), Status::Option);
            assert_eq!(error.message(), text);
        }
        assert!(options.set("distribution", "Rehash").is_err());
    }

    #[test]
    fn what_is_set_is_read_back() {
        let mut options = Options::new();
        assert_eq!(options.get("timeout_ms").unwrap(), "1000");
        options.set("timeout_ms", "250").unwrap();
        assert_eq!(options.get("timeout_ms").unwrap(), "250");
        assert!(options.get("nothing").is_err());
        let config = Config::new(&options).unwrap();
        assert_eq!(config.timeout, Duration::from_millis(250));
    }
}
