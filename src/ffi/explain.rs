//! `cm_explanation`: why a key belongs where it belongs.

use std::ffi::{CString, c_char};

use super::client::cm_client;
use super::error::{c_string, cm_error};
use super::operation::{CM_OP_GET, cm_op, operations};
use super::status::{CM_OK, cm_status};
use super::{guard, guard_or, out};
use crate::fleet::Explanation;
use crate::placement::Position;

/// In cm_explanation.position_kind: the number of a slot of a table, or of a bucket.
pub const CM_POSITION_SLOT: u32 = 1;
/// In cm_explanation.position_kind: a point of a continuum.
pub const CM_POSITION_POINT: u32 = 2;
/// In cm_explanation.position_kind: the score of the server for this key.
pub const CM_POSITION_SCORE: u32 = 3;

/// Where an operation goes, and why. Reached by pointer; later versions may add fields at its
/// end. All texts are copies that live as long as it does. Belongs to one thread at a time.
#[repr(C)]
pub struct cm_explanation {
    /// Index of the owner in the list of servers.
    pub server: u32,
    /// CM_POSITION_SLOT, CM_POSITION_POINT or CM_POSITION_SCORE
    pub position_kind: u32,
    /// Where the owner was found.
    pub position: u64,
    /// Identity of the owner.
    pub identity: *const c_char,
    /// Identities of the servers in the order in which they are tried as each one before is found
    /// missing: each server once, the owner first.
    pub sequence: *const *const c_char,
    pub sequence_count: usize,
}

/// A [`cm_explanation`] and what it leads to.
#[repr(C)]
struct Owned {
    explanation: cm_explanation,
    _texts: Vec<CString>,
    sequence: Vec<*const c_char>,
}

impl Owned {
    fn new(explanation: &Explanation) -> Owned {
        let (position_kind, position) = match explanation.position {
            Position::Slot(slot) => (CM_POSITION_SLOT, slot),
            Position::Point(point) => (CM_POSITION_POINT, point.into()),
            Position::Score(score) => (CM_POSITION_SCORE, score.into()),
        };
        let mut texts: Vec<_> = explanation
            .sequence
            .iter()
            .map(|text| c_string(text))
            .collect();
        let sequence: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
        let identity = c_string(&explanation.identity);
        let explanation = cm_explanation {
            server: explanation.server as u32,
            position_kind,
            position,
            identity: identity.as_ptr(),
            sequence: sequence.as_ptr(),
            sequence_count: sequence.len(),
        };
        texts.push(identity);
        Owned {
            explanation,
            _texts: texts,
            sequence,
        }
    }
}

/// Explains where an operation goes: by its key, its `route` or its `hash`. Asks no server.
///
/// op: one struct of `op_size` bytes; `kind` may be 0. Only what chooses the server matters.
/// *explanation_out: to be freed with cm_explanation_free; NULL unless the call returns CM_OK.
/// CM_ERR_KEY: no server takes such a key. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid, and so is all that `op` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_explain(
    client: *mut cm_client,
    op: *const cm_op,
    op_size: usize,
    explanation_out: *mut *mut cm_explanation,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (explanation_out, client, mut operations) = unsafe {
            let explanation_out = out(explanation_out, std::ptr::null_mut(), "explanation_out")?;
            let client = cm_client::client(client)?;
            (
                explanation_out,
                client,
                operations(op, op_size, 1, CM_OP_GET)?,
            )
        };
        if let Some(operation) = operations.next() {
            let owned = Box::new(Owned::new(&client.explain(&operation?)?));
            // The explanation is the first field.
            *explanation_out = Box::into_raw(owned).cast();
        }
        Ok(CM_OK)
    })
}

/// Frees an explanation. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `explanation` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_explanation_free(explanation: *mut cm_explanation) {
    guard_or((), || {
        if !explanation.is_null() {
            // SAFETY: made by cm_explain as the head of an `Owned`, freed once as the caller promises.
            drop(unsafe { Box::from_raw(explanation.cast::<Owned>()) });
        }
    });
}
