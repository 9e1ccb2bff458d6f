//! What the next backup will take, from what the last ones took and from what is known of drives.

use chrono::TimeDelta;
use serde::Serialize;

use super::words::{count_text, duration_text, size_text};

/// Calls of a backup of OpenDrive besides listings and downloads: a login, and two for the place
/// (docs/source.md).
const FIXED_CALLS: u64 = 3;

/// Volume that may be downloaded from OpenDrive in a day, in bytes: on the free plan, on others
/// (docs/limits.md).
const DAILY_VOLUMES: [(&str, u64); 2] = [("the free plan", 1 << 30), ("other plans", 10 << 30)];

/// A backup that made a restore point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastBackup {
    /// How long it took.
    pub took: Option<TimeDelta>,
    /// Bytes of all files of its restore point.
    pub bytes: Option<u64>,
    /// Files of its restore point.
    pub files: Option<u64>,
    /// Folders of its restore point.
    pub folders: Option<u64>,
    /// Calls that the drive answered.
    pub calls: Option<u64>,
}

/// What the next backup will take. What there is nothing to go by for is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupEstimate {
    /// From how many past backups that is.
    pub backups: u64,
    /// How long it takes, in seconds.
    pub seconds: Option<u64>,
    /// Calls of the drive's API; at least so many, where they were not counted.
    pub calls: Option<u64>,
    /// Whether calls were counted in past backups.
    pub calls_were_counted: bool,
    /// Bytes of all files: what it downloads at most.
    pub bytes: Option<u64>,
    /// By how much the files grew from one backup to the next, in bytes.
    pub growth: Option<u64>,
    /// The same in words, each with what it is from.
    pub lines: Vec<EstimateLine>,
}

/// A part of an estimate, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EstimateLine {
    /// What: `Time`, `Calls`, `Data`, `Daily volume`.
    pub what: &'static str,
    /// How much: `about 12 min`, or `not known`.
    pub value: String,
    /// From what that is.
    pub basis: String,
}

/// The middle one.
fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// What the next backup will take, by the last ones, the newest first. `changed`: what is taken of
/// the source is not what it was then.
pub fn estimate(past: &[PastBackup], is_opendrive: bool, changed: bool) -> BackupEstimate {
    let newest = past.first().cloned().unwrap_or_default();
    let took = middle(past.iter().filter_map(|backup| backup.took));
    let counted = middle(past.iter().filter_map(|backup| backup.calls));
    let at_least = newest.folders.filter(|_| is_opendrive).map(|folders| folders + FIXED_CALLS);
    let growths = past.windows(2).filter_map(|pair| {
        let (newer, older) = (pair[0].bytes?, pair[1].bytes?);
        Some(newer.saturating_sub(older))
    });
    let growth = middle(growths);
    let mut estimate = BackupEstimate {
        backups: past.len() as u64,
        seconds: took.and_then(|took| u64::try_from(took.num_seconds()).ok()),
        calls: counted.or(at_least),
        calls_were_counted: counted.is_some(),
        bytes: newest.bytes,
        growth,
        lines: Vec::new(),
    };
    let last = match past.len() {
        1 => "the last backup".to_owned(),
        many => format!("the last {many} backups"),
    };
    let mut line = |what, value: Option<String>, basis: String| {
        let basis = match &value {
            Some(_) => basis,
            None if past.is_empty() => NOTHING_KNOWN.into(),
            None => NOT_COUNTED.into(),
        };
        let value = value.unwrap_or_else(|| "not known".into());
        estimate.lines.push(EstimateLine { what, value, basis });
    };
    line(
        "Time",
        took.map(|took| format!("about {}", rounded(took))),
        format!("The middle of {last}."),
    );
    line(
        "Calls",
        match (counted, at_least) {
            (Some(calls), _) => Some(format!("about {calls}")),
            (None, Some(calls)) => Some(format!("at least {calls}")),
            (None, None) => None,
        },
        match (counted, newest.folders) {
            (None, Some(folders)) => format!(
                "A login, two calls for the place, and a listing for each of {}, by the newest restore point; each file that has changed takes one more.",
                count_text(folders, "folder")
            ),
            _ => format!("Counted in {last}."),
        },
    );
    line(
        "Data",
        newest.bytes.map(|bytes| match growth {
            Some(growth) => format!("{} in all, about {} new", size_text(bytes), size_text(growth)),
            None => format!("{} in all", size_text(bytes)),
        }),
        match growth {
            Some(_) => format!(
                "The size of the newest restore point, and how it grew over {last}; what has changed without growing is not in that."
            ),
            None => "The size of the newest restore point; at most that is downloaded.".into(),
        },
    );
    if is_opendrive {
        line("Daily volume", newest.bytes.map(volume), VOLUME_BASIS.into());
    }
    if changed {
        line(
            "Beware",
            Some("the options have changed".into()),
            "The last backup left out other files or took other folders; the next one may take more, or less, and reads anew what moved.".into(),
        );
    }
    estimate
}

