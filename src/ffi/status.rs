//! Statuses. The numbers are fixed and never reused.

use std::ffi::{CStr, c_char};

use super::guard_or;
use crate::error::Status;

/// What a call or an operation came to. 0: it was done. Positive: the server said no.
/// Negative: it failed.
pub type cm_status = i32;

/// Done.
pub const CM_OK: cm_status = 0;
/// The server has no item of that key: a miss.
pub const CM_NOT_FOUND: cm_status = 1;
/// The condition of an add, replace, append or prepend was not met.
pub const CM_NOT_STORED: cm_status = 2;
/// The item was changed since its cas id was read.
pub const CM_EXISTS: cm_status = 3;
/// An argument is wrong; the message names it.
pub const CM_ERR_ARGUMENT: cm_status = -1;
/// The key is empty, longer than 250 bytes with the prefix, or holds a blank or a control character.
pub const CM_ERR_KEY: cm_status = -2;
/// The value is larger than the server takes (or than the caller's buffer, or than what is left of
/// `max_batch_bytes`). After a refused set the server no longer has the old value either.
pub const CM_ERR_VALUE_TOO_LARGE: cm_status = -3;
/// The time was over. Whether a write was done is not known, unless CM_UNSENT is set.
pub const CM_ERR_TIMEOUT: cm_status = -4;
/// The server is taken for down: nothing was tried.
pub const CM_ERR_SERVER_DOWN: cm_status = -5;
/// The connection could not be made, or broke. Whether a write was done is not known, unless
/// CM_UNSENT is set.
pub const CM_ERR_CONNECTION: cm_status = -6;
/// What came from the server is not the answer to what was asked. The connection was closed.
pub const CM_ERR_PROTOCOL: cm_status = -7;
/// The server failed (SERVER_ERROR).
pub const CM_ERR_SERVER: cm_status = -8;
/// The server found fault with the request (CLIENT_ERROR), as with incr of a text.
pub const CM_ERR_REJECTED: cm_status = -9;
/// The server, or this version of the library, does not know how to do this.
pub const CM_ERR_UNSUPPORTED: cm_status = -10;
/// The server did not accept the user or password.
pub const CM_ERR_AUTH: cm_status = -11;
/// TLS could not be established.
pub const CM_ERR_TLS: cm_status = -12;
/// An option is unknown, out of its range, or excludes another.
pub const CM_ERR_OPTION: cm_status = -13;
/// The name of the server could not be resolved.
pub const CM_ERR_RESOLVE: cm_status = -14;
/// A defect of the library. It cost the connections in use, nothing else.
pub const CM_ERR_PANIC: cm_status = -15;
/// The client was closed.
pub const CM_ERR_CLOSED: cm_status = -16;
/// The operation was cancelled.
pub const CM_ERR_CANCELLED: cm_status = -17;
/// There was no memory for the value.
pub const CM_ERR_NO_MEMORY: cm_status = -18;
/// The object is in use.
pub const CM_ERR_BUSY: cm_status = -19;

const NAMES: &[(cm_status, &CStr)] = &[
    (CM_OK, c"CM_OK"),
    (CM_NOT_FOUND, c"CM_NOT_FOUND"),
    (CM_NOT_STORED, c"CM_NOT_STORED"),
    (CM_EXISTS, c"CM_EXISTS"),
    (CM_ERR_ARGUMENT, c"CM_ERR_ARGUMENT"),
    (CM_ERR_KEY, c"CM_ERR_KEY"),
    (CM_ERR_VALUE_TOO_LARGE, c"CM_ERR_VALUE_TOO_LARGE"),
    (CM_ERR_TIMEOUT, c"CM_ERR_TIMEOUT"),
    (CM_ERR_SERVER_DOWN, c"CM_ERR_SERVER_DOWN"),
    (CM_ERR_CONNECTION, c"CM_ERR_CONNECTION"),
    (CM_ERR_PROTOCOL, c"CM_ERR_PROTOCOL"),
    (CM_ERR_SERVER, c"CM_ERR_SERVER"),
    (CM_ERR_REJECTED, c"CM_ERR_REJECTED"),
    (CM_ERR_UNSUPPORTED, c"CM_ERR_UNSUPPORTED"),
    (CM_ERR_AUTH, c"CM_ERR_AUTH"),
    (CM_ERR_TLS, c"CM_ERR_TLS"),
    (CM_ERR_OPTION, c"CM_ERR_OPTION"),
    (CM_ERR_RESOLVE, c"CM_ERR_RESOLVE"),
    (CM_ERR_PANIC, c"CM_ERR_PANIC"),
    (CM_ERR_CLOSED, c"CM_ERR_CLOSED"),
    (CM_ERR_CANCELLED, c"CM_ERR_CANCELLED"),
    (CM_ERR_NO_MEMORY, c"CM_ERR_NO_MEMORY"),
    (CM_ERR_BUSY, c"CM_ERR_BUSY"),
];

// The ABI's numbers and the core's are the same.
const _: () = {
    assert!(CM_OK == Status::Ok.code());
    assert!(CM_EXISTS == Status::Exists.code());
    assert!(CM_ERR_ARGUMENT == Status::Argument.code());
    assert!(CM_ERR_TIMEOUT == Status::Timeout.code());
    assert!(CM_ERR_UNSUPPORTED == Status::Unsupported.code());
    assert!(CM_ERR_CLOSED == Status::Closed.code());
    assert!(CM_ERR_BUSY == Status::Busy.code());
};

/// The version of the library, "MAJOR.MINOR.PATCH".
///
/// The text is static. Safe from any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn cm_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The name of a status, "CM_OK" and so on; "CM_UNKNOWN" for a number that is none.
///
/// The text is static. Safe from any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn cm_status_name(status: cm_status) -> *const c_char {
    guard_or(c"CM_UNKNOWN".as_ptr(), || {
        let named = NAMES.iter().find(|(number, _)| *number == status);
        named.map_or(c"CM_UNKNOWN", |(_, name)| name).as_ptr()
    })
}
