//! The verdict as a picture: one bar per cell, how often ours is the best rival.

use super::report::Cell;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const MET: RGBColor = RGBColor(31, 104, 166);
const MISSED: RGBColor = RGBColor(190, 86, 36);
const ROW_PIXELS: i32 = 16;
const TOP_PIXELS: i32 = 70;
const NAME_PIXELS: i32 = 300;
const BAR_PIXELS: i32 = 560;
const BEST_PIXELS: i32 = 240;
/// The axis runs from a quarter to eight times, each doubling as wide as the next.
const DOUBLINGS_MIN: f64 = -2.0;
const DOUBLINGS_MAX: f64 = 3.0;

/// An SVG with the ratio of every cell that has one.
///
/// # Errors
/// The picture cannot be drawn.
pub fn ratios(title: &str, cells: &[Cell]) -> Result<String> {
    let rows: Vec<(&Cell, f64)> = cells.iter().filter_map(|cell| Some((cell, cell.ratio?))).collect();
    let (width, height) =
        (NAME_PIXELS + BAR_PIXELS + BEST_PIXELS, TOP_PIXELS + ROW_PIXELS * rows.len() as i32 + 20);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width as u32, height as u32)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        draw_axis(&area, title, height)?;
        for (index, (cell, ratio)) in rows.iter().enumerate() {
            draw_row(&area, TOP_PIXELS + ROW_PIXELS * index as i32, cell, *ratio)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Where a ratio stands on the axis.
fn across(ratio: f64) -> i32 {
    let doublings = ratio.max(1e-9).log2().clamp(DOUBLINGS_MIN, DOUBLINGS_MAX);
    NAME_PIXELS
        + ((doublings - DOUBLINGS_MIN) / (DOUBLINGS_MAX - DOUBLINGS_MIN) * f64::from(BAR_PIXELS)) as i32
}

fn draw_axis(area: &Area<'_>, title: &str, height: i32) -> Result<()> {
    let title = format!("{title}: ours over the best rival; the tick is the goal, orange misses it");
    write(area, &title, (NAME_PIXELS, 24), 18, HPos::Left)?;
    for ratio in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0] {
        let color = if ratio == 1.0 { BLACK.mix(0.8) } else { BLACK.mix(0.15) };
        line(area, (across(ratio), TOP_PIXELS - 8), (across(ratio), height - 16), color)?;
        write(area, &format!("{ratio}x"), (across(ratio), TOP_PIXELS - 18), 12, HPos::Center)?;
    }
    Ok(())
}

fn draw_row(area: &Area<'_>, top: i32, cell: &Cell, ratio: f64) -> Result<()> {
    let middle = top + ROW_PIXELS / 2;
    let color = if cell.met == Some(false) { MISSED } else { MET };
    let (one, end) = (across(1.0), across(ratio));
    let bar = [(one.min(end), top + 3), (one.max(end).max(one + 1), top + ROW_PIXELS - 3)];
    area.draw(&Rectangle::new(bar, color.mix(0.75).filled())).map_err(failed)?;
    if let (Some(goal), Some("ratio")) = (cell.goal, cell.goal_is.as_deref()) {
        line(area, (across(goal), top + 1), (across(goal), top + ROW_PIXELS - 1), BLACK.mix(0.9))?;
    }
    write(area, &cell.cell, (NAME_PIXELS - 10, middle), 12, HPos::Right)?;
    let best = format!("{ratio:.2}x  {}", cell.best.as_deref().unwrap_or(""));
    write(area, &best, (NAME_PIXELS + BAR_PIXELS + 10, middle), 12, HPos::Left)
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), color: RGBAColor) -> Result<()> {
    area.draw(&PathElement::new(vec![from, to], color)).map_err(failed)
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), size: u32, across: HPos) -> Result<()> {
    let style = ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(across, VPos::Center));
    area.draw_text(text, &style, at).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}
