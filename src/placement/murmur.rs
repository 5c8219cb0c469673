//! Austin Appleby's Murmur hashes of 32 bits.

/// MurmurHash2. libmemcached 1.1.4 and twemproxy 0.5.0 call it `murmur`.
pub(super) fn murmur2(data: &[u8], seed: u32) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = seed ^ data.len() as u32;
    let mut blocks = data.chunks_exact(4);
    for block in &mut blocks {
        let mut k = word(block).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = blocks.remainder();
    if !tail.is_empty() {
        hash = (hash ^ word(tail)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// MurmurHash3_x86_32, fed in pieces.
#[derive(Clone, Debug)]
pub(super) struct Murmur3 {
    hash: u32,
    /// The bytes that do not yet make a block of four, from the lowest up.
    tail: u32,
    len: u32,
}

impl Murmur3 {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            hash: seed,
            tail: 0,
            len: 0,
        }
    }

    #[must_use]
    pub(super) fn with(mut self, data: &[u8]) -> Self {
        let lead = (self.len.wrapping_neg() % 4).min(data.len() as u32) as usize;
        let (lead, rest) = data.split_at(lead);
        lead.iter().for_each(|&byte| self.push(byte));
        let mut blocks = rest.chunks_exact(4);
        for block in &mut blocks {
            self.mix(word(block));
            self.len = self.len.wrapping_add(4);
        }
        blocks.remainder().iter().for_each(|&byte| self.push(byte));
        self
    }

    fn push(&mut self, byte: u8) {
        self.tail |= u32::from(byte) << (8 * (self.len % 4));
        self.len = self.len.wrapping_add(1);
        if self.len.is_multiple_of(4) {
            let block = std::mem::take(&mut self.tail);
            self.mix(block);
        }
    }

    fn mix(&mut self, block: u32) {
        self.hash ^= Self::scramble(block);
        self.hash = self
            .hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }

    fn scramble(block: u32) -> u32 {
        let block = block.wrapping_mul(0xcc9e_2d51).rotate_left(15);
        block.wrapping_mul(0x1b87_3593)
    }

    pub(super) fn finish(&self) -> u32 {
        // An empty tail scrambles to 0.
        fmix32(self.hash ^ Self::scramble(self.tail) ^ self.len)
    }
}

/// MurmurHash3's finalizer.
#[inline]
pub(super) fn fmix32(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// Up to four bytes as a number, the first the lowest.
fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| (word << 8) | u32::from(byte))
}
