//! Bytes to replies, however the bytes are cut.
//!
//! The decoder keeps no state: it is given what has been received and not yet
//! consumed, and says what stands at its start, or that more is needed.

mod meta;

pub use meta::{Code, Details, Letters, Meta};

/// A line of a reply is shorter than this (the longest are those of `stats`); what goes on
/// without a line end is not memcached.
pub const MAX_LINE: usize = 8192;

/// One line of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The head of an item; the value and a line end follow.
    Value(Head<'a>),
    End,
    Stored,
    NotStored,
    Exists,
    NotFound,
    Deleted,
    Touched,
    Ok,
    /// `stats reset` answers with this in place of lines and an END.
    Reset,
    Number(u64),
    Version(&'a [u8]),
    /// `NAME VALUE`
    Stat(&'a [u8]),
    /// The answer to a meta command.
    Meta(Meta<'a>),
    /// `MN`: all that was sent before `mn` has been dealt with.
    Fence,
    /// `ME`, of the command for debugging.
    Debug(&'a [u8]),
    /// The server does not know the command.
    Error,
    /// The server finds fault with the request.
    ClientError(&'a [u8]),
    /// The server failed.
    ServerError(&'a [u8]),
}

/// `VALUE <key> <flags> <bytes> [<cas>]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    pub key: &'a [u8],
    pub flags: u32,
    pub len: u64,
    pub cas: Option<u64>,
}

/// The peer does not speak memcached's protocol, or no longer in step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// The reply line at the start of `bytes` and its length, line end included;
/// `None` when the line is not complete.
pub fn line(bytes: &[u8]) -> Result<Option<(Reply<'_>, usize)>, Violation> {
    let searched = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = memchr::memchr(b'\n', searched) else {
        if bytes.len() >= MAX_LINE {
            return Err(Violation(format!("a reply line of over {MAX_LINE} bytes")));
        }
        return Ok(None);
    };
    let Some(text) = bytes[..end].strip_suffix(b"\r") else {
        return Err(unexpected(&bytes[..end]));
    };
    Ok(Some((parse(text)?, end + 1)))
}

/// Checks the line end behind a value. `None` when it is not there yet.
pub fn value_end(bytes: &[u8]) -> Result<Option<usize>, Violation> {
    match bytes {
        [b'\r', b'\n', ..] => Ok(Some(2)),
        [] | [b'\r'] => Ok(None),
        _ => Err(Violation("a value is not followed by a line end".into())),
    }
}

/// The violation that a reply which cannot be the answer to its request is.
pub fn out_of_place(reply: &Reply<'_>) -> Violation {
    Violation(
        format!("a reply out of place: {reply:?}")
            .chars()
            .take(200)
            .collect(),
    )
}

fn unexpected(text: &[u8]) -> Violation {
    let shown: String = String::from_utf8_lossy(&text[..text.len().min(60)])
        .escape_debug()
        .collect();
    Violation(format!("not a reply: \"{shown}\""))
}

fn parse(text: &[u8]) -> Result<Reply<'_>, Violation> {
    if let Some(rest) = text.strip_prefix(b"VALUE ") {
        return head(rest).map(Reply::Value).ok_or_else(|| unexpected(text));
    }
    let reply = match text {
        b"END" => Reply::End,
        b"STORED" => Reply::Stored,
        b"NOT_STORED" => Reply::NotStored,
        b"EXISTS" => Reply::Exists,
        b"NOT_FOUND" => Reply::NotFound,
        b"DELETED" => Reply::Deleted,
        b"TOUCHED" => Reply::Touched,
        b"OK" => Reply::Ok,
        b"RESET" => Reply::Reset,
        b"ERROR" => Reply::Error,
        b"MN" => Reply::Fence,
        _ if meta::is_meta(text) => meta::parse(text)
            .map(Reply::Meta)
            .ok_or_else(|| unexpected(text))?,
        _ => return worded(text),
    };
    Ok(reply)
}

/// The replies that carry a text or a number.
fn worded(text: &[u8]) -> Result<Reply<'_>, Violation> {
    if let Some(number) = number(text) {
        return Ok(Reply::Number(number));
    }
    let after = |word: &[u8]| {
        let rest = text.strip_prefix(word)?;
        if rest.is_empty() {
            return Some(rest);
        }
        rest.strip_prefix(b" ")
    };
    if let Some(rest) = after(b"STAT") {
        Ok(Reply::Stat(rest))
    } else if text.starts_with(b"ITEM ") || text.starts_with(b"PREFIX ") {
        // `stats cachedump` and `stats detail dump` have words of their own.
        Ok(Reply::Stat(text))
    } else if let Some(rest) = after(b"ME") {
        Ok(Reply::Debug(rest))
    } else if let Some(rest) = after(b"VERSION") {
        Ok(Reply::Version(rest))
    } else if let Some(rest) = after(b"CLIENT_ERROR") {
        Ok(Reply::ClientError(rest))
    } else if let Some(rest) = after(b"SERVER_ERROR") {
        Ok(Reply::ServerError(rest))
    } else {
        Err(unexpected(text))
    }
}

/// `<key> <flags> <bytes> [<cas>]`
fn head(rest: &[u8]) -> Option<Head<'_>> {
    let (key, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
    let (flags, rest) = number_behind_a_space(rest)?;
    let (len, rest) = number_behind_a_space(rest)?;
    let cas = match rest {
        [] => None,
        rest => match number_behind_a_space(rest)? {
            (cas, []) => Some(cas),
            _ => return None,
        },
    };
    (!key.is_empty()).then_some(Head {
        key,
        flags: flags.try_into().ok()?,
        len,
        cas,
    })
}

/// A number with a space before it, and what follows it.
fn number_behind_a_space(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let bytes = bytes.strip_prefix(b" ")?;
    let (number, len) = leading_number(bytes)?;
    Some((number, &bytes[len..]))
}

/// Decimal digits and nothing else: no sign, no blank, no overflow.
pub fn number(field: &[u8]) -> Option<u64> {
    let (number, len) = leading_number(field)?;
    (len == field.len()).then_some(number)
}

/// The number that `bytes` start with, and how many digits it has.
#[inline]
fn leading_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let (mut number, mut len) = (0u64, 0);
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        len += 1;
        number = match len {
            // So many digits always fit.
            ..=19 => number * 10 + u64::from(digit),
            20 => number.checked_mul(10)?.checked_add(u64::from(digit))?,
            _ => return None,
        };
    }
    (len > 0).then_some((number, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bytes: &[u8]) -> Reply<'_> {
        let (reply, len) = line(bytes).unwrap().unwrap();
        assert_eq!(len, bytes.len());
        reply
    }

    #[test]
    fn every_reply() {
        assert_eq!(reply(b"END\r\n"), Reply::End);
        assert_eq!(reply(b"STORED\r\n"), Reply::Stored);
        assert_eq!(reply(b"NOT_STORED\r\n"), Reply::NotStored);
        assert_eq!(reply(b"EXISTS\r\n"), Reply::Exists);
        assert_eq!(reply(b"NOT_FOUND\r\n"), Reply::NotFound);
        assert_eq!(reply(b"DELETED\r\n"), Reply::Deleted);
        assert_eq!(reply(b"TOUCHED\r\n"), Reply::Touched);
        assert_eq!(reply(b"OK\r\n"), Reply::Ok);
        assert_eq!(reply(b"RESET\r\n"), Reply::Reset);
        assert_eq!(reply(b"MN\r\n"), Reply::Fence);
        assert_eq!(reply(b"ME k exp=-1\r\n"), Reply::Debug(b"k exp=-1"));
        assert_eq!(reply(b"ERROR\r\n"), Reply::Error);
        assert_eq!(reply(b"0\r\n"), Reply::Number(0));
        assert_eq!(reply(b"18446744073709551615\r\n"), Reply::Number(u64::MAX));
        assert_eq!(reply(b"VERSION 1.6.18\r\n"), Reply::Version(b"1.6.18"));
        assert_eq!(reply(b"STAT pid 17\r\n"), Reply::Stat(b"pid 17"));
        assert_eq!(reply(b"CLIENT_ERROR bad\r\n"), Reply::ClientError(b"bad"));
        assert_eq!(reply(b"SERVER_ERROR oom\r\n"), Reply::ServerError(b"oom"));
        let head = Head {
            key: b"k",
            flags: 7,
            len: 3,
            cas: None,
        };
        assert_eq!(reply(b"VALUE k 7 3\r\n"), Reply::Value(head));
        let with_cas = Head {
            cas: Some(12),
            ..head
        };
        assert_eq!(reply(b"VALUE k 7 3 12\r\n"), Reply::Value(with_cas));
    }

    #[test]
    fn a_cut_line_is_awaited() {
        let whole = b"VALUE key 0 5 17\r\n";
        for cut in 0..whole.len() {
            assert_eq!(line(&whole[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn junk_is_a_violation() {
        for junk in [
            &b"VALUE k 7\r\n"[..],
            b"VALUE k 7 -1\r\n",
            b"VALUE k 7 99999999999999999999999\r\n",
            b"VALUE k 4294967296 1\r\n",
            b"VALUE  7 1\r\n",
            b"VALUE k 7 1 \r\n",
            b"VALUE k 7  1\r\n",
            b"VALUE k 7 1 x\r\n",
            b"VALUE k 7x 1\r\n",
            b"VALUE k 7 18446744073709551616\r\n",
            b"VALUE k 7 1 2 \r\n",
            b"VALUE k\r\n",
            b"VALUE k \r\n",
            b"VALUE k 7 1 2 3\r\n",
            b"END\n",
            b"\r\n",
            b"STOREDX\r\n",
            b"end\r\n",
            b"-1\r\n",
            b"18446744073709551616\r\n",
            b"CLIENT_ERRORS\r\n",
            b"MN O1\r\n",
            b"MEX\r\n",
        ] {
            assert!(line(junk).is_err(), "{:?}", String::from_utf8_lossy(junk));
        }
        assert!(line(&[b'x'; MAX_LINE]).is_err());
        assert_eq!(line(&[b'x'; MAX_LINE - 1]), Ok(None));
    }

    #[test]
    fn a_value_ends_with_a_line_end() {
        assert_eq!(value_end(b"\r\nEND"), Ok(Some(2)));
        assert_eq!(value_end(b"\r"), Ok(None));
        assert_eq!(value_end(b""), Ok(None));
        assert!(value_end(b"xx").is_err());
        assert!(value_end(b"\rx").is_err());
    }
}
