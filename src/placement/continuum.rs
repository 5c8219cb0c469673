//! The circle of points that the ketama family and its relatives look keys up on.

use super::hash::Hash;
use super::route::Route;

/// The points of all servers in ascending order.
#[derive(Debug)]
pub(super) struct Points {
    values: Box<[u32]>,
    owners: Box<[u16]>,
}

impl Points {
    /// Where two points are equal, the one that comes first stays first: the clients
    /// sort by value and index, or with a sort that leaves equals alone.
    pub(super) fn new(mut points: Vec<(u32, u16)>) -> Self {
        points.sort_by_key(|&(value, _)| value);
        Self {
            values: points.iter().map(|point| point.0).collect(),
            owners: points.iter().map(|point| point.1).collect(),
        }
    }

    /// The first point at or after a hash, else the first of all.
    #[inline]
    pub(super) fn at_or_after(&self, hash: u32) -> usize {
        let index = self.values.partition_point(|&value| value < hash);
        if index == self.values.len() { 0 } else { index }
    }

    /// The last point at or before a hash, else the last of all.
    #[inline]
    pub(super) fn at_or_before(&self, hash: u32) -> usize {
        let after = self.values.partition_point(|&value| value <= hash);
        if after == 0 {
            self.values.len() - 1
        } else {
            after - 1
        }
    }

    #[inline]
    pub(super) fn owner(&self, index: usize) -> usize {
        usize::from(self.owners[index])
    }

    pub(super) fn value(&self, index: usize) -> u32 {
        self.values[index]
    }
}

/// A key belongs to the first point at or after its hash.
#[derive(Debug)]
pub(super) struct Continuum {
    points: Points,
    hash: Hash,
}

impl Continuum {
    pub(super) fn new(points: Vec<(u32, u16)>, hash: Hash) -> Self {
        Self {
            points: Points::new(points),
            hash,
        }
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        self.points.owner(self.index(route))
    }

    pub(super) fn point(&self, route: Route<'_>) -> u32 {
        self.points.value(self.index(route))
    }

    /// The owners of the points from the route's on, going round once. The clients
    /// fail over only where told to, and then build the circle anew without the
    /// server: the next point is what that comes to.
    pub(super) fn sequence(&self, route: Route<'_>) -> impl Iterator<Item = usize> {
        let start = self.index(route);
        let (before, from) = self.points.owners.split_at(start);
        from.iter().chain(before).map(|&owner| usize::from(owner))
    }

    #[inline]
    fn index(&self, route: Route<'_>) -> usize {
        self.points.at_or_after(route.hash32(self.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuum() -> Continuum {
        Continuum::new(vec![(30, 2), (10, 0), (20, 1), (20, 0)], Hash::Crc32)
    }

    #[test]
    fn a_hash_goes_to_the_next_point_and_round() {
        let owner = |hash| continuum().owner(Route::Hash(hash));
        assert_eq!([0, 9, 10].map(owner), [0; 3]);
        assert_eq!([11, 20].map(owner), [1; 2]);
        assert_eq!([21, 30].map(owner), [2; 2]);
        assert_eq!([31, 0xffff_ffff, -1].map(owner), [0; 3]);
    }

    #[test]
    fn a_hash_goes_to_the_point_before_and_round() {
        let points = continuum().points;
        let value = |hash| points.value(points.at_or_before(hash));
        assert_eq!(
            [9, 10, 19, 20, 29, 30, 31].map(value),
            [30, 10, 10, 20, 20, 30, 30]
        );
    }

    #[test]
    fn failover_goes_round_once() {
        let continuum = continuum();
        let sequence: Vec<_> = continuum.sequence(Route::Hash(15)).collect();
        assert_eq!(sequence, [1, 0, 2, 0]);
    }
}
