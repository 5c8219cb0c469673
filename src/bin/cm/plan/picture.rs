//! A plan as a picture: above, the load of each server before and after; below, what moves.

use super::Report;
use crate::drawing::{AFTER, Align, Area, BEFORE, Drawn, GRID, LEAST, bar, line, picture, text};
use crate::failure::Failure;

const WIDTH: i32 = 900;
/// Names end where the bars begin.
const BARS: i32 = 260;
/// Where the longest bar ends at most; its number comes after it.
const END: i32 = WIDTH - 90;
const ROW: i32 = 22;
const HEAD: i32 = 58;
/// More servers than this get thin rows without names.
const NAMED: usize = 64;

pub fn draw(report: &Report) -> Result<String, Failure> {
    let (count, row) = rows(report);
    let below = HEAD + count * row + 30;
    let height = below + HEAD + ROW * (report.others.len() as i32 + 1) + 10;
    picture((WIDTH as u32, height as u32), |area| {
        balance(area, report)?;
        movement(area, report, below)
    })
}

/// How many rows the servers take, and their height.
fn rows(report: &Report) -> (i32, i32) {
    let count = report.change.servers.len();
    let row = if count <= NAMED {
        ROW
    } else {
        (1200 / count as i32).max(2)
    };
    (count as i32, row)
}

fn balance(area: &Area<'_>, report: &Report) -> Drawn {
    let heading = format!("Load over fair share, {}", report.name);
    text(area, (12, 20), Align::Left, 17, &heading)?;
    legend(area, (12, 42), &[(BEFORE, "before"), (AFTER, "after")])?;
    let (count, row) = rows(report);
    let [before, after] = report.change.fullest(&report.chosen);
    let scale = f64::from(END - BARS) / before.max(after).max(1.0);
    let fair = BARS + scale as i32;
    for (place, server) in report.change.servers.iter().enumerate() {
        let top = HEAD + place as i32 * row;
        let mut longest = BARS;
        for side in [0, 1] {
            if server.fair[side] == 0.0 {
                continue;
            }
            let load = report.chosen.shares[side][place] / server.fair[side];
            let (from, to) = if side == 0 {
                (top + 1, top + row / 2)
            } else {
                (top + row / 2, top + (row - 1).max(row / 2 + 1))
            };
            let end = BARS + (load * scale) as i32;
            bar(area, (BARS, from), (end, to), [BEFORE, AFTER][side])?;
            longest = longest.max(end);
            if row == ROW && side == 1 {
                let number = format!("{load:.3}");
                text(area, (longest + 6, top + row / 2), Align::Left, 12, &number)?;
            }
        }
        if row == ROW {
            text(
                area,
                (BARS - 8, top + row / 2),
                Align::Right,
                12,
                &server.identity,
            )?;
        }
    }
    line(
        area,
        (fair, HEAD - 6),
        (fair, HEAD + count * row + 4),
        LEAST,
    )
}

fn movement(area: &Area<'_>, report: &Report, top: i32) -> Drawn {
    text(area, (12, top + 20), Align::Left, 17, "Keys that move")?;
    let keys = [(AFTER, "moved"), (LEAST, "the least for even shares")];
    legend(area, (12, top + 42), &keys)?;
    let scale = f64::from(END - BARS);
    let x = |share: f64| BARS + (share * scale) as i32;
    let rows = std::iter::once(("as given", Some(&report.chosen)));
    let others = report.others.iter();
    let rows = rows.chain(others.map(|(name, movement)| (*name, movement.as_ref().ok())));
    let mut y = top + HEAD;
    for (name, movement) in rows {
        let middle = y + ROW / 2;
        text(area, (BARS - 8, middle), Align::Right, 12, name)?;
        let (end, number) = match movement {
            None => (BARS, "not with these weights".to_owned()),
            Some(movement) => {
                let end = x(movement.moved);
                bar(area, (BARS, y + 3), (end, y + ROW - 3), AFTER)?;
                (end, format!("{:.2} %", 100.0 * movement.moved))
            }
        };
        text(
            area,
            (end.max(x(report.change.least())) + 6, middle),
            Align::Left,
            12,
            &number,
        )?;
        y += ROW;
    }
    let least = x(report.change.least());
    line(area, (BARS, top + HEAD), (BARS, y), GRID)?;
    line(area, (least, top + HEAD), (least, y), LEAST)
}

fn legend(area: &Area<'_>, at: (i32, i32), entries: &[(plotters::style::RGBColor, &str)]) -> Drawn {
    let (mut x, y) = at;
    for (colour, label) in entries {
        bar(area, (x, y - 5), (x + 10, y + 5), *colour)?;
        text(area, (x + 15, y), Align::Left, 12, label)?;
        x += 35 + 7 * label.len() as i32;
    }
    Ok(())
}
