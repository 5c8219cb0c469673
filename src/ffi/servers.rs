//! Operations on whole servers.

use std::ffi::c_char;
use std::time::Duration;

use super::bytes;
use super::client::cm_client;
use super::error::cm_error;
use super::results::{cm_results, deliver};
use super::status::cm_status;
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation};

/// Asks every server for its statistics.
///
/// argument: such as "items" or "slabs"; length 0 for the general ones.
/// *results_out: one result for each server, in the order of the list. The value of each is text:
/// a line "NAME VALUE\n" for each figure. Status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_stats(
    client: *mut cm_client,
    argument: *const c_char,
    argument_len: usize,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        let (client, argument) = unsafe {
            let client = cm_client::client(client)?;
            (client, bytes(argument.cast(), argument_len, "argument")?)
        };
        client.execute_on_all(Operation::new(Kind::Stats, argument), Duration::ZERO)
    })
}

/// Empties every server, now or later. While a handover is on, those too that have left the list since it began.
///
/// delay_seconds: 0 for now.
/// *results_out: one result for each server, in the order of the list. Status as cm_execute.
/// CM_ERR_ARGUMENT: the delay is negative or does not fit. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_flush_all(
    client: *mut cm_client,
    delay_seconds: i64,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        let client = unsafe { cm_client::client(client) }?;
        let op = Operation {
            ttl: Ttl::FromNow(delay_seconds),
            ..Operation::new(Kind::FlushAll, &[])
        };
        client.execute_on_all(op, Duration::ZERO)
    })
}

/// Asks every server for its version.
///
/// *results_out: one result for each server, in the order of the list, with a value such as
/// "1.6.18". Status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_server_versions(
    client: *mut cm_client,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        let client = unsafe { cm_client::client(client) }?;
        client.execute_on_all(Operation::new(Kind::Version, &[]), Duration::ZERO)
    })
}
