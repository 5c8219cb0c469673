//! `twemproxy` and `twemproxy-modula`: twemproxy (nutcracker) 0.5.0's pools with
//! `distribution: ketama` and `modula`.
//!
//! twemproxy sorts a pool before it lays it out: by the length of the names, then
//! by their bytes.

use super::continuum::Continuum;
use super::hash::Hash;
use super::ketama::DEFAULT_PORT;
use super::ketama_weighted;
use super::modulo::Modulo;
use super::node::{Label, Node, point_names};
use crate::error::Result;

pub(super) fn ketama(nodes: &[Node<'_>], hash: Hash) -> Result<Continuum> {
    let names = point_names(nodes, name)?;
    let points = ketama_weighted::points(nodes, &names, sorted(&names));
    Ok(Continuum::new(points, hash))
}

pub(super) fn modula(nodes: &[Node<'_>], hash: Hash) -> Result<Modulo> {
    let names = point_names(nodes, name)?;
    Ok(Modulo::in_order(nodes, sorted(&names), hash))
}

fn sorted(names: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_unstable_by_key(|&server| (names[server].len(), &names[server]));
    order
}

/// `host`, with the port where it is not 11211. Of a UNIX socket the path with the
/// colon that its weight follows: the code cuts it off for a port of 11211 only.
fn name(label: Label<'_>) -> String {
    match label {
        Label::Name(name) => name.to_owned(),
        Label::Tcp {
            host,
            port: DEFAULT_PORT,
        } => host.to_owned(),
        Label::Tcp { host, port } => format!("{host}:{port}"),
        Label::Unix(path) => format!("{path}:"),
    }
}
