//! `ketama`: libmemcached 1.1.4's continuum without weights, 100 points a server,
//! hashed as the keys are. Also pylibmc 1.6.3's.

use super::continuum::Continuum;
use super::hash::Hash;
use super::node::{Label, Node, point_names};
use crate::error::Result;

const POINTS: usize = 100;

/// memcached's own port, which libmemcached and twemproxy leave out of a name.
pub(super) const DEFAULT_PORT: u16 = 11_211;

pub(super) fn build(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let names = point_names(nodes, name)?;
    let mut points = Vec::with_capacity(names.len() * POINTS);
    for (server, name) in names.iter().enumerate() {
        for number in 0..POINTS {
            let point = hash.of(format!("{name}-{number}").as_bytes());
            points.push((point as u32, server as u16));
        }
    }
    Ok(Continuum::new(points, hash))
}

/// `host`, with the port where it is not 11211. libmemcached has the path of a UNIX
/// socket for host and 0 for port.
pub(super) fn name(label: Label<'_>) -> String {
    match label {
        Label::Name(name) => name.to_owned(),
        Label::Tcp {
            host,
            port: DEFAULT_PORT,
        } => host.to_owned(),
        Label::Tcp { host, port } => format!("{host}:{port}"),
        Label::Unix(path) => format!("{path}:0"),
    }
}
