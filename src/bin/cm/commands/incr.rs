//! `cm incr`.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use consistent_memcached::protocol::{Kind, Operation};

use super::{bytes, run};
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Add to a number, and print what it then is. A miss is exit code 1.
///
/// The server counts in 64 bits without sign: adding wraps round, subtracting ends at 0.
#[derive(Args)]
pub struct Incr {
    #[command(flatten)]
    servers: ServerArguments,
    key: OsString,
    /// What to add; subtracted when it is below 0
    #[arg(value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = delta)]
    by: (Kind, u64),
}

impl Incr {
    pub fn run(&self) -> Result<(), Failure> {
        let (kind, delta) = self.by;
        let op = Operation {
            delta,
            ..Operation::new(kind, bytes(&self.key))
        };
        let answer = run(&self.servers.client()?, &op)?;
        Ok(writeln!(io::stdout(), "{}", answer.number)?)
    }
}

/// A number of 64 bits, and the operation its sign stands for.
fn delta(text: &str) -> Result<(Kind, u64), String> {
    let (kind, digits) = match text.strip_prefix('-') {
        Some(digits) => (Kind::Decrement, digits),
        None => (Kind::Increment, text),
    };
    let number = digits.parse().map_err(|_| "not a number of 64 bits")?;
    Ok((kind, number))
}
