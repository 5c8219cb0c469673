//! `modulo`: each server has as many buckets in a row as its weight says, and a
//! hash goes to the bucket it leaves as a remainder.
//!
//! As in python-memcached 1.62; without weights also as in gomemcache and in
//! libmemcached's modula.

use super::hash::Hash;
use super::node::Node;
use super::route::Route;

/// Buckets a hash is tried at before python-memcached 1.62 gives up.
const TRIES: usize = 10;

#[derive(Debug)]
pub(super) struct Modulo {
    /// Number of buckets.
    len: u64,
    buckets: Buckets,
    hash: Hash,
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
    pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Self {
        Self::in_order(nodes, (0..nodes.len()).collect(), hash)
    }

    /// Runs of buckets in an order of the servers that need not be the list's.
    pub(super) fn in_order(nodes: &[Node<'_>], order: Vec<usize>, hash: Hash) -> Self {
        let owners = order.iter().map(|&server| server as u16).collect();
        if nodes.iter().all(|node| node.weight == 1) {
            return Self::over(owners, hash);
        }
        let mut len = 0;
        let ends = order
            .iter()
            .map(|&server| {
                len += u64::from(nodes[server].weight);
                len
            })
            .collect();
        Self {
            len,
            buckets: Buckets::Runs { ends, owners },
            hash,
        }
    }

    /// The owner of each bucket.
    pub(super) fn over(owners: Box<[u16]>, hash: Hash) -> Self {
        Self {
            len: owners.len() as u64,
            buckets: Buckets::Each(owners),
            hash,
        }
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        self.at(self.bucket(route))
    }

    #[inline]
    pub(super) fn bucket(&self, route: Route<'_>) -> u64 {
        self.remainder(route.number(self.hash))
    }

    /// python-memcached 1.62: a try that fails is hashed with its number, as
    /// decimal text; a bucket of a server that failed before counts as a try. The
    /// other clients that place by remainder have no failover of their own.
    pub(super) fn sequence(&self, route: Route<'_>) -> impl Iterator<Item = usize> {
        let next = |&(hash, number): &(i64, usize)| {
            let text = format!("{hash}{number}");
            let hash = Route::Key(text.as_bytes()).number(self.hash);
            Some((hash, number + 1))
        };
        std::iter::successors(Some((route.number(self.hash), 0)), next)
            .take(TRIES)
            .map(|(hash, _)| self.at(self.remainder(hash)))
    }

    #[inline]
    fn at(&self, bucket: u64) -> usize {
        usize::from(match &self.buckets {
            Buckets::Each(owners) => owners[bucket as usize],
            Buckets::Runs { ends, owners } => owners[ends.partition_point(|&end| end <= bucket)],
        })
    }

    /// Python's %: what it leaves has the sign of the divisor.
    #[inline]
    fn remainder(&self, hash: i64) -> u64 {
        hash.rem_euclid(self.len as i64) as u64
    }
}
