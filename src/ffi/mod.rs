//! The C ABI. It only translates: pointers to slices and back, statuses to numbers, a
//! panic to an error. Each object of the ABI has a file of its own; `docs/abi.md` states the
//! conventions.

#![allow(non_camel_case_types)]

mod batch;
mod block;
mod client;
mod error;
mod events;
mod explain;
mod metrics;
pub mod operation;
mod options;
mod packed;
mod queue;
pub mod result;
mod results;
mod retrieve;
mod servers;
mod single;
pub mod status;
mod store;

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result, Status};
use error::cm_error;
use status::cm_status;

/// Runs the body of a function of the ABI: `error_out` is always written, and a panic stays here.
fn guard(error_out: *mut *mut cm_error, body: impl FnOnce() -> Result<cm_status>) -> cm_status {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(panic)));
    let (status, error) = match result {
        Ok(status) => (status, None),
        Err(error) => (error.status().code(), Some(error)),
    };
    report(error_out, error);
    status
}

/// Writes `*error_out`, unless the caller does not want it.
fn report(error_out: *mut *mut cm_error, error: Option<Error>) {
    if !error_out.is_null() {
        let error = error.map_or(std::ptr::null_mut(), cm_error::into_raw);
        // SAFETY: not NULL, and the caller says that an error can be written there.
        unsafe { error_out.write(error) };
    }
}

/// For functions that return something other than a status: the neutral result after a panic.
fn guard_or<T>(neutral: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(neutral)
}

fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    Error::new(Status::Panic, format!("a defect of the library: {text}"))
}

/// An argument that must not be NULL.
///
/// # Safety
/// `pointer` is NULL or valid for reads for `'a`.
unsafe fn required<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// An out that must not be NULL. It gets its neutral value at once.
///
/// # Safety
/// `pointer` is NULL or valid for writes for `'a`.
unsafe fn out<'a, T>(pointer: *mut T, neutral: T, name: &str) -> Result<&'a mut T> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, valid as the caller promises; what was there is not read.
    unsafe {
        pointer.write(neutral);
        Ok(&mut *pointer)
    }
}

/// Bytes as pointer and length; NULL is fine at length 0.
///
/// # Safety
/// `pointer` is NULL or valid for `len` reads for `'a`.
unsafe fn bytes<'a, T>(pointer: *const T, len: usize, name: &str) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(name));
    }
    if len > isize::MAX as usize / size_of::<T>() {
        let text = format!("{name}: {len} is no length");
        return Err(Error::new(Status::Argument, text));
    }
    // SAFETY: not NULL, a possible length, valid as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// Memory to be written, as pointer and length; NULL is fine at length 0.
///
/// # Safety
/// `pointer` is NULL or valid for `len` writes for `'a`.
unsafe fn bytes_mut<'a>(pointer: *mut u8, len: usize, name: &str) -> Result<&'a mut [u8]> {
    // SAFETY: as the caller promises. Checks pointer and length; nothing is read.
    match unsafe { bytes(pointer, len, name) }?.len() {
        0 => Ok(&mut []),
        // SAFETY: not NULL, a possible length, valid as the caller promises.
        len => Ok(unsafe { std::slice::from_raw_parts_mut(pointer, len) }),
    }
}

/// A text that ends with NUL.
///
/// # Safety
/// `pointer` is NULL or points to bytes with a NUL, valid for `'a`.
unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, valid as the caller promises.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str()
        .map_err(|_| Error::new(Status::Argument, format!("{name} is not UTF-8")))
}

fn null(name: &str) -> Error {
    Error::new(Status::Argument, format!("{name} is NULL"))
}
