//! The one error type of the library and the status it maps to.
//!
//! A status is what a C caller sees: fixed numbers, never reused. Positive
//! statuses are answers ("the server said no"), negative ones are failures;
//! only failures become an [`Error`].

use std::fmt;
use std::sync::Arc;

/// What an operation came to, with the numbers of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    Ok = 0,
    NotFound = 1,
    NotStored = 2,
    Exists = 3,
    Argument = -1,
    Key = -2,
    ValueTooLarge = -3,
    Timeout = -4,
    ServerDown = -5,
    Connection = -6,
    Protocol = -7,
    Server = -8,
    Rejected = -9,
    Unsupported = -10,
    Auth = -11,
    Tls = -12,
    Option = -13,
    Resolve = -14,
    Panic = -15,
    Closed = -16,
    Cancelled = -17,
    NoMemory = -18,
    Busy = -19,
}

impl Status {
    /// [`Status::number`] of every status lies below this.
    pub const END: usize = Status::Busy.number() + 1;

    /// The number the C ABI gives this status.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The code without its sign.
    pub const fn number(self) -> usize {
        self.code().unsigned_abs() as usize
    }

    /// True when the server gave no answer to the operation.
    pub const fn is_failure(self) -> bool {
        self.code() < 0
    }
}

/// Why something failed: a status, one line of text, and the server it was about.
#[derive(Clone, Debug)]
pub struct Error {
    status: Status,
    message: String,
    server: Option<Arc<str>>,
    unsent: bool,
    unusable: bool,
}

impl Error {
    /// `message` is one line and says nothing the caller knew already.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        debug_assert!(status.is_failure());
        Self {
            status,
            message: message.into(),
            server: None,
            unsent: false,
            unusable: false,
        }
    }

    /// Says whether it is certain that nothing of the operation can have reached the server.
    #[must_use]
    pub fn unsent(mut self, unsent: bool) -> Self {
        self.unsent = unsent;
        self
    }

    /// True when nothing of the operation can have reached the server.
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }

    /// Says whether the server could not be used at all: it is down, or cannot be connected.
    /// Another may take its place.
    #[must_use]
    pub fn unusable(mut self, unusable: bool) -> Self {
        self.unusable = unusable;
        self
    }

    /// True when the server could not be used at all.
    pub fn is_unusable(&self) -> bool {
        self.unusable
    }

    /// Names the server (its identity) that the error is about.
    #[must_use]
    pub fn on(mut self, server: &Arc<str>) -> Self {
        self.server = Some(Arc::clone(server));
        self
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// Identity of the server, or "" when no single server was involved.
    pub fn server(&self) -> &str {
        self.server.as_deref().unwrap_or("")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "{server}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

pub type Result<T, E = Error> = std::result::Result<T, E>;
