//! Names to addresses. `getaddrinfo` blocks, so it runs on a short-lived thread of its own:
//! the only thread the library ever starts.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use super::wake::Wake;

/// Resolves the name of one server. Callers that ask while a look-up is under way share it,
/// so a resolver that hangs costs one thread for each server, not one for each call.
#[derive(Debug)]
pub struct Resolver {
    host: String,
    port: u16,
    current: Mutex<Option<Arc<Lookup>>>,
}

/// A look-up that may be under way.
#[derive(Debug, Default)]
pub struct Lookup {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Answer>,
    waiting: Vec<Arc<Wake>>,
}

/// Every address of the name, or why there is none.
pub type Answer = Result<Vec<SocketAddr>, String>;

impl Resolver {
    pub fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            current: Mutex::new(None),
        }
    }

    /// Starts a look-up, or joins the one under way. `wake` rings when there is an answer.
    pub fn look_up(&self, wake: &Arc<Wake>) -> Arc<Lookup> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = current.as_ref().filter(|lookup| lookup.join(wake)) {
            return Arc::clone(lookup);
        }
        let lookup = Arc::new(Lookup::default());
        lookup.join(wake);
        *current = Some(Arc::clone(&lookup));
        self.spawn(&lookup);
        lookup
    }

    /// Wakes whoever waits for a look-up, so that it sees that the client was closed.
    pub fn ring_all(&self) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = current.as_ref() {
            lookup.lock().waiting.drain(..).for_each(|wake| wake.ring());
        }
    }

    fn spawn(&self, lookup: &Arc<Lookup>) {
        let (host, port) = (self.host.clone(), self.port);
        let answered = Arc::clone(lookup);
        let resolve = move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            answered.answer(addresses.map(Iterator::collect).map_err(|e| e.to_string()));
        };
        let thread = std::thread::Builder::new().name("cm-resolver".into());
        if let Err(error) = thread.spawn(resolve) {
            lookup.answer(Err(format!("no thread for the resolver: {error}")));
        }
    }
}

impl Lookup {
    /// The answer, if it has come.
    pub fn answered(&self) -> Option<Answer> {
        self.lock().answer.clone()
    }

    /// False when the answer is there: a new connection wants a new look-up.
    fn join(&self, wake: &Arc<Wake>) -> bool {
        let mut state = self.lock();
        if state.answer.is_none() {
            state.waiting.push(Arc::clone(wake));
        }
        state.answer.is_none()
    }

    fn answer(&self, answer: Answer) {
        let waiting = {
            let mut state = self.lock();
            state.answer = Some(answer);
            std::mem::take(&mut state.waiting)
        };
        waiting.iter().for_each(|wake| wake.ring());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
