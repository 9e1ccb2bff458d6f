//! Each rule of the verdict, at its edge.

use super::*;
use crate::model::SilentTask;

fn now() -> DateTime<Utc> {
    "2026-06-30T12:00:00Z".parse().unwrap()
}

fn past(id: i64, end: TaskEnd, ago: TimeDelta) -> Option<PastTask> {
    let verdict = if end == TaskEnd::Well { "fine" } else { "the drive refused.." };
    Some(PastTask { id, at: now() - ago, end, verdict: verdict.into() })
}

fn planned(cron: &str, handled: TimeDelta) -> PlannedTask {
    PlannedTask {
        is_backup: true,
        is_sync: false,
        kind: "backup",
        calendar: Calendar::new(cron, "UTC").unwrap(),
        handled: now() - handled,
    }
}

/// Backed up three hours ago, each night at nine.
fn fine() -> HealthFacts {
    let backup = past(7, TaskEnd::Well, TimeDelta::hours(3));
    HealthFacts {
        max_age_days: 30,
        planned: vec![planned("0 9 * * *", TimeDelta::hours(3))],
        backup: backup.clone(),
        tried: backup,
        ..HealthFacts::default()
    }
}

fn told(facts: &HealthFacts) -> (HealthVerdict, Vec<&'static str>) {
    let health = health(facts, now());
    (health.verdict, health.reasons.iter().map(HealthReason::code).collect())
}

#[test]
fn what_is_backed_up_in_time_is_protected() {
    assert_eq!(told(&fine()), (HealthVerdict::Protected, vec![]));
    let ended = past(8, TaskEnd::Well, TimeDelta::hours(1));
    let all = HealthFacts {
        check: ended.clone(),
        prune: ended.clone(),
        maintenance: ended.clone(),
        restore: ended,
        ..fine()
    };
    assert_eq!(told(&all), (HealthVerdict::Protected, vec![]));
}

#[test]
fn a_backup_is_old_after_twice_the_longest_gap() {
    let at = |cron: &str, ago: TimeDelta| HealthFacts {
        planned: vec![planned(cron, TimeDelta::zero())],
        backup: past(7, TaskEnd::Well, ago),
        ..fine()
    };
    let day = TimeDelta::days(1);
    let second = TimeDelta::seconds(1);
    assert_eq!(told(&at("0 9 * * *", day * 2)).0, HealthVerdict::Protected);
    let old = at("0 9 * * *", day * 2 + second);
    assert_eq!(told(&old), (HealthVerdict::NotProtected, vec!["older_than_schedule"]));
    assert_eq!(
        health(&old, now()).reasons[0].words(),
        "The last backup is of 2026-06-28 11:59 UTC; by its schedule it must not be older than 2 days."
    );
    assert_eq!(told(&at("0 9 * * 1-5", day * 6)).0, HealthVerdict::Protected);
    assert_eq!(told(&at("0 9 * * 1-5", day * 6 + second)).0, HealthVerdict::NotProtected);
    // A schedule of something else says nothing of backups.
    let mut checks = at("0 9 * * *", day * 29);
    checks.planned[0].is_backup = false;
    assert_eq!(told(&checks).0, HealthVerdict::Protected);
    // A clock that was set back makes nothing old.
    assert_eq!(told(&at("0 9 * * *", -day * 400)).0, HealthVerdict::Protected);
}

#[test]
fn without_a_schedule_the_days_count() {
    let at = |ago: TimeDelta, max_age_days: u32| HealthFacts {
        planned: Vec::new(),
        max_age_days,
        backup: past(7, TaskEnd::WithErrors, ago),
        ..fine()
    };
    assert_eq!(told(&at(TimeDelta::days(30), 30)).0, HealthVerdict::Protected);
    let two_years = at(TimeDelta::days(730), 30);
    assert_eq!(told(&two_years), (HealthVerdict::NotProtected, vec!["older_than_allowed"]));
    assert_eq!(
        health(&two_years, now()).reasons[0].words(),
        "The last backup is of 2024-06-30 12:00 UTC, and no backup is scheduled; without a schedule it must not be older than 30 days."
    );
    assert_eq!(told(&at(TimeDelta::days(730), 731)).0, HealthVerdict::Protected);
    assert_eq!(told(&at(TimeDelta::hours(25), 1)).0, HealthVerdict::NotProtected);
    let never = HealthFacts { backup: None, tried: None, ..fine() };
    assert_eq!(told(&never), (HealthVerdict::NotProtected, vec!["never_backed_up"]));
    let elsewhere = HealthFacts { was_elsewhere: true, ..never };
    assert_eq!(told(&elsewhere), (HealthVerdict::NotProtected, vec!["store_changed"]));
}

