//! `cm handover`: what a change of the fleet moves is copied before the change.

mod fleets;
mod keys;
mod listing;
mod pace;
mod progress;
mod tally;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use clap::Args;

use crate::arguments::ChangeArguments;
use crate::failure::Failure;
use fleets::{Fleets, Lot};
use keys::Keys;
use pace::Pace;
use progress::Progress;
use tally::Tally;

/// Copy what a change of the fleet moves, before the change: the cache is warm when programs
/// switch.
///
/// Asks every server of --from for its keys (lru_crawler metadump all), reads those whose owner
/// is another in --to, and adds them there, with their flags and what is left of their ttl. An
/// item that the new owner has already stays (so empty a server first that was away and comes
/// back). Nothing is deleted. Running it again copies what has come since.
///
/// Programs still use the old servers meanwhile. What they change or delete there after it was
/// copied is out of date at the new owner, and after the switch is read as it was copied, until
/// its ttl is over; a deletion that races the copying can lose. So switch soon after; copy only the keys that bear it (--prefix); and set
/// handover_ms in the programs as well: it finds what was not copied, and keeps to what is
/// written and deleted from the switch on. (It does not mend a copy that is out of date.)
///
/// A listing is no snapshot: what is stored, or changes its place in the server's lists,
/// meanwhile may be missing. Keys are placed by themselves: an item that was routed by a routing
/// key or by a hash of the caller's is a leftover, as is any item on a server that is not its
/// key's owner, and is not copied. Keys that were sent as base64 are copied as such. The servers
/// of --from must be memcached 1.6 or newer. The keys to be moved of one server are kept in
/// memory.
///
/// Prints a line for each count, fields separated by tabs: listed; outside the prefix; leftovers;
/// to be moved; copied; already there; gone meanwhile; failed. Servers that fail are named on
/// standard error, the others are done, and the exit code is 3.
#[derive(Args)]
pub struct Handover {
    #[command(flatten)]
    change: ChangeArguments,
    /// Only keys that begin with this, the key_prefix included
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prefix: OsString,
    /// Only list and count
    #[arg(long)]
    dry_run: bool,
    /// Copy at most this many keys in a second [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Say on standard error how far it is, though that is no terminal
    #[arg(long)]
    progress: bool,
}

impl Handover {
    pub fn run(&self) -> Result<(), Failure> {
        let fleets = Fleets::new(&self.change)?;
        let mut tally = Tally::default();
        let mut pace = Pace::new(self.rate);
        let mut progress = Progress::new(self.progress);
        let mut failed = Vec::new();
        for server in 0..fleets.server_count() {
            let name = fleets.name(server);
            let mut keys = Keys::default();
            let listed = listing::list(&fleets.source(server), |key, size| {
                tally.listed += 1;
                progress.show(name, &tally);
                self.take(&fleets, server, (key, size), &mut keys, &mut tally)
            });
            if let Err(reason) = listed {
                failed.push(format!("{name}: cannot list its keys: {reason}"));
            }
            for batch in keys.batches(pace.batch()) {
                pace.wait(batch.len());
                fleets.copy(&batch, &mut tally);
                progress.show(name, &tally);
            }
        }
        progress.end();
        io::stdout().write_all(tally.to_string().as_bytes())?;
        failed.extend(tally.failures());
        Failure::of_servers(failed).map_or(Ok(()), Err)
    }

    /// Keeps a key that is to be copied.
    fn take(
        &self,
        fleets: &Fleets,
        server: usize,
        (key, size): (&[u8], u64),
        keys: &mut Keys,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let begins = key.starts_with(self.prefix.as_bytes());
        let Some(key) = fleets.own(key).filter(|_| begins) else {
            tally.outside += 1;
            return Ok(());
        };
        match fleets.lot(server, key).map_err(|error| error.to_string())? {
            Lot::Leftover => tally.leftovers += 1,
            Lot::Stays => {}
            Lot::Moves => {
                tally.to_move += 1;
                if !self.dry_run {
                    keys.push(key, size);
                }
            }
        }
        Ok(())
    }
}
