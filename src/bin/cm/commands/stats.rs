//! `cm stats`.

use std::io::{self, BufWriter, Write};

use clap::Args;
use consistent_memcached::protocol::{Kind, Operation};

use super::run_on_all;
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Print the statistics of every server.
///
/// A line for each figure, fields separated by tabs: server, name, value. Servers that cannot
/// be reached are named on standard error, the others are printed, and the exit code is 3.
#[derive(Args)]
pub struct Stats {
    #[command(flatten)]
    servers: ServerArguments,
    /// Which statistics, such as items, slabs, settings or sizes [default: the general ones]
    #[arg(default_value = "", hide_default_value = true)]
    argument: String,
}

impl Stats {
    pub fn run(&self) -> Result<(), Failure> {
        let client = self.servers.client()?;
        let op = Operation::new(Kind::Stats, self.argument.as_bytes());
        let mut out = BufWriter::new(io::stdout().lock());
        let ended = run_on_all(&client, op, |server, results, record| {
            let text = results.value(record).unwrap_or_default();
            for line in String::from_utf8_lossy(text).lines() {
                let (name, value) = line.split_once(' ').unwrap_or((line, ""));
                writeln!(out, "{server}\t{name}\t{value}")?;
            }
            Ok(())
        });
        out.flush()?;
        ended
    }
}
