//! Operations on one key that bring a status or a number, and what all operations on one key
//! share.

use std::ffi::c_char;
use std::time::Duration;

use super::client::cm_client;
use super::error::cm_error;
use super::status::cm_status;
use super::{bytes, guard, out};
use crate::client::{Single, Target};
use crate::error::{Error, Result};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation};

/// Deletes an item; CM_NOT_FOUND if there is none.
///
/// Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_delete(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let operation = |key| Operation::new(Kind::Delete, key);
        // SAFETY: as the caller promises.
        unsafe { plain(client, key, key_len, operation) }
    })
}

/// Sets the ttl of an item; CM_NOT_FOUND if there is none.
///
/// ttl_seconds: from now; 0 never expires, negative is expired at once.
/// CM_ERR_ARGUMENT: the ttl does not fit. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_touch(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    ttl_seconds: i64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let operation = |key| Operation {
            ttl: Ttl::FromNow(ttl_seconds),
            ..Operation::new(Kind::Touch, key)
        };
        // SAFETY: as the caller promises.
        unsafe { plain(client, key, key_len, operation) }
    })
}

/// Adds to a number of decimal digits; it wraps at 2^64. CM_NOT_FOUND if there is no item.
///
/// *number_out: the new number; 0 unless the call returns CM_OK. NULL if it does not matter.
/// CM_ERR_REJECTED: the item is not a number. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_increment(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    delta: u64,
    number_out: *mut u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    // SAFETY: as the caller promises.
    unsafe {
        count(
            client,
            Kind::Increment,
            key,
            key_len,
            delta,
            number_out,
            error_out,
        )
    }
}

/// Subtracts from a number of decimal digits; it stops at 0. Otherwise as cm_increment.
///
/// Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_decrement(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    delta: u64,
    number_out: *mut u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    // SAFETY: as the caller promises.
    unsafe {
        count(
            client,
            Kind::Decrement,
            key,
            key_len,
            delta,
            number_out,
            error_out,
        )
    }
}

/// # Safety
/// The pointers are NULL or valid.
unsafe fn count(
    client: *mut cm_client,
    kind: Kind,
    key: *const c_char,
    key_len: usize,
    delta: u64,
    number_out: *mut u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let mut unwanted = 0;
        let number_out = if number_out.is_null() {
            &raw mut unwanted
        } else {
            number_out
        };
        // SAFETY: as the caller promises.
        let number_out = unsafe { out(number_out, 0, "number_out") }?;
        let mut single = Single::new(Target::Owned { headroom: 0 });
        let operation = |key| Operation {
            delta,
            ..Operation::new(kind, key)
        };
        // SAFETY: as the caller promises.
        unsafe { run(client, key, key_len, operation, &mut single) }?;
        *number_out = single.number;
        finish(single)
    })
}

/// An operation that is answered by a status alone.
///
/// # Safety
/// The pointers are NULL or valid.
pub(super) unsafe fn plain<'a>(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    operation: impl FnOnce(&'a [u8]) -> Operation<'a>,
) -> Result<cm_status> {
    let mut single = Single::new(Target::Owned { headroom: 0 });
    // SAFETY: as the caller promises.
    unsafe { run(client, key, key_len, operation, &mut single) }?;
    finish(single)
}

/// # Safety
/// The pointers are NULL or valid.
pub(super) unsafe fn run<'a>(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    operation: impl FnOnce(&'a [u8]) -> Operation<'a>,
    single: &mut Single<'_>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    let (client, key) = unsafe {
        (
            cm_client::client(client)?,
            bytes(key.cast(), key_len, "key")?,
        )
    };
    client.execute_one(&operation(key), Duration::ZERO, single);
    Ok(())
}

/// The status of an answer, or the error in its place.
pub(super) fn finish(single: Single<'_>) -> Result<cm_status> {
    let status = single.status();
    if !status.is_failure() {
        return Ok(status.code());
    }
    let unexplained = || Error::new(status, "no answer");
    Err(single.into_error().unwrap_or_else(unexplained))
}
