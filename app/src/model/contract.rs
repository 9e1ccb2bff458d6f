//! What a policy comes to, in words: how much work is lost at most, and how far back one can go.

use chrono::{DateTime, TimeDelta, Utc};

use super::due::Calendar;
use super::gap::longest_gap;
use super::promise::{Promise, midnight};
use super::retention::{KeptPeriods, Retention};
use super::words::count_text;

/// How many stretches of time are gone through to see whether schedules can keep a promise.
const PERIODS_LOOKED_AT: usize = 8;

/// What a policy says, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    /// When its enabled schedules make backups.
    pub backups: Vec<Calendar>,
    /// How many enabled schedules check.
    pub checks: usize,
    /// How many enabled schedules prune.
    pub prunes: usize,
    /// Whether each backup is checked.
    pub check_after_backup: bool,
    /// What it keeps.
    pub retention: Retention,
    /// What it promises.
    pub promise: Option<Promise>,
}

impl Contract {
    /// All of it in sentences, the first the one that counts: `At most 12 hours of work are lost;
    /// you can go back 30 days.`
    pub fn words(&self, now: DateTime<Utc>) -> Vec<String> {
        let mut words = vec![format!("{}; {}.", self.lost(now), self.back())];
        words.extend(self.stages());
        if let Some(promise) = self.promise {
            words.push(format!(
                "It promises {promise}: an app with fewer in the last full {} is at risk. Days, weeks and months are those of UTC.",
                promise.period.as_str()
            ));
            words.extend(self.cannot_keep(promise, now));
        }
        words.push(match (self.check_after_backup, self.checks) {
            (true, _) => "Each backup is checked when it is made.".into(),
            (false, 0) => "Nothing checks its backups.".into(),
            (false, 1) => "A schedule checks its backups.".into(),
            (false, many) => format!("{many} schedules check its backups."),
        });
        words
    }

    fn lost(&self, now: DateTime<Utc>) -> String {
        match longest_gap(&self.backups, now) {
            Some(gap) => {
                let delay = self.backups.iter().map(Calendar::longest_delay).max();
                let gap = length(gap + delay.unwrap_or_default());
                let one = if gap.starts_with("1 ") { "is" } else { "are" };
                format!("At most {gap} of work {one} lost")
            }
            None => {
                "It makes no backups, so how much work is lost is up to each app's own schedules"
                    .into()
            }
        }
    }

    fn back(&self) -> String {
        if self.retention.is_empty() {
            return "nothing is removed by its rule, so you can go back to the first backup".into();
        }
        let hours = |unit| match unit {
            "hour" => 1,
            "day" => 24,
            "week" => 7 * 24,
            "month" => 30 * 24,
            _ => 365 * 24,
        };
        let reach = |kept: &KeptPeriods| u64::from(kept.count) * hours(kept.unit);
        let furthest = self.retention.periods().max_by_key(reach);
        let back = furthest.map(|kept| count_text(kept.count.into(), kept.unit));
        format!("you can go back {}", back.unwrap_or_default())
    }

    /// How fine that is, and whether anything is removed at all.
    fn stages(&self) -> Vec<String> {
        let by = |unit| match unit {
            "hour" => "hour by hour",
            "day" => "day by day",
            "week" => "week by week",
            "month" => "month by month",
            _ => "year by year",
        };
        let stages: Vec<String> = self
            .retention
            .periods()
            .map(|KeptPeriods { unit, count, each, .. }| {
                let several = if each > 1 { format!(" ({each} of each)") } else { String::new() };
                format!("{} for {}{several}", by(unit), count_text(count.into(), unit))
            })
            .collect();
        let mut words = Vec::new();
        if stages.len() > 1 {
            words.push(format!("You can go back {}.", stages.join(", then ")));
        }
        if !stages.is_empty() && self.prunes == 0 {
            words.push(
                "No schedule of it prunes, so older restore points stay until somebody removes them."
                    .into(),
            );
        }
        words
    }

    /// That its schedules make too few, if they do.
    fn cannot_keep(&self, promise: Promise, now: DateTime<Utc>) -> Option<String> {
        let fewest = self.fewest(promise, now);
        (fewest < promise.backups as usize).then(|| {
            let made = count_text(fewest as u64, "backup");
            format!(
                "Beware: its schedules make {made} in some {}s, which is fewer than promised.",
                promise.period.as_str()
            )
        })
    }

    /// How many backups the schedules make in the poorest period to come, as far as they matter.
    fn fewest(&self, promise: Promise, now: DateTime<Utc>) -> usize {
        let mut first = promise.period.next(now);
        let mut fewest = usize::MAX;
        for _ in 0..PERIODS_LOOKED_AT {
            let next = promise.period.after(first);
            let (mut at, until) = (midnight(first) - TimeDelta::seconds(1), midnight(next));
            let mut made = 0;
            while made < promise.backups as usize {
                let next = |one: &Calendar| Some((one.next_after(at)?, one.longest_delay()));
                match self.backups.iter().filter_map(next).min() {
                    // A run that is late at random may be one of the next period.
                    Some((slot, delay)) if slot + delay < until => (at, made) = (slot, made + 1),
                    Some((slot, _)) if slot < until => at = slot,
                    _ => break,
                }
            }
            fewest = fewest.min(made);
            first = next;
        }
        fewest
    }
}

