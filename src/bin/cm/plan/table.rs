//! A plan as tables.

use std::fmt::{self, Write};

use super::Report;
use crate::movement::Movement;

pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, report);
    text
}

fn write(text: &mut String, report: &Report) -> fmt::Result {
    let Report { change, chosen, .. } = report;
    writeln!(text, "{} keys placed with {}\n", report.keys, report.name)?;

    let longest = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| name.chars().count()).max().unwrap_or(0)
    };
    let servers = &mut change.servers.iter().map(|server| &*server.identity);
    let width = longest(servers).max("SERVER".len());
    writeln!(
        text,
        "{:width$}  {:>9} {:>9}  {:>9} {:>9}",
        "SERVER", "BEFORE %", "(FAIR %)", "AFTER %", "(FAIR %)"
    )?;
    for (place, server) in change.servers.iter().enumerate() {
        write!(text, "{:width$}", server.identity)?;
        for side in [0, 1] {
            if server.fair[side] == 0.0 {
                write!(text, "  {:>9} {:>9}", "-", "")?;
            } else {
                let (share, fair) = (chosen.shares[side][place], server.fair[side]);
                let fair = format!("({:.3})", 100.0 * fair);
                write!(text, "  {:>9.3} {fair:>9}", 100.0 * share)?;
            }
        }
        trim(text);
    }

    writeln!(
        text,
        "\n{:.3} % of the keys move. For these shares at least {:.3} % must, for even shares {:.3} %.\n",
        100.0 * chosen.moved,
        100.0 * chosen.least,
        100.0 * change.least()
    )?;

    let width = longest(&mut report.others.iter().map(|(name, _)| *name));
    writeln!(
        text,
        "{:width$}  {:>8}  {:>8}  {:>14}  {:>13}",
        "DISTRIBUTION", "MOVED %", "LEAST %", "FULLEST BEFORE", "FULLEST AFTER"
    )?;
    line(text, width, "as given", Ok(chosen), report)?;
    for (name, movement) in &report.others {
        line(text, width, name, movement.as_ref(), report)?;
    }
    writeln!(
        text,
        "\nFULLEST: the load of the fullest server over its fair share."
    )
}

fn line(
    text: &mut String,
    width: usize,
    name: &str,
    movement: Result<&Movement, &String>,
    report: &Report,
) -> fmt::Result {
    match movement {
        Err(reason) => writeln!(text, "{name:width$}  {reason}"),
        Ok(movement) => {
            let [before, after] = report.change.fullest(movement);
            let (moved, least) = (100.0 * movement.moved, 100.0 * movement.least);
            writeln!(
                text,
                "{name:width$}  {moved:>8.3}  {least:>8.3}  {before:>14.3}  {after:>13.3}"
            )
        }
    }
}

/// Ends a line, without the blanks that stand at its end.
fn trim(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}
