//! The picture of a pipeline run: mean departure delay and cancellations by carrier, as SVG.

use crate::expect::Carrier;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::collections::BTreeMap;
use std::path::Path;

const DELAY_COLOR: RGBColor = RGBColor(31, 104, 166);
const CANCELLATION_COLOR: RGBColor = RGBColor(190, 86, 36);
/// Width of one bar and the gap beside it, in pixels.
const BAR_PIXELS: u32 = 52;
/// A file of nonsense may name any number of carriers; the picture shows those with most flights.
const CARRIERS_MAX: usize = 40;

/// One bar per carrier.
struct Bars<'a> {
    title: &'a str,
    unit: &'a str,
    decimals: usize,
    color: RGBColor,
    values: Vec<f64>,
}

/// Draws to a file.
///
/// # Errors
///
/// The file cannot be written.
pub fn write(path: &Path, subtitle: &str, carriers: &BTreeMap<String, Carrier>) -> Result<()> {
    let text = draw(subtitle, carriers)?;
    std::fs::write(path, text).map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}

fn draw(subtitle: &str, carriers: &BTreeMap<String, Carrier>) -> Result<String> {
    let mut shown: Vec<(&str, &Carrier)> =
        carriers.iter().map(|(name, carrier)| (name.as_str(), carrier)).collect();
    shown.sort_by_key(|(_, carrier)| std::cmp::Reverse(carrier.departures + carrier.cancellations));
    shown.truncate(CARRIERS_MAX);
    shown.sort_by(|(_, a), (_, b)| mean_delay(b).total_cmp(&mean_delay(a)));
    let names: Vec<&str> = shown.iter().map(|(name, _)| *name).collect();

    let mut text = String::new();
    {
        let width = 140 + BAR_PIXELS * names.len().max(8) as u32;
        let area = SVGBackend::with_string(&mut text, (width, 760)).into_drawing_area();
        area.fill(&WHITE).map_err(drawing_failed)?;
        let area = area.margin(8, 12, 12, 24);
        let title = ("sans-serif", 26).into_font().color(&BLACK);
        let area = area.titled("Departures by carrier", title).map_err(drawing_failed)?;
        let small = ("sans-serif", 15).into_font().color(&BLACK.mix(0.65));
        let area = area.titled(subtitle, small).map_err(drawing_failed)?;
        let (upper, lower) = area.split_vertically(area.dim_in_pixel().1 / 2);
        let delays = Bars {
            title: "Mean departure delay",
            unit: "minutes",
            decimals: 1,
            color: DELAY_COLOR,
            values: shown.iter().map(|(_, carrier)| mean_delay(carrier)).collect(),
        };
        let cancellations = Bars {
            title: "Cancellations",
            unit: "flights",
            decimals: 0,
            color: CANCELLATION_COLOR,
            values: shown.iter().map(|(_, carrier)| carrier.cancellations as f64).collect(),
        };
        delays.draw(&upper, &names)?;
        cancellations.draw(&lower, &names)?;
        area.present().map_err(drawing_failed)?;
    }
    Ok(text)
}

impl Bars<'_> {
    fn draw<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, plotters::coord::Shift>,
        names: &[&str],
    ) -> Result<()>
    where
        D::ErrorType: 'static,
    {
        let low = self.values.iter().copied().fold(0.0, f64::min) * 1.15;
        let high = self.values.iter().copied().fold(0.0, f64::max) * 1.15;
        let count = names.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .caption(format!("{} ({})", self.title, self.unit), ("sans-serif", 18))
            .x_label_area_size(46)
            .y_label_area_size(64)
            .margin_top(10)
            .build_cartesian_2d(0.0..count.max(1.0), low..if high > low { high } else { low + 1.0 })
            .map_err(drawing_failed)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels(0)
            .x_desc("carrier")
            .y_desc(self.unit)
            .y_labels(6)
            .y_label_formatter(&|value| format!("{value:.0}"))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .draw()
            .map_err(drawing_failed)?;
        let bars = self.values.iter().enumerate().map(|(index, value)| {
            let left = index as f64;
            Rectangle::new([(left + 0.12, 0.0), (left + 0.88, *value)], self.color.filled())
        });
        chart.draw_series(bars).map_err(drawing_failed)?;
        let over = ("sans-serif", 13).into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Bottom));
        let under = ("sans-serif", 14).into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Top));
        let decimals = self.decimals;
        let values = self.values.iter().enumerate().map(|(index, value)| {
            let above_zero = value.max(0.0);
            Text::new(format!("{value:.decimals$}"), (index as f64 + 0.5, above_zero), over.clone())
        });
        chart.draw_series(values).map_err(drawing_failed)?;
        let plot = chart.plotting_area();
        for (index, name) in names.iter().enumerate() {
            let (x, y) = plot.map_coordinate(&(index as f64 + 0.5, low));
            area.draw(&Text::new((*name).to_owned(), area_position(area, x, y + 6), under.clone()))
                .map_err(drawing_failed)?;
        }
        Ok(())
    }
}

/// A position in the whole picture as one in an area of it.
fn area_position<D: DrawingBackend>(
    area: &DrawingArea<D, plotters::coord::Shift>,
    x: i32,
    y: i32,
) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

fn mean_delay(carrier: &Carrier) -> f64 {
    if carrier.departures == 0 { 0.0 } else { carrier.delay_minutes_sum / carrier.departures as f64 }
}

fn drawing_failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw the picture: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(departures: u64, cancellations: u64, delay_minutes_sum: f64) -> Carrier {
        Carrier { departures, cancellations, delay_minutes_sum }
    }

    #[test]
    fn the_picture_names_carriers_values_and_units() {
        let carriers = BTreeMap::from([
            ("UA".to_owned(), carrier(10, 3, 125.0)),
            ("HA".to_owned(), carrier(10, 0, -20.0)),
            ("ZZ".to_owned(), carrier(0, 2, 0.0)),
        ]);
        let svg = draw("a & b.csv, 25 flights", &carriers).unwrap();
        for text in [
            "UA",
            "HA",
            "ZZ",
            "12.5",
            "-2.0",
            "minutes",
            "Mean departure delay",
            "Cancellations",
            "a &amp; b.csv",
        ] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        assert!(svg.find("UA").unwrap() < svg.find("HA").unwrap(), "the longest delay comes first");
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn no_carriers_and_very_many_are_drawn_as_well() {
        assert!(draw("empty", &BTreeMap::new()).unwrap().contains("<svg"));
        let many = (0..1000).map(|index| (format!("C{index}"), carrier(1, 0, 5.0))).collect();
        assert!(draw("many", &many).unwrap().len() < 100_000);
    }
}
