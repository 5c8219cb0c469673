//! `cm_op`: an operation as a C caller writes it.

mod rules;

use std::ffi::{c_char, c_void};

use super::bytes;
use crate::error::{Error, Result, Status};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation, Want};
pub(super) use rules::check_cas;

/// Brings an item. CM_WANT_CAS also brings its cas id.
pub const CM_OP_GET: u32 = 1;
/// Stores `value` with `flags` and `ttl_seconds`.
pub const CM_OP_SET: u32 = 2;
/// Stores, unless there is an item.
pub const CM_OP_ADD: u32 = 3;
/// Stores, if there is an item.
pub const CM_OP_REPLACE: u32 = 4;
/// Puts `value` behind the item's. Flags and ttl stay as they are.
pub const CM_OP_APPEND: u32 = 5;
/// Puts `value` before the item's. Flags and ttl stay as they are.
pub const CM_OP_PREPEND: u32 = 6;
/// Stores, if the item's cas id still is `cas`.
pub const CM_OP_CAS: u32 = 7;
/// Deletes an item.
pub const CM_OP_DELETE: u32 = 8;
/// Sets the ttl of an item.
pub const CM_OP_TOUCH: u32 = 9;
/// Brings an item and sets its ttl.
pub const CM_OP_GET_AND_TOUCH: u32 = 10;
/// Adds `delta` to a number; wraps at 2^64.
pub const CM_OP_INCREMENT: u32 = 11;
/// Subtracts `delta` from a number; stops at 0.
pub const CM_OP_DECREMENT: u32 = 12;

/// Bit of cm_op.want: bring the cas id: of the item read, stored or counted. Of what is stored, memcached
/// tells it since 1.6.21.
pub const CM_WANT_CAS: u32 = 1;
/// Bit of cm_op.want: route by `hash` in place of the key's hash.
pub const CM_WANT_HASH: u32 = 2;
/// Bit of cm_op.want: `ttl_seconds` is a Unix time.
pub const CM_WANT_UNIX_TTL: u32 = 4;
/// Bit of cm_op.want, to read and to count: bring the seconds the item has left.
pub const CM_WANT_TTL: u32 = 8;
/// Bit of cm_op.want, to read: bring the seconds since the item was last asked for.
pub const CM_WANT_LAST_ACCESS: u32 = 16;
/// Bit of cm_op.want, to read: say with CM_HIT_BEFORE whether the item had been asked for before.
pub const CM_WANT_HIT_BEFORE: u32 = 32;
/// Bit of cm_op.want, to read and to store: bring the length of the value. Of what is stored, memcached
/// tells it since 1.6.20.
pub const CM_WANT_SIZE: u32 = 64;
/// Bit of cm_op.want, to read: do not bring the value.
pub const CM_WANT_NO_VALUE: u32 = 128;
/// Bit of cm_op.want, to read: do not count this as a use of the item.
pub const CM_WANT_NO_BUMP: u32 = 256;
/// Bit of cm_op.want, to store, delete and count: do not wait for the answer. CM_OK then says that the
/// operation was sent; what became of it is told only where that is known anyway.
pub const CM_WANT_QUIET: u32 = 512;
/// Bit of cm_op.want: send the key as base64, whatever its bytes and whatever `binary_keys` says.
pub const CM_WANT_BASE64_KEY: u32 = 1024;
/// Bit of cm_op.want. CM_OP_DELETE: mark the item stale in place of deleting it; `ttl_seconds`, if not
/// 0, is its new ttl. CM_OP_CAS: if the item's cas id is higher than `cas`, store nevertheless, but as
/// stale; CM_EXISTS if it is lower.
pub const CM_WANT_INVALIDATE: u32 = 2048;
/// Bit of cm_op.want. CM_OP_INCREMENT, CM_OP_DECREMENT: where there is no item, make one of `initial`
/// and `initial_ttl_seconds`. CM_OP_APPEND, CM_OP_PREPEND: where there is none, make one of `value`
/// and `initial_ttl_seconds`; memcached does so since 1.6.20.
pub const CM_WANT_CREATE: u32 = 4096;
/// Bit of cm_op.want. CM_OP_DELETE with CM_WANT_INVALIDATE and a `ttl_seconds`: drop the value, so that
/// only a tombstone is left. memcached does so since 1.6.27.
pub const CM_WANT_DROP_VALUE: u32 = 8192;

