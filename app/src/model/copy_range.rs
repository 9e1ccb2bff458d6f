//! Which restore points of an app are copied to its second store.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::options::check_labels;
use super::words::count_text;

/// Maximum number of the newest restore points, and of days, that a range may name.
const MAX_RANGE: u32 = 36_500;

/// Which restore points are copied; by default all of them. What is named narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyRange {
    /// Those with one of these labels at least; all, if none is named.
    pub labels: Vec<String>,
    /// So many of the newest of these; 0: all.
    pub newest: u32,
    /// Those that are not older than so many days; 0: of any age.
    pub max_age_days: u32,
}

impl CopyRange {
    /// Whether all restore points are copied.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    ///
    /// Something cannot be used, or there is no second store that it would be for.
    pub fn check(&self, has_second_store: bool) -> Result<(), Invalid> {
        if !has_second_store && !self.is_whole() {
            return Err(Invalid(
                "copy range: there is no second store that anything is copied to; name one, or leave the range out".into(),
            ));
        }
        check_labels(&self.labels).map_err(|fault| Invalid(format!("copy range, {fault}")))?;
        for (what, number) in [("newest", self.newest), ("days", self.max_age_days)] {
            if number > MAX_RANGE {
                return Err(Invalid(format!(
                    "copy range, {what}: {number} is too many; write at most {MAX_RANGE}, or 0 for all"
                )));
            }
        }
        Ok(())
    }

    /// For each of an app's restore points, newest first, whether it is copied.
    pub fn holds<'a>(
        &self,
        points: impl IntoIterator<Item = (DateTime<Utc>, &'a [String])>,
        now: DateTime<Utc>,
    ) -> Vec<bool> {
        let oldest = match self.max_age_days {
            0 => None,
            days => Some(now - TimeDelta::days(days.into())),
        };
        let mut left = if self.newest == 0 { u32::MAX } else { self.newest };
        let mut hold = |(taken, labels): (DateTime<Utc>, &[String])| {
            let labelled =
                self.labels.is_empty() || self.labels.iter().any(|label| labels.contains(label));
            let held = labelled && oldest.is_none_or(|oldest| taken >= oldest) && left > 0;
            left -= u32::from(held);
            held
        };
        points.into_iter().map(&mut hold).collect()
    }

    /// `the newest 7 with the label family, not older than 30 days`; nothing if all are copied.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if self.newest > 0 {
            parts.push(format!("the newest {}", self.newest));
        }
        match &self.labels[..] {
            [] => {}
            [one] => parts.push(format!("with the label {one}")),
            several => parts.push(format!("with one of the labels {}", several.join(", "))),
        }
        let mut words = parts.join(" ");
        if self.max_age_days > 0 {
            words += if words.is_empty() { "" } else { ", " };
            words += &format!("not older than {}", count_text(self.max_age_days.into(), "day"));
        }
        words
    }

    /// ` (copied are only: the newest 7)`, behind what is said of a copy; nothing if all are.
    pub fn limit_words(&self) -> String {
        match self.is_whole() {
            true => String::new(),
            false => format!(" (copied are only: {})", self.words()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_narrows_what_is_copied() {
        let now: DateTime<Utc> = "2026-06-30T12:00:00Z".parse().unwrap();
        let labels =
            [vec![], vec!["a".to_owned()], vec!["b".to_owned()], vec!["a".to_owned()], vec![]];
        let points = || {
            let taken = (0..).map(|days| now - TimeDelta::days(days));
            taken.zip(labels.iter().map(Vec::as_slice))
        };
        let range = |labels: &[&str], newest: u32, max_age_days: u32| CopyRange {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            newest,
            max_age_days,
        };
        let [yes, no] = [true, false];
        for (range, held, words) in [
            (range(&[], 0, 0), [yes; 5], ""),
            (range(&[], 2, 0), [yes, yes, no, no, no], "the newest 2"),
            (range(&[], 0, 1), [yes, yes, no, no, no], "not older than 1 day"),
            (range(&["a"], 0, 0), [no, yes, no, yes, no], "with the label a"),
            (range(&["a"], 1, 0), [no, yes, no, no, no], "the newest 1 with the label a"),
            (
                range(&["a", "b"], 2, 30),
                [no, yes, yes, no, no],
                "the newest 2 with one of the labels a, b, not older than 30 days",
            ),
            (range(&["c"], 0, 0), [no; 5], "with the label c"),
        ] {
            assert_eq!((range.holds(points(), now), range.words()), (held.to_vec(), words.into()));
            assert_eq!(range.is_whole(), words.is_empty());
            range.check(true).unwrap();
            assert_eq!(range.check(false).is_ok(), range.is_whole());
        }
        assert!(
            range(&["a,b"], 0, 0).check(true).unwrap_err().to_string().contains("holds a comma")
        );
        let many = range(&[], 40_000, 0).check(true).unwrap_err().to_string();
        assert_eq!(
            many,
            "copy range, newest: 40000 is too many; write at most 36500, or 0 for all"
        );
    }
}
