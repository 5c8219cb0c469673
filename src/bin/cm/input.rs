//! What commands read: keys, a line each, and values.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use consistent_memcached::protocol::key;

use crate::failure::Failure;

/// `-` means standard input.
const STANDARD_INPUT: &str = "-";

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let outcome = if path == Path::new(STANDARD_INPUT) {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    outcome.map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))
}

/// The keys of a file, a line each. Blank lines are passed over.
pub fn keys(path: &Path, prefix: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let mut keys = Vec::new();
    for (number, line) in read(path)?.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        key::check(prefix.as_bytes(), line).map_err(|error| {
            let place = format!("{} line {}", path.display(), number + 1);
            Failure::input(format!("{place}: {}", error.message()))
        })?;
        keys.push(line.to_vec());
    }
    if keys.is_empty() {
        return Err(Failure::input(format!("{} holds no key", path.display())));
    }
    Ok(keys)
}

/// A value as it was given, or, for `-`, standard input to its end, byte by byte.
pub fn value(given: &OsStr) -> Result<Vec<u8>, Failure> {
    if given == STANDARD_INPUT {
        return read(Path::new(STANDARD_INPUT));
    }
    Ok(given.as_bytes().to_vec())
}

/// Bytes of a key for a line of text: UTF-8 as it is, but nothing that a terminal obeys.
pub fn printable(key: &[u8]) -> String {
    match str::from_utf8(key) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => key.escape_ascii().to_string(),
    }
}
