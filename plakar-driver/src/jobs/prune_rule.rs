//! Why restore points stay or go, and what stays in the place of those that are damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Datelike, Utc};

use crate::names::SnapshotId;
use crate::retention::{KeptPeriods, Retention};

/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3600;

/// Days of a week.
const WEEK_DAYS: i64 = 7;

/// A period of which restore points are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunePeriod {
    /// `day 2026-11-21`, `hour 2026-11-21 15:00`; of UTC.
    pub name: String,
    /// How many of it are kept.
    pub each: u32,
}

impl PrunePeriod {
    /// By what Plakar calls it: `day` and `2026-11-21`.
    pub(super) fn of(unit: &str, bucket: &str, each: u32) -> Self {
        let name = match bucket.rsplit_once('-').filter(|_| unit == "hour") {
            Some((day, hour)) => format!("{unit} {day} {hour}:00"),
            None => format!("{unit} {bucket}"),
        };
        Self { name, each }
    }
}

/// Why a restore point stays or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PruneRule {
    /// It is the newest of this period, or one of so many newest.
    NewestOf(PrunePeriod),
    /// It is the newest of all.
    Newest,
    /// It is the newest of all that are not damaged.
    NewestWhole,
    /// It is the newest of this period that is not damaged, or one of so many, as newer ones of it
    /// are damaged.
    NewestWholeOf(PrunePeriod),
    /// It is pinned.
    Pinned,
    /// As many newer ones of this period are kept as may be.
    NewerIn(PrunePeriod),
    /// It lies before all periods that the retention keeps, and before as many of the newest that
    /// have a restore point.
    TooOld,
}

impl fmt::Display for PruneRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewestOf(PrunePeriod { name, each: 1 }) => {
                write!(out, "the newest of the {name}")
            }
            Self::NewestOf(PrunePeriod { name, each }) => {
                write!(out, "one of the {each} newest of the {name}")
            }
            Self::NewestWhole => {
                out.write_str("the newest that is not damaged, which always stays")
            }
            Self::NewestWholeOf(PrunePeriod { name, each: 1 }) => {
                write!(out, "the newest of the {name} that is not damaged")
            }
            Self::NewestWholeOf(PrunePeriod { name, each }) => {
                write!(out, "one of the {each} newest of the {name} that are not damaged")
            }
            Self::Newest => out.write_str("the newest of all, which always stays"),
            Self::Pinned => out.write_str("pinned"),
            Self::NewerIn(PrunePeriod { name, each: 1 }) => {
                write!(out, "there is a newer one of the {name}")
            }
            Self::NewerIn(PrunePeriod { name, each }) => {
                write!(out, "there are {each} newer ones of the {name}")
            }
            Self::TooOld => out.write_str("older than all that the retention keeps"),
        }
    }
}

/// A restore point in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPoint {
    /// Its id.
    pub id: SnapshotId,
    /// When it was taken.
    pub taken: DateTime<Utc>,
    /// It stays.
    pub keep: bool,
    /// By which rule it stays or goes.
    pub rule: PruneRule,
}

/// A damaged restore point takes no other's place: as many whole ones of its periods stay as would
/// without it, and the newest whole one of all. The newest come first.
///
/// Plakar names one period of each point, so those of the damaged ones are worked out here.
pub(super) fn whole_instead(
    plan: &mut [PlannedPoint],
    retention: Retention,
    damaged: &BTreeSet<String>,
    now: DateTime<Utc>,
) {
    let is_damaged = |point: &PlannedPoint| damaged.contains(point.id.as_str());
    for KeptPeriods { unit, count, each, .. } in retention.periods() {
        let (latest, _) = bucket(unit, now);
        let in_reach = |at: i64| at <= latest && latest - at < i64::from(count);
        let of_damaged = plan.iter().filter(|point| is_damaged(point));
        let periods: BTreeSet<i64> = of_damaged
            .map(|point| bucket(unit, point.taken).0)
            .filter(|at| in_reach(*at))
            .collect();
        let mut whole: BTreeMap<i64, u32> = BTreeMap::new();
        for point in plan.iter_mut().filter(|point| !is_damaged(point)) {
            let (at, name) = bucket(unit, point.taken);
            let of_it = whole.entry(at).or_default();
            *of_it += 1;
            if periods.contains(&at) && *of_it <= each && !point.keep {
                let period = PrunePeriod::of(unit, &name, each);
                (point.keep, point.rule) = (true, PruneRule::NewestWholeOf(period));
            }
        }
    }
    if let Some(whole) = plan.iter_mut().find(|point| !is_damaged(point)).filter(|one| !one.keep) {
        (whole.keep, whole.rule) = (true, PruneRule::NewestWhole);
    }
}

