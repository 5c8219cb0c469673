//! `cm touch`.

use std::ffi::OsString;

use clap::Args;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation};

use super::{bytes, run};
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Give a key a new time to live. A miss is exit code 1.
#[derive(Args)]
pub struct Touch {
    #[command(flatten)]
    servers: ServerArguments,
    key: OsString,
    /// Seconds until the item expires; 0: never, below 0: at once
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    ttl: i64,
}

impl Touch {
    pub fn run(&self) -> Result<(), Failure> {
        let op = Operation {
            ttl: Ttl::FromNow(self.ttl),
            ..Operation::new(Kind::Touch, bytes(&self.key))
        };
        run(&self.servers.client()?, &op).map(|_| ())
    }
}
