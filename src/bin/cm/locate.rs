//! `cm locate`.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Args;
use consistent_memcached::fleet::Explanation;
use consistent_memcached::placement::Position;
use consistent_memcached::protocol::{Kind, Operation};
use serde_json::json;

use crate::arguments::ServerArguments;
use crate::failure::Failure;
use crate::input;

/// Show which server owns a key, and why. Asks no server.
///
/// Prints a line for each key, fields separated by tabs: the key; the server that owns it; the
/// slot or the point of the continuum (or, with rendezvous, the score) where it was found; the
/// servers that come next when that one is down, separated by commas, in that order. (Whether
/// they are used at all is the business of the failover.)
#[derive(Args)]
pub struct Locate {
    #[command(flatten)]
    servers: ServerArguments,
    /// Read keys from a file, a line each; - for standard input
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Show at most this many of the servers that come next [default: all]
    #[arg(long, value_name = "N")]
    next: Option<usize>,
    /// Print a JSON object for each key
    #[arg(long)]
    json: bool,
    /// A key
    #[arg(value_name = "KEY")]
    key: Vec<OsString>,
}

impl Locate {
    pub fn run(&self) -> Result<(), Failure> {
        let options = self.servers.options.options()?;
        let client = self.servers.client()?;
        let mut keys: Vec<Vec<u8>> = Vec::new();
        keys.extend(self.key.iter().map(|key| key.as_bytes().to_vec()));
        if let Some(path) = &self.keys {
            keys.extend(input::keys(path, options.get("key_prefix")?)?);
        }
        if keys.is_empty() {
            return Err(Failure::input("no key: give KEY or --keys FILE"));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        for key in &keys {
            let explanation = client.explain(&Operation::new(Kind::Get, key))?;
            let line = if self.json {
                self.json(key, &explanation)
            } else {
                self.line(key, &explanation)
            };
            writeln!(out, "{line}")?;
        }
        Ok(out.flush()?)
    }

    fn next<'a>(&self, explanation: &'a Explanation) -> Vec<&'a str> {
        let others = explanation.sequence.iter().skip(1);
        let most = self.next.unwrap_or(usize::MAX);
        others.take(most).map(|server| &**server).collect()
    }

    fn line(&self, key: &[u8], explanation: &Explanation) -> String {
        let (kind, number) = position(explanation.position);
        format!(
            "{}\t{}\t{kind} {number}\t{}",
            input::printable(key),
            explanation.identity,
            self.next(explanation).join(",")
        )
    }

    fn json(&self, key: &[u8], explanation: &Explanation) -> String {
        let (kind, number) = position(explanation.position);
        json!({
            "key": input::printable(key),
            "server": &*explanation.identity,
            "index": explanation.server,
            kind: number,
            "next": self.next(explanation),
        })
        .to_string()
    }
}

fn position(position: Position) -> (&'static str, u64) {
    match position {
        Position::Slot(slot) => ("slot", slot),
        Position::Point(point) => ("point", u64::from(point)),
        Position::Score(score) => ("score", u64::from(score)),
    }
}
