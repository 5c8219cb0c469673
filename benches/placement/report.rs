//! The figures, as a table or as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::build::Build;
use super::{CONTENDERS, KEY_BYTES, SIZES};

/// One contender with one fleet and keys of one length.
pub struct Lookup {
    pub name: &'static str,
    pub servers: usize,
    pub key_bytes: usize,
    /// Nanoseconds of a lookup, for each round.
    pub times: Vec<f64>,
}

#[derive(Default)]
pub struct Report {
    pub lookups: Vec<Lookup>,
    pub builds: Vec<Build>,
}

pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

impl Report {
    fn find(&self, name: &str, servers: usize, key_bytes: usize) -> Option<&Lookup> {
        let same = |lookup: &&Lookup| {
            (lookup.name, lookup.servers, lookup.key_bytes) == (name, servers, key_bytes)
        };
        self.lookups.iter().find(same)
    }

    /// Median over the rounds of one's time over the other's.
    fn ratio(one: &Lookup, other: &Lookup) -> f64 {
        let rounds = one.times.iter().zip(&other.times);
        median(&mut rounds.map(|(one, other)| one / other).collect::<Vec<_>>())
    }

    fn peer_of(&self, lookup: &Lookup) -> Option<&Lookup> {
        let (_, _, peer) = CONTENDERS.iter().find(|row| row.0 == lookup.name)?;
        self.find((*peer)?, lookup.servers, lookup.key_bytes)
    }

    /// The time of `rehash` with the largest fleet over that with the smallest.
    fn flatness(&self, key_bytes: usize) -> Option<f64> {
        let largest = self.find("rehash", SIZES[SIZES.len() - 1], key_bytes)?;
        Some(Self::ratio(
            largest,
            self.find("rehash", SIZES[0], key_bytes)?,
        ))
    }

    pub fn json(&self) -> Value {
        let lookup = |lookup: &Lookup| {
            json!({
                "name": lookup.name,
                "servers": lookup.servers,
                "key_bytes": lookup.key_bytes,
                "ns": median(&mut lookup.times.clone()),
                "peer": self.peer_of(lookup).map(|peer| peer.name),
                "ratio_to_peer": self.peer_of(lookup).map(|peer| Self::ratio(lookup, peer)),
            })
        };
        let build = |build: &Build| {
            json!({
                "name": build.name,
                "milliseconds": build.milliseconds,
                "bytes": build.bytes,
            })
        };
        let flat = |bytes| json!({ "key_bytes": bytes, "ratio": self.flatness(bytes) });
        json!({
            "lookups": self.lookups.iter().map(lookup).collect::<Vec<_>>(),
            "rehash_largest_over_smallest_fleet": KEY_BYTES.map(flat),
            "builds": self.builds.iter().map(build).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = Vec::new();
        for lookup in &self.lookups {
            if !names.contains(&lookup.name) {
                names.push(lookup.name);
            }
        }
        for key_bytes in KEY_BYTES {
            writeln!(
                f,
                "Keys of {key_bytes} bytes: ns for a lookup (ratio to the peer)"
            )?;
            write!(f, "{:28}", "servers")?;
            for size in SIZES {
                write!(f, " {size:>16}")?;
            }
            writeln!(f)?;
            for name in &names {
                write!(f, "{name:28}")?;
                let row = SIZES
                    .iter()
                    .filter_map(|&size| self.find(name, size, key_bytes));
                for lookup in row {
                    let ns = median(&mut lookup.times.clone());
                    let ratio = self.peer_of(lookup).map(|peer| Self::ratio(lookup, peer));
                    let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.3})"));
                    let cell = format!("{ns:.1}{ratio}");
                    write!(f, " {cell:>16}")?;
                }
                writeln!(f)?;
            }
            if let Some(flatness) = self.flatness(key_bytes) {
                writeln!(f, "rehash, largest fleet over smallest: {flatness:.3}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "Building a client")?;
        for build in &self.builds {
            let (name, ms, kib) = (&build.name, build.milliseconds, build.bytes / 1024);
            writeln!(f, "{name:36} {ms:>8.2} ms {kib:>8} KiB")?;
        }
        Ok(())
    }
}
