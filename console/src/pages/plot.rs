//! Values over time as a drawing: inline SVG, made of geometry and classes alone, as the content
//! security policy allows no styles.

use askama::Template;
use chrono::{DateTime, Utc};

/// The size of the drawing, in units of its own.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// What stays free at its edges, so that no line is cut.
const MARGIN: f64 = 6.0;

/// Maximum number of points that get a mark of their own: of more the line says enough.
const MAX_MARKS: usize = 60;

/// A drawing.
#[derive(Template)]
#[template(path = "plot.html")]
pub struct Plot {
    title: &'static str,
    /// What it shows, for who does not see it.
    summary: String,
    /// Lines, as the attribute `points`; they are broken where a value is not known.
    lines: Vec<String>,
    /// Single points.
    marks: Vec<(String, String)>,
    /// The greatest value and the least, in words; empty without any.
    greatest: String,
    least: String,
    /// The first time and the last.
    ends: Option<(String, String)>,
}

/// What the values of a drawing are of, and how a time is told there.
pub struct Axis {
    /// In plural: `backups`.
    pub of: &'static str,
    /// The text of a time.
    pub time: fn(DateTime<Utc>) -> String,
}

/// Values of backups, by their days.
pub const BACKUPS: Axis = Axis { of: "backups", time: |at| at.format("%Y-%m-%d").to_string() };

impl Plot {
    /// Of values over time, the oldest first; `None` is one that is not known.
    pub fn new(
        title: &'static str,
        axis: &Axis,
        values: &[(DateTime<Utc>, Option<f64>)],
        text: impl Fn(f64) -> String,
    ) -> Self {
        let usable = |value: &f64| value.is_finite();
        let known: Vec<(DateTime<Utc>, f64)> =
            values.iter().filter_map(|(at, value)| Some((*at, value.filter(usable)?))).collect();
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return Self::empty(title);
        };
        let Some(newest) = known.last() else { return Self::empty(title) };
        let least = known.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let greatest = known.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let scale = Scale { first: first.0, last: last.0, least, greatest };
        let mut lines = vec![Vec::new()];
        for (at, value) in values {
            match value.filter(usable) {
                Some(value) => {
                    lines
                        .last_mut()
                        .into_iter()
                        .for_each(|line| line.push(scale.place(*at, value)));
                }
                None => lines.push(Vec::new()),
            }
        }
        let single = lines.iter().filter(|line| line.len() == 1).flatten();
        let marks = if known.len() <= MAX_MARKS {
            lines.iter().flatten().cloned().collect()
        } else {
            single.cloned().collect()
        };
        let joined = |line: &Vec<(String, String)>| {
            line.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
        };
        let (least, greatest) = (text(least), text(greatest));
        let newest = text(newest.1);
        Self {
            title,
            summary: format!(
                "{title} of {} {} from {} to {}: between {least} and {greatest}, the newest {newest}",
                known.len(),
                axis.of,
                (axis.time)(first.0),
                (axis.time)(last.0)
            ),
            lines: lines.iter().filter(|line| line.len() > 1).map(joined).collect(),
            marks,
            greatest,
            least,
            ends: Some(((axis.time)(first.0), (axis.time)(last.0))),
        }
    }

    fn empty(title: &'static str) -> Self {
        Self {
            title,
            summary: String::new(),
            lines: Vec::new(),
            marks: Vec::new(),
            greatest: String::new(),
            least: String::new(),
            ends: None,
        }
    }
}

/// From what to what a drawing goes.
struct Scale {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    least: f64,
    greatest: f64,
}

impl Scale {
    fn place(&self, at: DateTime<Utc>, value: f64) -> (String, String) {
        let seconds = |time: chrono::TimeDelta| time.num_milliseconds() as f64;
        let x = share(seconds(at - self.first), seconds(self.last - self.first));
        let y = share(value - self.least, self.greatest - self.least);
        let place = |share: f64, size: f64| MARGIN + share * (size - 2.0 * MARGIN);
        (format!("{:.1}", place(x, WIDTH)), format!("{:.1}", place(1.0 - y, HEIGHT)))
    }
}

/// A part of a whole; in the middle if there is no whole.
fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole;
    if whole > 0.0 && share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: &[Option<f64>]) -> String {
        let begin: DateTime<Utc> = "2026-01-01T02:30:00Z".parse().unwrap();
        let at = |day: usize| begin + chrono::TimeDelta::days(day as i64);
        let values: Vec<_> = values.iter().enumerate().map(|(day, one)| (at(day), *one)).collect();
        Plot::new("Size", &BACKUPS, &values, |value| format!("{value:.0} B")).render().unwrap()
    }

    #[test]
    fn a_year_is_small_and_nothing_is_no_number() {
        let year: Vec<_> =
            (0..365).map(|day| Some(4.7e12 + f64::from(day) * 1.234_567e9)).collect();
        let drawn = plot(&year);
        assert!(drawn.len() <= 20_000, "{} bytes", drawn.len());
        assert_eq!(drawn.matches("<polyline").count(), 1);
        // Every other one is not known.
        let gaps: Vec<_> = (0..365).map(|day| (day % 2 == 0).then_some(f64::from(day))).collect();
        let drawn = plot(&gaps);
        assert!(drawn.len() <= 20_000, "{} bytes", drawn.len());
        for values in [
            &[][..],
            &[None, None],
            &[Some(0.0)],
            &[Some(7.0)],
            &[Some(7.0); 20],
            &[Some(0.0), None, Some(0.0)],
            &[Some(f64::NAN), Some(f64::INFINITY), Some(1.0)],
            &[Some(f64::MAX), Some(f64::MIN), Some(0.0)],
            &year,
            &gaps,
        ] {
            let drawn = plot(values);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{values:?}: {drawn}");
            assert!(!drawn.contains("style="), "{drawn}");
        }
    }

    #[test]
    fn what_is_not_known_is_said_and_no_zero_is_drawn() {
        let drawn = plot(&[None, None]);
        assert!(drawn.contains("Not known") && !drawn.contains("<svg"), "{drawn}");
        let drawn = plot(&[Some(1.0), None, Some(3.0), Some(2.0)]);
        assert_eq!(drawn.matches("<polyline").count(), 1, "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 3, "{drawn}");
        assert!(
            drawn.contains("Size of 3 backups from 2026-01-01 to 2026-01-04: between 1 B and 3 B, the newest 2 B"),
            "{drawn}"
        );
    }

    #[test]
    fn the_greatest_is_at_the_top_and_equal_ones_are_in_the_middle() {
        let drawn = plot(&[Some(1.0), Some(3.0)]);
        assert!(drawn.contains(r#"points="6.0,114.0 594.0,6.0""#), "{drawn}");
        let drawn = plot(&[Some(2.0), Some(2.0)]);
        assert!(drawn.contains(r#"points="6.0,60.0 594.0,60.0""#), "{drawn}");
        let drawn = plot(&[Some(2.0)]);
        assert!(drawn.contains(r#"cx="300.0" cy="60.0""#), "{drawn}");
    }
}
