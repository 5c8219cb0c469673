//! `cm_servers`: what is known of each server, and the same for Prometheus.

use std::ffi::{CString, c_char};

use super::client::cm_client;
use super::error::{c_string, cm_error};
use super::status::{CM_OK, cm_status};
use super::{guard, guard_or, out};
use crate::fleet::{Snapshot, Standing};

/// A state of a server: nothing speaks against it.
pub const CM_SERVER_UP: u32 = 1;
/// A state of a server: it has failed, fewer times in a row than `failure_threshold`.
pub const CM_SERVER_SUSPECT: u32 = 2;
/// A state of a server: calls fail at once, or go to another.
pub const CM_SERVER_DOWN: u32 = 3;
/// A state of a server: it was down, and one caller looks whether it is back.
pub const CM_SERVER_PROBING: u32 = 4;

pub(super) fn state(standing: Standing) -> u32 {
    match standing {
        Standing::Up => CM_SERVER_UP,
        Standing::Suspect => CM_SERVER_SUSPECT,
        Standing::Down => CM_SERVER_DOWN,
        Standing::Probing => CM_SERVER_PROBING,
    }
}

/// What is known of a server. Reached by pointer; later versions may add fields at its end.
/// Counts only grow, from the time the client was made or first had the server; in a child they
/// begin anew. Figures taken while calls are under way may be of slightly different moments.
#[repr(C)]
pub struct cm_server {
    pub identity: *const c_char,
    /// Where it is reached, in canonical form: `host:port` or `unix:/path`.
    pub address: *const c_char,
    pub weight: u32,
    /// CM_SERVER_UP, CM_SERVER_SUSPECT, CM_SERVER_DOWN or CM_SERVER_PROBING
    pub state: u32,
    /// How many are open now.
    pub connections: u64,
    /// How many were made.
    pub connections_opened: u64,
    /// How many were found ended, or with bytes on them that nobody asked for, after they had been
    /// idle. They are replaced, and no caller notices.
    pub connections_replaced: u64,
    /// Operations that came to an end here: answered, or failed.
    pub operations: u64,
    /// Of the operations those that read an item that was there.
    pub hits: u64,
    /// Of the operations those that read an item that was not there.
    pub misses: u64,
    /// Of the operations those that failed.
    pub errors: u64,
    /// Operations that another server was asked in place of this one. They are counted there.
    pub failovers: u64,
    /// What counts towards `failure_threshold`: connections that could not be made, broke, or went
    /// unanswered. One for each, however many operations were on it.
    pub failures: u64,
    /// Of the failures those where the time was over.
    pub timeouts: u64,
    /// Of the failures those where the server did not keep to the protocol.
    pub protocol_violations: u64,
    /// What the server refused of quiet operations and no result told of.
    pub quiet_failures: u64,
    /// How many times the server answered all that was asked of it in one go: an operation, or
    /// several together. The latencies are those of these exchanges, from sending to the last
    /// answer.
    pub exchanges: u64,
    /// In microseconds, all exchanges together.
    pub latency_sum_us: u64,
    /// In microseconds; off by less than an eighth, and by less than 1 below 8. 0 without exchanges.
    pub latency_p50_us: u64,
    /// As latency_p50_us.
    pub latency_p99_us: u64,
    /// In microseconds, exact.
    pub latency_max_us: u64,
    /// Of the operations those that failed with each status: CM_ERR_TIMEOUT, which is -4, at 4.
    pub errors_by_status: *const u64,
    pub errors_by_status_count: usize,
}

/// What is known of each server, in the order of the list. Freed with cm_servers_free. Belongs to
/// one thread at a time; outlives the client.
pub struct cm_servers {
    servers: Vec<Row>,
}

struct Row {
    view: cm_server,
    _texts: [CString; 2],
    _errors: Box<[u64]>,
}

