//! `cm_error`

use std::ffi::{CString, c_char};

use super::guard_or;
use super::result::CM_UNSENT;
use super::status::{CM_OK, cm_status};
use crate::error::Error;

/// Why a call failed. Made by the library, freed by the caller with cm_error_free. Belongs to
/// one thread at a time.
pub struct cm_error {
    status: cm_status,
    message: CString,
    server: CString,
    state: u32,
}

impl cm_error {
    pub(super) fn into_raw(error: Error) -> *mut cm_error {
        Box::into_raw(Box::new(cm_error {
            status: error.status().code(),
            message: c_string(error.message()),
            server: c_string(error.server()),
            state: if error.is_unsent() { CM_UNSENT } else { 0 },
        }))
    }
}

/// A C string of a text that is not expected to hold a NUL; if it does, it ends there.
pub(super) fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// The status of an error, the one the failed call returned. CM_OK for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_error_status(error: *const cm_error) -> cm_status {
    guard_or(CM_OK, || {
        // SAFETY: as the caller promises.
        unsafe { error.as_ref() }.map_or(CM_OK, |error| error.status)
    })
}

/// What went wrong: one line, nothing the caller knew already. "" for NULL.
///
/// The text lives as long as the error. Since 0.1.0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_error_message(error: *const cm_error) -> *const c_char {
    guard_or(c"".as_ptr(), || {
        // SAFETY: as the caller promises.
        let error = unsafe { error.as_ref() };
        error.map_or(c"", |error| error.message.as_c_str()).as_ptr()
    })
}

/// Identity of the server the error is about; "" when it is about none, and for NULL.
///
/// The text lives as long as the error. Since 0.1.0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_error_server(error: *const cm_error) -> *const c_char {
    guard_or(c"".as_ptr(), || {
        // SAFETY: as the caller promises.
        let error = unsafe { error.as_ref() };
        error.map_or(c"", |error| error.server.as_c_str()).as_ptr()
    })
}

/// What is known of the operation that failed: CM_UNSENT, if nothing of it can have reached the
/// server; else a write may have been done. For a batch, of the operation the error is about. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_error_state(error: *const cm_error) -> u32 {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { error.as_ref() }.map_or(0, |error| error.state)
    })
}

/// Frees an error. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_error_free(error: *mut cm_error) {
    guard_or((), || {
        if !error.is_null() {
            // SAFETY: made by `into_raw`, freed once as the caller promises.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}
