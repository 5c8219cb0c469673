//! `dalli`: the ring of Dalli 3.0.6, the same in 5.0.6.

use super::continuum::Points;
use super::hash::Hash;
use super::node::{Node, host_and_port, point_names, total_weight};
use super::route::Route;
use crate::error::Result;
use sha1::{Digest, Sha1};

/// Points of a server where the weights are equal.
const POINTS: u64 = 160;

/// Look-ups before Dalli gives up.
const TRIES: usize = 20;

/// A key belongs to the last point at or before its hash.
#[derive(Debug)]
pub(super) struct Dalli {
    points: Points,
    hash: Hash,
    tries: usize,
}

impl Dalli {
    pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Result<Self> {
        let names = point_names(nodes, host_and_port)?;
        let total = total_weight(nodes) as f64;
        let mut points = Vec::new();
        for (server, (node, name)) in nodes.iter().zip(&names).enumerate() {
            let share = (nodes.len() as u64 * POINTS * u64::from(node.weight)) as f64 / total;
            for number in 0..share.floor() as u32 {
                points.push((point(name, number), server as u16));
            }
        }
        Ok(Self {
            points: Points::new(points),
            hash,
            // Dalli builds no ring for one server, and looks once.
            tries: if nodes.len() == 1 { 1 } else { TRIES },
        })
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        self.at(route.hash32(self.hash))
    }

    pub(super) fn point(&self, route: Route<'_>) -> u32 {
        let hash = route.hash32(self.hash);
        self.points.value(self.points.at_or_before(hash))
    }

    /// A look-up that fails is repeated with the key behind its number. Dalli has no
    /// hash brought by the caller: its decimal digits stand for the key.
    pub(super) fn sequence<'a>(&'a self, route: Route<'a>) -> impl Iterator<Item = usize> + 'a {
        let again = move |try_number: usize| {
            let mut text = try_number.to_string().into_bytes();
            match route {
                Route::Key(key) => text.extend_from_slice(key),
                Route::Hash(hash) => text.extend_from_slice(hash.to_string().as_bytes()),
            }
            self.at(self.hash.of(&text) as u32)
        };
        std::iter::once_with(move || self.owner(route)).chain((0..self.tries - 1).map(again))
    }

    #[inline]
    fn at(&self, hash: u32) -> usize {
        self.points.owner(self.points.at_or_before(hash))
    }
}

/// The first four bytes of SHA-1, big-endian.
fn point(name: &str, number: u32) -> u32 {
    let digest = Sha1::digest(format!("{name}:{number}"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