const NOTHING_KNOWN: &str = "There is no backup to go by yet.";

const NOT_COUNTED: &str = "The last backups do not tell.";

const VOLUME_BASIS: &str = "By what OpenDrive says of its plans: only downloads count, and it begins anew at noon Pacific time. What the account has used today was not asked for.";

/// Of the daily volume, by plan.
fn volume(bytes: u64) -> String {
    let part = |(plan, volume): (&str, u64)| match bytes.div_ceil(volume) {
        0 | 1 => format!("on {plan} ({} a day) it is enough for all of it", size_text(volume)),
        days => format!(
            "on {plan} ({} a day) all of it takes {}",
            size_text(volume),
            count_text(days, "day")
        ),
    };
    DAILY_VOLUMES.map(part).join("; ")
}

/// Without seconds, from a minute on.
fn rounded(took: TimeDelta) -> String {
    let seconds = took.num_seconds().max(1);
    if seconds < 60 {
        return duration_text(TimeDelta::seconds(seconds));
    }
    duration_text(TimeDelta::minutes((seconds + 30) / 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(minutes: i64, bytes: u64) -> PastBackup {
        PastBackup {
            took: Some(TimeDelta::seconds(60 * minutes + 20)),
            bytes: Some(bytes),
            files: Some(100),
            folders: Some(10),
            calls: None,
        }
    }

    fn line(estimate: &BackupEstimate, what: &str) -> (String, String) {
        let line = estimate.lines.iter().find(|line| line.what == what).unwrap();
        (line.value.clone(), line.basis.clone())
    }

    #[test]
    fn without_a_backup_nothing_is_known() {
        let estimate = estimate(&[], true, false);
        assert_eq!((estimate.seconds, estimate.calls, estimate.bytes), (None, None, None));
        for line in &estimate.lines {
            assert_eq!((line.value.as_str(), line.basis.as_str()), ("not known", NOTHING_KNOWN));
        }
        assert_eq!(estimate.lines.len(), 4);
    }

    #[test]
    fn it_is_the_middle_of_the_last_backups() {
        let gib = 1 << 30;
        let backups = [past(12, 24 * gib), past(90, 23 * gib), past(10, 23 * gib)];
        let estimate = estimate(&backups, true, true);
        assert_eq!((estimate.backups, estimate.seconds), (3, Some(12 * 60 + 20)));
        assert_eq!(
            line(&estimate, "Time"),
            ("about 12 min".into(), "The middle of the last 3 backups.".into())
        );
        assert_eq!((estimate.calls, estimate.calls_were_counted), (Some(13), false));
        assert_eq!(line(&estimate, "Calls").0, "at least 13");
        assert_eq!(line(&estimate, "Data").0, "24 GiB in all, about 1.0 GiB new");
        assert_eq!(
            line(&estimate, "Daily volume").0,
            "on the free plan (1.0 GiB a day) all of it takes 24 days; on other plans (10 GiB a day) all of it takes 3 days"
        );
        assert_eq!(line(&estimate, "Beware").0, "the options have changed");
    }

    #[test]
    fn calls_that_were_counted_count() {
        let backup = PastBackup { calls: Some(77), ..past(1, 5) };
        let of_drive = estimate(&[backup], true, false);
        assert_eq!((of_drive.calls, of_drive.calls_were_counted), (Some(77), true));
        assert_eq!(line(&of_drive, "Calls").1, "Counted in the last backup.");
        // Of another connector nothing is known of calls that were not counted.
        let other = estimate(&[past(1, 5)], false, false);
        assert_eq!(other.calls, None);
        assert_eq!(line(&other, "Calls").0, "not known");
        assert!(other.lines.iter().all(|line| line.what != "Daily volume"));
    }
}
