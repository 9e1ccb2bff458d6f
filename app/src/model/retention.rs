//! How many snapshots a policy keeps. Which ones those are, Plakar decides (`plakar prune`).

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// Most that one number may say.
const MOST: u32 = 10_000;

/// How many snapshots to keep: the newest of each of so many days, weeks, months and years.
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

    /// Each number that is over 10,000, by its name.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let numbers = [("daily", self.daily), ("weekly", self.weekly), ("monthly", self.monthly), ("yearly", self.yearly)];
        let over = numbers.into_iter().filter(|(_, value)| *value > MOST);
        over.map(|(name, value)| (name, Invalid(format!("retention {name}: {value} is too many; write 0 to {MOST}")))).collect()
    }

    /// # Errors
    ///
    /// A number is over 10,000.
    pub fn check(&self) -> Result<(), Invalid> {
        self.faults().into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault))
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
        let error = Retention { weekly: 10_001, ..a }.check().unwrap_err();
        assert_eq!(error.to_string(), "retention weekly: 10001 is too many; write 0 to 10000");
    }
}
