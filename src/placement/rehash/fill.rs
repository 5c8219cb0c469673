//! How the table of `rehash` is filled.
//!
//! - A server's draws are SplitMix64 from a seed, the first 8 bytes of MD5 of its
//!   identity. The upper bits of a draw are a slot; a free slot belongs to the server.
//! - Draw j of a server of weight w falls into round ceil(j * heaviest / w). Rounds
//!   come one after the other, and within a round the seeds in ascending order.
//! - A server that holds ceil(21 * slots * w / (20 * total weight)) slots draws no more.
//! - It ends when no slot is free.

use crate::placement::node::{Node, total_weight};
use crate::placement::splitmix::SplitMix64;
use md5::{Digest, Md5};

/// No server: one more than the highest index, as there are at most 65,535.
const FREE: u16 = u16::MAX;

/// Draws put in order at a time.
const BATCH: usize = 4096;

/// The outcome.
pub(super) struct Filled {
    /// The owner of each slot.
    pub(super) table: Box<[u16]>,
    /// The first server of the list that came away with nothing.
    pub(super) without_slot: Option<usize>,
}

/// The first 8 bytes of MD5, little-endian.
fn seed(identity: &str) -> u64 {
    let digest = Md5::digest(identity);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(bytes)
}

/// A server that still draws.
struct Drawer {
    server: u16,
    weight: u32,
    /// Slots it may hold, and slots it holds.
    cap: u32,
    held: u32,
    stream: SplitMix64,
    turns: Turns,
}

/// The rounds a server draws in. No weight is above the heaviest, so no server draws
/// twice in a round.
struct Turns {
    /// The round of the next draw.
    round: u64,
    /// round * weight - j * heaviest of that draw: less than the weight.
    slack: u32,
}

impl Turns {
    fn new(weight: u32, heaviest: u32) -> Self {
        let round = heaviest.div_ceil(weight);
        Self {
            round: u64::from(round),
            slack: (u64::from(round) * u64::from(weight) - u64::from(heaviest)) as u32,
        }
    }

    #[inline]
    fn advance(&mut self, weight: u32, quotient: u32, remainder: u32) {
        self.round += u64::from(quotient);
        if self.slack >= remainder {
            self.slack -= remainder;
        } else {
            self.slack = self.slack + weight - remainder;
            self.round += 1;
        }
    }
}

/// A table being filled.
///
/// The order of the draws is worked out for a stretch of rounds at a time, by
/// counting: the cost of a draw depends neither on the number of servers nor on
/// their weights.
pub(super) struct Fill {
    table: Box<[u16]>,
    free: usize,
    /// 64 less the number of bits of a slot number.
    shift: u32,
    heaviest: u32,
    /// In the order in which they draw within a round.
    drawers: Vec<Drawer>,
    /// First round after those scheduled.
    horizon: u64,
    /// The draws of the stretch: round within it and drawer, by drawer.
    draws: Vec<(u32, u32)>,
    /// The drawers of the stretch in their order.
    order: Vec<u32>,
    /// For each round of the stretch, where in the order its next draw goes.
    places: Vec<u32>,
}

