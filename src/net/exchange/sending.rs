//! The sending half of a conversation.

use std::io::{self, IoSlice};

use super::classic::take_item;
use super::{Answers, Exchange, Fault, Item, Script};
use crate::net::connection::Connection;
use crate::protocol::encode::Exptimes;
use crate::protocol::{Kind, encode};

/// As much is encoded before it is sent: enough to make the system call worth it.
const OUTPUT_CHUNK: usize = 32 * 1024;

const LINE_END: &[u8] = b"\r\n";

/// Where a ttl does not fit: those were refused when the batch was accepted.
const EXPIRED: Exptimes = Exptimes {
    ttl: -1,
    create: -1,
};

impl Exchange {
    /// True while there is something to send.
    pub fn wants_to_send(&self, connection: &Connection, script: &Script<'_>) -> bool {
        self.can_encode(script) || self.sent < self.outgoing(connection, script)
    }

    /// Sends what the socket takes.
    pub fn send(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) -> Result<(), Fault> {
        while self.wants_to_send(connection, script) {
            if self.sent == self.outgoing(connection, script) {
                self.encode(connection, script, answers);
                if connection.output.is_empty() {
                    // Nothing of what was left can be asked of this server.
                    continue;
                }
            }
            let value = self.large.map_or(&[][..], |large| script.at(large).value);
            let parts = [connection.output.as_slice(), value, LINE_END];
            let parts = &parts[..if self.large.is_some() { 3 } else { 1 }];
            let taken = send_from(connection, parts, self.sent).map_err(Fault::Io)?;
            if taken == 0 {
                break;
            }
            self.sent += taken;
            self.exposed = self.encoded;
        }
        self.leave_quiet(connection, script, answers);
        Ok(())
    }

    /// True when there is something that may be encoded now.
    fn can_encode(&self, script: &Script<'_>) -> bool {
        if self.version_awaited {
            return false;
        }
        let all = script.order.len();
        self.encoded < all
            || self.fence_due
            // What is doubtful is known once everything has been answered.
            || (self.run.start >= all && self.encoded < all + self.doubts.len())
    }

    /// The length of all that belongs to what is encoded now.
    fn outgoing(&self, connection: &Connection, script: &Script<'_>) -> usize {
        let value = |large| script.at(large).value.len() + LINE_END.len();
        connection.output.len() + self.large.map_or(0, value)
    }

    /// Encodes the next operations, once the last ones have been sent.
    fn encode(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) {
        connection.output.clear();
        self.sent = 0;
        self.large = None;
        while self.can_encode(script) && connection.output.len() < OUTPUT_CHUNK {
            if self.fence_due {
                connection.output.extend_from_slice(encode::meta::FENCE);
                self.fence_due = false;
            } else if self.encoded >= script.order.len() {
                self.encode_inspection(connection, script, answers);
            } else if script.needs_meta(script.at(self.encoded)) {
                self.encode_meta(connection, script, answers);
            } else {
                self.encode_classic(&mut connection.output, script);
            }
            if self.large.is_some() {
                break;
            }
        }
    }

    fn encode_classic(&mut self, output: &mut Vec<u8>, script: &Script<'_>) {
        let start = self.encoded;
        let first = script.at(start);
        let terms = script.terms;
        if first.kind == Kind::Get {
            let rest = script.from(start);
            self.encoded += encode::get_line(output, &terms.prefix, terms.binary_keys, rest);
            if self.encoded > start + 1 {
                self.lines.push_back(start..self.encoded);
            }
            return;
        }
        self.encoded += 1;
        // Checked when the batch was accepted.
        let exptime = first.ttl.exptime(terms.unix_now).unwrap_or(EXPIRED.ttl);
        if encode::command(output, &terms.prefix, first, exptime) {
            self.large = Some(start);
        }
    }

    /// What the server does not know is not sent.
    fn encode_meta(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) {
        let Some(dialect) = connection.dialect else {
            return self.ask_version(connection);
        };
        let position = self.encoded;
        let op = script.at(position);
        self.encoded += 1;
        if !dialect.knows(op) {
            let error = dialect.refusal(op).on(&script.terms.server);
            answers.failed(script.order[position], &error, true);
        } else {
            let exptimes = Exptimes::of(op, script.terms.unix_now).unwrap_or(EXPIRED);
            let (output, key) = (&mut connection.output, script.key_form(op));
            if encode::meta::command(output, key, op, exptimes, position) {
                self.large = Some(position);
            }
        }
        let followed = self.encoded < script.order.len() && script.at(self.encoded).is_quiet();
        self.fence_due = op.is_quiet() && !followed && dialect.has_meta();
    }

    /// Asks whether a hit of no bytes is a stub. A server without meta commands knows no stubs.
    fn encode_inspection(
        &mut self,
        connection: &mut Connection,
        script: &Script<'_>,
        answers: &mut impl Answers,
    ) {
        let Some(dialect) = connection.dialect else {
            return self.ask_version(connection);
        };
        let step = self.encoded;
        let doubt = self.doubts[step - script.order.len()];
        self.encoded += 1;
        if dialect.has_meta() {
            let op = encode::meta::inspection(script.at(doubt.position));
            let (output, key) = (&mut connection.output, script.key_form(&op));
            // A read has no value to be left behind.
            let _ = encode::meta::command(output, key, &op, Exptimes::default(), step);
        } else {
            let item = Item {
                flags: 0,
                cas: doubt.cas,
            };
            take_item(script.order[doubt.position], item, &[], script, answers);
            self.run.start = self.encoded;
            self.run.end = self.encoded;
        }
    }

    fn ask_version(&mut self, connection: &mut Connection) {
        connection.output.extend_from_slice(b"version\r\n");
        self.version_awaited = true;
    }
}

/// Sends `parts` as one, without the first `done` bytes.
fn send_from(connection: &Connection, parts: &[&[u8]], mut done: usize) -> io::Result<usize> {
    if let [part] = parts {
        return connection.stream.send(&[IoSlice::new(&part[done..])]);
    }
    let mut slices = [IoSlice::new(&[]); 3];
    for (slice, part) in slices.iter_mut().zip(parts) {
        let skipped = done.min(part.len());
        done -= skipped;
        *slice = IoSlice::new(&part[skipped..]);
    }
    connection.stream.send(&slices)
}