/// As many of the newest periods that have a restore point are kept as the retention has of each kind,
/// and of each as many of the newest. The newest come first.
///
/// Plakar counts periods back from the clock's time. After a pause, or by a clock that is ahead, it
/// would remove all but the newest of what was to be kept.
pub(super) fn newest_periods(
    plan: &mut [PlannedPoint],
    retention: Retention,
    damaged: &BTreeSet<String>,
) {
    for KeptPeriods { unit, count, each, .. } in retention.periods() {
        // Of all, and of the whole ones: no damaged one takes a place of theirs.
        for whole_only in [false, true] {
            let mut periods: BTreeMap<i64, u32> = BTreeMap::new();
            for point in plan.iter_mut() {
                if whole_only && damaged.contains(point.id.as_str()) {
                    continue;
                }
                let (at, name) = bucket(unit, point.taken);
                if !periods.contains_key(&at) && periods.len() as u64 >= u64::from(count) {
                    break;
                }
                let of_it = periods.entry(at).or_default();
                *of_it += 1;
                if point.keep {
                    continue;
                }
                let period = PrunePeriod::of(unit, &name, each);
                if *of_it > each {
                    // It is not too old any more, but one of too many.
                    if point.rule == PruneRule::TooOld {
                        point.rule = PruneRule::NewerIn(period);
                    }
                    continue;
                }
                point.keep = true;
                point.rule = match whole_only {
                    true => PruneRule::NewestWholeOf(period),
                    false => PruneRule::NewestOf(period),
                };
            }
        }
    }
}

