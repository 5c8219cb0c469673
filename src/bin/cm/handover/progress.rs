//! A line on standard error that says how far it is.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::tally::Tally;

const INTERVAL: Duration = Duration::from_millis(500);

pub struct Progress {
    /// Nobody sees it.
    is_off: bool,
    /// The line is written over the one before.
    is_terminal: bool,
    next: Instant,
}

impl Progress {
    /// `always`: though standard error is no terminal.
    pub fn new(always: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self {
            is_off: !is_terminal && !always,
            is_terminal,
            next: Instant::now(),
        }
    }

    pub fn show(&mut self, server: &str, tally: &Tally) {
        if self.is_off || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + INTERVAL;
        let line = format!("{server}: {}", tally.line());
        self.write(&match self.is_terminal {
            true => format!("\r{line}\x1b[K"),
            false => format!("{line}\n"),
        });
    }

    /// Leaves nothing of itself on a terminal.
    pub fn end(&self) {
        if self.is_terminal {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        // Whoever does not look does not stop the copying.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
