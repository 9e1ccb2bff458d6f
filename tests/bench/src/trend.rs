//! What was measured of each release, in docs/trend.md: a table for each figure, a row for each case,
//! a column for each release. A run writes the column of the present version, and says what is worse
//! than in the column before it, or than it was there itself.

use std::fmt::Write as _;
use std::path::Path;

use crate::figures::{Figures, Row, Who};

/// The present version.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

const HEAD: &str = "# Trend

Written by `make bench`: what was measured of each release, with the version that was next at that time in the last column. The
[benchmarks](benchmarks.md) have all figures of the last run and say what they are. A figure that is worse than in the column before, by more than
the part that its table names, is told at the end of a run.
";

/// Something that is measured of a case.
struct Figure {
    title: &'static str,
    /// By which part it may be more than before, and how much more in any case.
    tolerance: (f64, f64),
    digits: usize,
    of: fn(&Figures, &Row) -> Option<f64>,
}

const FIGURES: [Figure; 4] = [
    Figure {
        title: "Calls to the drive",
        tolerance: (0.03, 2.0),
        digits: 0,
        of: |_, row| row.calls(),
    },
    Figure {
        title: "Peak memory of the plugin, MiB",
        tolerance: (0.10, 2.0),
        digits: 0,
        of: |_, row| row.peak().map(|peak| (peak >> 20) as f64),
    },
    Figure {
        title: "Times a bare plugin, else the local disk, else the floor",
        tolerance: (0.10, 0.0),
        digits: 2,
        of: |figures, row| {
            let seconds = |who| figures.find(&row.case, row.latency, who)?.seconds();
            let reference = seconds(Who::Bare).or_else(|| seconds(Who::Plakar)).or(row.floor());
            Some(row.seconds()? / reference?)
        },
    },
    Figure {
        title: "Processor time of the plugin, seconds",
        tolerance: (0.15, 0.1),
        digits: 2,
        of: |_, row| row.processor(),
    },
];

/// The figures of one kind.
#[derive(Debug, Default, PartialEq)]
struct Table {
    releases: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    /// The table below a title; one without columns if there is none.
    fn read(text: &str, title: &str) -> Self {
        let below = text.split_once(&format!("## {title}, ")).map_or("", |(_, below)| below);
        let below = below.split("\n## ").next().unwrap_or_default();
        let mut lines = below.lines().filter(|line| line.starts_with('|')).map(cells);
        let releases = lines.next().map(|mut cells| cells.split_off(1)).unwrap_or_default();
        let rows = lines.skip(1).map(|mut cells| {
            let values = cells.split_off(1);
            (cells.remove(0), values.iter().map(|value| value.parse().ok()).collect())
        });
        Self { rows: rows.collect(), releases }
    }

    /// The column of a release, added behind the others if it is new; and the one to compare with.
    fn column(&mut self, release: &str) -> (usize, Option<usize>) {
        if let Some(column) = self.releases.iter().position(|known| known == release) {
            return (column, Some(column.saturating_sub(1)));
        }
        self.releases.push(release.to_owned());
        self.rows.iter_mut().for_each(|(_, values)| values.push(None));
        let column = self.releases.len() - 1;
        (column, column.checked_sub(1))
    }

    /// Puts a figure in its place; gives what it was in the column to compare with.
    fn put(
        &mut self,
        case: String,
        (column, before): (usize, Option<usize>),
        value: f64,
    ) -> Option<f64> {
        let row = self.rows.iter().position(|(known, _)| *known == case).unwrap_or_else(|| {
            self.rows.push((case, vec![None; self.releases.len()]));
            self.rows.len() - 1
        });
        let values = &mut self.rows[row].1;
        values.resize(self.releases.len(), None);
        let before = before.and_then(|before| values[before]);
        values[column] = Some(value);
        before
    }