impl Row {
    fn new(server: &Snapshot) -> Self {
        let counters = &server.counters;
        let latency = &counters.latency;
        let microseconds = |duration: std::time::Duration| duration.as_micros() as u64;
        // Behind a pointer of their own, so that it stays good when the row is moved.
        let errors: Box<[u64]> = counters.errors.into();
        let texts = [c_string(&server.identity), c_string(&server.address)];
        let view = cm_server {
            identity: texts[0].as_ptr(),
            address: texts[1].as_ptr(),
            weight: server.weight,
            state: state(server.standing),
            connections: server.connections_open,
            connections_opened: server.connections_opened,
            connections_replaced: server.connections_replaced,
            operations: counters.operations,
            hits: counters.hits,
            misses: counters.misses,
            errors: errors.iter().sum(),
            failovers: counters.failovers,
            failures: counters.failures,
            timeouts: counters.timeouts,
            protocol_violations: counters.violations,
            quiet_failures: server.quiet_failures,
            exchanges: latency.count(),
            latency_sum_us: microseconds(latency.sum),
            latency_p50_us: microseconds(latency.quantile(0.5)),
            latency_p99_us: microseconds(latency.quantile(0.99)),
            latency_max_us: microseconds(latency.max),
            errors_by_status: errors.as_ptr(),
            errors_by_status_count: errors.len(),
        };
        Self {
            view,
            _texts: texts,
            _errors: errors,
        }
    }
}

/// Tells what is known of each server. Asks no server.
///
/// *servers_out: to be freed with cm_servers_free; NULL unless the call returns CM_OK.
/// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_servers_snapshot(
    client: *mut cm_client,
    servers_out: *mut *mut cm_servers,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (servers_out, client) = unsafe {
            let servers_out = out(servers_out, std::ptr::null_mut(), "servers_out")?;
            (servers_out, cm_client::client(client)?)
        };
        let servers = client.servers()?.iter().map(Row::new).collect();
        *servers_out = Box::into_raw(Box::new(cm_servers { servers }));
        Ok(CM_OK)
    })
}

/// How many servers there are. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `servers` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_servers_count(servers: *const cm_servers) -> usize {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { servers.as_ref() }.map_or(0, |servers| servers.servers.len())
    })
}

/// The server at a place of the list, from 0; NULL behind the last, and for NULL.
///
/// It lives as long as the snapshot. Since 0.1.0.
///
/// # Safety
/// `servers` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_servers_at(
    servers: *const cm_servers,
    index: usize,
) -> *const cm_server {
    guard_or(std::ptr::null(), || {
        // SAFETY: as the caller promises.
        let servers = unsafe { servers.as_ref() };
        let row = servers.and_then(|servers| servers.servers.get(index));
        row.map_or(std::ptr::null(), |row| &raw const row.view)
    })
}

/// Frees a snapshot. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `servers` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_servers_free(servers: *mut cm_servers) {
    guard_or((), || {
        if !servers.is_null() {
            // SAFETY: made by cm_servers_snapshot, freed once as the caller promises.
            drop(unsafe { Box::from_raw(servers) });
        }
    });
}

/// Renders what is known of each server, and of handovers, in the text format of Prometheus, version 0.0.4, to be
/// served as `text/plain; version=0.0.4; charset=utf-8`. Asks no server.
///
/// *text_out: ends with NUL; to be freed with cm_text_free; NULL unless the call returns CM_OK.
/// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_metrics_prometheus(
    client: *mut cm_client,
    text_out: *mut *mut c_char,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (text_out, client) = unsafe {
            let text_out = out(text_out, std::ptr::null_mut(), "text_out")?;
            (text_out, cm_client::client(client)?)
        };
        *text_out = c_string(&client.prometheus()?).into_raw();
        Ok(CM_OK)
    })
}

/// Frees a text that a function of the library made. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `text` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_text_free(text: *mut c_char) {
    guard_or((), || {
        if !text.is_null() {
            // SAFETY: made by CString::into_raw, freed once as the caller promises.
            drop(unsafe { CString::from_raw(text) });
        }
    });
}
