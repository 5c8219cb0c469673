//! `cm_queue`: calls that an event loop drives.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use super::client::cm_client;
use super::error::cm_error;
use super::operation::{cm_op, operations};
use super::results::cm_results;
use super::status::{CM_OK, cm_status};
use super::{bytes_mut, guard, guard_or, out};
use crate::client::Queue;
use crate::error::{Error, Result, Status};

/// A queue of calls for an event loop (epoll, libuv, asyncio): it watches one descriptor, and
/// calls cm_queue_drive when that is readable. No function of a queue blocks.
///
/// Belongs to one thread at a time, and to the process that made it: in a child after fork every
/// function but cm_queue_free gives CM_ERR_CLOSED.
pub struct cm_queue {
    queue: Queue,
}

/// A call that has ended.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cm_completion {
    /// As given to cm_queue_submit.
    pub tag: u64,
    /// One result for each operation, to be freed with cm_results_free.
    pub results: *mut cm_results,
}

impl cm_queue {
    /// # Safety
    /// `queue` is NULL or valid for `'a`, and nobody else uses it.
    unsafe fn queue<'a>(queue: *mut cm_queue) -> Result<&'a mut Queue> {
        // SAFETY: as the caller promises.
        let queue = unsafe { queue.as_mut() };
        let null = || Error::new(Status::Argument, "queue is NULL");
        queue.map(|queue| &mut queue.queue).ok_or_else(null)
    }
}

/// Makes a queue on a client. It may outlive the cm_client, whose calls then give CM_ERR_CLOSED.
///
/// *queue_out: to be freed with cm_queue_free; NULL unless the call returns CM_OK.
/// CM_ERR_NO_MEMORY: no descriptor was free. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_new(
    client: *mut cm_client,
    queue_out: *mut *mut cm_queue,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (queue_out, client) = unsafe {
            let queue_out = out(queue_out, std::ptr::null_mut(), "queue_out")?;
            (queue_out, cm_client::shared(client)?)
        };
        let queue = Queue::new(Arc::clone(client))?;
        *queue_out = Box::into_raw(Box::new(cm_queue { queue }));
        Ok(CM_OK)
    })
}

/// The descriptor to watch: when it is readable, cm_queue_drive has something to do. -1 for NULL,
/// and in a child that inherited the queue.
///
/// It stays the same, and the queue's: nobody else reads or closes it. Since 0.1.0.
///
/// # Safety
/// `queue` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_fd(queue: *const cm_queue) -> c_int {
    guard_or(-1, || {
        // SAFETY: as the caller promises.
        let queue = unsafe { queue.as_ref() };
        queue.map_or(-1, |queue| queue.queue.descriptor().unwrap_or(-1))
    })
}

/// Begins a call: as cm_execute, but the results come from cm_queue_drive.
///
/// ops: copied, with the keys and values they lead to. op_size: `sizeof(cm_op)`.
/// timeout_ms: for the whole call, from now; 0 for the client's `timeout_ms`.
/// tag: names the call in its completion. CM_ERR_CLOSED: the client was closed. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is all that `ops` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_submit(
    queue: *mut cm_queue,
    ops: *const cm_op,
    op_size: usize,
    count: usize,
    timeout_ms: u32,
    tag: u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (queue, operations) = unsafe {
            let queue = cm_queue::queue(queue)?;
            (queue, operations(ops, op_size, count, 0)?)
        };
        queue.submit(operations, Duration::from_millis(timeout_ms.into()), tag)?;
        Ok(CM_OK)
    })
}

/// Goes on with whatever can go on, and hands over the calls that have ended.
///
/// completions: room for `capacity` structs of `completion_size` bytes (`sizeof(cm_completion)`).
/// With capacity 0 nothing is handed over.
/// *count_out: how many were written. When more have ended, the descriptor stays readable.
/// Returns CM_OK whatever became of the calls: that is in their results. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_drive(
    queue: *mut cm_queue,
    completions: *mut cm_completion,
    completion_size: usize,
    capacity: usize,
    count_out: *mut usize,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        if completion_size < size_of::<cm_completion>()
            || !completion_size.is_multiple_of(align_of::<cm_completion>())
        {
            let text = "completion_size is not the size of a cm_completion";
            return Err(Error::new(Status::Argument, text));
        }
        let size = capacity.saturating_mul(completion_size);
        // SAFETY: as the caller promises.
        let (count_out, queue, room) = unsafe {
            let count_out = out(count_out, 0, "count_out")?;
            let queue = cm_queue::queue(queue)?;
            (
                count_out,
                queue,
                bytes_mut(completions.cast(), size, "completions")?,
            )
        };
        queue.drive()?;
        for place in room.chunks_exact_mut(completion_size) {
            let Some(completion) = queue.completed() else {
                break;
            };
            place.fill(0);
            let completion = cm_completion {
                tag: completion.tag,
                results: cm_results::into_raw(completion.results),
            };
            // SAFETY: the place has room for it; it need not be aligned.
            unsafe {
                place
                    .as_mut_ptr()
                    .cast::<cm_completion>()
                    .write_unaligned(completion)
            };
            *count_out += 1;
        }
        queue.keep_readable();
        Ok(CM_OK)
    })
}

/// Ends the calls with this tag: what has no answer yet gets CM_ERR_CANCELLED. They come out of
/// cm_queue_drive as all others do. What was sent may still be done by the server.
///
/// CM_NOT_FOUND: no call with this tag is under way. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_cancel(
    queue: *mut cm_queue,
    tag: u64,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let found = unsafe { cm_queue::queue(queue) }?.cancel(tag)?;
        Ok(if found {
            CM_OK
        } else {
            Status::NotFound.code()
        })
    })
}

/// Frees a queue, and drops the calls that are under way. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `queue` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_queue_free(queue: *mut cm_queue) {
    guard_or((), || {
        if !queue.is_null() {
            // SAFETY: made by cm_queue_new, freed once as the caller promises.
            let queue = unsafe { Box::from_raw(queue) };
            // In a child the locks in it may be held by threads that are not there.
            if !queue.queue.is_of_this_process() {
                std::mem::forget(queue);
            }
        }
    });
}
