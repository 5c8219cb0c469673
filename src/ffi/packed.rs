//! The packed form: keys, values and results of a batch in one piece of memory each, so that
//! a binding crosses into C a fixed number of times, and hands over no pointers to pointers.

use std::ffi::c_void;
use std::time::Duration;

use super::batch::storing_kind;
use super::client::cm_client;
use super::error::cm_error;
use super::operation::CM_WANT_CAS;
use super::results::deliver_as;
use super::status::cm_status;
use super::{block, bytes, guard_or};
use crate::client::{Client, Results};
use crate::error::{Error, Result, Status};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation, Want};

/// Gets many keys at once, packed.
///
/// want: 0 or CM_WANT_CAS.
/// keys, keys_size: the keys one after another. key_lens: their `count` lengths.
/// *block_out: the results in one block, 8-byte aligned, native byte order, to be freed with
/// cm_block_free; NULL only when the call as a whole was wrong. A head of 16 bytes: uint32
/// version (1), uint32 count, uint64 size of the block. Then `count` records of 64 bytes: int32
/// status, uint32 flags, uint64 offset of the value in the block, uint64 length of the value, uint64
/// cas, uint64 number, int64 ttl, uint32 state, uint32 server, 8 bytes zero. Then the values.
/// Status as cm_execute. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_get_multi_packed(
    client: *mut cm_client,
    want: u32,
    keys: *const c_void,
    keys_size: usize,
    key_lens: *const u32,
    count: usize,
    block_out: *mut *mut c_void,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(block_out, error_out, || {
        if want & !CM_WANT_CAS != 0 {
            let text = format!("want {want:#x}: only CM_WANT_CAS can be asked for");
            return Err(Error::new(Status::Unsupported, text));
        }
        // SAFETY: as the caller promises.
        let (client, keys) = unsafe {
            (
                cm_client::client(client)?,
                pieces(keys, keys_size, key_lens, count, "key")?,
            )
        };
        let operations = keys.map(|key| {
            Ok(Operation {
                want: Want::from_bits(want),
                ..Operation::new(Kind::Get, key)
            })
        });
        execute(client, operations)
    })
}

/// Stores many items at once, packed.
///
/// kind: CM_OP_SET (or 0), CM_OP_ADD or CM_OP_REPLACE.
/// values, values_size, value_lens: the values, as the keys in cm_get_multi_packed.
/// flags: one for each item; NULL: all 0. ttl_seconds: one for all, as in cm_set.
/// *block_out: as from cm_get_multi_packed. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_set_multi_packed(
    client: *mut cm_client,
    kind: u32,
    keys: *const c_void,
    keys_size: usize,
    key_lens: *const u32,
    values: *const c_void,
    values_size: usize,
    value_lens: *const u32,
    flags: *const u32,
    ttl_seconds: i64,
    count: usize,
    block_out: *mut *mut c_void,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(block_out, error_out, || {
        let kind = storing_kind(kind)?;
        // SAFETY: as the caller promises.
        let (client, keys, values, flags) = unsafe {
            (
                cm_client::client(client)?,
                pieces(keys, keys_size, key_lens, count, "key")?,
                pieces(values, values_size, value_lens, count, "value")?,
                if flags.is_null() {
                    &[][..]
                } else {
                    bytes(flags, count, "flags")?
                },
            )
        };
        let items = keys.zip(values).enumerate();
        let operations = items.map(|(at, (key, value))| {
            Ok(Operation {
                value,
                flags: flags.get(at).copied().unwrap_or(0),
                ttl: Ttl::FromNow(ttl_seconds),
                ..Operation::new(kind, key)
            })
        });
        execute(client, operations)
    })
}

/// Deletes many keys at once, packed.
///
/// Keys and *block_out as in cm_get_multi_packed. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_delete_multi_packed(
    client: *mut cm_client,
    keys: *const c_void,
    keys_size: usize,
    key_lens: *const u32,
    count: usize,
    block_out: *mut *mut c_void,
    error_out: *mut *mut cm_error,
) -> cm_status {
    deliver(block_out, error_out, || {
        // SAFETY: as the caller promises.
        let (client, keys) = unsafe {
            (
                cm_client::client(client)?,
                pieces(keys, keys_size, key_lens, count, "key")?,
            )
        };
        let operations = keys.map(|key| Ok(Operation::new(Kind::Delete, key)));
        execute(client, operations)
    })
}

/// Frees a block of results. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `block` is NULL or has not been freed or written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_block_free(block: *mut c_void) {
    guard_or((), || {
        if !block.is_null() {
            // SAFETY: made by `deliver`, freed once as the caller promises.
            unsafe { block::free(block) };
        }
    });
}

/// As [`super::results::deliver`], for a block.
fn deliver(
    block_out: *mut *mut c_void,
    error_out: *mut *mut cm_error,
    batch: impl FnOnce() -> Result<Results>,
) -> cm_status {
    deliver_as(block::into_raw, block_out, "block_out", error_out, batch)
}

/// Runs a batch whose results become a block.
fn execute<'a>(
    client: &Client,
    operations: impl ExactSizeIterator<Item = Result<Operation<'a>>>,
) -> Result<Results> {
    let headroom = block::headroom(operations.len());
    client.execute_behind(headroom, operations, Duration::ZERO)
}

/// The pieces that lie one after another in `memory`, by their lengths.
///
/// # Safety
/// The pointers are NULL or valid for `'a`.
unsafe fn pieces<'a>(
    memory: *const c_void,
    size: usize,
    lens: *const u32,
    count: usize,
    name: &str,
) -> Result<impl ExactSizeIterator<Item = &'a [u8]> + use<'a>> {
    // SAFETY: as the caller promises.
    let (memory, lens): (&'a [u8], &'a [u32]) = unsafe {
        (
            bytes(memory.cast(), size, &format!("{name}s"))?,
            bytes(lens, count, &format!("{name}_lens"))?,
        )
    };
    let total: usize = lens.iter().map(|&len| len as usize).sum();
    if total != size {
        let text = format!("{name}s_size is {size}, the lengths add up to {total}");
        return Err(Error::new(Status::Argument, text));
    }
    let mut rest = memory;
    Ok(lens.iter().map(move |&len| {
        let (piece, behind) = rest.split_at(len as usize);
        rest = behind;
        piece
    }))
}
