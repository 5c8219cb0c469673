//! `cm set`.

use std::ffi::OsString;

use clap::Args;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation};

use super::{bytes, run};
use crate::arguments::ServerArguments;
use crate::failure::Failure;
use crate::input;

/// Store a value under a key.
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    servers: ServerArguments,
    /// Seconds until the item expires; 0: never, below 0: at once
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    ttl: i64,
    /// The client flags of the item
    #[arg(long, default_value_t = 0)]
    flags: u32,
    key: OsString,
    /// The value; - for standard input to its end
    value: OsString,
}

impl Set {
    pub fn run(&self) -> Result<(), Failure> {
        let client = self.servers.client()?;
        let value = input::value(&self.value)?;
        let op = Operation {
            value: &value,
            flags: self.flags,
            ttl: Ttl::FromNow(self.ttl),
            ..Operation::new(Kind::Set, bytes(&self.key))
        };
        run(&client, &op).map(|_| ())
    }
}
