//! What names a flight in the watch, the mailbox and the alarms.

use std::time::Duration;

/// In place of a flight's number: the call as a whole.
pub(super) const WHOLE: u32 = u32::MAX;

/// In place of a flight's number: a call that has not begun.
pub(super) const SETTLE: u32 = u32::MAX - 1;

/// How long such a call waits before it looks again.
pub(super) const SETTLING: Duration = Duration::from_millis(1);

pub(super) fn token(call: u32, flight: u32) -> u64 {
    u64::from(call) << 32 | u64::from(flight)
}
