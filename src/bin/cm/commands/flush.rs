//! `cm flush`.

use clap::Args;
use consistent_memcached::protocol::expiry::Ttl;
use consistent_memcached::protocol::{Kind, Operation};

use super::run_on_all;
use crate::arguments::ServerArguments;
use crate::failure::Failure;

/// Empty every server. Does not ask whether you mean it.
///
/// Servers that cannot be reached are named on standard error, the others are emptied, and the
/// exit code is 3.
#[derive(Args)]
pub struct Flush {
    #[command(flatten)]
    servers: ServerArguments,
    /// Empty them this many seconds from now
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    delay: u32,
}

impl Flush {
    pub fn run(&self) -> Result<(), Failure> {
        let op = Operation {
            ttl: Ttl::FromNow(i64::from(self.delay)),
            ..Operation::new(Kind::FlushAll, &[])
        };
        run_on_all(&self.servers.client()?, op, |_, _, _| Ok(()))
    }
}
