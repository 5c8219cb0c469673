//! The version of a server, which says what meta commands it knows.

use std::fmt;

/// A version of memcached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// From the text of a VERSION reply. `None`: this is no memcached, but a proxy perhaps.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut parts = text.splitn(3, '.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        // A build may have a name behind its number: "1.6.0-rc1".
        let patch = parts.next()?;
        let digits = patch.bytes().take_while(u8::is_ascii_digit).count();
        let patch = patch[..digits].parse().ok()?;
        Some(Self::new(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_memcached() {
        let parse = |text: &str| Version::parse(text.as_bytes());
        assert_eq!(parse("1.6.18"), Some(Version::new(1, 6, 18)));
        assert_eq!(parse("1.6.0-beta1"), Some(Version::new(1, 6, 0)));
        assert_eq!(parse("1.4.24_8_g1"), Some(Version::new(1, 4, 24)));
        for text in ["", "mcrouter 1.2.3", "1.6", "1.6.", "1.6.x", "70000.1.1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(Version::new(1, 6, 18) < Version::new(1, 6, 20));
        assert!(Version::new(1, 10, 0) > Version::new(1, 6, 99));
        assert_eq!(Version::new(1, 6, 18).to_string(), "1.6.18");
    }
}