#[test]
fn what_went_wrong_last_is_said_until_it_goes_well() {
    type Part = fn(&mut HealthFacts) -> &mut Option<PastTask>;
    let parts: [(Part, &str, HealthVerdict); 5] = [
        (|facts| &mut facts.check, "check_failed", HealthVerdict::NotProtected),
        (|facts| &mut facts.tried, "backup_failed", HealthVerdict::AtRisk),
        (|facts| &mut facts.prune, "prune_failed", HealthVerdict::AtRisk),
        (|facts| &mut facts.maintenance, "maintenance_failed", HealthVerdict::AtRisk),
        (|facts| &mut facts.restore, "restore_failed", HealthVerdict::AtRisk),
    ];
    for (part, code, verdict) in parts {
        for end in [TaskEnd::WithErrors, TaskEnd::Failed, TaskEnd::Interrupted] {
            let mut facts = fine();
            *part(&mut facts) = past(9, end, TimeDelta::days(20));
            assert_eq!(told(&facts), (verdict, vec![code]));
            assert_eq!(health(&facts, now()).reasons[0].task(), Some(9));
        }
        let mut facts = fine();
        *part(&mut facts) = past(9, TaskEnd::Well, TimeDelta::days(20));
        assert_eq!(told(&facts).0, HealthVerdict::Protected);
    }
    let facts = HealthFacts { restore: past(9, TaskEnd::Failed, TimeDelta::days(31)), ..fine() };
    assert_eq!(told(&facts).0, HealthVerdict::Protected, "long forgotten");
    let facts = HealthFacts { check: past(9, TaskEnd::Failed, TimeDelta::days(900)), ..fine() };
    assert_eq!(told(&facts).0, HealthVerdict::NotProtected, "never forgotten");
    assert_eq!(
        health(&facts, now()).reasons[0].words(),
        "The last check, of 2024-01-12 12:00 UTC, failed: the drive refused. It counts until a later check finds all whole."
    );
}

#[test]
fn a_slot_that_nobody_saw_to_is_overdue_after_the_grace() {
    let at = |cron: &str, busy: bool| HealthFacts {
        planned: vec![planned(cron, TimeDelta::hours(5))],
        is_busy: busy,
        ..fine()
    };
    assert_eq!(told(&at("50 11 * * *", false)).0, HealthVerdict::Protected);
    let overdue = at("49 11 * * *", false);
    assert_eq!(told(&overdue), (HealthVerdict::AtRisk, vec!["overdue"]));
    assert_eq!(
        health(&overdue, now()).reasons[0].words(),
        "The backup that was due at 2026-06-30 11:49 UTC has not run. Does the scheduler run?"
    );
    assert_eq!(told(&at("49 11 * * *", true)).0, HealthVerdict::Protected);
    // However often it is due: the first one that nobody saw to counts.
    assert_eq!(told(&at("* * * * *", false)).1, ["older_than_schedule", "overdue"]);
}

#[test]
fn who_needs_none_is_excluded_whatever_happened() {
    let wrong = past(9, TaskEnd::Failed, TimeDelta::days(1));
    let excluded = HealthFacts { excluded: "is retired".into(), check: wrong, ..fine() };
    assert_eq!(told(&excluded), (HealthVerdict::Excluded, vec!["excluded"]));
    assert_eq!(health(&excluded, now()).reasons[0].words(), "It needs no protection: is retired.");
    let destination = HealthFacts { is_destination: true, ..HealthFacts::default() };
    assert_eq!(told(&destination), (HealthVerdict::Excluded, vec!["destination"]));
}

