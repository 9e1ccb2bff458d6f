//! Bar charts as SVG.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A bar for each of these is drawn in each group.
pub struct Series {
    pub name: &'static str,
    pub color: RGBColor,
}

pub const FLOOR: Series =
    Series { name: "what the calls alone cost", color: RGBColor(190, 190, 190) };
pub const OURS: Series = Series { name: "this package", color: RGBColor(0, 114, 178) };
pub const PEER: Series = Series { name: "the peer", color: RGBColor(230, 159, 0) };
pub const LOCAL: Series = Series { name: "local disk", color: RGBColor(0, 158, 115) };

/// A chart: groups of horizontal bars, each group with a value, or none, for each series.
pub struct Chart<'a> {
    pub title: &'a str,
    pub unit: &'a str,
    pub series: &'a [Series],
    pub groups: Vec<(String, Vec<Option<f64>>)>,
    /// A value that must not be passed.
    pub limit: Option<f64>,
}

const WIDTH: u32 = 760;
const BAR: u32 = 13;
const GAP: u32 = 10;

impl Chart<'_> {
    /// Writes the chart, unless there is nothing in it; says whether it did.
    pub fn write(&self, path: &Path) -> Result<bool, Box<dyn Error>> {
        let values = || self.groups.iter().flat_map(|(_, values)| values).flatten().copied();
        let Some(most) = values().max_by(f64::total_cmp) else { return Ok(false) };
        let most = most.max(self.limit.unwrap_or(0.0)) * 1.12;
        let bars = self.series.len() as u32;
        let height = 120 + self.groups.len() as u32 * (bars * BAR + GAP);
        let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let text = ("sans-serif", 13).into_font().color(&BLACK);
        root.draw(&Text::new(
            self.title.to_owned(),
            (12, 10),
            ("sans-serif", 16).into_font().color(&BLACK),
        ))?;
        let mut x = 12;
        for series in self.series {
            root.draw(&Rectangle::new([(x, 38), (x + 11, 49)], series.color.filled()))?;
            root.draw(&Text::new(series.name, (x + 16, 37), text.clone()))?;
            x += 40 + 8 * series.name.len() as i32;
        }

        let unit = (BAR * bars + GAP) as f64;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(58)
            .margin_right(24)
            .set_label_area_size(LabelAreaPosition::Left, 250)
            .set_label_area_size(LabelAreaPosition::Bottom, 46)
            .build_cartesian_2d(0.0..most, (self.groups.len() as f64 * unit)..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc(self.unit)
            .x_labels(8)
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .axis_style(BLACK.mix(0.5))
            .label_style(text.clone())
            .draw()?;
        for (n, (label, values)) in self.groups.iter().enumerate() {
            let top = n as f64 * unit + f64::from(GAP) / 2.0;
            for (m, value) in values.iter().enumerate() {
                let Some(value) = *value else { continue };
                let from = top + m as f64 * f64::from(BAR);
                let bar = Rectangle::new(
                    [(0.0, from), (value, from + f64::from(BAR) - 2.0)],
                    self.series[m].color.filled(),
                );
                chart.draw_series([bar])?;
                let (x, y) = chart.backend_coord(&(value, from + f64::from(BAR) / 2.0 - 1.0));
                let small = ("sans-serif", 11)
                    .into_font()
                    .color(&BLACK)
                    .pos(Pos::new(HPos::Left, VPos::Center));
                root.draw(&Text::new(short(value), (x + 4, y), small))?;
            }
            let (x, y) = chart.backend_coord(&(0.0, top + unit / 2.0 - f64::from(GAP) / 2.0));
            root.draw(&Text::new(
                label.clone(),
                (x - 8, y),
                text.pos(Pos::new(HPos::Right, VPos::Center)),
            ))?;
        }
        if let Some(limit) = self.limit {
            let line = vec![(limit, 0.0), (limit, self.groups.len() as f64 * unit)];
            chart.draw_series([PathElement::new(line, RED.mix(0.7))])?;
        }
        root.present()?;
        Ok(true)
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
