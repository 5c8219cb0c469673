//! `cm delete`.

use std::ffi::OsString;

use clap::Args;
use consistent_memcached::protocol::{Kind, Operation};

use super::{bytes, run};
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Delete a key. One that is not there is exit code 1.
#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    servers: ServerArguments,
    key: OsString,
}

impl Delete {
    pub fn run(&self) -> Result<(), Failure> {
        let op = Operation::new(Kind::Delete, bytes(&self.key));
        run(&self.servers.client()?, &op).map(|_| ())
    }
}
