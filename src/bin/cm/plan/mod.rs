//! `cm plan`.

mod json;
mod picture;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use consistent_memcached::options::{Config, Options};
use consistent_memcached::placement::DISTRIBUTIONS;

use crate::arguments::ChangeArguments;
use crate::drawing;
use crate::failure::Failure;
use crate::input;
use crate::movement::{Change, Keys, Movement};

/// Show what a change of the fleet costs: shares before and after, and the keys that move.
/// Asks no server.
///
/// Places keys in both fleets and compares. A key that moves is a miss after the change.
/// Beside what moves stands the least that must: what the servers' shares gain. The other
/// distributions, each with its own hash, are measured with the same keys.
///
/// A long list fits in a file, a server a line: --from "$(cat old.txt)".
#[derive(Args)]
pub struct Plan {
    #[command(flatten)]
    change: ChangeArguments,
    /// Place the keys of a file, a line each; - for standard input. Every line counts
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    keys: Option<PathBuf>,
    /// Place this many keys that look random
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    sample: u64,
    /// Print JSON, not tables
    #[arg(long)]
    json: bool,
    /// Draw a picture into this file as well
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// What the tables, the JSON and the picture show.
struct Report {
    change: Change,
    keys: u64,
    /// The distribution asked for, and the options that were given with it.
    name: String,
    chosen: Movement,
    /// Every distribution with its own hash, or why it cannot place these servers.
    others: Vec<(&'static str, Result<Movement, String>)>,
}

impl Plan {
    pub fn run(&self) -> Result<(), Failure> {
        let report = self.report()?;
        if let Some(path) = &self.svg {
            drawing::save(path, &picture::draw(&report)?)?;
        }
        let text = if self.json {
            json::text(&report)
        } else {
            table::text(&report)
        };
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    fn report(&self) -> Result<Report, Failure> {
        let [before, after] = self.change.options()?;
        let change = Change::new(&self.change.from, &self.change.to)?;
        let keys = self.keys(&before, &after)?;
        let chosen = change.measure(&keys, [&before, &after])?;
        let plain = plain(&before)?;
        let others = DISTRIBUTIONS.iter().map(|&name| {
            let mut options = plain.clone();
            let measured = options
                .set("distribution", name)
                .and_then(|()| change.measure(&keys, [&options, &options]));
            (name, measured.map_err(|error| error.message().to_owned()))
        });
        Ok(Report {
            others: others.collect(),
            keys: keys.count(),
            name: self.name(),
            change,
            chosen,
        })
    }

    fn keys(&self, before: &Options, after: &Options) -> Result<Keys, Failure> {
        let Some(path) = &self.keys else {
            return Ok(Keys::Sample(self.sample));
        };
        let prefixes = [before.get("key_prefix")?, after.get("key_prefix")?];
        let [one, other] = prefixes;
        let longer = if one.len() < other.len() { other } else { one };
        Ok(Keys::Given(input::keys(path, longer)?))
    }

    /// The options as they were given, for a heading.
    fn name(&self) -> String {
        let mut words = Vec::new();
        let ChangeArguments {
            options, to_option, ..
        } = &self.change;
        let named = [
            ("compat", &options.compat),
            ("distribution", &options.distribution),
            ("hash", &options.hash),
        ];
        for (name, value) in named {
            words.extend(value.iter().map(|value| format!("{name}={value}")));
        }
        words.extend(options.options.iter().cloned());
        if words.is_empty() {
            words.push("the defaults".into());
        }
        if !to_option.is_empty() {
            words.push("then".into());
            words.extend(to_option.iter().cloned());
        }
        words.join(" ")
    }
}

/// The prefix of keys and whether it counts; of placement nothing.
fn plain(options: &Options) -> Result<Options, Failure> {
    let mut plain = Options::new();
    let hash_prefix = Config::new(options)?.settings.hash_prefix;
    plain.set("key_prefix", options.get("key_prefix")?)?;
    plain.set("hash_prefix", if hash_prefix { "true" } else { "false" })?;
    Ok(plain)
}
