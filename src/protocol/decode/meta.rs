//! The answers to meta commands: a code of two letters, then flags of one letter each, most of them
//! with a token.

use std::ops::BitOr;

use super::{Violation, number};

/// What a meta command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// HD: done, or found, without a value.
    Done,
    /// VA: a value of this length follows.
    Value(u64),
    /// EN: a miss.
    Miss,
    /// NF: there is no item.
    NotFound,
    /// NS: not stored.
    NotStored,
    /// EX: the cas id is another.
    Exists,
}

/// The line of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta<'a> {
    pub code: Code,
    flags: &'a [u8],
}

/// Some of the flags an answer can carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters(u32);

impl Letters {
    pub const CAS: Letters = Letters::of(b'c');
    pub const CLIENT_FLAGS: Letters = Letters::of(b'f');
    pub const HIT_BEFORE: Letters = Letters::of(b'h');
    pub const LAST_ACCESS: Letters = Letters::of(b'l');
    pub const OPAQUE: Letters = Letters::of(b'O');
    pub const SIZE: Letters = Letters::of(b's');
    pub const TTL: Letters = Letters::of(b't');
    const STALE: Letters = Letters::of(b'X');
    const WON: Letters = Letters::of(b'W');
    const ALREADY_SENT: Letters = Letters::of(b'Z');
    /// What the server says unasked.
    pub const STATE: Letters = Letters(Self::STALE.0 | Self::WON.0 | Self::ALREADY_SENT.0);

    /// No letter stands for two flags when its case is left aside.
    const fn of(letter: u8) -> Letters {
        Letters(1 << (letter & 31))
    }

    pub fn has(self, letters: Letters) -> bool {
        self.0 & letters.0 != 0
    }

    pub fn without(self, letters: Letters) -> Letters {
        Letters(self.0 & !letters.0)
    }
}

impl BitOr for Letters {
    type Output = Letters;

    fn bitor(self, other: Letters) -> Letters {
        Letters(self.0 | other.0)
    }
}

/// What the flags of an answer say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Which flags there were.
    pub seen: Letters,
    pub opaque: u64,
    pub client_flags: u32,
    pub cas: u64,
    /// Seconds left; -1 never expires.
    pub ttl: i64,
    /// Seconds since the item was last asked for.
    pub last_access: i64,
    pub hit_before: bool,
    pub size: u64,
}

impl Details {
    /// The right to recompute was given to this request.
    pub fn won(&self) -> bool {
        self.seen.has(Letters::WON)
    }

    pub fn is_stale(&self) -> bool {
        self.seen.has(Letters::STALE)
    }

    /// The right to recompute was given to another before.
    pub fn is_already_sent(&self) -> bool {
        self.seen.has(Letters::ALREADY_SENT)
    }

    /// `None` for a flag that is unknown, comes twice, or has no proper token.
    fn take(&mut self, letter: u8, token: &[u8]) -> Option<()> {
        let letters = match letter {
            b'c' | b'f' | b'h' | b'l' | b'O' | b's' | b't' | b'W' | b'X' | b'Z' => {
                Letters::of(letter)
            }
            _ => return None,
        };
        if self.seen.has(letters) {
            return None;
        }
        self.seen = self.seen | letters;
        match letter {
            b'c' => self.cas = number(token)?,
            b'f' => self.client_flags = number(token)?.try_into().ok()?,
            b'h' if token == b"0" || token == b"1" => self.hit_before = token == b"1",
            b'l' => self.last_access = number(token)?.try_into().ok()?,
            b'O' => self.opaque = number(token)?,
            b's' => self.size = number(token)?,
            b't' if token == b"-1" => self.ttl = -1,
            b't' => self.ttl = number(token)?.try_into().ok()?,
            _ if Letters::STATE.has(letters) && token.is_empty() => {}
            _ => return None,
        }
        Some(())
    }
}

impl Meta<'_> {
    /// What the flags say.
    pub fn details(&self) -> Result<Details, Violation> {
        let mut details = Details::default();
        if self.flags.is_empty() {
            return Ok(details);
        }
        for flag in self.flags.split(|&byte| byte == b' ') {
            let taken = flag
                .split_first()
                .and_then(|(&letter, token)| details.take(letter, token));
            if taken.is_none() {
                let shown = flag[..flag.len().min(40)].escape_ascii();
                return Err(Violation(format!("a flag out of place: \"{shown}\"")));
            }
        }
        Ok(details)
    }
}

