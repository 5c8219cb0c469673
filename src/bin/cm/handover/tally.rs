//! What became of the keys.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Default)]
pub struct Tally {
    pub listed: u64,
    pub outside: u64,
    pub leftovers: u64,
    pub to_move: u64,
    pub copied: u64,
    pub already_there: u64,
    pub gone: u64,
    failed: u64,
    /// For each server that failed: how many keys, and the first reason.
    failures: BTreeMap<String, (u64, String)>,
}

impl Tally {
    pub fn fail(&mut self, server: &str, keys: u64, reason: &str) {
        self.failed += keys;
        let first = || (0, reason.to_owned());
        let failure = self.failures.entry(server.to_owned());
        failure.or_insert_with(first).0 += keys;
    }

    /// A line for each server that failed.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        let failures = self.failures.iter();
        failures.map(|(server, (keys, reason))| format!("{server}: {keys} keys failed: {reason}"))
    }

    /// How far it is.
    pub fn line(&self) -> String {
        let done = self.copied + self.already_there + self.gone + self.failed;
        let (listed, to_move, failed) = (self.listed, self.to_move, self.failed);
        format!("{listed} listed, {to_move} to be moved, {done} of them done, {failed} failed")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in [
            ("listed", self.listed),
            ("outside the prefix", self.outside),
            ("leftovers", self.leftovers),
            ("to be moved", self.to_move),
            ("copied", self.copied),
            ("already there", self.already_there),
            ("gone meanwhile", self.gone),
            ("failed", self.failed),
        ] {
            writeln!(f, "{name}\t{count}")?;
        }
        Ok(())
    }
}