/// One operation of a batch. Fields and bits that an operation does not use are zero: others are
/// CM_ERR_ARGUMENT. What only the meta commands of memcached 1.6 can do is CM_ERR_UNSUPPORTED,
/// with CM_UNSENT, on a server that does not have them, or not that one yet.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cm_op {
    /// CM_OP_GET and so on.
    pub kind: u32,
    /// CM_WANT_CAS and so on, or'ed.
    pub want: u32,
    pub key: *const c_char,
    pub key_len: usize,
    pub value: *const c_void,
    pub value_len: usize,
    /// Routed by this in place of the key, if its length is not 0.
    pub route: *const c_char,
    pub route_len: usize,
    /// Routed by this hash, with CM_WANT_HASH.
    pub hash: i64,
    /// Seconds from now: 0 never expires, negative is expired at once. CM_OP_INCREMENT and
    /// CM_OP_DECREMENT: the new ttl, if not 0.
    pub ttl_seconds: i64,
    /// The cas id to compare with: CM_EXISTS if the item has another. CM_OP_DELETE, CM_OP_INCREMENT,
    /// CM_OP_DECREMENT: 0 for any.
    pub cas: u64,
    /// What to add or subtract.
    pub delta: u64,
    /// The number to begin with, with CM_WANT_CREATE.
    pub initial: u64,
    /// The ttl of an item that is created, with CM_WANT_CREATE.
    pub initial_ttl_seconds: i64,
    /// To read: on a miss, leave a stub for so long, which tells others that the value is being
    /// computed. 0: none. The first to come has CM_WON in the state of its miss, and `cas` to store with
    /// CM_OP_CAS; the others have CM_ALREADY_SENT.
    pub lease_seconds: i64,
    /// To read: of those who find fewer seconds left, the first has CM_WON. At most 2592000; 0: nobody.
    pub refresh_before_seconds: i64,
    /// Client flags of the item to store.
    pub flags: u32,
    pub reserved: u32,
}

/// The operations of a caller's array, whose structs may be larger than this version's: what
/// it does not know must be zero.
///
/// # Safety
/// `ops` is NULL or leads to `count` structs of `op_size` bytes, valid for `'a`, as is all they lead to.
pub(super) unsafe fn operations<'a>(
    ops: *const cm_op,
    op_size: usize,
    count: usize,
    default_kind: u32,
) -> Result<impl ExactSizeIterator<Item = Result<Operation<'a>>>> {
    let wrong = |text: &str| Error::new(Status::Argument, text);
    if op_size < size_of::<cm_op>() || !op_size.is_multiple_of(align_of::<cm_op>()) {
        return Err(wrong("op_size is not the size of a cm_op"));
    }
    let size = count
        .checked_mul(op_size)
        .ok_or_else(|| wrong("count is no number of operations"))?;
    // SAFETY: as the caller promises.
    let memory: &'a [u8] = unsafe { bytes(ops.cast(), size, "ops") }?;
    if !ops.is_aligned() {
        return Err(wrong("ops is not aligned"));
    }
    Ok(memory.chunks_exact(op_size).map(move |chunk| {
        let (known, unknown) = chunk.split_at(size_of::<cm_op>());
        if unknown.iter().any(|&byte| byte != 0) {
            let text = "a field behind those this version knows is not zero";
            return Err(Error::new(Status::Argument, text));
        }
        // SAFETY: the chunk holds a cm_op at an aligned address: the array is aligned, and so is
        // each size. What it leads to is valid as the caller promises.
        unsafe { operation(&*known.as_ptr().cast::<cm_op>(), default_kind) }
    }))
}