    fn write(&self, figure: &Figure) -> String {
        let (part, digits) = (figure.tolerance.0 * 100.0, figure.digits);
        let mut text = format!("\n## {}, {part:.0} %\n\n", figure.title);
        let _ = writeln!(text, "| | {} |", self.releases.join(" | "));
        let _ = writeln!(text, "|---|{}", "--:|".repeat(self.releases.len()));
        for (case, values) in &self.rows {
            let values: Vec<String> = values
                .iter()
                .map(|value| value.map_or(String::new(), |value| format!("{value:.digits$}")))
                .collect();
            let _ = writeln!(text, "| {case} | {} |", values.join(" | "));
        }
        text
    }
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Adds a run to the trend; gives the new text, and what is worse, one line each.
fn add(before: &str, figures: &Figures, version: &str) -> (String, Vec<String>) {
    let (mut text, mut worse) = (HEAD.to_owned(), Vec::new());
    for figure in &FIGURES {
        let mut table = Table::read(before, figure.title);
        let columns = table.column(version);
        for row in figures.rows.iter().filter(|row| matches!(row.who, Who::Ours | Who::Plugin)) {
            let Some(value) = (figure.of)(figures, row) else { continue };
            let alone = if row.who == Who::Plugin { ", without Plakar" } else { "" };
            let case = format!("{} at {} ms{alone}", row.case, row.latency.as_millis());
            let before = table.put(case.clone(), columns, value);
            let (part, least) = figure.tolerance;
            if let Some(before) = before
                && value > before + (before * part).max(least)
            {
                let (title, digits) = (figure.title, figure.digits);
                worse.push(format!("{case}: {title}: {value:.digits$}, before {before:.digits$}"));
            }
        }
        text += &table.write(figure);
    }
    (text, worse)
}

/// Adds a run to the trend in a file; gives what is worse, one line each.
///
/// # Errors
/// If the file cannot be read or written.
pub fn write(figures: &Figures, docs: &Path) -> std::io::Result<Vec<String>> {
    let path = docs.join("trend.md");
    let before = if path.exists() { std::fs::read_to_string(&path)? } else { String::new() };
    let (text, worse) = add(&before, figures, VERSION);
    std::fs::write(path, text)?;
    Ok(worse)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opendrive_sim::Calls;

    use super::*;
    use crate::figures::Sample;

    fn figures(seconds: u64, calls: u64, peak: u64) -> Figures {
        let mut figures = Figures::default();
        let mut note = |case, who, seconds| {
            let calls = Calls { total: calls, ..Calls::default() };
            figures.row(case, Duration::ZERO, who).samples.push(Sample {
                time: Duration::from_secs(seconds),
                calls: Some(calls),
                peak: Some(peak << 20),
                processor: Some(Duration::from_millis(1500)),
                hops: None,
            });
        };
        note("check", Who::Ours, seconds);
        note("check", Who::Plakar, 1);
        note("check", Who::Bare, 5);
        note("import", Who::Plugin, 7);
        figures
    }

    #[test]
    fn each_release_has_a_column_and_what_is_worse_is_told() {
        let (first, worse) = add("", &figures(10, 100, 50), "v0.1.0");
        assert_eq!(worse, [""; 0]);
        for line in [
            "| check at 0 ms | 100 |",
            "| check at 0 ms | 2.00 |",
            "| import at 0 ms, without Plakar | 1.50 |",
        ] {
            assert!(first.contains(line), "{line}: {first}");
        }
        // The same again changes nothing; a little more is no regression.
        assert_eq!(add(&first, &figures(10, 100, 50), "v0.1.0"), (first.clone(), vec![]));
        assert_eq!(add(&first, &figures(11, 103, 55), "v0.1.0").1, [""; 0]);

        let (second, worse) = add(&first, &figures(12, 120, 56), "v0.2.0");
        assert_eq!(
            worse,
            [
                "check at 0 ms: Calls to the drive: 120, before 100",
                "import at 0 ms, without Plakar: Calls to the drive: 120, before 100",
                "check at 0 ms: Peak memory of the plugin, MiB: 56, before 50",
                "import at 0 ms, without Plakar: Peak memory of the plugin, MiB: 56, before 50",
                "check at 0 ms: Times a bare plugin, else the local disk, else the floor: 2.40, before 2.00",
            ]
        );
        assert!(second.contains("| check at 0 ms | 100 | 120 |"), "{second}");
        // A run of the same version is compared with the release before, not with itself.
        assert_eq!(add(&second, &figures(12, 120, 56), "v0.2.0").1.len(), 5);
        let (third, worse) = add(&second, &figures(12, 120, 56), "v0.3.0");
        assert_eq!(worse, [""; 0]);
        assert!(third.contains("| | v0.1.0 | v0.2.0 | v0.3.0 |"), "{third}");
    }

    #[test]
    fn a_case_that_was_not_measured_leaves_its_place_empty() {
        let (first, _) = add("", &figures(10, 100, 50), "v0.1.0");
        let mut without = figures(10, 100, 50);
        without.rows.retain(|row| row.case != "import");
        let (second, _) = add(&first, &without, "v0.2.0");
        assert!(second.contains("| import at 0 ms, without Plakar | 100 |  |"), "{second}");
        let (third, worse) = add(&second, &figures(10, 500, 50), "v0.3.0");
        assert!(third.contains("| import at 0 ms, without Plakar | 100 |  | 500 |"), "{third}");
        assert_eq!(worse.len(), 1, "{worse:?}");
    }
}
