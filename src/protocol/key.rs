//! What memcached takes for a key.

use crate::error::{Error, Result, Status};

/// The longest key on the wire, prefix included (protocol.txt, "Keys").
pub const MAX_LEN: usize = 250;

/// Checks `prefix` followed by `key` as the server will see them.
///
/// A control character or a space would end the key on the wire and let the rest
/// be read as another part of the command, so it is refused before it is sent.
pub fn check(prefix: &[u8], key: &[u8]) -> Result<()> {
    if key.is_empty() {
        return Err(Error::new(Status::Key, "the key is empty"));
    }
    let len = prefix.len() + key.len();
    if len > MAX_LEN {
        return Err(Error::new(
            Status::Key,
            format!("the key has {len} bytes, {MAX_LEN} are allowed"),
        ));
    }
    check_bytes(key)
}

/// The longest key, prefix included, whose base64 form is not longer than [`MAX_LEN`].
pub const MAX_ENCODED_LEN: usize = MAX_LEN / 4 * 3;

/// Checks `prefix` followed by `key` for a key that goes as base64: any bytes.
pub fn check_encoded(prefix: &[u8], key: &[u8]) -> Result<()> {
    if key.is_empty() {
        return Err(Error::new(Status::Key, "the key is empty"));
    }
    let len = prefix.len() + key.len();
    if len > MAX_ENCODED_LEN {
        let text = format!("the key has {len} bytes, {MAX_ENCODED_LEN} are allowed as base64");
        return Err(Error::new(Status::Key, text));
    }
    Ok(())
}

fn is_allowed(byte: u8) -> bool {
    byte > 0x20 && byte != 0x7f
}

/// True when every byte may stand in a key.
#[inline(never)]
pub fn is_plain(key: &[u8]) -> bool {
    let Some(last) = key.last_chunk() else {
        return key.iter().all(|&byte| is_allowed(byte));
    };
    // Eight bytes at a time; the last eight may have been looked at before.
    let words = key.as_chunks().0.iter();
    words.fold(flaws(last), |found, word| found | flaws(word)) == 0
}

/// 0 when each of the bytes is allowed, as [`is_allowed`] has it.
#[inline]
fn flaws(bytes: &[u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_ne_bytes(*bytes);
    // A byte's highest bit shows that the byte is below 0x21, or is 0x7f: what a byte borrows from
    // the next it borrows only if it shows itself.
    let low = word.wrapping_sub(ONES * 0x21) & !word;
    let differs = word ^ (ONES * 0x7f);
    let delete = differs.wrapping_sub(ONES) & !differs;
    (low | delete) & (ONES * 0x80)
}

/// Checks that every byte may stand in a key.
pub fn check_bytes(key: &[u8]) -> Result<()> {
    if is_plain(key) {
        return Ok(());
    }
    let at = key.iter().position(|&byte| !is_allowed(byte)).unwrap_or(0);
    Err(Error::new(
        Status::Key,
        format!("the key holds the byte 0x{:02x} at {at}", key[at]),
    ))
}

/// Checks the argument of `stats`, which may have several words.
pub fn check_argument(argument: &[u8]) -> Result<()> {
    if argument.len() > MAX_LEN || argument.iter().any(u8::is_ascii_control) {
        let text = format!("no argument of stats: \"{}\"", argument.escape_ascii());
        return Err(Error::new(Status::Argument, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_the_prefix() {
        assert!(check(b"", &[b'k'; 250]).is_ok());
        assert!(check(b"app:", &[b'k'; 246]).is_ok());
        assert!(check(b"app:", &[b'k'; 247]).is_err());
        assert!(check(b"", b"").is_err());
        assert!(check(b"app:", b"").is_err());
    }

    #[test]
    fn base64_must_fit_too() {
        assert_eq!(MAX_ENCODED_LEN, 186);
        assert!(check_encoded(b"", &[0; 186]).is_ok());
        assert!(check_encoded(b"app:", &[0; 182]).is_ok());
        assert!(check_encoded(b"app:", &[0; 183]).is_err());
        assert!(check_encoded(b"app:", b"").is_err());
    }

    #[test]
    fn only_the_bytes_a_server_takes() {
        for byte in 0..=255u8 {
            let good = check(b"", &[b'a', byte]).is_ok();
            assert_eq!(good, byte > 0x20 && byte != 0x7f, "0x{byte:02x}");
        }
        for byte in 0..=255u8 {
            for at in 0..19 {
                let mut key = [b'\xff'; 19];
                key[at] = byte;
                assert_eq!(is_plain(&key), is_allowed(byte), "0x{byte:02x} at {at}");
            }
        }
        let error = check(b"", b"two words").unwrap_err();
        assert_eq!(error.message(), "the key holds the byte 0x20 at 3");
    }
}
