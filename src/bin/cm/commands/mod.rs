//! The commands that talk to servers, a file each.

pub mod delete;
pub mod flush;
pub mod get;
pub mod incr;
pub mod set;
pub mod stats;
pub mod touch;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use consistent_memcached::client::{Client, Record, Results, Single, Target};
use consistent_memcached::error::Status;
use consistent_memcached::protocol::Operation;

use crate::failure::Failure;
use crate::input::printable;

/// What a server did as it was told.
struct Answer {
    value: Vec<u8>,
    number: u64,
}

/// Runs an operation on a key; "no" and failures end the command.
fn run(client: &Client, op: &Operation<'_>) -> Result<Answer, Failure> {
    let mut single = Single::new(Target::Owned { headroom: 0 });
    client.execute_one(op, Duration::ZERO, &mut single);
    let no = |text: &str| Err(Failure::no(format!("{}: {text}", printable(op.key))));
    match single.status() {
        Status::Ok => Ok(Answer {
            value: single.take_memory(),
            number: single.number,
        }),
        Status::NotFound => no("not found"),
        Status::NotStored => no("not stored"),
        Status::Exists => no("exists"),
        status => Err(match single.into_error() {
            Some(error) => error.into(),
            None => Failure::failed(format!("{status:?}")),
        }),
    }
}

/// Runs an operation on every server. `each` sees what the servers answered; the servers that
/// did not answer end the command, a line each.
fn run_on_all(
    client: &Client,
    op: Operation<'_>,
    mut each: impl FnMut(&str, &Results, &Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let results = client.execute_on_all(op, Duration::ZERO)?;
    let mut failed = Vec::new();
    for (identity, record) in client.identities().iter().zip(results.records()) {
        if record.status() == Status::Ok {
            each(identity, &results, record)?;
            continue;
        }
        failed.push(format!(
            "{identity}: {}",
            reason(&results, record, identity)
        ));
    }
    Failure::of_servers(failed).map_or(Ok(()), Err)
}

/// Why the server did not do what it was asked.
pub fn reason<'a>(results: &'a Results, record: &Record, identity: &str) -> &'a str {
    // Only the first failure of a batch has a text.
    let first = results
        .failure()
        .filter(|error| error.server() == identity && error.status() == record.status());
    if let Some(error) = first {
        return error.message();
    }
    match record.status() {
        Status::Timeout => "no answer in time",
        Status::ServerDown => "the server is down",
        Status::Connection => "the connection failed",
        Status::Resolve => "its name cannot be resolved",
        Status::Protocol => "not an answer of memcached's",
        Status::ValueTooLarge => "the value is too large",
        _ => "it did not do it",
    }
}

fn bytes(key: &OsStr) -> &[u8] {
    key.as_bytes()
}
