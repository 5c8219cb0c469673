//! What an operation is asked for beyond its plain form.

use std::ops::BitOr;

/// A set of wishes. The numbers are those of `cm_op.want`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want(u16);

impl Want {
    /// Bring the item's cas id.
    pub const CAS: Want = Want(1);
    /// Bring the seconds the item has left.
    pub const TTL: Want = Want(8);
    /// Bring the seconds since the item was last asked for.
    pub const LAST_ACCESS: Want = Want(16);
    /// Bring whether the item had been asked for before.
    pub const HIT_BEFORE: Want = Want(32);
    /// Bring the length of the value.
    pub const SIZE: Want = Want(64);
    /// Do not bring the value.
    pub const NO_VALUE: Want = Want(128);
    /// Do not count this as a use of the item.
    pub const NO_BUMP: Want = Want(256);
    /// Do not wait for the answer.
    pub const QUIET: Want = Want(512);
    /// Send the key as base64, whatever its bytes.
    pub const BASE64_KEY: Want = Want(1024);
    /// Mark the item stale: in place of deleting it, or where the cas id is lower.
    pub const INVALIDATE: Want = Want(2048);
    /// Drop the value of the item that is marked stale.
    pub const DROP_VALUE: Want = Want(8192);

    /// Of the server that is named, whatever the key. Not a caller's wish.
    pub const PINNED: Want = Want(32768);

    /// May be asked again on another connection, although it may leave a stub. The client's own.
    pub const REPEATABLE: Want = Want(16384);

    pub const NOTHING: Want = Want(0);

    /// Those of these bits that are wishes.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits as u16 & Self::EVERYTHING.0)
    }

    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// True when one of `wishes` is in the set.
    pub const fn has(self, wishes: Want) -> bool {
        self.0 & wishes.0 != 0
    }

    pub const fn with(self, wishes: Want) -> Want {
        Want(self.0 | wishes.0)
    }

    pub const fn without(self, wishes: Want) -> Want {
        Want(self.0 & !wishes.0)
    }

    /// What only `mg` brings, or does.
    pub const OF_META_GET: Want = Self::TTL
        .with(Self::LAST_ACCESS)
        .with(Self::HIT_BEFORE)
        .with(Self::SIZE)
        .with(Self::NO_VALUE)
        .with(Self::NO_BUMP);

    const EVERYTHING: Want = Self::OF_META_GET
        .with(Self::CAS)
        .with(Self::QUIET)
        .with(Self::BASE64_KEY)
        .with(Self::INVALIDATE)
        .with(Self::DROP_VALUE);
}

impl BitOr for Want {
    type Output = Want;

    fn bitor(self, other: Want) -> Want {
        self.with(other)
    }
}
