//! Making a connection: a state machine that resolves a name, tries its addresses, and
//! never blocks.

use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use socket2::SockAddr;

use super::address::{Address, Host};
use super::connection::Connection;
use super::pool::{Lease, Slot};
use super::resolver::{Lookup, Resolver};
use super::stream::{Stream, TcpSettings};
use super::wake::Wake;
use crate::error::{Error, Result, Status};

/// Where a server is reached, and how.
#[derive(Debug)]
pub struct Endpoint {
    target: Target,
    tcp: TcpSettings,
    timeout: Duration,
    /// The address connected to last, tried first the next time: two addresses of one name
    /// used at a time would be two caches.
    preferred: Mutex<Option<SocketAddr>>,
}

#[derive(Debug)]
enum Target {
    Fixed(SockAddr),
    Named(Resolver),
}

/// A connection being made.
#[derive(Debug)]
pub struct Opening {
    // Before the stream: its socket is off the pool's list before it is closed.
    slot: Slot,
    stage: Stage,
    deadline: Instant,
    /// Why the address tried last could not be reached.
    failure: Option<io::Error>,
}

// There are few openings at a time, and they are short.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Stage {
    Resolving(Arc<Lookup>),
    Connecting {
        stream: Stream,
        address: Candidate,
        /// When the next address gets its turn.
        give_up: Instant,
        rest: Vec<Candidate>,
    },
}

/// An address to try. The name's are remembered as such, a fixed one has no other.
#[derive(Clone, Debug)]
struct Candidate {
    address: SockAddr,
    resolved: Option<SocketAddr>,
}

/// How far an [`Opening`] has come.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Opened {
    Ready(Lease),
    NotYet(Opening),
}

impl Endpoint {
    pub fn new(address: &Address, tcp: TcpSettings, timeout: Duration) -> io::Result<Self> {
        let target = match address {
            Address::Unix(path) => Target::Fixed(SockAddr::unix(path)?),
            Address::Tcp {
                host: Host::Ip(ip),
                port,
            } => Target::Fixed(SocketAddr::new(*ip, *port).into()),
            Address::Tcp {
                host: Host::Name(name),
                port,
            } => Target::Named(Resolver::new(name.clone(), *port)),
        };
        Ok(Self {
            target,
            tcp,
            timeout,
            preferred: Mutex::new(None),
        })
    }

