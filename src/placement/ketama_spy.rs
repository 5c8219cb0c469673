//! `ketama-spy`: spymemcached's point names, as libmemcached 1.1.4 has them
//! (`MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY`) with `KETAMA_WEIGHTED`.

use super::continuum::Continuum;
use super::hash::Hash;
use super::ketama_weighted;
use super::node::{Label, Node, point_names};
use crate::error::Result;

pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let names = point_names(nodes, name)?;
    let points = ketama_weighted::points(nodes, &names, 0..nodes.len());
    Ok(Continuum::new(points, hash))
}

/// `/host:port`, the port always there. spymemcached itself has
/// `hostname/address:port` for a server whose name it knows: `name=` can say that.
fn name(label: Label<'_>) -> String {
    match label {
        Label::Name(name) => name.to_owned(),
        Label::Tcp { host, port } => format!("/{host}:{port}"),
        Label::Unix(path) => format!("/{path}:0"),
    }
}
