//! The one table of options: name, type, default, range, text.
//!
//! Names and values are strings, so that a binding passes its keyword arguments
//! straight through and a new option needs no new function. `docs/options.md` and
//! the table in the README are generated from here.

mod config;
mod table;

use std::time::Duration;

use crate::error::{Error, Result, Status};
pub use crate::placement::Settings;
pub use config::{Config, Copying, only_settings};
pub use table::TABLE;

/// What an option takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within these bounds.
    Integer { min: u64, max: u64 },
    /// `true` or `false` (also `1` and `0`).
    Boolean,
    /// Any text.
    Text,
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    pub kind: Kind,
    /// The value an option has when nobody sets it.
    pub default: &'static str,
    pub text: &'static str,
}

impl Spec {
    /// The name of the type, as documents and `cm_option` show it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Choice(_) => "choice",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::Text => "text",
        }
    }

    /// The values allowed, as documents and `cm_option` show them.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Choice(words) => words.join(", "),
            Kind::Integer { min, max } => format!("{min} to {max}"),
            Kind::Boolean => "true, false".into(),
            Kind::Text => "any".into(),
        }
    }

    fn check(&self, value: &str) -> Result<()> {
        let good = match self.kind {
            Kind::Choice(words) => words.contains(&value),
            Kind::Integer { min, max } => {
                integer(value).is_some_and(|number| (min..=max).contains(&number))
            }
            Kind::Boolean => boolean(value).is_some(),
            Kind::Text => true,
        };
        if good {
            return Ok(());
        }
        let (name, range) = (self.name, self.range());
        Err(Error::new(
            Status::Option,
            format!("{name} cannot be \"{}\": {range}", value.escape_debug()),
        ))
    }
}

/// Options as the caller sets them. Belongs to one thread at a time.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Beside [`TABLE`]; `None` where the default holds.
    values: Vec<Option<String>>,
}

impl Options {
    pub fn new() -> Self {
        Self {
            values: vec![None; TABLE.len()],
        }
    }

    /// Sets an option. An unknown name or a value out of range is [`Status::Option`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let row = row(name)?;
        TABLE[row].check(value)?;
        self.values[row] = Some(value.into());
        Ok(())
    }

    /// The value of an option, its default if nobody set it.
    pub fn get(&self, name: &str) -> Result<&str> {
        let row = row(name)?;
        Ok(self.values[row].as_deref().unwrap_or(TABLE[row].default))
    }

    /// The value of an option if somebody set it.
    fn chosen(&self, name: &str) -> Result<Option<&str>> {
        Ok(self.values[row(name)?].as_deref())
    }

    /// The names of the options that somebody set.
    fn names_chosen(&self) -> impl Iterator<Item = &'static str> {
        let chosen = TABLE.iter().zip(&self.values);
        chosen.filter_map(|(spec, value)| value.as_ref().map(|_| spec.name))
    }

    fn integer(&self, name: &str) -> Result<u64> {
        let text = self.get(name)?;
        integer(text).ok_or_else(|| Error::new(Status::Option, format!("{name} is not a number")))
    }

    fn size(&self, name: &str) -> Result<usize> {
        usize::try_from(self.integer(name)?).map_err(|_| {
            Error::new(
                Status::Option,
                format!("{name} is too large for this machine"),
            )
        })
    }

    fn milliseconds(&self, name: &str) -> Result<Duration> {
        Ok(Duration::from_millis(self.integer(name)?))
    }

    fn boolean(&self, name: &str) -> Result<bool> {
        Ok(boolean(self.get(name)?) == Some(true))
    }
}

fn row(name: &str) -> Result<usize> {
    TABLE
        .iter()
        .position(|spec| spec.name == name)
        .ok_or_else(|| {
            let name = name.escape_debug();
            Error::new(Status::Option, format!("there is no option \"{name}\""))
        })
}

/// Digits only, as C and every binding write a number.
fn integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_range() {
        for spec in TABLE.iter().filter(|spec| !spec.default.is_empty()) {
            spec.check(spec.default).unwrap();
        }
        Config::new(&Options::new()).unwrap();
    }

    #[test]
    fn errors_name_the_offender() {
        let mut options = Options::new();
        for (name, value, text) in [
            ("colour", "red", "there is no option \"colour\""),
            ("slots", "12", "slots cannot be \"12\": 1024 to 4194304"),
            (
                "timeout_ms",
                "0",
                "timeout_ms cannot be \"0\": 1 to 86400000",
            ),
            (
                "timeout_ms",
                "+5",
                "timeout_ms cannot be \"+5\": 1 to 86400000",
            ),
            ("timeout_ms", "", "timeout_ms cannot be \"\": 1 to 86400000"),
            (
                "tcp_nodelay",
                "yes",
                "tcp_nodelay cannot be \"yes\": true, false",
            ),
        ] {
            let error = options.set(name, value).unwrap_err();
            assert_eq!(error.status(), Status::Option);
            assert_eq!(error.message(), text);
        }
        assert!(options.set("distribution", "Rehash").is_err());
    }

    #[test]
    fn what_is_set_is_read_back() {
        let mut options = Options::new();
        assert_eq!(options.get("timeout_ms").unwrap(), "1000");
        options.set("timeout_ms", "250").unwrap();
        assert_eq!(options.get("timeout_ms").unwrap(), "250");
        assert!(options.get("nothing").is_err());
        let config = Config::new(&options).unwrap();
        assert_eq!(config.timeout, Duration::from_millis(250));
    }
}
