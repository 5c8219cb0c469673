//! What is known of each server at one time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Fleet;
use super::health::Standing;
use super::metrics::Counters;

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub identity: Arc<str>,
    /// In canonical form.
    pub address: String,
    pub weight: u32,
    pub standing: Standing,
    pub connections_open: u64,
    pub connections_opened: u64,
    /// Found ended, or with bytes nobody asked for, after they had been idle.
    pub connections_replaced: u64,
    /// What the server refused of quiet operations and no result told of.
    pub quiet_failures: u64,
    pub counters: Counters,
}

impl Fleet {
    /// In the order of the list.
    pub fn snapshot(&self) -> Vec<Snapshot> {
        let servers = self.weights.iter().zip(&self.servers);
        let snapshot = servers.map(|(&weight, server)| Snapshot {
            identity: Arc::clone(&server.identity),
            address: server.spec.address.to_string(),
            weight,
            standing: server.standing(),
            connections_open: server.pool.counts.open(),
            connections_opened: server.pool.counts.opened(),
            connections_replaced: server.pool.counts.replaced(),
            quiet_failures: server.pool.terms.quiet_failures.load(Ordering::Relaxed),
            counters: server.metrics.snapshot(),
        });
        snapshot.collect()
    }
}
