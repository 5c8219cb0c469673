//! What a reply means to the operation it answers.

use crate::error::Status;
use crate::protocol::decode::{Code, Reply};
use crate::protocol::encode::meta;
use crate::protocol::{Kind, Operation};

/// What an answer means to an operation; `None` when it cannot be the answer to it.
pub(super) fn answer(kind: Kind, reply: &Reply<'_>) -> Option<(Status, u64)> {
    let status = match (kind, reply) {
        (Kind::Get | Kind::GetAndTouch, Reply::End) => Status::NotFound,
        (Kind::Increment | Kind::Decrement, Reply::Number(number)) => {
            return Some((Status::Ok, *number));
        }
        (kind, Reply::Stored) if kind.carries_value() => Status::Ok,
        (Kind::Add | Kind::Replace | Kind::Append | Kind::Prepend, Reply::NotStored) => {
            Status::NotStored
        }
        (Kind::Cas, Reply::Exists) => Status::Exists,
        (Kind::Delete, Reply::Deleted) | (Kind::Touch, Reply::Touched) => Status::Ok,
        (
            Kind::Cas | Kind::Delete | Kind::Touch | Kind::Increment | Kind::Decrement,
            Reply::NotFound,
        ) => Status::NotFound,
        (Kind::Stats, Reply::End | Reply::Reset | Reply::Ok) => Status::Ok,
        (Kind::FlushAll, Reply::Ok) | (Kind::Version, Reply::Version(_)) => Status::Ok,
        _ => return None,
    };
    Some((status, 0))
}

/// The status and text of an error line.
pub(super) fn refusal(kind: Kind, reply: &Reply<'_>) -> Option<(Status, String)> {
    let text = |text: &[u8]| String::from_utf8_lossy(text).escape_debug().collect();
    match reply {
        Reply::Error => Some((
            Status::Unsupported,
            "the server does not know the command".into(),
        )),
        Reply::ClientError(reason) => Some((Status::Rejected, text(reason))),
        Reply::ServerError(reason)
            if kind.carries_value() && reason.starts_with(b"object too large") =>
        {
            Some((Status::ValueTooLarge, text(reason)))
        }
        Reply::ServerError(reason) => Some((Status::Server, text(reason))),
        _ => None,
    }
}

/// What the code of a meta answer means to an operation; `None` when it cannot be the answer to it.
pub(super) fn meta_answer(op: &Operation<'_>, code: Code) -> Option<Status> {
    let compares = op.cas != 0;
    let status = match (op.kind, code) {
        (_, Code::Done | Code::Value(_)) => {
            let is_value = matches!(code, Code::Value(_));
            return (is_value == meta::brings_value(op)).then_some(Status::Ok);
        }
        (Kind::Get | Kind::GetAndTouch | Kind::Touch, Code::Miss) => Status::NotFound,
        (Kind::Add | Kind::Replace | Kind::Append | Kind::Prepend, Code::NotStored) => {
            Status::NotStored
        }
        // Another made the item in the same moment.
        (Kind::Increment | Kind::Decrement, Code::NotStored) if op.create.is_some() => {
            Status::NotStored
        }
        (Kind::Cas | Kind::Delete | Kind::Increment | Kind::Decrement, Code::NotFound) => {
            Status::NotFound
        }
        (
            Kind::Cas
            | Kind::Append
            | Kind::Prepend
            | Kind::Delete
            | Kind::Increment
            | Kind::Decrement,
            Code::Exists,
        ) if compares => Status::Exists,
        _ => return None,
    };
    Some(status)
}
