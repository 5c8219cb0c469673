//! `modulo`: each server has as many buckets in a row as its weight says, and a
//! hash goes to the bucket it leaves as a remainder.
//!
//! As in python-memcached 1.62; without weights also as in gomemcache and in
//! libmemcached's modula.

use super::Node;
use super::hash::Hash;

/// Buckets a hash is tried at before python-memcached 1.62 gives up.
const TRIES: usize = 10;

#[derive(Debug)]
pub(super) struct Modulo {
    /// Number of buckets.
    len: u64,
    buckets: Buckets,
}

#[derive(Debug)]
enum Buckets {
    /// The owner of each bucket.
    Each(Box<[u16]>),
    /// Runs of buckets with one owner, kept short whatever the weights: the end
    /// of each run, and its owner.
    Runs {
        ends: Box<[u64]>,
        owners: Box<[u16]>,
    },
}

impl Modulo {
    pub(super) fn build(nodes: &[Node<'_>]) -> Self {
        let order: Box<[u16]> = (0..nodes.len()).map(|index| index as u16).collect();
        Self::in_order(nodes, order)
    }

    /// Runs of buckets in an order that is not the list's.
    fn in_order(nodes: &[Node<'_>], order: Box<[u16]>) -> Self {
        if nodes.iter().all(|node| node.weight == 1) {
            return Self {
                len: order.len() as u64,
                buckets: Buckets::Each(order),
            };
        }
        let mut len = 0;
        let ends = order
            .iter()
            .map(|&server| {
                len += u64::from(nodes[usize::from(server)].weight);
                len
            })
            .collect();
        Self {
            len,
            buckets: Buckets::Runs {
                ends,
                owners: order,
            },
        }
    }

    #[inline]
    pub(super) fn bucket(&self, hash: i64) -> u64 {
        // Python's %: what it leaves has the sign of the divisor.
        hash.rem_euclid(self.len as i64) as u64
    }

    #[inline]
    pub(super) fn owner(&self, hash: i64) -> usize {
        let bucket = self.bucket(hash);
        usize::from(match &self.buckets {
            Buckets::Each(owners) => owners[bucket as usize],
            Buckets::Runs { ends, owners } => owners[ends.partition_point(|&end| end <= bucket)],
        })
    }

    /// python-memcached 1.62: a try that fails is hashed with its number, as
    /// decimal text; a bucket of a server that failed before counts as a try.
    pub(super) fn sequence(&self, hash: i64, rehash: Hash) -> impl Iterator<Item = usize> {
        let next = move |&(hash, number): &(i64, usize)| {
            let text = format!("{hash}{number}");
            Some((i64::from(rehash.of(text.as_bytes()) as u32), number + 1))
        };
        std::iter::successors(Some((hash, 0)), next)
            .take(TRIES)
            .map(|(hash, _)| self.owner(hash))
    }
}
