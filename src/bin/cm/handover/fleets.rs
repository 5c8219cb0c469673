//! The fleets before and after a change, and copying from one to the other.

use std::sync::Arc;
use std::time::Duration;

use consistent_memcached::client::{Client, Record, Results};
use consistent_memcached::error::{Error, Status};
use consistent_memcached::fleet::list;
use consistent_memcached::net::address::Address;
use consistent_memcached::options::{Config, Options};
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation, Want};

use super::listing::Source;
use super::tally::Tally;
use crate::arguments::ChangeArguments;
use crate::commands::reason;
use crate::failure::Failure;

pub struct Fleets {
    before: Fleet,
    after: Fleet,
    key_prefix: Vec<u8>,
    connect_timeout: Duration,
}

struct Fleet {
    client: Client,
    addresses: Vec<Address>,
    identities: Vec<Arc<str>>,
}

/// What is to become of a key.
pub enum Lot {
    /// The server that listed it is not its owner.
    Leftover,
    Stays,
    Moves,
}

impl Fleets {
    pub fn new(change: &ChangeArguments) -> Result<Self, Failure> {
        let mut options = change.options()?;
        for options in &mut options {
            // A copy goes to its owner or nowhere; and a listing has keys of any bytes.
            options.set("failover", "none")?;
            options.set("binary_keys", "base64")?;
        }
        let [before, after] = &options;
        if before.get("key_prefix")? != after.get("key_prefix")? {
            let text = "key_prefix is another after the change: no key would be found";
            return Err(Failure::input(text));
        }
        let config = Config::new(before)?;
        Ok(Self {
            before: Fleet::new(&change.from, before)?,
            after: Fleet::new(&change.to, after)?,
            key_prefix: config.key_prefix,
            connect_timeout: config.connect_timeout,
        })
    }

    /// How many servers there are before the change.
    pub fn server_count(&self) -> usize {
        self.before.addresses.len()
    }

    pub fn name(&self, server: usize) -> &str {
        &self.before.identities[server]
    }

    pub fn source(&self, server: usize) -> Source<'_> {
        Source {
            address: &self.before.addresses[server],
            connect_timeout: self.connect_timeout,
        }
    }

    /// A key as programs know it; `None` for one that lacks their prefix.
    pub fn own<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let key = key.strip_prefix(&*self.key_prefix)?;
        (!key.is_empty()).then_some(key)
    }

    pub fn lot(&self, server: usize, key: &[u8]) -> Result<Lot, Error> {
        if self.before.client.select_server(key)? != server {
            return Ok(Lot::Leftover);
        }
        // A name may go on to another machine: where the items are is said by the address.
        let owner = &self.after.addresses[self.after.client.select_server(key)?];
        Ok(match *owner == self.before.addresses[server] {
            true => Lot::Stays,
            false => Lot::Moves,
        })
    }

    /// Copies these keys, all of one owner.
    pub fn copy(&self, keys: &[&[u8]], tally: &mut Tally) {
        let reads = keys.iter().map(|key| Operation {
            want: Want::TTL | Want::NO_BUMP,
            ..Operation::new(Kind::Get, key)
        });
        let Some(results) = self.before.run(reads.collect(), tally) else {
            return;
        };
        let mut copies = Vec::with_capacity(keys.len());
        for (key, record) in keys.iter().zip(results.records()) {
            match record.status() {
                Status::Ok => match copy(key, &results, record) {
                    Some(op) => copies.push(op),
                    None => tally.gone += 1,
                },
                Status::NotFound => tally.gone += 1,
                _ => self.before.failed(&results, record, tally),
            }
        }
        let Some(results) = self.after.run(copies, tally) else {
            return;
        };
        for record in results.records() {
            match record.status() {
                Status::Ok => tally.copied += 1,
                Status::NotStored => tally.already_there += 1,
                _ => self.after.failed(&results, record, tally),
            }
        }
    }
}

impl Fleet {
    fn new(servers: &str, options: &Options) -> Result<Self, Failure> {
        let client = Client::new(servers, options)?;
        Ok(Self {
            addresses: (list::parse(servers)?.into_iter())
                .map(|spec| spec.address)
                .collect(),
            identities: client.identities(),
            client,
        })
    }

    /// `None` when the call as a whole failed, which is counted.
    fn run(&self, operations: Vec<Operation<'_>>, tally: &mut Tally) -> Option<Results> {
        let count = operations.len() as u64;
        let operations = operations.into_iter().map(Ok);
        match self.client.execute(operations, Duration::ZERO) {
            Ok(results) => Some(results),
            Err(error) => {
                tally.fail(error.server(), count, error.message());
                None
            }
        }
    }

    fn failed(&self, results: &Results, record: &Record, tally: &mut Tally) {
        let server = record.server.map(|index| &*self.identities[index as usize]);
        let server = server.unwrap_or_default();
        tally.fail(server, 1, reason(results, record, server));
    }
}

/// What adds the item at its new owner; `None` when it is not worth moving: it is out of date, or
/// expires within the second.
fn copy<'a>(key: &'a [u8], results: &'a Results, record: &Record) -> Option<Operation<'a>> {
    let details = record.details();
    if details.ttl == 0 || details.stale {
        return None;
    }
    Some(Operation {
        value: results.value(record)?,
        flags: record.flags,
        ttl: match details.ttl {
            ..0 => Ttl::NEVER,
            left => Ttl::FromNow(left),
        },
        ..Operation::new(Kind::Add, key)
    })
}
