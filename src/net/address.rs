//! Where a server listens, as it is written in a list of servers.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// memcached's port, meant when none is given.
pub const DEFAULT_PORT: u16 = 11211;

/// The longest path a UNIX socket can have, without the closing NUL.
const MAX_PATH: usize = 107;

/// `host`, `host:port`, `[ipv6]:port` or `unix:/path`. Shown in canonical form: the port
/// always there, the host in lower case without a trailing dot, IPv6 as RFC 5952 has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp { host: Host, port: u16 },
    Unix(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Ip(IpAddr),
    /// In lower case, without a trailing dot.
    Name(String),
}

impl Address {
    /// Parses an address that has no `%XX` left in it. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (inside, after) = rest.split_once(']').ok_or("the bracket is not closed")?;
            let ip: Ipv6Addr = inside.parse().map_err(|_| "not an IPv6 address")?;
            let port = match after {
                "" => DEFAULT_PORT,
                after => port(after.strip_prefix(':').ok_or("not a port")?)?,
            };
            let host = Host::Ip(ip.into());
            return Ok(Address::Tcp { host, port });
        }
        let (host, port) = match text.split_once(':') {
            None => (text, DEFAULT_PORT),
            Some((_, rest)) if rest.contains(':') => {
                return Err("an IPv6 address is written [address]:port");
            }
            Some((host, digits)) => (host, port(digits)?),
        };
        let host = self::host(host)?;
        Ok(Address::Tcp { host, port })
    }
}

fn unix(path: &str) -> Result<Address, &'static str> {
    if !path.starts_with('/') {
        return Err("the path of a UNIX socket starts with /");
    }
    if path.len() > MAX_PATH {
        return Err("the path of a UNIX socket has at most 107 bytes");
    }
    Ok(Address::Unix(path.into()))
}

/// A host name taken from somewhere cannot smuggle in anything: few characters are allowed.
fn host(text: &str) -> Result<Host, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("no host");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if !name.bytes().all(allowed) {
        return Err("a host holds only letters, digits, '.', '-' and '_'");
    }
    if let Ok(ip) = name.parse() {
        return Ok(Host::Ip(IpAddr::V4(ip)));
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

fn port(digits: &str) -> Result<u16, &'static str> {
    const WRONG: &str = "a port is a number from 1 to 65535";
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    digits.parse().ok().filter(|&port| port > 0).ok_or(WRONG)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } => match host {
                Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{port}"),
                Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}:{port}"),
                Host::Name(name) => write!(f, "{name}:{port}"),
            },
            Address::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for (given, canonical) in [
            ("Cache1.Example.COM.", "cache1.example.com:11211"),
            ("cache1:11212", "cache1:11212"),
            ("10.0.0.1", "10.0.0.1:11211"),
            ("[2001:DB8:0:0:0:0:0:1]:11213", "[2001:db8::1]:11213"),
            ("[::1]", "[::1]:11211"),
            ("unix:/run/Memcached.sock", "unix:/run/Memcached.sock"),
        ] {
            assert_eq!(Address::parse(given).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn refused() {
        for given in [
            "",
            ".",
            ":11211",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:1x",
            "ho st",
            "host/x",
            "höst",
            "a%b",
            "2001:db8::1",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[x]:1",
            "unix:",
            "unix:relative",
        ] {
            assert!(Address::parse(given).is_err(), "{given:?}");
        }
        assert!(Address::parse(&format!("unix:/{}", "x".repeat(107))).is_err());
    }
}