/// # Safety
/// What `op` leads to is valid for `'a`.
unsafe fn operation<'a>(op: &cm_op, default_kind: u32) -> Result<Operation<'a>> {
    let kind = kind(if op.kind == 0 { default_kind } else { op.kind })?;
    rules::check(op, kind)?;
    // SAFETY: as the caller promises.
    let (key, value, route) = unsafe {
        (
            bytes(op.key.cast(), op.key_len, "key")?,
            bytes(op.value.cast(), op.value_len, "value")?,
            bytes(op.route.cast(), op.route_len, "route")?,
        )
    };
    Ok(Operation {
        want: Want::from_bits(op.want),
        flags: op.flags,
        value,
        ttl: match op.ttl_seconds {
            0 => Ttl::NEVER,
            unix if op.want & CM_WANT_UNIX_TTL != 0 => Ttl::Unix(unix),
            seconds => Ttl::FromNow(seconds),
        },
        cas: op.cas,
        delta: op.delta,
        create: create(op)?,
        initial: op.initial,
        // Checked above.
        refresh_before: op.refresh_before_seconds as u32,
        route: (!route.is_empty()).then_some(route),
        hash: (op.want & CM_WANT_HASH != 0).then_some(op.hash),
        ..Operation::new(kind, key)
    })
}

/// The ttl of a stub or of an item that is created.
fn create(op: &cm_op) -> Result<Option<i32>> {
    let seconds = match op.want & CM_WANT_CREATE {
        0 if op.lease_seconds == 0 => return Ok(None),
        0 => op.lease_seconds,
        // What is in the past is as well just past.
        _ => op.initial_ttl_seconds.max(-1),
    };
    let fits = i32::try_from(seconds).map_err(|_| {
        let text = format!("a ttl of {seconds} seconds does not fit");
        Error::new(Status::Argument, text)
    })?;
    Ok(Some(fits))
}

// The ABI's numbers and the core's are the same.
const _: () = {
    assert!(CM_WANT_CAS == Want::CAS.bits());
    assert!(CM_WANT_TTL == Want::TTL.bits());
    assert!(CM_WANT_LAST_ACCESS == Want::LAST_ACCESS.bits());
    assert!(CM_WANT_HIT_BEFORE == Want::HIT_BEFORE.bits());
    assert!(CM_WANT_SIZE == Want::SIZE.bits());
    assert!(CM_WANT_NO_VALUE == Want::NO_VALUE.bits());
    assert!(CM_WANT_NO_BUMP == Want::NO_BUMP.bits());
    assert!(CM_WANT_QUIET == Want::QUIET.bits());
    assert!(CM_WANT_BASE64_KEY == Want::BASE64_KEY.bits());
    assert!(CM_WANT_INVALIDATE == Want::INVALIDATE.bits());
    assert!(CM_WANT_DROP_VALUE == Want::DROP_VALUE.bits());
};

/// The kind of an operation by its number.
pub(super) fn kind(kind: u32) -> Result<Kind> {
    Ok(match kind {
        CM_OP_GET => Kind::Get,
        CM_OP_SET => Kind::Set,
        CM_OP_ADD => Kind::Add,
        CM_OP_REPLACE => Kind::Replace,
        CM_OP_APPEND => Kind::Append,
        CM_OP_PREPEND => Kind::Prepend,
        CM_OP_CAS => Kind::Cas,
        CM_OP_DELETE => Kind::Delete,
        CM_OP_TOUCH => Kind::Touch,
        CM_OP_GET_AND_TOUCH => Kind::GetAndTouch,
        CM_OP_INCREMENT => Kind::Increment,
        CM_OP_DECREMENT => Kind::Decrement,
        _ => {
            let text = format!("{kind} is no kind of operation");
            return Err(Error::new(Status::Argument, text));
        }
    })
}
