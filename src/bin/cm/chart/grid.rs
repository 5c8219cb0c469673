//! Panels side by side, all to one scale, so that no legend of fifteen colours is needed.

use std::ops::Range;

use plotters::prelude::*;

use super::Panel;
use crate::drawing::{AFTER, Align, Area, BEFORE, Drawn, GRID, INK, LEAST, picture, text};
use crate::failure::Failure;

const COLUMNS: usize = 4;
const PANEL: (u32, u32) = (235, 175);
const HEAD: i32 = 50;
/// What the x axes have labels at.
const SIZES: Range<f64> = 3.0..1000.0;
const MARKS: [f64; 4] = [3.0, 10.0, 100.0, 1000.0];

/// The fullest server's load over its fair share. What is above the scale stands at its edge.
pub fn balance(panels: &[Panel]) -> Result<String, Failure> {
    let highest = 1.6;
    let heading = "Load of the fullest server over its fair share, 3 to 1000 equal servers";
    let even = |_: f64| 1.0;
    draw(panels, heading, &[], |area, panel| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_top(24)
            .margin_right(16)
            .x_label_area_size(20)
            .y_label_area_size(34)
            .build_cartesian_2d(SIZES.log_scale(), 0.95..highest)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .y_labels(5)
            .x_labels(4)
            .x_label_formatter(&|size| format!("{size:.0}"))
            .label_style(("sans-serif", 11).into_font().color(&INK))
            .draw()?;
        chart.draw_series([PathElement::new(along(even), LEAST)])?;
        let line = &panel.lines[0];
        let inside: Vec<_> = line.iter().map(|&(x, y)| (x, y.min(highest))).collect();
        let dots = inside.iter().map(|&at| Circle::new(at, 2, AFTER.filled()));
        chart.draw_series(dots)?;
        chart.draw_series([PathElement::new(inside.clone(), AFTER.stroke_width(2))])?;
        Ok(())
    })
}

/// The keys that move, in per cent, both axes logarithmic.
pub fn moved(panels: &[Panel]) -> Result<String, Failure> {
    let heading = "Per cent of keys that move, 3 to 1000 equal servers";
    let least = |size: f64| 100.0 / (size + 1.0);
    let colours = [AFTER, BEFORE];
    let legend = [
        (AFTER, "a server is added at the end of the list"),
        (BEFORE, "one is removed from its middle"),
        (LEAST, "the least when one is added"),
    ];
    draw(panels, heading, &legend, |area, panel| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_top(24)
            .margin_right(16)
            .x_label_area_size(20)
            .y_label_area_size(34)
            .build_cartesian_2d(SIZES.log_scale(), (0.08..100.0).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .y_labels(4)
            .y_label_formatter(&|share| share.to_string())
            .x_labels(4)
            .x_label_formatter(&|size| format!("{size:.0}"))
            .label_style(("sans-serif", 11).into_font().color(&INK))
            .draw()?;
        for (line, colour) in panel.lines.iter().zip(colours).rev() {
            chart.draw_series([PathElement::new(line.clone(), colour.stroke_width(2))])?;
        }
        chart.draw_series([PathElement::new(along(least), LEAST)])?;
        Ok(())
    })
}

fn along(of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    MARKS.map(|size| (size, of(size))).to_vec()
}

fn draw(
    panels: &[Panel],
    heading: &str,
    legend: &[(RGBColor, &str)],
    each: impl Fn(&Area<'_>, &Panel) -> Drawn,
) -> Result<String, Failure> {
    let rows = panels.len().div_ceil(COLUMNS);
    let size = (
        PANEL.0 * COLUMNS as u32,
        PANEL.1 * rows as u32 + HEAD as u32,
    );
    picture(size, |area| {
        text(area, (12, 18), Align::Left, 17, heading)?;
        let mut x = 12;
        for (colour, label) in legend {
            area.draw(&Rectangle::new([(x, 36), (x + 14, 40)], colour.filled()))?;
            text(area, (x + 20, 38), Align::Left, 12, label)?;
            x += 50 + 6 * label.len() as i32;
        }
        let (_, below) = area.split_vertically(HEAD);
        for (area, panel) in below.split_evenly((rows, COLUMNS)).iter().zip(panels) {
            text(area, (40, 12), Align::Left, 13, &panel.name)?;
            each(area, panel)?;
        }
        Ok(())
    })
}
