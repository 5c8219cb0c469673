//! The packed form: keys, values and results of a batch in one piece of memory each, so that
//! a binding crosses into C a fixed number of times, and hands over no pointers to pointers.

use std::ffi::c_void;
use std::time::Duration;

use super::batch::storing_kind;
use super::client::cm_client;
use super::error::cm_error;
use super::operation::CM_WANT_CAS;
use super::result::cm_result;
use super::results::deliver_as;
use super::status::cm_status;
use super::{bytes, guard_or};
use crate::client::Results;
use crate::error::{Error, Result, Status};
use crate::protocol::expiry::Ttl;
use crate::protocol::{Kind, Operation, Want};

const VERSION: u32 = 1;
const HEAD: usize = 16;
const RECORD: usize = 64;
const WORD: usize = size_of::<u64>();

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
        client.execute(operations, Duration::ZERO)
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
        client.execute(operations, Duration::ZERO)
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
        client.execute(operations, Duration::ZERO)
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
            // SAFETY: made by `pack` as a boxed slice of words, whose size stands in its head.
            unsafe {
                let words = block.cast::<u64>();
                let count = words.add(1).read() as usize / WORD;
                drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
                    words, count,
                )));
            }
        }
    });
}

/// As [`super::results::deliver`], for a block.
fn deliver(
    block_out: *mut *mut c_void,
    error_out: *mut *mut cm_error,
    batch: impl FnOnce() -> Result<Results>,
) -> cm_status {
    let into_raw = |results| Box::into_raw(pack(&results)).cast();
    deliver_as(into_raw, block_out, "block_out", error_out, batch)
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

fn pack(results: &Results) -> Box<[u64]> {
    let records = results.records();
    let values = records.iter().filter_map(|record| results.value(record));
    let size = HEAD + records.len() * RECORD + values.map(<[u8]>::len).sum::<usize>();
    let size = size.next_multiple_of(WORD);
    let mut block = Block {
        bytes: Vec::with_capacity(size),
    };
    block
        .u32(VERSION)
        .u32(records.len() as u32)
        .u64(size as u64);
    let mut offset = HEAD + records.len() * RECORD;
    for record in records {
        let result = cm_result::of(record, results);
        block.u32(result.status as u32).u32(result.flags);
        block.u64(offset as u64).u64(result.value_len as u64);
        block.u64(result.cas).u64(result.number);
        block.u64(result.ttl_seconds as u64);
        block.u32(result.state).u32(result.server).u64(0);
        offset += result.value_len;
    }
    for value in records.iter().filter_map(|record| results.value(record)) {
        block.bytes.extend_from_slice(value);
    }
    block.bytes.resize(size, 0);
    let (words, _) = block.bytes.as_chunks::<WORD>();
    words.iter().map(|&word| u64::from_ne_bytes(word)).collect()
}

/// A block being written.
struct Block {
    bytes: Vec<u8>,
}

impl Block {
    fn u32(&mut self, number: u32) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_ne_bytes());
        self
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_ne_bytes());
        self
    }
}
