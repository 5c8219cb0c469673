//! Storing an item.

use std::ffi::{c_char, c_void};

use super::client::cm_client;
use super::error::cm_error;
use super::operation::check_cas;
use super::single::plain;
use super::status::cm_status;
use super::{bytes, guard};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation};

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
