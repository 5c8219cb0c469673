//! A connection to a server: the socket, and the bytes on their way in and out.

use std::io;
use std::time::Instant;

use super::counts::Counted;
use super::exchange::Dialect;
use super::stream::{Stream, Wait};

impl Owed {
    pub fn is_nothing(&self) -> bool {
        self.fences == 0
    }

    /// With more of them unread, the server might wait for us before it reads on.
    pub fn is_full(&self) -> bool {
        self.fences == u64::BITS
    }

    /// Adds a fence, unless [`Owed::is_full`].
    pub fn add(&mut self, with_value: bool) {
        self.with_values |= u64::from(with_value) << self.fences;
        self.fences += 1;
    }

    /// The oldest fence has been read.
    pub fn settle_one(&mut self) {
        self.fences = self.fences.saturating_sub(1);
        self.with_values >>= 1;
    }

    /// True when what is read next is about operations of which some carry a value.
    pub fn is_about_values(&self) -> bool {
        self.with_values & 1 != 0
    }
}

/// What is received goes through a buffer of this size; a value that does not fit is
/// received straight into its final place. Pages that are never written take no memory.
pub const INPUT_CAPACITY: usize = 64 * 1024;

#[derive(Debug)]
pub struct Connection {
    pub stream: Stream,
    pub input: Input,
    /// Encoded and not yet sent; kept between exchanges for its memory.
    pub output: Vec<u8>,
    /// When the exchange under way began, or the last one ended.
    pub used: Instant,
    /// What the peer speaks; `None` until it has been asked.
    pub dialect: Option<Dialect>,
    pub owed: Owed,
    /// Which of the server's addresses it is to: see [`Slot::epoch`](super::pool::Slot::epoch).
    pub epoch: u64,
    pub counted: Option<Counted>,
}

/// Answers to quiet operations that nobody has waited for: they come before all others. Each fence
/// stands for what comes up to one `MN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owed {
    fences: u32,
    /// One bit for each fence, the oldest is the lowest: some of its operations carry a value.
    with_values: u64,
}

impl Connection {
    pub fn new(stream: Stream, now: Instant, epoch: u64) -> Self {
        Self {
            stream,
            input: Input::new(),
            output: Vec::new(),
            used: now,
            dialect: None,
            owed: Owed::default(),
            epoch,
            counted: None,
        }
    }

    /// True when the connection looks as it must between exchanges: the peer has not closed it, and
    /// has sent nothing that is not owed.
    pub fn is_sound(&self) -> bool {
        self.stream.is_quiet() || (!self.owed.is_nothing() && !self.stream.has_ended())
    }

    /// Receives once into the input buffer. As [`Stream::receive`].
    pub fn fill(&mut self, wait: Wait) -> io::Result<usize> {
        self.input.compact();
        self.stream.receive(&mut self.input.bytes, usize::MAX, wait)
    }
}

/// Bytes received and not yet consumed.
#[derive(Debug)]
pub struct Input {
    bytes: Vec<u8>,
    consumed: usize,
}

impl Input {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(INPUT_CAPACITY),
            consumed: 0,
        }
    }

    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    pub fn consume(&mut self, len: usize) {
        self.consumed += len;
        if self.consumed == self.bytes.len() {
            self.bytes.clear();
            self.consumed = 0;
        }
    }

    /// Makes room at the end when little is left there.
    fn compact(&mut self) {
        let room = self.bytes.capacity() - self.bytes.len();
        if self.consumed > 0 && room < INPUT_CAPACITY / 2 {
            self.bytes.drain(..self.consumed);
            self.consumed = 0;
        }
    }
}
