//! One server: its name, its connections, its health, and what is counted of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::events::Events;
use super::health::{Admission, Health, Rule, Standing, State};
use super::list::Spec;
use super::metrics::Metrics;
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
    pub metrics: Metrics,
    events: Arc<Events>,
    /// What the server holds when it was down is out of date: it is emptied before it is used again.
    pub flushes_on_return: bool,
    health: Mutex<Health>,
    /// Nothing speaks against the server: what a healthy call reads, without the lock.
    spotless: AtomicBool,
}

impl Server {
    /// Changes of its standing go to `events`.
    pub fn new(spec: &Spec, config: &Config, events: &Arc<Events>) -> Result<Self> {
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
            metrics: Metrics::default(),
            events: Arc::clone(events),
            flushes_on_return: config.flushes_on_return,
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
        let admission = self.change("its time to be tried again has come", |health| {
            health.admit(now)
        });
        admission.ok_or_else(|| self.down())
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

    /// The server gave a right answer. One that is to be emptied first is not back by that.
    pub fn succeeded(&self) {
        if !self.spotless.load(Ordering::Relaxed) {
            self.change("it answered", |health| {
                if !self.flushes_on_return || health.standing() == Standing::Suspect {
                    health.succeeded();
                }
            });
        }
    }

    /// A server that was down is back, and empty.
    pub fn returned(&self) {
        self.change("it was emptied", Health::succeeded);
    }

    /// Something happened to a connection; counts once, however many callers were on it.
    pub fn failed(&self, now: Instant, error: &Error) {
        self.fails(error, |health| health.failed(now));
    }

    /// The server could not be used at all. Where its keys go elsewhere then, what it holds is out of
    /// date from now on.
    pub fn unusable(&self, now: Instant, error: &Error) {
        self.fails(error, |health| match self.flushes_on_return {
            true => health.take_down(now),
            false => health.failed(now),
        });
    }

    fn fails(&self, error: &Error, change: impl FnOnce(&mut Health)) {
        self.metrics.failed(error.status());
        let goes_down = self.change(error.message(), |health| {
            let before = health.standing();
            change(health);
            health.standing() != before && health.standing() == Standing::Down
        });
        if goes_down {
            self.pool.go_down();
        }
    }

    pub fn standing(&self) -> Standing {
        self.health().standing()
    }

    fn change<T>(&self, reason: &str, change: impl FnOnce(&mut Health) -> T) -> T {
        let mut health = self.health();
        let before = health.standing();
        let result = change(&mut health);
        let after = health.standing();
        self.spotless
            .store(after == Standing::Up, Ordering::Relaxed);
        if after != before {
            // Under the lock, so that events come in the order of what happened.
            self.events.push(&self.identity, before, after, reason);
        }
        result
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