fn length(time: TimeDelta) -> String {
    match time.num_minutes().unsigned_abs().div_ceil(60) {
        hours if hours % 24 == 0 => count_text(hours / 24, "day"),
        hours if hours > 72 => count_text(hours.div_ceil(24), "day"),
        hours => count_text(hours, "hour"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::promise::PromisePeriod;
    use super::*;

    fn words(contract: &Contract) -> Vec<String> {
        contract.words("2026-06-30T12:00:00Z".parse().unwrap())
    }

    fn at(crons: &[&str]) -> Vec<Calendar> {
        crons.iter().map(|cron| Calendar::new(cron, "UTC").unwrap()).collect()
    }

    #[test]
    fn how_much_is_lost_and_how_far_back_one_can_go() {
        for (crons, daily, weekly, monthly, first) in [
            (
                &["0 6,18 * * *"][..],
                30,
                0,
                0,
                "At most 12 hours of work are lost; you can go back 30 days.",
            ),
            (&["0 2 * * *"], 7, 4, 12, "At most 1 day of work is lost; you can go back 12 months."),
            (
                &["0 2 * * 1-5"],
                7,
                4,
                0,
                "At most 3 days of work are lost; you can go back 4 weeks.",
            ),
            (
                &["0 2 * * 0", "0 2 * * 3"],
                0,
                1,
                0,
                "At most 4 days of work are lost; you can go back 1 week.",
            ),
            (
                &["*/5 * * * *"],
                0,
                0,
                0,
                "At most 1 hour of work is lost; nothing is removed by its rule, so you can go back to the first backup.",
            ),
            (
                &[],
                1,
                0,
                0,
                "It makes no backups, so how much work is lost is up to each app's own schedules; you can go back 1 day.",
            ),
        ] {
            let retention = Retention { daily, weekly, monthly, ..Retention::default() };
            let contract = Contract { backups: at(crons), retention, ..Contract::default() };
            assert_eq!(words(&contract)[0], first);
        }
    }

    #[test]
    fn what_is_kept_is_told_stage_by_stage() {
        let retention =
            Retention { daily: 7, weekly: 4, monthly: 12, yearly: 5, ..Retention::default() };
        let contract = Contract { retention, checks: 1, ..Contract::default() };
        let told = words(&contract);
        assert!(told[0].ends_with("you can go back 5 years."), "{told:?}");
        assert_eq!(
            told[1],
            "You can go back day by day for 7 days, then week by week for 4 weeks, then month by month for 12 months, then year by year for 5 years."
        );
        assert!(told[2].starts_with("No schedule of it prunes"), "{told:?}");
        assert_eq!(told[3], "A schedule checks its backups.");
        let several = Retention { hourly: 24, per_hour: 3, daily: 7, ..Retention::default() };
        let fine = words(&Contract { retention: several, ..Contract::default() });
        assert_eq!(
            fine[1],
            "You can go back hour by hour for 24 hours (3 of each), then day by day for 7 days."
        );
        let hours = Retention { hourly: 48, daily: 1, ..Retention::default() };
        let fine = words(&Contract { retention: hours, ..Contract::default() });
        assert!(fine[0].ends_with("you can go back 48 hours."), "{fine:?}");
        let pruned = Contract { prunes: 1, check_after_backup: true, ..contract };
        assert_eq!(words(&pruned)[2], "Each backup is checked when it is made.");
    }

    #[test]
    fn schedules_that_cannot_keep_a_promise_are_told() {
        let beware = |crons: &[&str], backups, period| {
            let promise = Some(Promise { backups, period });
            let contract = Contract { backups: at(crons), promise, ..Contract::default() };
            words(&contract).into_iter().find(|line| line.starts_with("Beware"))
        };
        use PromisePeriod::{Day, Month, Week};
        assert_eq!(beware(&["0 6,18 * * *"], 2, Day), None);
        assert_eq!(
            beware(&["0 6,18 * * *"], 3, Day).unwrap(),
            "Beware: its schedules make 2 backups in some days, which is fewer than promised."
        );
        // Not at weekends.
        assert!(beware(&["0 2 * * 1-5"], 1, Day).unwrap().contains("make 0 backups"));
        assert_eq!(beware(&["0 2 * * 1-5"], 5, Week), None);
        assert_eq!(beware(&["0 2 * * *"], 28, Month), None);
        // One of two may be of the next day.
        let promise = Some(Promise { backups: 2, period: Day });
        let late = |minutes| {
            let delay = super::super::random_delay::RandomDelay::new(minutes, "x");
            let backups: Vec<_> = at(&["0 6 * * *", "45 23 * * *"])
                .into_iter()
                .map(|one| one.delayed(delay))
                .collect();
            words(&Contract { backups, promise, ..Contract::default() })
        };
        assert!(!late(10).iter().any(|line| line.starts_with("Beware")));
        assert!(late(30).iter().any(|line| line.starts_with("Beware")));
        assert!(late(30)[0].starts_with("At most 19 hours of work are lost"), "{:?}", late(30));
        // The times of two schedules that fall together are one backup.
        assert!(beware(&["0 2 * * *", "0 2 * * *"], 2, Day).is_some());
        assert!(beware(&[], 1, Month).is_some());
    }
}