/// Which period of a kind an instant is in, counted from some beginning, and what Plakar calls it
/// (kloset v1.1.3, locate/buckets.go): all are those of UTC, and weeks begin on Monday.
fn bucket(unit: &str, at: DateTime<Utc>) -> (i64, String) {
    let day = i64::from(at.num_days_from_ce());
    match unit {
        "hour" => (at.timestamp().div_euclid(HOUR_SECONDS), at.format("%Y-%m-%d-%H").to_string()),
        "day" => (day, at.format("%Y-%m-%d").to_string()),
        // The first day of the year 1 is a Monday.
        "week" => ((day - 1).div_euclid(WEEK_DAYS), at.format("%G-W%V").to_string()),
        "month" => {
            let month = i64::from(at.year()) * 12 + i64::from(at.month0());
            (month, at.format("%Y-%m").to_string())
        }
        _ => (at.year().into(), at.format("%Y").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn id(letter: char) -> String {
        letter.to_string().repeat(64)
    }

    /// Which of these points stay besides `kept`, when some are damaged.
    fn instead(points: &[(char, &str)], kept: &str, retention: Retention, damaged: &str) -> String {
        let point = |(letter, taken): &(char, &str)| PlannedPoint {
            id: SnapshotId::new(&id(*letter)).unwrap(),
            taken: at(taken),
            keep: kept.contains(*letter),
            rule: PruneRule::TooOld,
        };
        let mut plan: Vec<PlannedPoint> = points.iter().map(point).collect();
        let damaged = damaged.chars().map(id).collect();
        whole_instead(&mut plan, retention, &damaged, at("2026-11-25T12:00:00Z"));
        let kept = plan.into_iter().filter(|point| point.keep);
        kept.map(|point| point.id.as_str()[..1].to_owned()).collect()
    }

    #[test]
    fn a_damaged_point_takes_no_others_place() {
        let points = [
            ('a', "2026-11-25T11:30:00Z"),
            ('b', "2026-11-25T11:00:00Z"),
            ('c', "2026-11-25T03:00:00Z"),
            ('d', "2026-11-24T11:00:00Z"),
            ('e', "2026-11-24T01:00:00Z"),
            ('f', "2026-10-01T01:00:00Z"),
        ];
        let two_days = Retention { daily: 2, ..Retention::default() };
        for (damaged, stay) in [
            ("", "ad"),
            ("a", "abd"),
            ("ab", "acd"),
            ("b", "ad"),
            ("abcd", "ade"),
            ("abcde", "adf"),
            ("abcdef", "ad"),
        ] {
            assert_eq!(instead(&points, "ad", two_days, damaged), stay, "{damaged}");
        }
        // Two of each day.
        let two_each = Retention { daily: 2, per_day: 2, ..Retention::default() };
        for (damaged, stay) in [("a", "abcde"), ("ab", "abcde"), ("d", "abde"), ("c", "abde")] {
            assert_eq!(instead(&points, "abde", two_each, damaged), stay, "{damaged}");
        }
    }

    /// Plakar names the first period of a point alone.
    #[test]
    fn it_takes_none_of_any_of_its_periods() {
        // The newest of its hour, its day and its week; another day's is the next of the week.
        let points = [
            ('a', "2026-11-25T11:30:00Z"),
            ('b', "2026-11-24T11:00:00Z"),
            ('c', "2026-11-24T10:00:00Z"),
            ('d', "2026-11-01T10:00:00Z"),
        ];
        let all = Retention { hourly: 2, daily: 1, weekly: 1, monthly: 1, ..Retention::default() };
        assert_eq!(instead(&points, "a", all, ""), "a");
        assert_eq!(instead(&points, "a", all, "a"), "ab");
        assert_eq!(instead(&points, "a", all, "abc"), "ad");
    }

    /// What becomes of these points if plakar keeps the newest alone, as after a long pause.
    fn after_a_pause(
        points: &[(char, &str)],
        retention: Retention,
        damaged: &str,
    ) -> Vec<(bool, String)> {
        let point = |(number, (letter, taken)): (usize, &(char, &str))| PlannedPoint {
            id: SnapshotId::new(&id(*letter)).unwrap(),
            taken: at(taken),
            keep: number == 0,
            rule: if number == 0 { PruneRule::Newest } else { PruneRule::TooOld },
        };
        let mut plan: Vec<PlannedPoint> = points.iter().enumerate().map(point).collect();
        newest_periods(&mut plan, retention, &damaged.chars().map(id).collect());
        plan.into_iter().map(|point| (point.keep, point.rule.to_string())).collect()
    }

    #[test]
    fn a_pause_or_a_clock_that_is_ahead_takes_no_place() {
        let points = [
            ('a', "2026-03-25T11:30:00Z"),
            ('b', "2026-03-25T11:00:00Z"),
            ('c', "2026-03-24T11:00:00Z"),
            ('d', "2026-03-02T11:00:00Z"),
            ('e', "2026-03-01T11:00:00Z"),
            ('f', "2025-12-31T11:00:00Z"),
        ];
        let told = |retention: Retention, damaged: &str| {
            let told = after_a_pause(&points, retention, damaged);
            told.into_iter().map(|(keep, rule)| format!("{} {rule}", if keep { '+' } else { '-' }))
        };
        let newest = "+ the newest of all, which always stays";
        let old = "- older than all that the retention keeps";
        let three = Retention { daily: 3, ..Retention::default() };
        assert!(told(three, "").eq([
            newest,
            "- there is a newer one of the day 2026-03-25",
            "+ the newest of the day 2026-03-24",
            "+ the newest of the day 2026-03-02",
            old,
            old,
        ]));
        // What one kind of period does not keep, another may.
        let fine = Retention { daily: 1, per_day: 2, yearly: 2, ..Retention::default() };
        assert!(told(fine, "").eq([
            newest,
            "+ one of the 2 newest of the day 2026-03-25",
            "- there is a newer one of the year 2026",
            "- there is a newer one of the year 2026",
            "- there is a newer one of the year 2026",
            "+ the newest of the year 2025",
        ]));
        // Damaged ones stay as they would, and take no place of another.
        assert!(told(three, "ac").eq([
            newest,
            "+ the newest of the day 2026-03-25 that is not damaged",
            "+ the newest of the day 2026-03-24",
            "+ the newest of the day 2026-03-02",
            "+ the newest of the day 2026-03-01 that is not damaged",
            old,
        ]));
    }

    #[test]
    fn periods_are_those_of_plakar() {
        let names = |text: &str| {
            ["hour", "day", "week", "month", "year"].map(|unit| bucket(unit, at(text)).1)
        };
        // As the tests of kloset have them: the last days of a year may be of the next one's first
        // week.
        assert_eq!(
            names("2025-12-29T23:59:59Z"),
            ["2025-12-29-23", "2025-12-29", "2026-W01", "2025-12", "2025"]
        );
        let week = |text: &str| bucket("week", at(text)).0;
        assert_eq!(week("2026-11-22T23:59:59Z") + 1, week("2026-11-23T00:00:00Z"));
        assert_eq!(week("2026-11-23T00:00:00Z"), week("2026-11-29T23:59:59Z"));
        let month = |text: &str| bucket("month", at(text)).0;
        assert_eq!(month("2025-12-31T00:00:00Z") + 1, month("2026-01-01T00:00:00Z"));
    }
}
