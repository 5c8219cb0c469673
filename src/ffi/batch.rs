//! Batches: any mix of operations, all servers at once, under one deadline.

use std::ffi::c_char;
use std::time::Duration;

use super::bytes;
use super::client::cm_client;
use super::error::cm_error;
use super::operation::{CM_OP_SET, cm_op, kind, operations};
use super::results::{cm_results, deliver};
use super::status::cm_status;
use crate::client::Results;
use crate::error::{Error, Result, Status};
use crate::protocol::{Kind, Operation};

/// Runs operations: each at its own server, all servers at the same time, under one deadline.
/// Operations on one server are done in the order given.
///
/// ops: `count` structs of `op_size` bytes (`sizeof(cm_op)`), borrowed for the call.
/// timeout_ms: for the whole call; 0 for the client's `timeout_ms`.
/// *results_out: one result for each operation, in the order given, to be freed with
/// cm_results_free; NULL only when the call as a whole was wrong.
/// Returns CM_OK when every operation was answered (a miss is an answer), else the status of the
/// first that was not; the results are there in both cases. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is all that `ops` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_execute(
    client: *mut cm_client,
    ops: *const cm_op,
    op_size: usize,
    count: usize,
    timeout_ms: u32,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        let timeout = Duration::from_millis(timeout_ms.into());
        // SAFETY: as the caller promises.
        let (client, operations) = unsafe {
            (
                cm_client::client(client)?,
                operations(ops, op_size, count, 0)?,
            )
        };
        client.execute(operations, timeout)
    })
}

/// Gets many keys at once.
///
/// keys, key_lens: `count` keys and their lengths, borrowed for the call.
/// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is every key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_get_multi(
    client: *mut cm_client,
    keys: *const *const c_char,
    key_lens: *const usize,
    count: usize,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        unsafe { by_keys(client, Kind::Get, keys, key_lens, count) }
    })
}

/// Stores many items at once.
///
/// items: as for cm_execute; `kind` may be 0, for CM_OP_SET, or CM_OP_ADD, CM_OP_REPLACE,
/// CM_OP_APPEND, CM_OP_PREPEND or CM_OP_CAS.
/// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is all that `items` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_set_multi(
    client: *mut cm_client,
    items: *const cm_op,
    op_size: usize,
    count: usize,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        let (client, items) = unsafe {
            (
                cm_client::client(client)?,
                operations(items, op_size, count, CM_OP_SET)?,
            )
        };
        client.execute(items.map(|item| item.and_then(stores)), Duration::ZERO)
    })
}

/// Deletes many keys at once.
///
/// keys, key_lens: `count` keys and their lengths, borrowed for the call.
/// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is every key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_delete_multi(
    client: *mut cm_client,
    keys: *const *const c_char,
    key_lens: *const usize,
    count: usize,
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(results_out, error_out, || {
        // SAFETY: as the caller promises.
        unsafe { by_keys(client, Kind::Delete, keys, key_lens, count) }
    })
}

/// # Safety
/// The pointers are NULL or valid, and so is every key.
unsafe fn by_keys(
    client: *mut cm_client,
    kind: Kind,
    keys: *const *const c_char,
    key_lens: *const usize,
    count: usize,
) -> Result<Results> {
    // SAFETY: as the caller promises.
    let (client, keys, key_lens) = unsafe {
        let client = cm_client::client(client)?;
        let keys = bytes(keys, count, "keys")?;
        (client, keys, bytes(key_lens, count, "key_lens")?)
    };
    let operations = keys.iter().zip(key_lens).map(|(&key, &len)| {
        // SAFETY: as the caller promises.
        let key = unsafe { bytes(key.cast(), len, "key") }?;
        Ok(Operation::new(kind, key))
    });
    client.execute(operations, Duration::ZERO)
}

fn stores(item: Operation<'_>) -> Result<Operation<'_>> {
    if item.kind.carries_value() {
        return Ok(item);
    }
    Err(Error::new(
        Status::Argument,
        "the kind is not one that stores",
    ))
}

/// The kind for a function that stores: 0 means set.
pub(super) fn storing_kind(number: u32) -> Result<Kind> {
    let kind = kind(if number == 0 { CM_OP_SET } else { number })?;
    match kind {
        Kind::Set | Kind::Add | Kind::Replace => Ok(kind),
        _ => Err(Error::new(
            Status::Argument,
            "kind is CM_OP_SET, CM_OP_ADD or CM_OP_REPLACE",
        )),
    }
}