    /// Where connections are made to, as far as that is known.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.target {
            Target::Fixed(address) => address.as_socket(),
            Target::Named(_) => *self.lock_preferred(),
        }
    }

    /// Begins to connect. `wake` rings when a name has been resolved.
    pub fn open(&self, slot: Slot, now: Instant, wake: &Arc<Wake>) -> Result<Opened> {
        let deadline = now + self.timeout;
        match &self.target {
            Target::Fixed(address) => {
                let candidate = Candidate {
                    address: address.clone(),
                    resolved: None,
                };
                self.try_next(slot, vec![candidate], now, deadline, None)
            }
            Target::Named(resolver) => Ok(Opened::NotYet(Opening {
                slot,
                stage: Stage::Resolving(resolver.look_up(wake)),
                deadline,
                failure: None,
            })),
        }
    }

    /// Goes on as far as it can without waiting.
    pub fn advance(&self, opening: Opening, now: Instant, writable: bool) -> Result<Opened> {
        let Opening {
            mut slot,
            stage,
            deadline,
            failure,
        } = opening;
        if !slot.set_socket(stage.socket()) {
            slot.set_socket(None);
            return Err(Error::new(Status::Closed, "the client was closed"));
        }
        match stage {
            Stage::Resolving(lookup) => match lookup.answered() {
                Some(Ok(addresses)) => {
                    let candidates = self.in_order(addresses);
                    self.try_next(slot, candidates, now, deadline, None)
                }
                Some(Err(text)) => Err(Error::new(Status::Resolve, text)),
                None if now >= deadline => Err(Error::new(
                    Status::Timeout,
                    "resolving the name took longer than connect_timeout_ms",
                )),
                None => Ok(Opened::NotYet(Opening {
                    slot,
                    stage: Stage::Resolving(lookup),
                    deadline,
                    failure,
                })),
            },
            Stage::Connecting {
                stream,
                address,
                rest,
                ..
            } if writable => match stream.finish_connect() {
                Ok(()) => Ok(self.connected(slot, stream, &address, now)),
                Err(error) => {
                    // The slot forgets the socket before it is closed.
                    slot.set_socket(None);
                    drop(stream);
                    self.try_next(slot, rest, now, deadline, Some(error))
                }
            },
            Stage::Connecting {
                stream,
                give_up,
                rest,
                ..
            } if now >= give_up => {
                slot.set_socket(None);
                drop(stream);
                self.try_next(slot, rest, now, deadline, failure)
            }
            stage => Ok(Opened::NotYet(Opening {
                slot,
                stage,
                deadline,
                failure,
            })),
        }
    }

    /// Wakes whoever waits for the name, so that it sees that the client was closed.
    pub fn ring_all(&self) {
        if let Target::Named(resolver) = &self.target {
            resolver.ring_all();
        }
    }

    /// Tries one address after the other, each for its share of the time that is left.
    fn try_next(
        &self,
        mut slot: Slot,
        mut candidates: Vec<Candidate>,
        now: Instant,
        deadline: Instant,
        mut failure: Option<io::Error>,
    ) -> Result<Opened> {
        let left = deadline.saturating_duration_since(now);
        while !candidates.is_empty() && !left.is_zero() {
            let share = left / u32::try_from(candidates.len()).unwrap_or(u32::MAX);
            let address = candidates.remove(0);
            let (stream, done) = match Stream::connect(&address.address, self.tcp) {
                Ok(begun) => begun,
                Err(error) if is_local(&error) => {
                    let text = format!("cannot make a socket: {error}");
                    return Err(Error::new(Status::NoMemory, text));
                }
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            if !slot.set_socket(Some(stream.fd())) {
                slot.set_socket(None);
                return Err(Error::new(Status::Closed, "the client was closed"));
            }
            if done {
                return Ok(self.connected(slot, stream, &address, now));
            }
            return Ok(Opened::NotYet(Opening {
                slot,
                stage: Stage::Connecting {
                    stream,
                    address,
                    give_up: now + share,
                    rest: candidates,
                },
                deadline,
                failure,
            }));
        }
        Err(match failure {
            Some(error) => Error::new(Status::Connection, format!("cannot connect: {error}")),
            None if left.is_zero() => Error::new(
                Status::Timeout,
                "connecting took longer than connect_timeout_ms",
            ),
            None => Error::new(Status::Resolve, "the name has no address"),
        })
    }

    fn connected(&self, slot: Slot, stream: Stream, address: &Candidate, now: Instant) -> Opened {
        let mut epoch = 0;
        if address.resolved.is_some() {
            let mut preferred = self.lock_preferred();
            if preferred.is_some() && *preferred != address.resolved {
                slot.begin_epoch();
            }
            *preferred = address.resolved;
            epoch = slot.epoch();
        }
        Opened::Ready(slot.into_lease(Box::new(Connection::new(stream, now, epoch))))
    }

    fn in_order(&self, mut addresses: Vec<SocketAddr>) -> Vec<Candidate> {
        let preferred = *self.lock_preferred();
        // Stable: the others stay as the resolver ordered them (RFC 6724).
        addresses.sort_by_key(|&address| Some(address) != preferred);
        addresses
            .into_iter()
            .map(|address| Candidate {
                address: address.into(),
                resolved: Some(address),
            })
            .collect()
    }

    fn lock_preferred(&self) -> std::sync::MutexGuard<'_, Option<SocketAddr>> {
        self.preferred
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// True for what this machine has too little of, which says nothing about a server.
fn is_local(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or_default();
    [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM].contains(&code)
}

impl Opening {
    /// The socket that becomes writable when it is connected; `None` while a name is resolved.
    pub fn socket(&self) -> Option<RawFd> {
        self.stage.socket()
    }

    /// When to go on even if nothing happens.
    pub fn wake_at(&self) -> Instant {
        match &self.stage {
            Stage::Resolving(_) => self.deadline,
            Stage::Connecting { give_up, .. } => (*give_up).min(self.deadline),
        }
    }
}

impl Stage {
    fn socket(&self) -> Option<RawFd> {
        match self {
            Stage::Resolving(_) => None,
            Stage::Connecting { stream, .. } => Some(stream.fd()),
        }
    }
}
