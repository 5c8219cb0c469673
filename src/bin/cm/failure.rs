//! How a command ends when it does not end well.

use std::io;
use std::process::ExitCode;

use consistent_memcached::error::{Error, Status};

/// An exit code and what is said on standard error, a line each.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    lines: Vec<String>,
}

impl Failure {
    /// The server said no.
    pub fn no(line: impl Into<String>) -> Self {
        Self::new(1, line)
    }

    /// Wrong usage or input.
    pub fn input(line: impl Into<String>) -> Self {
        Self::new(2, line)
    }

    /// It failed.
    pub fn failed(line: impl Into<String>) -> Self {
        Self::new(3, line)
    }

    /// Some servers of several failed; `None` when none did.
    pub fn of_servers(lines: Vec<String>) -> Option<Self> {
        (!lines.is_empty()).then_some(Self { code: 3, lines })
    }

    fn new(code: u8, line: impl Into<String>) -> Self {
        Self {
            code,
            lines: vec![line.into()],
        }
    }

    pub fn report(self) -> ExitCode {
        for line in &self.lines {
            eprintln!("cm: {line}");
        }
        ExitCode::from(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.status() {
            Status::Argument | Status::Key | Status::Option => 2,
            Status::Rejected | Status::ValueTooLarge => 1,
            _ => 3,
        };
        Self::new(code, error.to_string())
    }
}

/// Of standard output. A reader that has seen enough is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                code: 0,
                lines: Vec::new(),
            };
        }
        Self::failed(format!("standard output: {error}"))
    }
}
