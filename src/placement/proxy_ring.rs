//! `proxy-ring`, `proxy-ketama`, `proxy-twemproxy`, `proxy-evcache`: the ring_hash
//! of memcached 1.6.45's proxy, by its `omode`. It knows no weights, and rounds
//! nothing: 160 points a server.

use super::continuum::Continuum;
use super::hash::Hash;
use super::ketama::DEFAULT_PORT;
use super::ketama_weighted::add_points;
use super::node::{Label, Node, host_and_port, point_names};
use crate::error::Result;

const POINTS: u32 = 160;

/// `omode = 'default'`: a point is the low half of XXH3.
pub(super) fn default(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let mut points = Vec::new();
    for (server, name) in point_names(nodes, host_and_port)?.iter().enumerate() {
        for number in 0..POINTS {
            let point = Hash::Xxh3.of(format!("{name}-{number}").as_bytes());
            points.push((point as u32, server as u16));
        }
    }
    Ok(Continuum::new(points, hash))
}

pub(super) fn ketama(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    md5(&point_names(nodes, host_and_port)?, hash)
}

pub(super) fn twemproxy(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let name = |label: Label<'_>| match label {
        Label::Tcp {
            host,
            port: DEFAULT_PORT,
        } => host.to_owned(),
        other => host_and_port(other),
    };
    md5(&point_names(nodes, name)?, hash)
}

/// EVCache's names are `host/address:port`; the proxy puts what it has in both places.
pub(super) fn evcache(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let name = |label: Label<'_>| match label {
        Label::Tcp { host, port } => format!("{host}/{host}:{port}"),
        other => host_and_port(other),
    };
    md5(&point_names(nodes, name)?, hash)
}

fn md5(names: &[String], hash: Hash) -> Result<Continuum> {
    let mut points = Vec::new();
    for (server, name) in names.iter().enumerate() {
        add_points(&mut points, server, name, POINTS / 4);
    }
    Ok(Continuum::new(points, hash))
}
