//! A connection to a server: the socket, and the bytes on their way in and out.

use std::io;
use std::time::Instant;

use super::stream::{Stream, Wait};

/// What is received goes through a buffer of this size; a value that does not fit is
/// received straight into its final place. Pages that are never written take no memory.
pub const INPUT_CAPACITY: usize = 64 * 1024;

#[derive(Debug)]
pub struct Connection {
    pub stream: Stream,
    pub input: Input,
    /// Encoded and not yet sent; kept between exchanges for its memory.
    pub output: Vec<u8>,
    /// When it was last used.
    pub used: Instant,
}

impl Connection {
    pub fn new(stream: Stream, now: Instant) -> Self {
        Self {
            stream,
            input: Input::new(),
            output: Vec::new(),
            used: now,
        }
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
