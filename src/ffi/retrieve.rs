//! Getting an item.

use std::ffi::{c_char, c_void};

use super::client::cm_client;
use super::error::cm_error;
use super::result::{HEADROOM, cm_result};
use super::single::{finish, run};
use super::status::cm_status;
use super::{bytes_mut, guard, out};
use crate::client::{Single, Target};
use crate::error::{Result, Status};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation};

/// Gets an item.
///
/// *result_out: the item, to be freed with cm_result_free; NULL unless the call returns CM_OK.
/// CM_NOT_FOUND: a miss. CM_ERR_KEY: no server takes such a key. Other negative statuses: the
/// server could not be asked; that is never reported as a miss. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_get(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    result_out: *mut *mut cm_result,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        unsafe {
            retrieve(client, key, key_len, result_out, |key| {
                Operation::new(Kind::Get, key)
            })
        }
    })
}

/// Gets an item and its cas id, for a later cm_cas. Otherwise as cm_get.
///
/// Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_gets(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    result_out: *mut *mut cm_result,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let operation = |key| Operation {
            want_cas: true,
            ..Operation::new(Kind::Get, key)
        };
        // SAFETY: as the caller promises.
        unsafe { retrieve(client, key, key_len, result_out, operation) }
    })
}

/// Gets an item and its cas id, and sets its ttl. Otherwise as cm_get.
///
/// ttl_seconds: from now; 0 never expires, negative is expired at once.
/// CM_ERR_ARGUMENT: the ttl does not fit. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_get_and_touch(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    ttl_seconds: i64,
    result_out: *mut *mut cm_result,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let operation = |key| Operation {
            want_cas: true,
            ttl: Ttl::FromNow(ttl_seconds),
            ..Operation::new(Kind::GetAndTouch, key)
        };
        // SAFETY: as the caller promises.
        unsafe { retrieve(client, key, key_len, result_out, operation) }
    })
}

/// Gets an item into the caller's memory.
///
/// buffer, buffer_size: where the value goes.
/// *value_len_out: its length, also when it does not fit; 0 when there is none.
/// *flags_out: client flags of the item; NULL if they do not matter.
/// CM_ERR_VALUE_TOO_LARGE: it does not fit, and the buffer holds nothing of it. Otherwise as
/// cm_get. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_get_into(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    buffer: *mut c_void,
    buffer_size: usize,
    value_len_out: *mut usize,
    flags_out: *mut u32,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        let mut no_flags = 0;
        let flags_out = if flags_out.is_null() {
            &raw mut no_flags
        } else {
            flags_out
        };
        // SAFETY: as the caller promises.
        let (flags_out, value_len_out, buffer) = unsafe {
            let flags_out = out(flags_out, 0, "flags_out")?;
            let value_len_out = out(value_len_out, 0, "value_len_out")?;
            let buffer = bytes_mut(buffer.cast(), buffer_size, "buffer")?;
            (flags_out, value_len_out, buffer)
        };
        let mut single = Single::new(Target::Buffer(buffer));
        // SAFETY: as the caller promises.
        unsafe {
            let operation = |key| Operation::new(Kind::Get, key);
            run(client, key, key_len, operation, &mut single)?;
        }
        *value_len_out = single.value_len;
        *flags_out = single.item_flags;
        finish(single)
    })
}

/// An operation that brings an item.
///
/// # Safety
/// The pointers are NULL or valid.
unsafe fn retrieve<'a>(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    result_out: *mut *mut cm_result,
    operation: impl FnOnce(&'a [u8]) -> Operation<'a>,
) -> Result<cm_status> {
    let mut single = Single::new(Target::Owned { headroom: HEADROOM });
    // SAFETY: as the caller promises.
    let result_out = unsafe { out(result_out, std::ptr::null_mut(), "result_out") }?;
    // SAFETY: as the caller promises.
    unsafe { run(client, key, key_len, operation, &mut single) }?;
    if single.status() == Status::Ok {
        *result_out = cm_result::into_raw(&mut single);
    }
    finish(single)
}
