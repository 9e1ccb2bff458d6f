//! Which restore points are kept.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum number of hours, days, weeks, months or years, and of restore points of each.
const MAX_PERIODS: u32 = 10_000;

/// How many snapshots to keep: of each of the last hours, days, weeks, months and years, the present
/// one included, the newest, or so many of the newest. 0 hours: none for that reason. Which ones those
/// are by the clock, Plakar decides (`plakar prune -hours 24 -per-hour 1`); of a period that has none,
/// an older one that has is kept besides. All of them are those of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Hours.
    pub hourly: u32,
    /// Days.
    pub daily: u32,
    /// Weeks.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
    /// So many of each hour; at least 1, as of all that follow.
    pub per_hour: u32,
    /// So many of each day.
    pub per_day: u32,
    /// So many of each week.
    pub per_week: u32,
    /// So many of each month.
    pub per_month: u32,
    /// So many of each year.
    pub per_year: u32,
}

/// Nothing is kept, that is, there is no rule. What was written before there were several of each
/// period keeps its meaning by it.
impl Default for Retention {
    fn default() -> Self {
        Self {
            hourly: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            per_hour: 1,
            per_day: 1,
            per_week: 1,
            per_month: 1,
            per_year: 1,
        }
    }
}

/// What is kept of one kind of period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptPeriods {
    /// `hour`, `day`, `week`, `month` or `year`.
    pub unit: &'static str,
    /// The number's name: `daily`.
    pub name: &'static str,
    /// The name of the number of each: `per_day`.
    pub each_name: &'static str,
    /// How many periods.
    pub count: u32,
    /// How many restore points of each.
    pub each: u32,
}

impl Retention {
    /// Whether nothing is kept by it, that is, whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.all().iter().all(|kept| kept.count == 0)
    }

    /// What satisfies both: of two rules for one app, none loses a snapshot that the other keeps.
    pub fn union(self, other: Self) -> Self {
        Self {
            hourly: self.hourly.max(other.hourly),
            daily: self.daily.max(other.daily),
            weekly: self.weekly.max(other.weekly),
            monthly: self.monthly.max(other.monthly),
            yearly: self.yearly.max(other.yearly),
            per_hour: self.per_hour.max(other.per_hour),
            per_day: self.per_day.max(other.per_day),
            per_week: self.per_week.max(other.per_week),
            per_month: self.per_month.max(other.per_month),
            per_year: self.per_year.max(other.per_year),
        }
    }

    /// All kinds of periods, the shortest first.
    pub fn all(&self) -> [KeptPeriods; 5] {
        let of =
            |unit, name, each_name, count, each| KeptPeriods { unit, name, each_name, count, each };
        [
            of("hour", "hourly", "per_hour", self.hourly, self.per_hour),
            of("day", "daily", "per_day", self.daily, self.per_day),
            of("week", "weekly", "per_week", self.weekly, self.per_week),
            of("month", "monthly", "per_month", self.monthly, self.per_month),
            of("year", "yearly", "per_year", self.yearly, self.per_year),
        ]
    }

    /// The numbers by their names (`daily`, `per_day`), to be changed.
    pub fn numbers(&mut self) -> [(&'static str, &mut u32); 10] {
        [
            ("hourly", &mut self.hourly),
            ("daily", &mut self.daily),
            ("weekly", &mut self.weekly),
            ("monthly", &mut self.monthly),
            ("yearly", &mut self.yearly),
            ("per_hour", &mut self.per_hour),
            ("per_day", &mut self.per_day),
            ("per_week", &mut self.per_week),
            ("per_month", &mut self.per_month),
            ("per_year", &mut self.per_year),
        ]
    }

    /// The kinds of periods that keep something.
    pub fn periods(self) -> impl Iterator<Item = KeptPeriods> {
        self.all().into_iter().filter(|kept| kept.count > 0)
    }

    /// Each number that cannot be used, by its name (`daily`), and what is wrong with it.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for KeptPeriods { unit, name, each_name, count, each } in self.all() {
            if count > MAX_PERIODS {
                let what =
                    format!("retention {name}: {count} is too many; write 0 to {MAX_PERIODS}");
                faults.push((name, what));
            }
            if !(1..=MAX_PERIODS).contains(&each) {
                let what = format!("retention {each_name}: write 1 to {MAX_PERIODS}, not {each}");
                faults.push((each_name, what));
            } else if each > 1 && count == 0 {
                let what = format!(
                    "retention {each_name}: {each} of each {unit} are kept of no {unit}; write {name} too, or 1 here"
                );
                faults.push((each_name, what));
            }
        }
        faults
    }
}

/// `7 daily (3 of each), 4 weekly`; nothing if it keeps nothing.
impl fmt::Display for Retention {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.periods().map(|kept| match kept.each {
            1 => format!("{} {}", kept.count, kept.name),
            each => format!("{} {} ({each} of each)", kept.count, kept.name),
        });
        out.pad(&kept.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rules_keep_what_either_keeps() {
        let a = Retention { daily: 7, monthly: 12, per_day: 2, ..Retention::default() };
        let b = Retention { hourly: 24, daily: 3, weekly: 4, per_hour: 5, ..Retention::default() };
        let both = Retention {
            hourly: 24,
            daily: 7,
            weekly: 4,
            monthly: 12,
            per_hour: 5,
            per_day: 2,
            ..Retention::default()
        };
        assert_eq!(a.union(b), both);
        assert!(Retention::default().is_empty() && !a.is_empty());
        let units: Vec<_> = a.periods().map(|kept| (kept.unit, kept.count, kept.each)).collect();
        assert_eq!(units, [("day", 7, 2), ("month", 12, 1)]);
        assert_eq!(
            (both.to_string().as_str(), Retention::default().to_string().as_str()),
            ("24 hourly (5 of each), 7 daily (2 of each), 4 weekly, 12 monthly", "")
        );
    }

    #[test]
    fn what_cannot_be_used_is_a_fault() {
        let faults = Retention { weekly: 10_001, daily: 10_000, ..Retention::default() }.faults();
        assert_eq!(
            faults,
            [("weekly", "retention weekly: 10001 is too many; write 0 to 10000".to_owned())]
        );
        let faults = Retention { per_day: 0, per_week: 3, ..Retention::default() }.faults();
        let told: Vec<_> = faults.iter().map(|(name, what)| (*name, what.as_str())).collect();
        assert_eq!(
            told,
            [
                ("per_day", "retention per_day: write 1 to 10000, not 0"),
                (
                    "per_week",
                    "retention per_week: 3 of each week are kept of no week; write weekly too, or 1 here"
                ),
            ]
        );
    }

    #[test]
    fn an_old_retention_keeps_its_meaning() {
        let old = r#"{"daily":7,"weekly":4,"monthly":0,"yearly":0}"#;
        let read: Retention = serde_json::from_str(old).unwrap();
        assert_eq!(read, Retention { daily: 7, weekly: 4, ..Retention::default() });
        assert!(read.faults().is_empty());
    }

    #[test]
    fn each_number_has_its_name() {
        let mut retention = Retention::default();
        for (place, (_, number)) in retention.numbers().into_iter().enumerate() {
            *number = 10 + place as u32;
        }
        let json = serde_json::to_value(retention).unwrap();
        for (name, number) in retention.numbers() {
            assert_eq!(json[name], *number, "{name}");
        }
        assert!(retention.all().iter().all(|kept| json[kept.each_name] == kept.each));
        assert!(retention.all().iter().all(|kept| json[kept.name] == kept.count));
    }
}
