//! `ketama-weighted`: libmemcached 1.1.4's continuum with weights. Points are MD5
//! whatever the keys are hashed with. Also pylibmc 1.6.3's `ketama_weighted`.

use super::continuum::Continuum;
use super::hash::{Hash, md5_words};
use super::ketama;
use super::node::{Node, point_names, total_weight};
use crate::error::Result;

pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let names = point_names(nodes, ketama::name)?;
    Ok(Continuum::new(points(nodes, &names, 0..nodes.len()), hash))
}

/// The points of the servers, added in the order given.
pub(super) fn points(
    nodes: &[Node<'_>],
    names: &[String],
    order: impl IntoIterator<Item = usize>,
) -> Vec<(u32, u16)> {
    let total = total_weight(nodes);
    let mut points = Vec::new();
    for server in order {
        let digests = digests(nodes[server].weight, total, nodes.len());
        add_points(&mut points, server, &names[server], digests);
    }
    points
}

/// Four points from each of `digests` MD5 digests of `name-number`.
pub(super) fn add_points(points: &mut Vec<(u32, u16)>, server: usize, name: &str, digests: u32) {
    for number in 0..digests {
        let words = md5_words(format!("{name}-{number}").as_bytes());
        points.extend(words.map(|word| (word, server as u16)));
    }
}

/// How many digests of four points a server gets, 40 if the weights are equal.
///
/// Single precision at every step, as in libmemcached 1.1.4 and twemproxy 0.5.0:
/// in a fleet of 25, 47, 50, 55, 61, … equal servers that makes 39. A server whose
/// share is too small gets none, and no keys.
fn digests(weight: u32, total: u64, servers: usize) -> u32 {
    let share = weight as f32 / total as f32;
    (share * 160.0 / 4.0 * servers as f32 + 1e-10).floor() as u32
}

#[cfg(test)]
mod tests {
    use super::digests;

    #[test]
    fn rounding_loses_a_digest_where_libmemcached_loses_it() {
        let losing: Vec<usize> = (1..=110)
            .filter(|&servers| digests(1, servers as u64, servers) == 39)
            .collect();
        assert_eq!(losing, [25, 47, 50, 55, 61, 71, 94, 100, 107, 109, 110]);
    }
}
