//! "Am I safe?", answered in one sentence.

use chrono::{DateTime, TimeDelta, Utc};

use super::health::Health;
use super::health_verdict::HealthVerdict;
use super::words::count_text;

/// A source app, as far as the answer needs it.
#[derive(Clone, Copy, Debug)]
pub struct SafetyFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it is doing.
    pub health: &'a Health,
    /// When its newest backup ended.
    pub backup: Option<DateTime<Utc>>,
    /// Until when its schedules run nothing.
    pub paused_until: Option<DateTime<Utc>>,
}

/// One sentence on all source apps: yes, not quite, or no, and why.
pub fn safety_sentence(apps: &[SafetyFacts<'_>], now: DateTime<Utc>) -> String {
    let is = |verdict| move |app: &&SafetyFacts<'_>| app.health.verdict == verdict;
    let excluded = apps.iter().filter(is(HealthVerdict::Excluded)).count();
    let counted = apps.len() - excluded;
    let all = count_text(counted as u64, "drive");
    if apps.is_empty() {
        return "Nothing is backed up yet: add a drive.".into();
    }
    if counted == 0 {
        return "No drive needs protection: all are excluded.".into();
    }
    for (answer, verdict) in
        [("No", HealthVerdict::NotProtected), ("Not quite", HealthVerdict::AtRisk)]
    {
        let mut bad = apps.iter().filter(is(verdict));
        let Some(first) = bad.next() else { continue };
        let count = 1 + bad.count();
        let why = first.health.reasons.first().map(|reason| reason.words()).unwrap_or_default();
        let why = begins_small(&why);
        let (name, word) = (first.name, verdict.as_str());
        return if count == 1 {
            format!("{answer}: 1 of {all}, {name}, is {word}, because {why}")
        } else {
            format!("{answer}: {count} of {all} are {word}; {name}, because {why}")
        };
    }
    let newest = apps.iter().filter_map(|app| app.backup).max();
    let age = newest.map(|at| format!(", the newest backup is {} old", age(now - at)));
    let paused = apps.iter().filter(|app| app.paused_until.is_some()).count();
    let paused = match paused {
        0 => String::new(),
        1 => "; the schedules of 1 are paused".to_owned(),
        many => format!("; the schedules of {many} are paused"),
    };
    let are = if counted == 1 { "is" } else { "are" };
    format!("Yes: {counted} of {all} {are} protected{}{paused}.", age.unwrap_or_default())
}

/// `3 hours`.
fn age(time: TimeDelta) -> String {
    match time.num_minutes().max(0).unsigned_abs() {
        minutes @ 0..90 => count_text(minutes, "minute"),
        minutes @ 90..2_160 => count_text((minutes + 30) / 60, "hour"),
        minutes => count_text((minutes + 720) / 1_440, "day"),
    }
}

/// A sentence as the end of another.
fn begins_small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::health_reason::HealthReason;
    use super::*;

    fn health(reason: Option<HealthReason>) -> Health {
        let verdict = reason.as_ref().map_or(HealthVerdict::Protected, HealthReason::verdict);
        Health { verdict, reasons: reason.into_iter().collect() }
    }

    #[test]
    fn the_sentence_answers_and_says_why() {
        let now: DateTime<Utc> = "2026-06-01T12:00:00Z".parse().unwrap();
        let said = |reasons: &[Option<HealthReason>], paused: bool| {
            let all: Vec<Health> = reasons.iter().cloned().map(health).collect();
            let facts: Vec<SafetyFacts<'_>> = all
                .iter()
                .enumerate()
                .map(|(number, health)| SafetyFacts {
                    name: ["attic", "mail", "photos", "scans"][number],
                    health,
                    backup: Some(now - TimeDelta::hours(3 + 24 * number as i64)),
                    paused_until: paused.then_some(now),
                })
                .collect();
            safety_sentence(&facts, now)
        };
        let excluded = || Some(HealthReason::Excluded("is old".into()));
        let never = || Some(HealthReason::NeverBackedUp);
        let older = || Some(HealthReason::OlderDamaged(1));
        assert_eq!(said(&[], false), "Nothing is backed up yet: add a drive.");
        assert_eq!(said(&[excluded()], false), "No drive needs protection: all are excluded.");
        assert_eq!(
            said(&[None, None, excluded(), None], false),
            "Yes: 3 of 3 drives are protected, the newest backup is 3 hours old."
        );
        assert_eq!(
            said(&[None], true),
            "Yes: 1 of 1 drive is protected, the newest backup is 3 hours old; the schedules of 1 are paused."
        );
        assert_eq!(
            said(&[never(), older(), None], false),
            "No: 1 of 3 drives, attic, is not protected, because it was never backed up."
        );
        assert_eq!(
            said(&[older(), older(), None], false),
            "Not quite: 2 of 3 drives are at risk; attic, because an older restore point is damaged."
        );
    }
}
