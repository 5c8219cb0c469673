//! One server: its name, its connections, its health.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::health::{Admission, Health, Rule, State};
use super::list::Spec;
use crate::error::{Error, Result, Status};
use crate::net::exchange::Terms;
use crate::net::opening::Endpoint;
use crate::net::pool::Pool;
use crate::net::spin::Spin;
use crate::net::stream::TcpSettings;
use crate::options::Config;

#[derive(Debug)]
pub struct Server {
    pub identity: Arc<str>,
    pub spec: Spec,
    pub endpoint: Endpoint,
    pub pool: Arc<Pool>,
    pub spin: Spin,
    health: Mutex<Health>,
    /// Nothing speaks against the server: what a healthy call reads, without the lock.
    spotless: AtomicBool,
}

impl Server {
    pub fn new(spec: &Spec, config: &Config) -> Result<Self> {
        let tcp = TcpSettings {
            nodelay: config.tcp_nodelay,
            keepalive: config.tcp_keepalive,
        };
        let endpoint = Endpoint::new(&spec.address, tcp, config.connect_timeout);
        let endpoint = endpoint.map_err(|error| {
            let identity = &spec.identity;
            Error::new(Status::Argument, format!("server {identity}: {error}"))
        })?;
        let identity: Arc<str> = spec.identity.as_str().into();
        let terms = Terms {
            server: Arc::clone(&identity),
            prefix: config.key_prefix.as_slice().into(),
            max_value_bytes: config.max_value_bytes,
            binary_keys: config.binary_keys,
            unix_now,
            quiet_failures: Arc::default(),
        };
        Ok(Self {
            identity,
            spec: spec.clone(),
            endpoint,
            pool: Arc::new(Pool::new(
                terms,
                config.connections_per_server,
                config.idle_close,
            )),
            spin: Spin::new(config.spin),
            health: Mutex::new(Health::new(Rule {
                failure_threshold: config.failure_threshold,
                retry_after: config.retry_after,
                probe_limit: config.connect_timeout,
            })),
            spotless: AtomicBool::new(true),
        })
    }

    /// May a caller use the server now? [`Status::ServerDown`] when it may not.
    pub fn admit(&self, now: Instant) -> Result<Admission> {
        if self.spotless.load(Ordering::Relaxed) {
            return Ok(Admission::Go);
        }
        self.health().admit(now).ok_or_else(|| self.down())
    }

    /// As [`Server::admit`], for a caller that was admitted and had to wait for a connection.
    pub fn admit_again(&self, now: Instant) -> Result<()> {
        let is_down = || matches!(self.health().state(), State::Down { until } if now < until);
        if !self.spotless.load(Ordering::Relaxed) && is_down() {
            return Err(self.down());
        }
        Ok(())
    }

    pub fn down(&self) -> Error {
        Error::new(Status::ServerDown, "the server is down").unusable(true)
    }

    /// The server gave a right answer.
    pub fn succeeded(&self) {
        if !self.spotless.load(Ordering::Relaxed) {
            let mut health = self.health();
            health.succeeded();
            self.spotless.store(true, Ordering::Relaxed);
        }
    }

    /// Something happened to a connection; counts once, however many callers were on it.
    pub fn failed(&self, now: Instant) {
        let mut health = self.health();
        let before = health.state();
        health.failed(now);
        self.spotless.store(false, Ordering::Relaxed);
        let goes_down = health.state() != before && matches!(health.state(), State::Down { .. });
        drop(health);
        if goes_down {
            self.pool.go_down();
        }
    }

    pub fn close(&self) {
        self.pool.close();
        self.endpoint.ring_all();
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}
