//! What has become of the servers lately: a list that somebody may pull, and that does not grow
//! when nobody does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::health::Standing;

/// So many are kept; the oldest make room.
const KEPT: usize = 1024;

/// A server's standing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// Identity of the server.
    pub server: Arc<str>,
    pub from: Standing,
    pub to: Standing,
    /// One line.
    pub reason: String,
}

/// Events, the oldest first.
#[derive(Debug, Default)]
pub struct Taken {
    pub events: VecDeque<Event>,
    /// How many more there were since they were last taken: they had to make room.
    pub dropped: u64,
}

/// Shared by the servers of a fleet, and by the fleets that follow it when its list changes.
#[derive(Debug, Default)]
pub struct Events(Mutex<Taken>);

impl Events {
    pub fn push(&self, server: &Arc<str>, from: Standing, to: Standing, reason: &str) {
        let event = Event {
            time_ms: unix_ms(),
            server: Arc::clone(server),
            from,
            to,
            reason: reason.to_owned(),
        };
        let mut kept = self.lock();
        if kept.events.len() == KEPT {
            kept.events.pop_front();
            kept.dropped += 1;
        }
        kept.events.push_back(event);
    }

    /// What is kept; it is kept no longer.
    pub fn take(&self) -> Taken {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let events = Events::default();
        let server = Arc::from("a:11211");
        for number in 0..KEPT + 3 {
            events.push(
                &server,
                Standing::Up,
                Standing::Suspect,
                &number.to_string(),
            );
        }
        let taken = events.take();
        assert_eq!((taken.events.len(), taken.dropped), (KEPT, 3));
        assert_eq!(taken.events[0].reason, "3");
        assert_eq!(taken.events[KEPT - 1].reason, (KEPT + 2).to_string());
        assert!(taken.events[0].time_ms > 1_600_000_000_000);
        let taken = events.take();
        assert_eq!((taken.events.len(), taken.dropped), (0, 0));
    }
}
