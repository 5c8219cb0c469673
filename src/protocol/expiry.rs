//! From a caller's ttl to the `exptime` on the wire.

use crate::error::{Error, Result, Status};

/// The server takes a larger number of seconds for a Unix time (protocol.txt, "Expiration times").
const MAX_RELATIVE: i64 = 60 * 60 * 24 * 30;

/// The `exptime` field is read into 32 bits with a sign.
const MAX_UNIX: i64 = i32::MAX as i64;

/// Any negative `exptime` is expired at once.
const EXPIRED: i64 = -1;

/// When an item expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Seconds from now: 0 never expires, negative is expired at once.
    FromNow(i64),
    /// Unix time in seconds: 0 never expires, the past is expired at once.
    Unix(i64),
}

impl Ttl {
    pub const NEVER: Ttl = Ttl::FromNow(0);

    /// True for a number of seconds below 0.
    pub fn is_past(self) -> bool {
        matches!(self, Ttl::FromNow(..0) | Ttl::Unix(..0))
    }

    /// The number to send. `unix_now` is asked only when the ttl is longer than 30 days.
    ///
    /// A server takes 40 days given as seconds for a date in 1970, answers STORED, and
    /// the item is gone; so longer ttls become Unix time, and what does not fit is refused.
    #[inline]
    pub fn exptime(self, unix_now: fn() -> i64) -> Result<i64> {
        let unix = match self {
            Ttl::FromNow(seconds) if seconds < 0 => return Ok(EXPIRED),
            Ttl::FromNow(seconds) if seconds <= MAX_RELATIVE => return Ok(seconds),
            Ttl::FromNow(seconds) => seconds.saturating_add(unix_now()),
            Ttl::Unix(0) => return Ok(0),
            Ttl::Unix(seconds) if seconds <= MAX_RELATIVE => return Ok(EXPIRED),
            Ttl::Unix(seconds) => seconds,
        };
        if unix > MAX_UNIX {
            let (Ttl::FromNow(given) | Ttl::Unix(given)) = self;
            return Err(Error::new(
                Status::Argument,
                format!("the ttl {given} does not fit: memcached counts to Unix time {MAX_UNIX}"),
            ));
        }
        Ok(unix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> i64 {
        1_800_000_000
    }

    #[test]
    fn seconds_from_now() {
        assert_eq!(Ttl::FromNow(0).exptime(now).unwrap(), 0);
        assert_eq!(Ttl::FromNow(60).exptime(now).unwrap(), 60);
        assert_eq!(Ttl::FromNow(2_592_000).exptime(now).unwrap(), 2_592_000);
        assert_eq!(Ttl::FromNow(2_592_001).exptime(now).unwrap(), 1_802_592_001);
        assert_eq!(Ttl::FromNow(i64::MIN).exptime(now).unwrap(), -1);
        assert!(Ttl::FromNow(i64::MAX).exptime(now).is_err());
        assert!(Ttl::FromNow(i64::from(i32::MAX)).exptime(now).is_err());
    }

    #[test]
    fn unix_time() {
        assert_eq!(Ttl::Unix(0).exptime(now).unwrap(), 0);
        assert_eq!(
            Ttl::Unix(1_900_000_000).exptime(now).unwrap(),
            1_900_000_000
        );
        assert_eq!(Ttl::Unix(1000).exptime(now).unwrap(), -1);
        assert_eq!(Ttl::Unix(-5).exptime(now).unwrap(), -1);
        assert!(Ttl::Unix(1 << 31).exptime(now).is_err());
    }
}
