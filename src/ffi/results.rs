//! `cm_results`: what the operations of a batch came to.

use super::error::cm_error;
use super::result::cm_result;
use super::status::{CM_OK, cm_status};
use super::{guard, guard_or, out, report};
use crate::client::{RECORDS, Record, Results, Values};
use crate::error::Result;

/// The results of a batch, one for each operation, in the order given. Freed with
/// cm_results_free. Belongs to one thread at a time; outlives the client.
pub struct cm_results {
    views: Vec<cm_result>,
    /// Holds the values the views lead to.
    _values: Values,
}

impl Drop for cm_results {
    fn drop(&mut self) {
        RECORDS.lay_by(std::mem::take(&mut self.views));
    }
}

impl cm_results {
    pub(super) fn into_raw(results: Results) -> *mut cm_results {
        let view =
            |results: &Results, record: &Record| cm_result::of(record, results.value(record));
        let (views, values) = results.map(view);
        Box::into_raw(Box::new(cm_results {
            views,
            _values: values,
        }))
    }
}

/// Runs a batch and hands over its results.
pub(super) fn deliver(
    results_out: *mut *mut cm_results,
    error_out: *mut *mut cm_error,
    batch: impl FnOnce() -> Result<Results>,
) -> cm_status {
    deliver_as(
        |results| Ok(cm_results::into_raw(results)),
        results_out,
        "results_out",
        error_out,
        batch,
    )
}

/// Runs a batch and hands over what `into_raw` makes of its results: `*made_out` is NULL only when
/// the call as a whole was wrong. The status is that of the first operation that got no answer.
pub(super) fn deliver_as<T>(
    into_raw: impl FnOnce(Results) -> Result<*mut T>,
    made_out: *mut *mut T,
    name: &str,
    error_out: *mut *mut cm_error,
    batch: impl FnOnce() -> Result<Results>,
) -> cm_status {
    let mut failure = None;
    let status = guard(error_out, || {
        // SAFETY: `made_out` is NULL or valid, as the callers of the ABI promise.
        let made_out = unsafe { out(made_out, std::ptr::null_mut(), name) }?;
        let results = batch()?;
        failure = results.failure().cloned();
        *made_out = into_raw(results)?;
        Ok(CM_OK)
    });
    match failure {
        Some(error) if status == CM_OK => {
            let status = error.status().code();
            report(error_out, Some(error));
            status
        }
        _ => status,
    }
}

/// How many results there are: as many as there were operations. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `results` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_results_count(results: *const cm_results) -> usize {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { results.as_ref() }.map_or(0, |results| results.views.len())
    })
}

/// The result of the operation at a place, from 0; NULL behind the last, and for NULL.
///
/// It lives as long as the results. Since 0.1.0.
///
/// # Safety
/// `results` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_results_at(
    results: *const cm_results,
    index: usize,
) -> *const cm_result {
    guard_or(std::ptr::null(), || {
        // SAFETY: as the caller promises.
        let results = unsafe { results.as_ref() };
        let view = results.and_then(|results| results.views.get(index));
        view.map_or(std::ptr::null(), |view| view)
    })
}

/// Frees results and every value in them. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `results` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_results_free(results: *mut cm_results) {
    guard_or((), || {
        if !results.is_null() {
            // SAFETY: made by `deliver`, freed once as the caller promises.
            drop(unsafe { Box::from_raw(results) });
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::Client;
    use crate::error::{Error, Status};
    use crate::options::Options;

    /// A second block of memory for them would have to come from the system each time.
    #[test]
    fn views_take_the_place_of_the_records() {
        let client = Client::new("127.0.0.1:1", &Options::new()).unwrap();
        let wrong = || Err(Error::new(Status::Argument, "no operation"));
        let results = client
            .execute((0..5).map(|_| wrong()), Duration::ZERO)
            .unwrap();
        let place = results.records().as_ptr().cast::<cm_result>();
        let (views, _) = results.map(|_, record| cm_result::of(record, None));
        assert_eq!((views.len(), views.as_ptr()), (5, place));
        assert_eq!(size_of::<Record>(), size_of::<cm_result>());
    }
}
