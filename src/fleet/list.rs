//! A list of servers as text: `ADDRESS [weight=N] [name=ID]`, separated by commas or newlines.
//!
//! In a path or a name, a comma, space, `%` or control character is written `%XX`. In
//! a host only few characters are allowed, so a host name taken from somewhere cannot
//! bring a weight or another server along.

use std::collections::HashSet;

use crate::error::{Error, Result, Status};
use crate::net::address::{Address, Host};
use crate::placement::{Label, Node};

const MAX_WEIGHT: u32 = 65_535;

/// One server of the list.
#[derive(Clone, Debug)]
pub struct Spec {
    pub address: Address,
    /// `name=` where given, else the canonical address.
    pub identity: String,
    pub weight: u32,
    /// The host as it was written: other clients hash it in that form.
    host: String,
    is_named: bool,
}

impl Spec {
    /// The server as placement sees it.
    pub fn node(&self) -> Node<'_> {
        let label = match &self.address {
            _ if self.is_named => Label::Name(&self.identity),
            Address::Tcp { port, .. } => Label::Tcp {
                host: &self.host,
                port: *port,
            },
            Address::Unix(path) => Label::Unix(path),
        };
        Node {
            identity: &self.identity,
            label,
            weight: self.weight,
        }
    }
}

/// Parses a list. The error names the entry at fault.
pub fn parse(text: &str) -> Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        for entry in line.split(',') {
            specs.push(entry_of(entry.trim())?);
        }
    }
    if specs.is_empty() {
        return Err(Error::new(Status::Argument, "the list names no server"));
    }
    let mut seen = HashSet::new();
    match specs.iter().find(|spec| !seen.insert(&spec.identity)) {
        None => Ok(specs),
        Some(twice) => Err(Error::new(
            Status::Argument,
            format!("server {} is in the list twice", twice.identity),
        )),
    }
}

fn entry_of(entry: &str) -> Result<Spec> {
    spec(entry).map_err(|reason| {
        let entry = entry.escape_debug();
        Error::new(Status::Argument, format!("server \"{entry}\": {reason}"))
    })
}

fn spec(entry: &str) -> Result<Spec, String> {
    let mut fields = entry.split_ascii_whitespace();
    let written = fields.next().ok_or("an empty entry")?;
    let address = address(written)?;
    let (mut weight, mut name) = (None, None);
    for field in fields {
        let (option, value) = field.split_once('=').unwrap_or((field, ""));
        let repeated = match option {
            "weight" => weight.replace(self::weight(value)?).is_some(),
            "name" => name.replace(self::name(value)?).is_some(),
            _ => return Err(format!("there is no option \"{option}\"")),
        };
        if repeated {
            return Err(format!("{option} is given twice"));
        }
    }
    Ok(Spec {
        is_named: name.is_some(),
        identity: name.unwrap_or_else(|| address.to_string()),
        weight: weight.unwrap_or(1),
        host: host_as_written(written, &address),
        address,
    })
}

fn address(written: &str) -> Result<Address, String> {
    if !written.starts_with("unix:") {
        return Ok(Address::parse(written)?);
    }
    Ok(Address::parse(&decoded(written)?)?)
}

fn weight(value: &str) -> Result<u32, String> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let weight = value.parse().ok().filter(|_| digits);
    weight
        .filter(|weight| (1..=MAX_WEIGHT).contains(weight))
        .ok_or_else(|| format!("weight=\"{value}\": a weight is a number from 1 to {MAX_WEIGHT}"))
}

fn name(value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err("the name is empty".into());
    }
    decoded(value)
}

/// Undoes `%XX`.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte.is_ascii_control() {
            return Err(format!("a control character is written %{byte:02X}"));
        }
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| (digit as char).to_digit(16));
        let (high, low) = (digit(), digit());
        match high.zip(low) {
            Some((0, 0)) => return Err("%00 cannot stand in a path or a name".into()),
            Some((high, low)) => bytes.push((high * 16 + low) as u8),
            None => return Err("% is followed by two hexadecimal digits".into()),
        }
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".into())
}

fn host_as_written(written: &str, address: &Address) -> String {
    match address {
        Address::Unix(_) => String::new(),
        Address::Tcp {
            host: Host::Ip(ip), ..
        } if written.starts_with('[') => {
            let inside = written[1..].split(']').next();
            inside.map_or_else(|| ip.to_string(), str::to_owned)
        }
        Address::Tcp { .. } => written.split(':').next().unwrap_or(written).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(text: &str) -> Vec<String> {
        let specs = parse(text).unwrap();
        specs.into_iter().map(|spec| spec.identity).collect()
    }

    #[test]
    fn a_list() {
        let specs = parse("Cache1 weight=3, 10.0.0.2:11212 name=b\nunix:/tmp/a%2Cb%20c\n").unwrap();
        let identities: Vec<_> = specs.iter().map(|spec| spec.identity.as_str()).collect();
        assert_eq!(identities, ["cache1:11211", "b", "unix:/tmp/a,b c"]);
        assert_eq!(
            specs.iter().map(|s| s.weight).collect::<Vec<_>>(),
            [3, 1, 1]
        );
        assert_eq!(specs[2].address, Address::Unix("/tmp/a,b c".into()));
        assert_eq!(
            specs[0].node().label,
            Label::Tcp {
                host: "Cache1",
                port: 11211
            }
        );
        assert_eq!(specs[1].node().label, Label::Name("b"));
        assert_eq!(specs[2].node().label, Label::Unix("/tmp/a,b c"));
    }

    #[test]
    fn lines_may_be_blank_and_end_with_cr() {
        assert_eq!(identities("\na\r\n\r\n  b  \n"), ["a:11211", "b:11211"]);
    }

    #[test]
    fn errors_name_the_entry() {
        for (text, message) in [
            ("", "the list names no server"),
            (" \n ", "the list names no server"),
            ("a,,b", "server \"\": an empty entry"),
            ("a, A:11211", "server a:11211 is in the list twice"),
            ("a name=x, b name=x", "server x is in the list twice"),
            (
                "a weight=0",
                "server \"a weight=0\": weight=\"0\": a weight is a number from 1 to 65535",
            ),
            (
                "a size=3",
                "server \"a size=3\": there is no option \"size\"",
            ),
            (
                "a weight=1 weight=1",
                "server \"a weight=1 weight=1\": weight is given twice",
            ),
            ("a name=", "server \"a name=\": the name is empty"),
            (
                "a name=%00",
                "server \"a name=%00\": %00 cannot stand in a path or a name",
            ),
            (
                "a name=%4",
                "server \"a name=%4\": % is followed by two hexadecimal digits",
            ),
            (
                "a%20weight=3",
                "server \"a%20weight=3\": a host holds only letters, digits, '.', '-' and '_'",
            ),
            ("a:x", "server \"a:x\": a port is a number from 1 to 65535"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.status(), Status::Argument);
            assert_eq!(error.message(), message);
        }
        for weight in ["65536", "-1", "+1", "", "1.5", "99999999999"] {
            assert!(parse(&format!("a weight={weight}")).is_err(), "{weight}");
        }
    }
}
