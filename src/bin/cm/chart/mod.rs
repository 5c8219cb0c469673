//! `cm chart`: every distribution over fleets of many sizes, as a picture.

mod grid;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use consistent_memcached::options::Options;
use consistent_memcached::placement::DISTRIBUTIONS;

use crate::drawing;
use crate::failure::Failure;
use crate::movement::{Change, Keys};

/// Draw how every distribution does with 3 to 1000 equal servers.
///
/// A panel for each distribution with its own hash; keys look random. Where the default does
/// not go, with 1000 servers, rehash is shown with 1048576 slots too.
#[derive(Args)]
pub struct Chart {
    /// What to draw
    #[arg(value_enum)]
    what: What,
    /// The file to draw into
    #[arg(long, value_name = "FILE")]
    svg: PathBuf,
    /// Place this many keys for each server
    #[arg(long, value_name = "N", default_value_t = 4000,
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    keys_per_server: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The load of the fullest server over its fair share
    Balance,
    /// The keys that move when a server is added, or one in the middle of the list removed
    Moved,
}

/// The sizes of fleets.
const SIZES: [usize; 11] = [3, 5, 8, 10, 20, 30, 50, 100, 200, 300, 1000];

/// At least this many keys are placed, however few the servers.
const FEWEST_KEYS: u64 = 200_000;

/// A panel: its heading, and its lines over the sizes.
struct Panel {
    name: String,
    lines: Vec<Vec<(f64, f64)>>,
}

impl Chart {
    pub fn run(&self) -> Result<(), Failure> {
        let mut panels = Vec::new();
        for &name in DISTRIBUTIONS {
            panels.push(self.panel(name, &[("distribution", name)])?);
            if name == "rehash" {
                let options = [("slots", "1048576")];
                panels.push(self.panel("rehash, slots=1048576", &options)?);
            }
        }
        let svg = match self.what {
            What::Balance => grid::balance(&panels)?,
            What::Moved => grid::moved(&panels)?,
        };
        drawing::save(&self.svg, &svg)
    }

    fn panel(&self, name: &str, given: &[(&str, &str)]) -> Result<Panel, Failure> {
        let mut options = Options::new();
        for (name, value) in given {
            options.set(name, value)?;
        }
        let mut lines = vec![Vec::new(); 2];
        for size in SIZES {
            let keys = Keys::Sample(FEWEST_KEYS.max(self.keys_per_server * size as u64));
            let measure = |from: &[usize], to: &[usize]| {
                let change = Change::new(&list(from), &list(to))?;
                let movement = change.measure(&keys, [&options, &options])?;
                Ok::<_, Failure>((change.fullest(&movement), movement.moved))
            };
            let fleet: Vec<usize> = (0..size).collect();
            let larger: Vec<usize> = (0..=size).collect();
            let mut smaller = fleet.clone();
            smaller.remove(size / 2);
            let (fullest, added) = measure(&fleet, &larger)?;
            let x = size as f64;
            match self.what {
                What::Balance => lines[0].push((x, fullest[0])),
                What::Moved => {
                    lines[0].push((x, 100.0 * added));
                    lines[1].push((x, 100.0 * measure(&fleet, &smaller)?.1));
                }
            }
        }
        Ok(Panel {
            name: name.to_owned(),
            lines,
        })
    }
}

/// A list of servers as it might be, from their numbers.
fn list(numbers: &[usize]) -> String {
    let servers: Vec<String> = numbers
        .iter()
        .map(|number| format!("10.0.{}.{}:11211", number / 250, number % 250 + 1))
        .collect();
    servers.join(",")
}
