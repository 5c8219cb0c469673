//! The sending half of a conversation.

use std::io::{self, IoSlice};

use super::{Exchange, Fault, Script};
use crate::net::connection::Connection;
use crate::protocol::{Kind, encode};

/// As much is encoded before it is sent: enough to make the system call worth it.
const OUTPUT_CHUNK: usize = 32 * 1024;

const LINE_END: &[u8] = b"\r\n";

impl Exchange {
    /// True while there is something to send.
    pub fn wants_to_send(&self, connection: &Connection, script: &Script<'_>) -> bool {
        self.encoded < script.order.len() || self.sent < self.outgoing(connection, script)
    }

    /// Sends what the socket takes.
    pub fn send(&mut self, connection: &mut Connection, script: &Script<'_>) -> Result<(), Fault> {
        while self.wants_to_send(connection, script) {
            if self.sent == self.outgoing(connection, script) {
                self.encode(connection, script);
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
        Ok(())
    }

    /// The length of all that belongs to what is encoded now.
    fn outgoing(&self, connection: &Connection, script: &Script<'_>) -> usize {
        let value = |large| script.at(large).value.len() + LINE_END.len();
        connection.output.len() + self.large.map_or(0, value)
    }

    /// Encodes the next operations, once the last ones have been sent.
    fn encode(&mut self, connection: &mut Connection, script: &Script<'_>) {
        let output = &mut connection.output;
        output.clear();
        self.sent = 0;
        self.large = None;
        while self.encoded < script.order.len() && output.len() < OUTPUT_CHUNK {
            let first = script.at(self.encoded);
            let end = script.run_end(self.encoded);
            let start = std::mem::replace(&mut self.encoded, end);
            if first.kind == Kind::Get {
                let run = script.order[start..end].iter();
                let run = run.map(|&op| &script.operations[op as usize]);
                encode::get_line(output, &script.terms.prefix, first.want_cas, run);
                continue;
            }
            // Checked when the batch was accepted.
            let exptime = first.ttl.exptime(script.terms.unix_now).unwrap_or(-1);
            if encode::command(output, &script.terms.prefix, first, exptime) {
                self.large = Some(start);
                break;
            }
        }
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
