//! What is refused before anything is sent.

use crate::error::{Error, Result, Status};
use crate::fleet::{Fleet, unix_now};
use crate::options::Config;
use crate::protocol::{Kind, Operation, key};

/// The server reads the length of a value into 32 bits with a sign, line end included.
const MAX_VALUE: usize = i32::MAX as usize - 2;

/// Refuses what a server would not take, or would take for something else.
pub fn check(op: &Operation<'_>, config: &Config, fleet: &Fleet) -> Result<()> {
    match op.kind {
        Kind::Stats => key::check_argument(op.key)?,
        Kind::FlushAll if op.ttl.is_past() => {
            return Err(Error::new(Status::Argument, "the delay is negative"));
        }
        Kind::FlushAll | Kind::Version => {}
        _ if op.encodes_key(config.binary_keys) => {
            key::check_encoded(&config.key_prefix, op.key)?;
        }
        _ => key::check(&config.key_prefix, op.key)?,
    }
    if op.value.len() > MAX_VALUE {
        let text = format!("{} bytes, at most {MAX_VALUE} can be sent", op.value.len());
        return Err(Error::new(Status::ValueTooLarge, text));
    }
    if op.hash.is_some() && !fleet.takes_hash() {
        let text = "this distribution cannot be routed by a hash";
        return Err(Error::new(Status::Unsupported, text));
    }
    op.ttl.exptime(unix_now)?;
    op.create_ttl()
        .map_or(Ok(()), |ttl| ttl.exptime(unix_now).map(|_| ()))
}
