//! The block that holds the results of a packed call. Small values are received into it; the
//! records are written before them when all have come.

use std::ffi::c_void;

use super::result::cm_result;
use crate::client::{RECORDS, Record, Results, Values};
use crate::error::Result;

const VERSION: u32 = 1;
const HEAD: usize = 16;
const RECORD: usize = 64;
const WORD: usize = size_of::<u64>();

/// Right before the block: what it takes to free it.
#[repr(C)]
struct Owned {
    memory: *mut u8,
    capacity: usize,
}

/// Free bytes that must stand before the values.
pub(super) fn headroom(count: usize) -> usize {
    size_of::<Owned>() + align_of::<Owned>() + HEAD + RECORD.saturating_mul(count)
}

/// Makes a block of results that stand behind [`headroom`].
pub(super) fn into_raw(results: Results) -> Result<*mut c_void> {
    let (records, mut values) = results.into_parts();
    values.gather(WORD)?;
    let start = {
        let base = values.block().as_ptr();
        base.align_offset(align_of::<Owned>()) + size_of::<Owned>()
    };
    let count = records.len();
    let first_value = HEAD + RECORD * count;
    for (at, record) in records.iter().enumerate() {
        let (offset, len) = match record.place() {
            Some(place) => (values.offset_in_block(place) - start, place.len),
            None => (first_value, 0),
        };
        let words = words(record, offset, len);
        write(values.block(), start + HEAD + RECORD * at, &words);
    }
    RECORDS.lay_by(records);
    let mut memory = std::mem::take(values.block());
    let size = (memory.len() - start).next_multiple_of(WORD);
    memory.resize(start + size, 0);
    let head = [word(VERSION, count as u32), size as u64];
    write(&mut memory, start, &head);
    let mut memory = std::mem::ManuallyDrop::new(memory);
    let owned = Owned {
        memory: memory.as_mut_ptr(),
        capacity: memory.capacity(),
    };
    // SAFETY: the headroom has room for an `Owned` before `start`, at an aligned address.
    unsafe {
        let block = memory.as_mut_ptr().add(start);
        block.cast::<Owned>().sub(1).write(owned);
        Ok(block.cast())
    }
}

/// # Safety
/// `block` was made by [`into_raw`] and has not been freed.
pub(super) unsafe fn free(block: *mut c_void) {
    // SAFETY: the memory's own pointer and capacity stand before the block.
    unsafe {
        let owned = block.cast::<Owned>().sub(1).read();
        let memory = Vec::from_raw_parts(owned.memory, 0, owned.capacity);
        drop(Values::from(memory));
    }
}

/// A record, as `cm_get_multi_packed` documents it.
fn words(record: &Record, offset: usize, len: usize) -> [u64; RECORD / WORD] {
    let result = cm_result::of(record, None);
    [
        word(result.status as u32, result.flags),
        offset as u64,
        len as u64,
        result.cas,
        result.number,
        result.ttl_seconds as u64,
        word(result.state, result.server),
        0,
    ]
}

/// Two numbers, one behind the other in memory.
fn word(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

fn write(memory: &mut [u8], at: usize, words: &[u64]) {
    let memory = &mut memory[at..at + words.len() * WORD];
    for (bytes, word) in memory.chunks_exact_mut(WORD).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
}