#[test]
fn the_worst_reason_comes_first_and_makes_the_verdict() {
    let wrong = past(9, TaskEnd::Failed, TimeDelta::days(1));
    let facts = HealthFacts { check: wrong.clone(), tried: wrong, ..fine() };
    assert_eq!(told(&facts), (HealthVerdict::NotProtected, vec!["check_failed", "backup_failed"]));
    let json = serde_json::to_value(health(&facts, now())).unwrap();
    assert_eq!(
        (&json["verdict"], &json["reasons"][0]["code"], &json["reasons"][0]["task"]),
        (&"not protected".into(), &"check_failed".into(), &9.into())
    );
}

#[test]
fn damage_counts_until_the_damaged_point_is_whole_or_gone() {
    // A check of another point that went well lifts nothing.
    let check = past(9, TaskEnd::Well, TimeDelta::hours(1));
    let damaged = |damaged_points, is_newest_damaged| HealthFacts {
        check: check.clone(),
        damaged_points,
        is_newest_damaged,
        ..fine()
    };
    assert_eq!(told(&damaged(0, false)).0, HealthVerdict::Protected);
    assert_eq!(told(&damaged(2, false)), (HealthVerdict::AtRisk, vec!["older_damaged"]));
    assert_eq!(told(&damaged(1, true)), (HealthVerdict::NotProtected, vec!["newest_damaged"]));
    assert_eq!(told(&damaged(3, true)).1, ["newest_damaged", "older_damaged"]);
    let words = |facts: &HealthFacts| health(facts, now()).reasons[0].words();
    assert_eq!(words(&damaged(2, false)), "2 older restore points are damaged.");
    assert_eq!(words(&damaged(1, false)), "An older restore point is damaged.");
}

#[test]
fn a_task_without_a_sign_of_life_is_said() {
    let silence = "no sign of life for 12 minutes".into();
    let silent = Some(SilentTask { id: 9, kind: "backup", silence });
    let facts = HealthFacts { silent, is_busy: true, ..fine() };
    assert_eq!(told(&facts), (HealthVerdict::AtRisk, vec!["silent"]));
    assert_eq!(
        health(&facts, now()).reasons[0].words(),
        "The backup that runs: no sign of life for 12 minutes."
    );
}

#[test]
fn a_second_copy_that_failed_is_missing_or_old_puts_at_risk() {
    let day = TimeDelta::days(1);
    let of = |last: Option<PastTask>, tried: Option<PastTask>| HealthFacts {
        has_second_store: true,
        last_sync: last,
        sync: tried,
        ..fine()
    };
    let risk = |code| (HealthVerdict::AtRisk, vec![code]);
    assert_eq!(told(&of(None, None)), risk("never_copied"));
    let failed = past(9, TaskEnd::WithErrors, day);
    assert_eq!(told(&of(None, failed.clone())), risk("second_copy_failed"));
    let good = past(8, TaskEnd::Well, day * 2);
    assert_eq!(told(&of(good.clone(), good.clone())), (HealthVerdict::Protected, vec![]));
    assert_eq!(told(&of(good.clone(), failed)), risk("second_copy_failed"));
    // By its schedule, and without one by the days of a backup.
    let mut scheduled = of(good.clone(), good);
    let nightly = PlannedTask { is_backup: false, is_sync: true, ..planned("0 9 * * *", day / 8) };
    scheduled.planned.push(nightly);
    assert_eq!(told(&scheduled), (HealthVerdict::Protected, vec![]));
    let old = past(8, TaskEnd::Well, day * 2 + TimeDelta::seconds(1));
    (scheduled.last_sync, scheduled.sync) = (old.clone(), old);
    assert_eq!(told(&scheduled), risk("second_copy_old"));
    assert_eq!(
        health(&scheduled, now()).reasons[0].words(),
        "The last good copy to the second store is of 2026-06-28 11:59 UTC; it must not be older than 2 days."
    );
    let old = past(8, TaskEnd::Well, day * 31);
    assert_eq!(told(&of(old.clone(), old)), risk("second_copy_old"));
}
