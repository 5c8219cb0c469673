//! `cm_events`: what has become of the servers.

use std::ffi::{CString, c_char};

use super::client::cm_client;
use super::error::{c_string, cm_error};
use super::metrics::state;
use super::status::{CM_OK, cm_status};
use super::{guard, guard_or, out};
use crate::fleet::Event;

/// The state of a server changed. Reached by pointer; later versions may add fields at its end.
#[repr(C)]
pub struct cm_event {
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// Identity of the server.
    pub server: *const c_char,
    /// CM_SERVER_UP, CM_SERVER_SUSPECT, CM_SERVER_DOWN or CM_SERVER_PROBING
    pub from_state: u32,
    /// As from_state.
    pub to_state: u32,
    /// One line.
    pub reason: *const c_char,
}

/// Events, the oldest first. Freed with cm_events_free. Belongs to one thread at a time; outlives
/// the client.
pub struct cm_events {
    events: Vec<Row>,
    dropped: u64,
}

struct Row {
    view: cm_event,
    _texts: [CString; 2],
}

impl Row {
    fn new(event: &Event) -> Self {
        let texts = [c_string(&event.server), c_string(&event.reason)];
        let view = cm_event {
            time_ms: event.time_ms,
            server: texts[0].as_ptr(),
            from_state: state(event.from),
            to_state: state(event.to),
            reason: texts[1].as_ptr(),
        };
        Self {
            view,
            _texts: texts,
        }
    }
}

/// Takes the events since they were last taken, from whichever thread. Asks no server.
///
/// The client keeps the last 1024 of them; a child begins with none.
/// *events_out: to be freed with cm_events_free; NULL unless the call returns CM_OK.
/// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_events_take(
    client: *mut cm_client,
    events_out: *mut *mut cm_events,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (events_out, client) = unsafe {
            let events_out = out(events_out, std::ptr::null_mut(), "events_out")?;
            (events_out, cm_client::client(client)?)
        };
        let taken = client.take_events()?;
        *events_out = Box::into_raw(Box::new(cm_events {
            events: taken.events.iter().map(Row::new).collect(),
            dropped: taken.dropped,
        }));
        Ok(CM_OK)
    })
}

/// How many events there are. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `events` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_events_count(events: *const cm_events) -> usize {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { events.as_ref() }.map_or(0, |events| events.events.len())
    })
}

/// The event at a place, from 0; NULL behind the last, and for NULL.
///
/// It lives as long as the events. Since 0.1.0.
///
/// # Safety
/// `events` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_events_at(events: *const cm_events, index: usize) -> *const cm_event {
    guard_or(std::ptr::null(), || {
        // SAFETY: as the caller promises.
        let events = unsafe { events.as_ref() };
        let row = events.and_then(|events| events.events.get(index));
        row.map_or(std::ptr::null(), |row| &raw const row.view)
    })
}

/// How many older events are lost: there were more than the client keeps. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `events` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_events_dropped(events: *const cm_events) -> u64 {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { events.as_ref() }.map_or(0, |events| events.dropped)
    })
}

/// Frees events. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `events` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_events_free(events: *mut cm_events) {
    guard_or((), || {
        if !events.is_null() {
            // SAFETY: made by cm_events_take, freed once as the caller promises.
            drop(unsafe { Box::from_raw(events) });
        }
    });
}
