//! `cm get`.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::Args;
use consistent_memcached::protocol::{Kind, Operation};

use super::{bytes, run};
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Print the value of a key, byte by byte. A miss is exit code 1.
#[derive(Args)]
pub struct Get {
    #[command(flatten)]
    servers: ServerArguments,
    key: OsString,
}

impl Get {
    pub fn run(&self) -> Result<(), Failure> {
        let client = self.servers.client()?;
        let answer = run(&client, &Operation::new(Kind::Get, bytes(&self.key)))?;
        let mut out = io::stdout().lock();
        out.write_all(&answer.value)?;
        if out.is_terminal() && !answer.value.ends_with(b"\n") {
            writeln!(out)?;
        }
        Ok(out.flush()?)
    }
}
