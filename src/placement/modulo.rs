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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Label;

    fn nodes<const N: usize>(weights: [u32; N]) -> [Node<'static>; N] {
        weights.map(|weight| Node {
            identity: "",
            label: Label::Name(""),
            weight,
        })
    }

    #[test]
    fn buckets_are_runs_as_long_as_the_weights() {
        let weighted = Modulo::build(&nodes([2, 1, 3]), Hash::Crc32);
        let written_out = Modulo::over([0, 0, 1, 2, 2, 2].into(), Hash::Crc32);
        for hash in -20..20 {
            assert_eq!(
                weighted.owner(Route::Hash(hash)),
                written_out.owner(Route::Hash(hash))
            );
        }
    }

    #[test]
    fn a_negative_hash_leaves_what_it_leaves_in_python() {
        let modulo = Modulo::build(&nodes([1, 1, 1]), Hash::Crc32);
        let owners = [-3, -2, -1, 0, 1, 2, 3].map(|hash| modulo.owner(Route::Hash(hash)));
        assert_eq!(owners, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(modulo.owner(Route::Hash(i64::MIN)), 1);
        assert_eq!(modulo.owner(Route::Hash(i64::MAX)), 1);
    }

    /// 65,535 servers of weight 65,535: written out, the buckets would fill gigabytes.
    #[test]
    fn the_largest_weights_fit() {
        let nodes = vec![nodes([65_535])[0]; 65_535];
        let modulo = Modulo::build(&nodes, Hash::Crc32);
        let buckets = 65_535 * 65_535;
        assert_eq!(modulo.owner(Route::Hash(0)), 0);
        assert_eq!(modulo.owner(Route::Hash(65_535)), 1);
        assert_eq!(modulo.owner(Route::Hash(buckets - 1)), 65_534);
        assert_eq!(modulo.owner(Route::Hash(buckets)), 0);
    }
}
