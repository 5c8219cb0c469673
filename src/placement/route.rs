//! What a placement decision is made from.

use super::hash::Hash;

/// What a placement decision is made from.
#[derive(Clone, Copy, Debug)]
pub enum Route<'a> {
    Key(&'a [u8]),
    /// A hash brought by the caller, in place of the key's.
    Hash(i64),
}

impl Route<'_> {
    /// The hash as 32 bits; a caller's is reduced modulo 2^32.
    #[inline]
    pub(super) fn hash32(self, hash: Hash) -> u32 {
        self.hash64(hash) as u32
    }

    /// The hash as 64 bits; hashes of fewer bits are extended by zeros.
    #[inline]
    pub(super) fn hash64(self, hash: Hash) -> u64 {
        match self {
            Self::Key(key) => hash.of(key),
            Self::Hash(hash) => hash as u64,
        }
    }

    /// The hash as a number: 32 bits of a key's, a caller's with its sign.
    #[inline]
    pub(super) fn number(self, hash: Hash) -> i64 {
        match self {
            Self::Key(key) => i64::from(hash.of(key) as u32),
            Self::Hash(hash) => hash,
        }
    }
}
