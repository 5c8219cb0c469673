//! The values of a batch.

use smallvec::SmallVec;

use super::spare::{KEPT_MAX, KEPT_MIN, Spare};
use crate::error::{Error, Result, Status};

/// Small values are collected in chunks, which grow while values come.
const CHUNK: usize = 32 * 1024;

/// Then the next chunk is begun: so little memory is copied when one grows.
const CHUNK_MAX: usize = KEPT_MAX;

/// Memory for the values of large batches.
static BYTES: Spare<u8> = Spare::empty();

const FIRST_START_MAX: usize = 1 << 31;

/// A batch of few operations takes no more than this for each.
const SHARE: usize = 512;

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    chunk: u32,
    /// Only small values start elsewhere than at 0.
    start: u32,
    pub len: usize,
}

#[derive(Debug, Default)]
pub struct Values {
    chunks: SmallVec<[Vec<u8>; 1]>,
    /// The chunk that small values go to.
    filling: Option<u32>,
    headroom: usize,
}

impl From<Vec<u8>> for Values {
    /// What [`Values::block`] was made into, to be freed.
    fn from(block: Vec<u8>) -> Self {
        let mut values = Self::default();
        values.chunks.push(block);
        values
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        for chunk in self.chunks.drain(..) {
            BYTES.lay_by(chunk);
        }
    }
}

impl Values {
    /// With free bytes before the values, which then stand behind each other in [`Values::block`].
    pub fn with_headroom(headroom: usize, count: usize) -> Result<Self> {
        let mut values = Self::default();
        let first = values.begin_chunk(headroom, count)?;
        values.buffer(first).resize(headroom, 0);
        values.headroom = headroom;
        // Behind a larger one, [`Place`] could not tell where a value starts.
        values.filling = (headroom < FIRST_START_MAX).then_some(first.chunk);
        Ok(values)
    }

    /// Copies a small value. `count`: of how many operations.
    #[inline]
    pub fn put(&mut self, value: &[u8], count: usize) -> Result<Place> {
        let fits = |chunk: &Vec<u8>| chunk.capacity() - chunk.len() >= value.len();
        let chunk = match self.filling {
            Some(filling) if fits(&self.chunks[filling as usize]) => filling,
            _ => self.make_room(value.len(), count)?,
        };
        let bytes = &mut self.chunks[chunk as usize];
        let start = bytes.len() as u32;
        bytes.extend_from_slice(value);
        Ok(Place {
            chunk,
            start,
            len: value.len(),
        })
    }

    /// Room for a value in the chunk that is being filled, or in another.
    #[cold]
    fn make_room(&mut self, len: usize, count: usize) -> Result<u32> {
        if let Some(filling) = self.filling {
            let free = if filling == 0 { self.headroom } else { 0 };
            let chunk = &mut self.chunks[filling as usize];
            if chunk.len() + len <= free + CHUNK_MAX && chunk.try_reserve(len).is_ok() {
                return Ok(filling);
            }
        }
        let chunk = self.begin_chunk(len, count)?.chunk;
        self.filling = Some(chunk);
        Ok(chunk)
    }

    /// A chunk for small values, and for `len` bytes at least.
    fn begin_chunk(&mut self, len: usize, count: usize) -> Result<Place> {
        let usual = SHARE.saturating_mul(count);
        let place = self.begin();
        if usual >= KEPT_MIN {
            *self.buffer(place) = BYTES.take();
        }
        self.reserve(place, len + usual.min(CHUNK))
    }

    /// Room of its own for a value of this length, to be appended to its [`Values::buffer`].
    pub fn add(&mut self, len: usize) -> Result<Place> {
        let place = self.begin();
        self.reserve(place, len)
    }

    fn reserve(&mut self, place: Place, len: usize) -> Result<Place> {
        if self.buffer(place).try_reserve_exact(len).is_err() {
            let text = format!("no memory for a value of {len} bytes");
            return Err(Error::new(Status::NoMemory, text));
        }
        Ok(Place { len, ..place })
    }

    /// An empty buffer, which may grow.
    pub fn begin(&mut self) -> Place {
        self.chunks.push(Vec::new());
        Place {
            chunk: self.chunks.len() as u32 - 1,
            start: 0,
            len: 0,
        }
    }

    pub fn buffer(&mut self, place: Place) -> &mut Vec<u8> {
        &mut self.chunks[place.chunk as usize]
    }

    /// Frees a value, if it has a buffer of its own.
    pub fn free(&mut self, place: Place) {
        let chunk = self.buffer(place);
        if place.start == 0 && chunk.len() <= place.len {
            *chunk = Vec::new();
        }
    }

    #[inline]
    pub fn get(&self, place: Place) -> &[u8] {
        let start = place.start as usize;
        &self.chunks[place.chunk as usize][start..start + place.len]
    }

    /// Makes room for all values in the first chunk, and for as many bytes more.
    pub fn gather(&mut self, more: usize) -> Result<()> {
        let len = more + self.chunks.iter().skip(1).map(Vec::len).sum::<usize>();
        self.block().try_reserve_exact(len).map_err(|_| {
            let text = format!("no memory for {len} bytes of values");
            Error::new(Status::NoMemory, text)
        })
    }

    /// Where a value is in the first chunk, once [`Values::gather`] has made room: it may have to be
    /// moved there.
    pub fn offset_in_block(&mut self, place: Place) -> usize {
        let start = place.start as usize;
        let Some((block, others)) = self.chunks.split_first_mut() else {
            return 0;
        };
        match place.chunk.checked_sub(1) {
            None => start,
            Some(other) => {
                let chunk = &mut others[other as usize];
                let offset = block.len();
                block.extend_from_slice(&chunk[start..start + place.len]);
                if chunk.len() == place.len {
                    *chunk = Vec::new();
                }
                offset
            }
        }
    }

    /// The first chunk.
    pub fn block(&mut self) -> &mut Vec<u8> {
        if self.chunks.is_empty() {
            self.chunks.push(Vec::new());
        }
        &mut self.chunks[0]
    }
}