/// True for what can only be a meta answer: two capitals, then a space or nothing.
pub(super) fn is_meta(text: &[u8]) -> bool {
    matches!(
        text.get(..2),
        Some(b"HD" | b"VA" | b"EN" | b"NF" | b"NS" | b"EX")
    ) && matches!(text.get(2), None | Some(b' '))
}

/// `<code> [<length>] <flags>*`
pub(super) fn parse(text: &[u8]) -> Option<Meta<'_>> {
    let (code, rest) = text.split_at_checked(2)?;
    let code = match code {
        b"HD" => Code::Done,
        b"EN" => Code::Miss,
        b"NF" => Code::NotFound,
        b"NS" => Code::NotStored,
        b"EX" => Code::Exists,
        b"VA" => {
            let rest = rest.strip_prefix(b" ")?;
            let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
            let code = Code::Value(number(&rest[..end])?);
            let flags = behind_a_space(&rest[end..])?;
            return Some(Meta { code, flags });
        }
        _ => return None,
    };
    let flags = behind_a_space(rest)?;
    Some(Meta { code, flags })
}

/// Nothing, or a space and something behind it.
fn behind_a_space(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [] => Some(rest),
        [b' ', flags @ ..] if !flags.is_empty() => Some(flags),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reply, line};
    use super::*;

    fn meta(text: &str) -> Option<(Code, Details)> {
        match line(format!("{text}\r\n").as_bytes()) {
            Ok(Some((Reply::Meta(meta), _))) => Some((meta.code, meta.details().ok()?)),
            _ => None,
        }
    }

    #[test]
    fn every_code() {
        for (text, code) in [
            ("HD", Code::Done),
            ("VA 0", Code::Value(0)),
            ("EN", Code::Miss),
            ("NF", Code::NotFound),
            ("NS", Code::NotStored),
            ("EX", Code::Exists),
        ] {
            assert_eq!(meta(text), Some((code, Details::default())), "{text}");
            let (found, details) = meta(&format!("{text} O17")).unwrap();
            assert_eq!((found, details.opaque), (code, 17));
        }
    }

    #[test]
    fn every_flag() {
        let (code, details) = meta("VA 5 c7 f9 h1 l3 O0 s5 t-1 W X").unwrap();
        assert_eq!(code, Code::Value(5));
        assert_eq!((details.cas, details.client_flags, details.size), (7, 9, 5));
        assert_eq!((details.ttl, details.last_access), (-1, 3));
        assert!(details.hit_before && details.won() && details.is_stale());
        assert!(!details.is_already_sent());
        assert!(meta("HD Z").unwrap().1.is_already_sent());
        let everything = Letters::CAS | Letters::CLIENT_FLAGS | Letters::HIT_BEFORE;
        let everything = everything | Letters::LAST_ACCESS | Letters::OPAQUE | Letters::SIZE;
        assert_eq!(
            details.seen.without(Letters::STATE),
            everything | Letters::TTL
        );
    }

    #[test]
    fn junk_is_refused() {
        for text in [
            "HDX",
            "HD ",
            "HD  O1",
            "HD O1 ",
            "HD O1 O1",
            "HD O1 O2",
            "HD W W",
            "HD O",
            "HD Ox",
            "HD O-1",
            "HD O99999999999999999999",
            "HD c",
            "HD c-1",
            "HD f4294967296",
            "HD h2",
            "HD h",
            "HD t-2",
            "HD t",
            "HD t9223372036854775808",
            "HD l-1",
            "HD s-1",
            "HD Wx",
            "HD X0",
            "HD b",
            "HD kkey",
            "HD Q",
            "HD \0",
            "HD C1",
            "HD w",
            "HD o1",
            "VA",
            "VA ",
            "VA x",
            "VA -1",
            "VA 18446744073709551616",
            "VA 1O1",
            "VA 1 ",
            "va 1",
            "EN1",
        ] {
            assert_eq!(meta(text), None, "{text:?}");
        }
    }
}
