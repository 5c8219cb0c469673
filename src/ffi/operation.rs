//! `cm_op`: an operation as a C caller writes it.

use std::ffi::{c_char, c_void};

use super::bytes;
use crate::error::{Error, Result, Status};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation};

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

/// Bit of cm_op.want: bring the item's cas id.
pub const CM_WANT_CAS: u32 = 1;
/// Bit of cm_op.want: route by `hash` in place of the key's hash.
pub const CM_WANT_HASH: u32 = 2;
/// Bit of cm_op.want: `ttl_seconds` is a Unix time.
pub const CM_WANT_UNIX_TTL: u32 = 4;

/// One operation of a batch. Fields that an operation does not use are zero; a field that does
/// not work yet and is not zero is CM_ERR_UNSUPPORTED for that operation.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cm_op {
    /// CM_OP_GET and so on.
    pub kind: u32,
    /// CM_WANT_CAS | CM_WANT_HASH | CM_WANT_UNIX_TTL
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
    /// Seconds from now: 0 never expires, negative is expired at once.
    pub ttl_seconds: i64,
    /// The cas id to compare with.
    pub cas: u64,
    /// What to add or subtract.
    pub delta: u64,
    /// Does not work yet.
    pub initial: u64,
    /// Does not work yet.
    pub initial_ttl_seconds: i64,
    /// Does not work yet.
    pub lease_seconds: i64,
    /// Does not work yet.
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
    refuse_unknown(op)?;
    refuse_unused(op, kind)?;
    // SAFETY: as the caller promises.
    let (key, value, route) = unsafe {
        (
            bytes(op.key.cast(), op.key_len, "key")?,
            bytes(op.value.cast(), op.value_len, "value")?,
            bytes(op.route.cast(), op.route_len, "route")?,
        )
    };
    Ok(Operation {
        want_cas: op.want & CM_WANT_CAS != 0,
        flags: op.flags,
        value,
        ttl: if op.want & CM_WANT_UNIX_TTL != 0 {
            Ttl::Unix(op.ttl_seconds)
        } else {
            Ttl::FromNow(op.ttl_seconds)
        },
        cas: op.cas,
        delta: op.delta,
        route: (!route.is_empty()).then_some(route),
        hash: (op.want & CM_WANT_HASH != 0).then_some(op.hash),
        ..Operation::new(kind, key)
    })
}

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

/// Refuses what this version does not do yet.
fn refuse_unknown(op: &cm_op) -> Result<()> {
    let known = CM_WANT_CAS | CM_WANT_HASH | CM_WANT_UNIX_TTL;
    let unsupported = [
        ("want", op.want & !known != 0),
        ("initial", op.initial != 0),
        ("initial_ttl_seconds", op.initial_ttl_seconds != 0),
        ("lease_seconds", op.lease_seconds != 0),
        ("refresh_before_seconds", op.refresh_before_seconds != 0),
    ];
    match unsupported.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((field, _)) => Err(Error::new(
            Status::Unsupported,
            format!("{field} asks for what this version does not do"),
        )),
    }
}

/// Refuses fields that would be ignored.
fn refuse_unused(op: &cm_op, kind: Kind) -> Result<()> {
    let retrieves = matches!(kind, Kind::Get | Kind::GetAndTouch);
    let stores = matches!(kind, Kind::Set | Kind::Add | Kind::Replace | Kind::Cas);
    let counts = matches!(kind, Kind::Increment | Kind::Decrement);
    let expires = stores || matches!(kind, Kind::Touch | Kind::GetAndTouch);
    let by_hash = op.want & CM_WANT_HASH != 0;
    let unused = [
        ("reserved", op.reserved != 0),
        ("value_len", op.value_len != 0 && !kind.carries_value()),
        ("flags", op.flags != 0 && !stores),
        ("ttl_seconds", op.ttl_seconds != 0 && !expires),
        (
            "want CM_WANT_UNIX_TTL",
            op.want & CM_WANT_UNIX_TTL != 0 && !expires,
        ),
        ("want CM_WANT_CAS", op.want & CM_WANT_CAS != 0 && !retrieves),
        ("cas", op.cas != 0 && kind != Kind::Cas),
        ("delta", op.delta != 0 && !counts),
        ("hash", op.hash != 0 && !by_hash),
        ("route_len", op.route_len != 0 && by_hash),
    ];
    if let Some((field, _)) = unused.iter().find(|(_, given)| *given) {
        let text = format!("this operation does not use {field}");
        return Err(Error::new(Status::Argument, text));
    }
    check_cas(kind, op.cas)
}

/// A compare-and-swap without a cas id would be a plain set.
pub(super) fn check_cas(kind: Kind, cas: u64) -> Result<()> {
    if kind == Kind::Cas && cas == 0 {
        let text = "a cas id is needed to compare with: 0 is none";
        return Err(Error::new(Status::Argument, text));
    }
    Ok(())
}
