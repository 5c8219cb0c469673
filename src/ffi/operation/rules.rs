//! Which fields and bits each kind of operation uses. A caller who sets another wants what it will not
//! get, so it is refused.

use super::{
    CM_WANT_BASE64_KEY, CM_WANT_CAS, CM_WANT_CREATE, CM_WANT_DROP_VALUE, CM_WANT_HASH,
    CM_WANT_HIT_BEFORE, CM_WANT_INVALIDATE, CM_WANT_LAST_ACCESS, CM_WANT_NO_BUMP, CM_WANT_NO_VALUE,
    CM_WANT_QUIET, CM_WANT_SIZE, CM_WANT_TTL, CM_WANT_UNIX_TTL, cm_op,
};
use crate::error::{Error, Result, Status};
use crate::protocol::Kind;

/// The server takes more for a Unix time, as it does with a ttl.
const MAX_REFRESH: i64 = 60 * 60 * 24 * 30;

const BITS: [(&str, u32); 14] = [
    ("CM_WANT_CAS", CM_WANT_CAS),
    ("CM_WANT_HASH", CM_WANT_HASH),
    ("CM_WANT_UNIX_TTL", CM_WANT_UNIX_TTL),
    ("CM_WANT_TTL", CM_WANT_TTL),
    ("CM_WANT_LAST_ACCESS", CM_WANT_LAST_ACCESS),
    ("CM_WANT_HIT_BEFORE", CM_WANT_HIT_BEFORE),
    ("CM_WANT_SIZE", CM_WANT_SIZE),
    ("CM_WANT_NO_VALUE", CM_WANT_NO_VALUE),
    ("CM_WANT_NO_BUMP", CM_WANT_NO_BUMP),
    ("CM_WANT_QUIET", CM_WANT_QUIET),
    ("CM_WANT_BASE64_KEY", CM_WANT_BASE64_KEY),
    ("CM_WANT_INVALIDATE", CM_WANT_INVALIDATE),
    ("CM_WANT_CREATE", CM_WANT_CREATE),
    ("CM_WANT_DROP_VALUE", CM_WANT_DROP_VALUE),
];

/// The bits of `want` that a kind of operation uses.
fn used_bits(kind: Kind) -> u32 {
    let reads = CM_WANT_CAS
        | CM_WANT_TTL
        | CM_WANT_LAST_ACCESS
        | CM_WANT_HIT_BEFORE
        | CM_WANT_SIZE
        | CM_WANT_NO_VALUE
        | CM_WANT_NO_BUMP;
    let stores = CM_WANT_CAS | CM_WANT_SIZE | CM_WANT_QUIET;
    let own = match kind {
        Kind::Get => reads,
        Kind::GetAndTouch => reads | CM_WANT_UNIX_TTL,
        Kind::Set | Kind::Add | Kind::Replace => stores | CM_WANT_UNIX_TTL,
        Kind::Cas => stores | CM_WANT_UNIX_TTL | CM_WANT_INVALIDATE,
        Kind::Append | Kind::Prepend => stores | CM_WANT_CREATE,
        Kind::Delete => CM_WANT_QUIET | CM_WANT_INVALIDATE | CM_WANT_DROP_VALUE | CM_WANT_UNIX_TTL,
        Kind::Touch => CM_WANT_UNIX_TTL,
        Kind::Increment | Kind::Decrement => {
            CM_WANT_CAS | CM_WANT_TTL | CM_WANT_QUIET | CM_WANT_CREATE | CM_WANT_UNIX_TTL
        }
        Kind::Stats | Kind::FlushAll | Kind::Version => 0,
    };
    own | CM_WANT_HASH | CM_WANT_BASE64_KEY
}

pub(super) fn check(op: &cm_op, kind: Kind) -> Result<()> {
    refuse_unknown(op)?;
    refuse_unused(op, kind)?;
    refuse_senseless(op)?;
    check_cas(kind, op.cas)
}

