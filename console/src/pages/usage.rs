//! What Plakar took of processors and memory over a task's run: plots, and the same as a table.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::format;
use super::plot::{Axis, Plot};
use source_app::model::{TaskUsage, UsagePoint};

/// Measurements, by the time since the task began.
const MEASUREMENTS: Axis =
    Axis { of: "measurements", time: |at| format::duration(at - DateTime::<Utc>::UNIX_EPOCH) };

/// Plots of what a task took, and the same as a table.
pub struct Usage {
    /// The drawings, as HTML of ours.
    pub plots: Vec<String>,
    /// From the beginning to the end.
    pub rows: Vec<UsageRow>,
}

/// A part of the run.
pub struct UsageRow {
    /// When it ended, since the task began.
    pub at: String,
    pub processor: String,
    pub memory: String,
}

/// A time since the task began, as one that a drawing takes.
fn time(point: &UsagePoint) -> DateTime<Utc> {
    let milliseconds = TimeDelta::milliseconds((point.seconds * 1000.0) as i64);
    DateTime::<Utc>::UNIX_EPOCH + milliseconds
}

fn percent(value: f64) -> String {
    format!("{value:.0} %")
}

fn bytes(value: f64) -> String {
    format::size(value.max(0.0) as u64)
}

impl Usage {
    /// Of what was measured.
    pub fn of(usage: &TaskUsage) -> Result<Self, askama::Error> {
        let values = |value: fn(&UsagePoint) -> f64| -> Vec<(DateTime<Utc>, Option<f64>)> {
            usage.points.iter().map(|point| (time(point), Some(value(point)))).collect()
        };
        let processor = values(|point| point.processor);
        let memory = values(|point| point.memory as f64);
        let plots = [
            Plot::new("Processor", &MEASUREMENTS, &processor, percent),
            Plot::new("Memory", &MEASUREMENTS, &memory, bytes),
        ];
        let row = |point: &UsagePoint| UsageRow {
            at: (MEASUREMENTS.time)(time(point)),
            processor: percent(point.processor),
            memory: format::size(point.memory),
        };
        Ok(Self {
            plots: plots.iter().map(Template::render).collect::<Result<_, _>>()?,
            rows: usage.points.iter().map(row).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(points: &[(f64, f64, u64)]) -> Usage {
        let point = |(seconds, processor, memory): &(f64, f64, u64)| UsagePoint {
            seconds: *seconds,
            processor: *processor,
            memory: *memory,
        };
        Usage::of(&TaskUsage { points: points.iter().map(point).collect() }).unwrap()
    }

    #[test]
    fn no_measurement_one_and_equal_ones_are_drawn_without_a_number_that_is_none() {
        assert!(usage(&[]).plots.iter().all(|plot| plot.contains("Not known")));
        for points in [&[(0.0, 0.0, 0)][..], &[(1.0, 50.0, 9); 3], &[(1.0, 0.0, 0), (2.0, 0.0, 0)]]
        {
            let shown = usage(points);
            assert_eq!((shown.plots.len(), shown.rows.len()), (2, points.len()));
            for plot in shown.plots {
                assert!(plot.contains("<svg") && !plot.contains("NaN"), "{plot}");
                assert!(!plot.contains("inf"), "{plot}");
            }
        }
    }

    #[test]
    fn the_longest_run_is_small_and_told_in_words() {
        let points: Vec<_> = (1..=120)
            .map(|number| (300.0 * f64::from(number), f64::from(number % 200), 1 << 28))
            .collect();
        let shown = usage(&points);
        let size: usize = shown.plots.iter().map(String::len).sum();
        assert!(size <= 20_000, "{size} bytes");
        let words = "Processor of 120 measurements from 5 min to 10 h: between 1 % and 120 %";
        assert!(shown.plots[0].contains(words), "{}", shown.plots[0]);
        assert_eq!((&*shown.rows[0].at, &*shown.rows[0].memory), ("5 min", "256 MiB"));
    }
}
