//! Which restore points are kept.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum number of days, weeks, months or years.
const MAX_PERIODS: u32 = 10_000;

/// How many snapshots to keep: the newest of each of the last days, weeks, months and years, the
/// present one included. 0: none for that reason. Which ones those are, Plakar decides (`plakar
/// prune`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days.
    pub daily: u32,
    /// Weeks.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
}

impl Retention {
    /// Whether nothing is kept by it, that is, whether there is no rule.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What satisfies both: of two rules for one app, none loses a snapshot that the other keeps.
    pub fn union(self, other: Self) -> Self {
        Self {
            daily: self.daily.max(other.daily),
            weekly: self.weekly.max(other.weekly),
            monthly: self.monthly.max(other.monthly),
            yearly: self.yearly.max(other.yearly),
        }
    }

    /// The periods that keep something, in words (`day`, `week`, `month`, `year`), and how many of
    /// each.
    pub fn periods(self) -> impl Iterator<Item = (&'static str, u32)> {
        let all = [
            ("day", self.daily),
            ("week", self.weekly),
            ("month", self.monthly),
            ("year", self.yearly),
        ];
        all.into_iter().filter(|(_, count)| *count > 0)
    }

    /// Each number that is over 10,000, by its name (`daily`), and what is wrong with it.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let numbers = [
            ("daily", self.daily),
            ("weekly", self.weekly),
            ("monthly", self.monthly),
            ("yearly", self.yearly),
        ];
        let over = numbers.into_iter().filter(|(_, value)| *value > MAX_PERIODS);
        over.map(|(name, value)| {
            (name, format!("retention {name}: {value} is too many; write 0 to {MAX_PERIODS}"))
        })
        .collect()
    }
}

/// `7 daily, 4 weekly`; nothing if it keeps nothing.
impl fmt::Display for Retention {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            (self.daily, "daily"),
            (self.weekly, "weekly"),
            (self.monthly, "monthly"),
            (self.yearly, "yearly"),
        ];
        let kept = numbers
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"));
        out.pad(&kept.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rules_keep_what_either_keeps() {
        let a = Retention { daily: 7, monthly: 12, ..Retention::default() };
        let b = Retention { daily: 3, weekly: 4, ..Retention::default() };
        assert_eq!(a.union(b), Retention { daily: 7, weekly: 4, monthly: 12, yearly: 0 });
        assert!(Retention::default().is_empty() && !a.is_empty());
        assert_eq!(a.periods().collect::<Vec<_>>(), [("day", 7), ("month", 12)]);
        assert_eq!(
            (a.to_string().as_str(), Retention::default().to_string().as_str()),
            ("7 daily, 12 monthly", "")
        );
    }

    #[test]
    fn a_number_over_the_maximum_is_a_fault() {
        let faults = Retention { weekly: 10_001, daily: 10_000, ..Retention::default() }.faults();
        assert_eq!(
            faults,
            [("weekly", "retention weekly: 10001 is too many; write 0 to 10000".to_owned())]
        );
    }
}