/// Refuses what this version does not do.
fn refuse_unknown(op: &cm_op) -> Result<()> {
    let known = BITS.iter().fold(0, |known, (_, bit)| known | bit);
    if op.want & !known != 0 {
        let text = "want asks for what this version does not do";
        return Err(Error::new(Status::Unsupported, text));
    }
    Ok(())
}

/// Refuses fields and bits that would be ignored.
fn refuse_unused(op: &cm_op, kind: Kind) -> Result<()> {
    let retrieves = matches!(kind, Kind::Get | Kind::GetAndTouch);
    let stores = matches!(kind, Kind::Set | Kind::Add | Kind::Replace | Kind::Cas);
    let counts = matches!(kind, Kind::Increment | Kind::Decrement);
    let deletes = kind == Kind::Delete;
    let wants = |bit| op.want & bit != 0;
    let invalidates = deletes && wants(CM_WANT_INVALIDATE);
    let expires =
        stores || counts || invalidates || matches!(kind, Kind::Touch | Kind::GetAndTouch);
    let creates = wants(CM_WANT_CREATE);
    let unused = [
        ("reserved", op.reserved != 0),
        ("value_len", op.value_len != 0 && !kind.carries_value()),
        ("flags", op.flags != 0 && !stores),
        ("ttl_seconds", op.ttl_seconds != 0 && !expires),
        ("want CM_WANT_UNIX_TTL", wants(CM_WANT_UNIX_TTL) && !expires),
        (
            "cas",
            op.cas != 0 && kind != Kind::Cas && !deletes && !counts,
        ),
        ("delta", op.delta != 0 && !counts),
        ("hash", op.hash != 0 && !wants(CM_WANT_HASH)),
        ("route_len", op.route_len != 0 && wants(CM_WANT_HASH)),
        ("initial", op.initial != 0 && !(counts && creates)),
        (
            "initial_ttl_seconds",
            op.initial_ttl_seconds != 0 && !creates,
        ),
        ("lease_seconds", op.lease_seconds != 0 && !retrieves),
        (
            "refresh_before_seconds",
            op.refresh_before_seconds != 0 && !retrieves,
        ),
    ];
    let field = unused.iter().find(|(_, given)| *given);
    let unused_bits = op.want & !used_bits(kind);
    let bit = BITS.iter().find(|(_, bit)| unused_bits & bit != 0);
    match (field, bit) {
        (Some((field, _)), _) => Err(wrong(format!("this operation does not use {field}"))),
        (_, Some((bit, _))) => Err(wrong(format!("this operation does not use want {bit}"))),
        _ => Ok(()),
    }
}

/// Refuses what cannot be meant.
fn refuse_senseless(op: &cm_op) -> Result<()> {
    let wants = |bit| op.want & bit != 0;
    if wants(CM_WANT_QUIET) && wants(CM_WANT_CAS | CM_WANT_SIZE | CM_WANT_TTL) {
        return Err(wrong("CM_WANT_QUIET brings no answer to look into"));
    }
    if wants(CM_WANT_DROP_VALUE) && !(wants(CM_WANT_INVALIDATE) && op.ttl_seconds != 0) {
        let text = "CM_WANT_DROP_VALUE needs CM_WANT_INVALIDATE and a ttl, or the rest never goes";
        return Err(wrong(text));
    }
    if op.lease_seconds < 0 {
        return Err(wrong("lease_seconds is negative"));
    }
    if !(0..=MAX_REFRESH).contains(&op.refresh_before_seconds) {
        let text = format!("refresh_before_seconds is not within 0 to {MAX_REFRESH}");
        return Err(wrong(text));
    }
    Ok(())
}

/// A compare-and-swap without a cas id would be a plain set.
pub(in crate::ffi) fn check_cas(kind: Kind, cas: u64) -> Result<()> {
    if kind == Kind::Cas && cas == 0 {
        return Err(wrong("a cas id is needed to compare with: 0 is none"));
    }
    Ok(())
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(Status::Argument, text)
}
