//! The single-key family.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::client::cm_client;
use super::error::cm_error;
use super::operation::check_cas;
use super::result::{HEADROOM, cm_result};
use super::status::cm_status;
use super::{bytes, guard, out};
use crate::client::{Single, Target};
use crate::error::{Error, Result, Status};
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
            // Checks pointer and length; nothing is read.
            let len = bytes(buffer.cast::<u8>(), buffer_size, "buffer")?.len();
            let buffer = match len {
                0 => &mut [][..],
                len => std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len),
            };
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

/// Stores an item.
///
/// flags: given back by whoever gets the item.
/// ttl_seconds: from now; 0 never expires, negative is expired at once.
/// CM_ERR_VALUE_TOO_LARGE: the server refused the value, and has deleted the old one.
/// CM_ERR_TIMEOUT, CM_ERR_CONNECTION: whether it was stored is not known.
/// CM_ERR_ARGUMENT: the ttl does not fit. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_set(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    ttl_seconds: i64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags,
        ttl_seconds,
        cas: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Set, key, key_len, item, error_out) }
}

/// Stores an item unless there is one: CM_NOT_STORED. Otherwise as cm_set.
///
/// Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_add(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    ttl_seconds: i64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags,
        ttl_seconds,
        cas: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Add, key, key_len, item, error_out) }
}

/// Stores an item if there is one, else CM_NOT_STORED. Otherwise as cm_set.
///
/// Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_replace(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    ttl_seconds: i64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags,
        ttl_seconds,
        cas: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Replace, key, key_len, item, error_out) }
}

/// Puts bytes behind the value of an item; CM_NOT_STORED if there is none. Its flags and ttl stay.
///
/// Otherwise as cm_set. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_append(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags: 0,
        ttl_seconds: 0,
        cas: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Append, key, key_len, item, error_out) }
}

/// Puts bytes before the value of an item; CM_NOT_STORED if there is none. Its flags and ttl stay.
///
/// Otherwise as cm_set. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_prepend(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags: 0,
        ttl_seconds: 0,
        cas: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Prepend, key, key_len, item, error_out) }
}

/// Stores an item if it has not changed since its cas id was read with cm_gets.
///
/// CM_EXISTS: it has. CM_NOT_FOUND: it is gone. CM_ERR_ARGUMENT: the cas id is 0, which is none.
/// Otherwise as cm_set. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_cas(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    ttl_seconds: i64,
    cas: u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    let item = Item {
        value,
        value_len,
        flags,
        ttl_seconds,
        cas,
    };
    // SAFETY: as the caller promises.
    unsafe { store(client, Kind::Cas, key, key_len, item, error_out) }
}

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

/// What a storing function is given besides the key.
struct Item {
    value: *const c_void,
    value_len: usize,
    flags: u32,
    ttl_seconds: i64,
    cas: u64,
}

/// # Safety
/// The pointers are NULL or valid.
unsafe fn store(
    client: *mut cm_client,
    kind: Kind,
    key: *const c_char,
    key_len: usize,
    item: Item,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        check_cas(kind, item.cas)?;
        // SAFETY: as the caller promises.
        let value = unsafe { bytes(item.value.cast(), item.value_len, "value") }?;
        let operation = |key| Operation {
            value,
            flags: item.flags,
            ttl: Ttl::FromNow(item.ttl_seconds),
            cas: item.cas,
            ..Operation::new(kind, key)
        };
        // SAFETY: as the caller promises.
        unsafe { plain(client, key, key_len, operation) }
    })
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

/// An operation that is answered by a status alone.
///
/// # Safety
/// The pointers are NULL or valid.
unsafe fn plain<'a>(
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
unsafe fn run<'a>(
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
fn finish(single: Single<'_>) -> Result<cm_status> {
    let status = single.status();
    if !status.is_failure() {
        return Ok(status.code());
    }
    let unexplained = || Error::new(status, "no answer");
    Err(single.into_error().unwrap_or_else(unexplained))
}
