//! `rendezvous`: highest random weight, as in pymemcache 4.0.0's HashClient.
//!
//! The score of a server is murmur3_32 of `"{node}-{key}"`. It has the key in it, so
//! there is no hash that a caller could bring in its place.

use super::murmur::Murmur3;
use super::node::{Node, host_and_port, point_names};
use super::route::Route;
use crate::error::Result;
use std::cmp::Reverse;

#[derive(Debug)]
pub(super) struct Rendezvous {
    /// In ascending order of names.
    servers: Box<[Server]>,
}

#[derive(Debug)]
struct Server {
    index: u16,
    /// murmur3_32, fed with `"{node}-"`.
    start: Murmur3,
}

/// A server's score and its place among the names. The highest wins; of equal
/// scores the larger string does (read in pymemcache's source, not seen to happen).
type Rank = (u32, usize);

impl Rendezvous {
    pub(super) fn build(nodes: &[Node<'_>]) -> Result<Self> {
        let names = point_names(nodes, host_and_port)?;
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_unstable_by_key(|&server| &names[server]);
        let server = |index: usize| Server {
            index: index as u16,
            start: Murmur3::new(0)
                .with(&low_bytes_of(&names[index]))
                .with(b"-"),
        };
        Ok(Self {
            servers: order.into_iter().map(server).collect(),
        })
    }

    #[inline]
    pub(super) fn owner(&self, route: Route<'_>) -> usize {
        self.server(self.best(key_of(route)))
    }

    pub(super) fn score(&self, route: Route<'_>) -> u32 {
        self.best(key_of(route)).0
    }

    /// The servers by falling score: what pymemcache comes to as it removes them.
    pub(super) fn sequence<'a>(&'a self, route: Route<'a>) -> impl Iterator<Item = usize> + 'a {
        let mut ranks: Vec<Rank> = Vec::with_capacity(self.servers.len());
        low_bytes(key_of(route), |text| ranks.extend(self.ranks(text)));
        ranks.sort_unstable_by_key(|&rank| Reverse(rank));
        ranks.into_iter().map(|rank| self.server(rank))
    }

    fn best(&self, key: &[u8]) -> Rank {
        low_bytes(key, |text| self.ranks(text).max().unwrap_or_default())
    }

    fn ranks(&self, text: &[u8]) -> impl Iterator<Item = Rank> {
        let score = |server: &Server| server.start.clone().with(text).finish();
        self.servers.iter().map(score).zip(0..)
    }

    fn server(&self, (_, place): Rank) -> usize {
        usize::from(self.servers[place].index)
    }
}

fn key_of(route: Route<'_>) -> &[u8] {
    match route {
        Route::Key(key) => key,
        Route::Hash(_) => panic!("a caller's hash cannot place a key by rendezvous"),
    }
}

/// The longest key memcached takes.
const KEY_MAX: usize = 250;

/// Calls `with` with the text that pymemcache hashes for a key: of a `str`, the low 8
/// bits of each code point, not its UTF-8. Bytes that are no UTF-8 stand for themselves.
fn low_bytes<T>(key: &[u8], with: impl FnOnce(&[u8]) -> T) -> T {
    match std::str::from_utf8(key) {
        Ok(text) if !key.is_ascii() => {
            let mut buffer = [0; KEY_MAX];
            if text.len() > buffer.len() {
                return with(&low_bytes_of(text));
            }
            let mut len = 0;
            for (byte, character) in buffer.iter_mut().zip(text.chars()) {
                *byte = character as u8;
                len += 1;
            }
            with(&buffer[..len])
        }
        _ => with(key),
    }
}

fn low_bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|character| character as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Label;

    fn hashed(key: &[u8]) -> Vec<u8> {
        low_bytes(key, <[u8]>::to_vec)
    }

    #[test]
    fn text_is_hashed_by_the_low_bytes_of_its_code_points() {
        assert_eq!(hashed(b"plain"), b"plain");
        assert_eq!(hashed("\u{e9}".as_bytes()), [0xe9]);
        assert_eq!(hashed("a\u{4e2d}\u{1f600}".as_bytes()), [b'a', 0x2d, 0x00]);
    }

    #[test]
    fn bytes_that_are_no_text_stand_for_themselves() {
        assert_eq!(hashed(b"a\xff\xfe"), b"a\xff\xfe");
    }

    #[test]
    fn a_text_longer_than_any_key_is_hashed_whole() {
        let text = "\u{e9}".repeat(1_000);
        assert_eq!(hashed(text.as_bytes()), [0xe9; 1_000]);
    }

    #[test]
    #[should_panic(expected = "caller's hash")]
    fn a_callers_hash_is_a_mistake() {
        let label = Label::Name("a");
        let node = Node {
            identity: "a",
            label,
            weight: 1,
        };
        Rendezvous::build(&[node]).unwrap().owner(Route::Hash(1));
    }
}
