//! Options as the library uses them.

use std::time::Duration;

use super::{Options, boolean, integer};
use crate::error::{Error, Result, Status};
use crate::placement::Settings;
use crate::protocol::key;

/// How a key is copied from its owner before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Copying {
    /// Under a stub that says that it is being copied: a write or deletion meanwhile wins.
    Lease,
    /// If nothing is there. A deletion that races can lose.
    Add,
    /// Only where an operation depends on it, by `add`.
    Never,
}

/// Options as the library uses them.
#[derive(Debug)]
pub struct Config {
    pub settings: Settings,
    pub key_prefix: Vec<u8>,
    /// Keys that cannot go as they are go as base64.
    pub binary_keys: bool,
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub connections_per_server: usize,
    /// `None`: connections are kept.
    pub idle_close: Option<Duration>,
    pub max_value_bytes: u64,
    pub max_batch_bytes: u64,
    /// Zero: not at all.
    pub spin: Duration,
    /// Keys of a server that cannot be used go to the next.
    pub failover: bool,
    /// A server that was down is emptied before it is used again.
    pub flushes_on_return: bool,
    pub failure_threshold: u32,
    pub retry_after: Duration,
    /// For how long after a change; `None`: not at all.
    pub handover: Option<Duration>,
    pub handover_copy: Copying,
    pub tcp_nodelay: bool,
    /// `None`: never asked.
    pub tcp_keepalive: Option<Duration>,
}

impl Config {
    /// The deadline of a call from now: its own, or the client's when that is zero.
    pub fn timeout_or_default(&self, timeout: Duration) -> Duration {
        if timeout.is_zero() {
            self.timeout
        } else {
            timeout
        }
    }

    /// Options that exclude each other are [`Status::Option`].
    pub fn new(options: &Options) -> Result<Self> {
        let key_prefix = options.get("key_prefix")?.as_bytes().to_vec();
        if key_prefix.len() >= key::MAX_LEN {
            let text = format!(
                "key_prefix leaves no room: a key has at most {} bytes",
                key::MAX_LEN
            );
            return Err(Error::new(Status::Option, text));
        }
        key::check_bytes(&key_prefix).map_err(|error| {
            Error::new(Status::Option, format!("key_prefix: {}", error.message()))
        })?;
        let some = |duration: Duration| (!duration.is_zero()).then_some(duration);
        let settings = settings(options)?;
        let failover = options.chosen("failover")?;
        Ok(Self {
            failover: failover.map_or(settings.fails_over, |rule| rule == "next"),
            settings,
            key_prefix,
            binary_keys: options.get("binary_keys")? == "base64",
            timeout: options.milliseconds("timeout_ms")?,
            connect_timeout: options.milliseconds("connect_timeout_ms")?,
            connections_per_server: options.size("connections_per_server")?,
            idle_close: some(options.milliseconds("idle_close_ms")?),
            max_value_bytes: options.integer("max_value_bytes")?,
            max_batch_bytes: options.integer("max_batch_bytes")?,
            spin: Duration::from_micros(options.integer("spin_us")?),
            flushes_on_return: options.get("on_return")? == "flush",
            failure_threshold: options.size("failure_threshold")? as u32,
            retry_after: options.milliseconds("retry_after_ms")?,
            handover: some(options.milliseconds("handover_ms")?),
            handover_copy: match options.get("handover_copy")? {
                "add" => Copying::Add,
                "none" => Copying::Never,
                _ => Copying::Lease,
            },
            tcp_nodelay: options.boolean("tcp_nodelay")?,
            tcp_keepalive: some(Duration::from_secs(options.integer("tcp_keepalive_s")?)),
        })
    }
}

/// The options that say where keys go.
const OF_PLACEMENT: &[&str] = &["distribution", "compat", "hash", "slots", "hash_prefix"];

/// Of options that are to say nothing else than where keys go.
pub fn only_settings(options: &Options) -> Result<Settings> {
    let strange = |name: &&str| !OF_PLACEMENT.contains(name);
    match options.names_chosen().find(strange) {
        None => settings(options),
        Some(name) => {
            let text = format!("{name} cannot be changed: only {}", OF_PLACEMENT.join(", "));
            Err(Error::new(Status::Option, text))
        }
    }
}

fn settings(options: &Options) -> Result<Settings> {
    let slots = options.chosen("slots")?.and_then(integer);
    Settings::resolve(
        options.chosen("compat")?,
        options.chosen("distribution")?,
        options.chosen("hash")?,
        slots.and_then(|slots| u32::try_from(slots).ok()),
        options.chosen("hash_prefix")?.and_then(boolean),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_must_be_fit_for_a_key() {
        let config = |prefix: &str| {
            let mut options = Options::new();
            options.set("key_prefix", prefix).unwrap();
            Config::new(&options)
        };
        assert!(config("app:").is_ok());
        assert_eq!(config("a b").unwrap_err().status(), Status::Option);
        assert!(config(&"x".repeat(249)).is_ok());
        assert!(config(&"x".repeat(250)).is_err());
    }
}
