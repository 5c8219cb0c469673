//! A server as placement sees it.

use crate::error::{Error, Result, Status};
use std::collections::HashSet;

/// A server as placement sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// `name=` where given, else the canonical address: decides for `rehash`.
    pub identity: &'a str,
    /// What the other clients know the server by.
    pub label: Label<'a>,
    /// From 1 to 65,535.
    pub weight: u32,
}

/// What the distributions taken from other clients form their point names from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'a> {
    /// `name=` of the server list: the whole of the point name but its number.
    Name(&'a str),
    /// The address as it was given, letter case included; an IPv6 host without
    /// its brackets, the port 11211 where none was given.
    Tcp { host: &'a str, port: u16 },
    /// The path of a UNIX socket, without `unix:`.
    Unix(&'a str),
}

/// The names of the servers, formed the way of some client. Two servers of one
/// name would have the same points, and one of them no key: an error.
pub(super) fn point_names(
    nodes: &[Node<'_>],
    form: impl Fn(Label<'_>) -> String,
) -> Result<Vec<String>> {
    let names: Vec<String> = nodes.iter().map(|node| form(node.label)).collect();
    let mut seen = HashSet::new();
    if let Some(index) = names.iter().position(|name| !seen.insert(name)) {
        let message = format!(
            "server {} would have the points of another: both are placed as {}",
            nodes[index].identity, names[index]
        );
        return Err(Error::new(Status::Argument, message));
    }
    Ok(names)
}

/// `host:port`, the port always written; of a UNIX socket the path.
pub(super) fn host_and_port(label: Label<'_>) -> String {
    match label {
        Label::Name(name) => name.to_owned(),
        Label::Tcp { host, port } => format!("{host}:{port}"),
        Label::Unix(path) => path.to_owned(),
    }
}

/// The weight of all servers together.
pub(super) fn total_weight(nodes: &[Node<'_>]) -> u64 {
    nodes.iter().map(|node| u64::from(node.weight)).sum()
}
