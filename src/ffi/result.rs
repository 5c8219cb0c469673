//! `cm_result`: what an operation came to.

use std::ffi::c_void;

use super::guard_or;
use super::status::cm_status;
use crate::client::{Details, Record, Single};

/// Bit of cm_result.state: this caller won the right to recompute the value.
pub const CM_WON: u32 = 1;
/// Bit of cm_result.state: the value is stale.
pub const CM_STALE: u32 = 2;
/// Bit of cm_result.state: another caller is recomputing the value.
pub const CM_ALREADY_SENT: u32 = 4;
/// Bit of cm_result.state: nothing of the operation can have reached the server.
pub const CM_UNSENT: u32 = 8;

/// Bit of cm_result.state: the item had been asked for before, where CM_WANT_HIT_BEFORE asks.
pub const CM_HIT_BEFORE: u32 = 16;

/// In cm_result.server: no server was involved.
pub const CM_NO_SERVER: u32 = u32::MAX;

/// What an operation came to. Reached by pointer; later versions may add fields at its end.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cm_result {
    pub status: cm_status,
    /// Client flags of the item.
    pub flags: u32,
    /// Lives as long as the result; not NUL-terminated. NULL where there is no value.
    pub value: *const c_void,
    pub value_len: usize,
    /// 0 unless asked for. After a miss with CM_WON, what to store the value with.
    pub cas: u64,
    /// The new number after an increment or decrement.
    pub number: u64,
    /// Seconds left, where asked for; -1 never expires.
    pub ttl_seconds: i64,
    /// CM_WON | CM_STALE | CM_ALREADY_SENT | CM_UNSENT | CM_HIT_BEFORE
    pub state: u32,
    /// Index of the server that answered or failed, or CM_NO_SERVER.
    pub server: u32,
    /// Seconds since the item was last asked for, where CM_WANT_LAST_ACCESS asks.
    pub last_access_seconds: i64,
    /// Length of the value, where CM_WANT_SIZE or CM_WANT_NO_VALUE asks.
    pub size: u64,
}

fn state(details: &Details) -> u32 {
    let bits = [
        (details.won, CM_WON),
        (details.stale, CM_STALE),
        (details.already_sent, CM_ALREADY_SENT),
        (details.hit_before, CM_HIT_BEFORE),
    ];
    bits.iter().fold(
        0,
        |state, &(given, bit)| if given { state | bit } else { state },
    )
}

/// A [`cm_result`] of its own, at the head of the memory that holds its value.
#[repr(C)]
struct Owned {
    result: cm_result,
    memory: *mut u8,
    capacity: usize,
}

/// Free bytes that must stand before a value to make a result of it.
pub(super) const HEADROOM: usize = size_of::<Owned>() + align_of::<Owned>();

impl cm_result {
    pub(super) fn of(record: &Record, value: Option<&[u8]>) -> cm_result {
        let details = record.details();
        let unsent = if record.unsent { CM_UNSENT } else { 0 };
        cm_result {
            status: record.status().code(),
            flags: record.flags,
            value: value.map_or(std::ptr::null(), |value| value.as_ptr().cast()),
            value_len: value.map_or(0, <[u8]>::len),
            cas: record.cas,
            number: record.number,
            ttl_seconds: details.ttl,
            state: state(&details) | unsent,
            server: record.server.unwrap_or(CM_NO_SERVER),
            last_access_seconds: details.last_access,
            size: details.size,
        }
    }

    /// A result for a hit whose value stands behind [`HEADROOM`] free bytes.
    pub(super) fn into_raw(single: &mut Single<'_>) -> *mut cm_result {
        let mut memory = std::mem::ManuallyDrop::new(single.take_memory());
        let base = memory.as_mut_ptr();
        let result = cm_result {
            status: single.status().code(),
            flags: single.item_flags,
            value: memory[HEADROOM..].as_ptr().cast(),
            value_len: memory.len() - HEADROOM,
            cas: single.cas,
            number: single.number,
            ttl_seconds: single.details.ttl,
            state: state(&single.details),
            server: single.server.unwrap_or(CM_NO_SERVER),
            last_access_seconds: single.details.last_access,
            size: single.details.size,
        };
        let owned = Owned {
            result,
            memory: base,
            capacity: memory.capacity(),
        };
        // SAFETY: the headroom has room for an `Owned` at the next aligned address, and
        // nothing else is in it. The memory is the caller's from here on.
        unsafe {
            let place = base
                .add(base.align_offset(align_of::<Owned>()))
                .cast::<Owned>();
            place.write(owned);
            place.cast()
        }
    }
}

/// Frees a result of cm_get and its like. NULL is fine.
///
/// Not for a result that belongs to a cm_results. Since 0.1.0.
///
/// # Safety
/// `result` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_result_free(result: *mut cm_result) {
    guard_or((), || {
        if !result.is_null() {
            // SAFETY: made by `into_raw`, which keeps the memory's own pointer and capacity.
            unsafe {
                let owned = result.cast::<Owned>().read();
                drop(Vec::from_raw_parts(owned.memory, 0, owned.capacity));
            }
        }
    });
}
