//! From one list of servers to another.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::handover::{Former, Handover};
use super::{Fleet, Server, laid_out, list};
use crate::error::Result;
use crate::net::address::Address;
use crate::options::Config;
use crate::placement::Settings;

impl Fleet {
    /// Another list, or another placement. A server that is in both lists under one identity and
    /// address keeps its connections and its health. One that is not is closed when the last call
    /// that uses it has ended, and the handover is over.
    pub fn changed(
        self: &Arc<Self>,
        text: &str,
        settings: &Settings,
        config: &Config,
        now: Instant,
    ) -> Result<Self> {
        let (specs, placement) = laid_out(text, settings)?;
        let kept: HashMap<_, _> = self.servers.iter().map(|s| (name(&s.spec), s)).collect();
        let server = |spec: &list::Spec| match kept.get(&name(spec)) {
            Some(&server) => Ok(Arc::clone(server)),
            None => Server::new(spec, config, &self.events).map(Arc::new),
        };
        let mut fleet = Self {
            servers: specs.iter().map(server).collect::<Result<_>>()?,
            listed: specs.len(),
            weights: specs.iter().map(|spec| spec.weight).collect(),
            placement,
            settings: settings.clone(),
            handover: None,
            retired: Vec::new(),
            events: Arc::clone(&self.events),
            handovers: Arc::clone(&self.handovers),
            generation: self.generation,
        };
        if let Some(time) = config.handover {
            let former = Former {
                placement: Arc::clone(&self.placement),
                hash_prefix: self.settings.hash_prefix,
                servers: fleet.places_of(&self.servers[..self.listed]),
                until: now + time,
                swept_until: now + time + config.timeout,
            };
            let earlier = self.handover.iter().flat_map(|handover| &handover.formers);
            let earlier = earlier
                .filter(|former| former.swept_until > now)
                .map(|former| {
                    let servers = former.servers.iter().map(|&at| &self.servers[at as usize]);
                    Former {
                        servers: fleet.places_of(servers),
                        placement: Arc::clone(&former.placement),
                        ..*former
                    }
                });
            let formers = std::iter::once(former).chain(earlier).collect();
            let earlier = self
                .handover
                .iter()
                .flat_map(|handover| handover.unsettled(now));
            let last = (Arc::downgrade(self), now + config.timeout);
            let before = std::iter::once(last).chain(earlier).collect();
            let handover = Handover::new(formers, &self.handovers, fleet.servers.len(), before);
            for (at, server) in fleet.servers.iter().enumerate() {
                if self.has_abandoned(server) {
                    handover.abandon(at as u32);
                }
            }
            fleet.handover = Some(handover);
        }
        fleet.retire_those_of(self);
        Ok(fleet)
    }

    /// The same fleet without a handover that is over.
    pub fn settled(&self) -> Self {
        let mut fleet = Self {
            servers: self.servers[..self.listed].to_vec(),
            listed: self.listed,
            weights: self.weights.clone(),
            placement: Arc::clone(&self.placement),
            settings: self.settings.clone(),
            handover: None,
            retired: Vec::new(),
            events: Arc::clone(&self.events),
            handovers: Arc::clone(&self.handovers),
            generation: self.generation,
        };
        fleet.retire_those_of(self);
        fleet
    }

    /// True for one at which something could not be deleted in this window.
    fn has_abandoned(&self, server: &Arc<Server>) -> bool {
        let all = self.handover.iter().flat_map(Handover::all_abandoned);
        all.into_iter()
            .any(|at| Arc::ptr_eq(&self.servers[at as usize], server))
    }

    /// Where these servers are in this fleet; those that are not in its list are put behind it.
    fn places_of<'a>(&mut self, servers: impl IntoIterator<Item = &'a Arc<Server>>) -> Box<[u32]> {
        let place = |server: &Arc<Server>| {
            let known = self.servers.iter().position(|one| Arc::ptr_eq(one, server));
            known.unwrap_or_else(|| {
                self.servers.push(Arc::clone(server));
                self.servers.len() - 1
            }) as u32
        };
        servers.into_iter().map(place).collect()
    }

    /// Remembers who is no longer used, for as long as calls that began before still use it.
    fn retire_those_of(&mut self, before: &Fleet) {
        let is_kept = |old: &Arc<Server>| self.servers.iter().any(|new| Arc::ptr_eq(old, new));
        let gone = before.servers.iter().filter(|old| !is_kept(old));
        let in_use = |server: &&Weak<Server>| server.strong_count() > 0;
        let earlier = before.retired.iter().filter(in_use).cloned();
        self.retired = gone.map(Arc::downgrade).chain(earlier).collect();
    }
}

fn name(spec: &list::Spec) -> (&str, &Address) {
    (&spec.identity, &spec.address)
}