impl Fill {
    pub(super) fn new(nodes: &[Node<'_>], slots: u32) -> Self {
        let heaviest = nodes.iter().map(|node| node.weight).max().unwrap_or(1);
        let total = total_weight(nodes);
        let mut ranking: Vec<(u64, usize)> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (seed(node.identity), index))
            .collect();
        ranking.sort_unstable_by_key(|&(seed, index)| (seed, nodes[index].identity));
        let drawer = |(seed, index): (u64, usize)| {
            let weight = nodes[index].weight;
            let cap = (21 * u64::from(slots) * u64::from(weight)).div_ceil(20 * total);
            Drawer {
                server: index as u16,
                weight,
                cap: cap as u32,
                held: 0,
                stream: SplitMix64::new(seed),
                turns: Turns::new(weight, heaviest),
            }
        };
        Self {
            table: vec![FREE; slots as usize].into(),
            free: slots as usize,
            shift: 64 - slots.trailing_zeros(),
            heaviest,
            drawers: ranking.into_iter().map(drawer).collect(),
            horizon: 1,
            draws: Vec::new(),
            order: Vec::new(),
            places: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Filled {
        while self.free > 0 {
            self.schedule();
            self.draw();
        }
        // A server without a slot is below its cap, and so still among the drawers.
        let idle = self.drawers.iter().filter(|drawer| drawer.held == 0);
        Filled {
            without_slot: idle.map(|drawer| usize::from(drawer.server)).min(),
            table: self.table,
        }
    }

    /// Puts the draws of the next stretch of rounds in order.
    ///
    /// A stretch has about as many draws as the batch. It is never much longer
    /// than that: caps add up to 21/20 of the table, so while a slot is free, the
    /// servers below their cap have at least 1/21 of the weight between them.
    fn schedule(&mut self) {
        self.drawers.retain(|drawer| drawer.held < drawer.cap);
        let weight: u64 = self.drawers.iter().map(|d| u64::from(d.weight)).sum();
        let batch = BATCH.max(self.drawers.len()) as u64;
        let rounds = (batch * u64::from(self.heaviest) / weight).max(1);
        let start = self.horizon;
        self.horizon += rounds;

        self.draws.clear();
        self.places.clear();
        self.places.resize(rounds as usize, 0);
        for (rank, drawer) in self.drawers.iter_mut().enumerate() {
            let quotient = self.heaviest / drawer.weight;
            let remainder = self.heaviest % drawer.weight;
            while drawer.turns.round < self.horizon {
                let round = (drawer.turns.round - start) as u32;
                self.draws.push((round, rank as u32));
                self.places[round as usize] += 1;
                drawer.turns.advance(drawer.weight, quotient, remainder);
            }
        }

        let mut place = 0;
        for slot in &mut self.places {
            place += std::mem::replace(slot, place);
        }
        self.order.clear();
        self.order.resize(self.draws.len(), 0);
        for &(round, rank) in &self.draws {
            let place = &mut self.places[round as usize];
            self.order[*place as usize] = rank;
            *place += 1;
        }
    }

    /// Makes the scheduled draws, until no slot is free.
    fn draw(&mut self) {
        for &rank in &self.order {
            let drawer = &mut self.drawers[rank as usize];
            if drawer.held == drawer.cap {
                continue;
            }
            let slot = (drawer.stream.draw() >> self.shift) as usize;
            if self.table[slot] == FREE {
                self.table[slot] = drawer.server;
                drawer.held += 1;
                self.free -= 1;
                if self.free == 0 {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Label;
    use proptest::prelude::*;

    fn nodes(servers: &[(String, u32)]) -> Vec<Node<'_>> {
        servers
            .iter()
            .map(|(identity, weight)| Node {
                identity,
                label: Label::Name(identity),
                weight: *weight,
            })
            .collect()
    }

    /// The rules word for word: round by round, server by server.
    fn by_the_rules(nodes: &[Node<'_>], slots: u32) -> Vec<u16> {
        let heaviest = nodes
            .iter()
            .map(|node| u64::from(node.weight))
            .max()
            .unwrap();
        let total = total_weight(nodes);
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by_key(|&server| (seed(nodes[server].identity), nodes[server].identity));
        let mut streams: Vec<_> = nodes
            .iter()
            .map(|node| SplitMix64::new(seed(node.identity)))
            .collect();
        let mut drawn = vec![0; nodes.len()];
        let mut held = vec![0; nodes.len()];
        let mut table = vec![FREE; slots as usize];
        let mut round = 0;
        while table.contains(&FREE) {
            round += 1;
            for &server in &order {
                let weight = u64::from(nodes[server].weight);
                let cap = (21 * u64::from(slots) * weight).div_ceil(20 * total);
                let its_round = ((drawn[server] + 1) * heaviest).div_ceil(weight);
                if its_round != round {
                    continue;
                }
                drawn[server] += 1;
                let slot = (streams[server].draw() >> (64 - slots.trailing_zeros())) as usize;
                if held[server] < cap && table[slot] == FREE {
                    table[slot] = server as u16;
                    held[server] += 1;
                }
            }
        }
        table
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

        #[test]
        fn counting_comes_to_the_same_as_the_rules(
            weights in prop_oneof![
                prop::collection::vec(1..=10_u32, 1..30),
                prop::collection::vec(prop_oneof![Just(1), 1..=1000_u32], 1..8),
            ],
            salt: u32,
        ) {
            let servers: Vec<_> = weights
                .iter()
                .enumerate()
                .map(|(index, &weight)| (format!("{salt}-{index}:11211"), weight))
                .collect();
            let nodes = nodes(&servers);
            let filled = Fill::new(&nodes, 1024).run();
            prop_assert_eq!(&filled.table[..], by_the_rules(&nodes, 1024));
            let idle = (0..nodes.len()).find(|&server| !filled.table.contains(&(server as u16)));
            prop_assert_eq!(filled.without_slot, idle);
        }
    }

    /// More draws than a batch holds, and servers that reach their cap in one.
    #[test]
    fn a_table_of_many_batches_is_filled_by_the_rules() {
        for count in [2, 100] {
            let servers: Vec<_> = (0..count)
                .map(|index| (format!("cache{index}:11211"), 1 + index % 3))
                .collect();
            let nodes = nodes(&servers);
            let filled = Fill::new(&nodes, 16_384).run();
            assert!(filled.table[..] == by_the_rules(&nodes, 16_384));
        }
    }
}
