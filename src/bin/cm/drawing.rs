//! What the pictures have in common.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::failure::Failure;

pub const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
pub const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
pub const BEFORE: RGBColor = RGBColor(0xb0, 0xb7, 0xbf);
pub const AFTER: RGBColor = RGBColor(0x2b, 0x6c, 0xb0);
pub const LEAST: RGBColor = RGBColor(0xc5, 0x30, 0x30);

/// Drawing into memory cannot fail for want of anything but a defect.
pub type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A picture of this size, drawn by `draw` on white.
pub fn picture(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, Failure> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let drawn = area
        .fill(&WHITE)
        .and_then(|()| draw(&area))
        .and_then(|()| area.present());
    drop(area);
    match drawn {
        Ok(()) => Ok(svg),
        Err(error) => Err(Failure::failed(format!("cannot draw: {error}"))),
    }
}

pub fn save(path: &Path, svg: &str) -> Result<(), Failure> {
    fs::write(path, svg)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

#[derive(Clone, Copy)]
pub enum Align {
    Left,
    Right,
}

/// Text with its middle at this height.
pub fn text(area: &Area<'_>, at: (i32, i32), align: Align, size: i32, text: &str) -> Drawn {
    let side = match align {
        Align::Left => HPos::Left,
        Align::Right => HPos::Right,
    };
    let style = ("sans-serif", size).into_font().color(&INK);
    area.draw_text(text, &style.pos(Pos::new(side, VPos::Center)), at)
}

pub fn bar(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
    area.draw(&Rectangle::new([from, to], colour.filled()))
}

pub fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
    area.draw(&PathElement::new(vec![from, to], colour))
}
