use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::model::{BrokenPromise, HeldFact, Promise, PromisePeriod};

fn day(number: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 2, 0, 0).unwrap() + TimeDelta::days(number)
}

fn task(end: TaskEnd) -> PastTask {
    PastTask { id: 7, at: day(0), end, verdict: "the drive is away".into() }
}

/// The newest try of a backup, in a night.
fn tried(end: TaskEnd, night: i64) -> HealthReason {
    HealthReason::BackupFailed(PastTask { at: day(night), ..task(end) })
}

fn health(reasons: Vec<HealthReason>) -> Health {
    let worst = reasons.iter().map(HealthReason::verdict).max();
    Health { verdict: worst.unwrap_or(HealthVerdict::Protected), reasons }
}

fn failed_night(number: i64) -> Findings {
    let backup = task(TaskEnd::Well);
    let old = HealthReason::OlderThanSchedule { backup, gap: TimeDelta::days(1) };
    let mut reasons = vec![tried(TaskEnd::Failed, number)];
    // The newest backup is too old from the third night on.
    reasons.extend((number > 2).then_some(old));
    findings(&health(reasons), OpenBackups::default(), day(number))
}

fn held(task: i64, earlier: usize) -> HealthReason {
    HealthReason::PruneHeld(HeldFact { at: day(0), task, reason: "half is gone.".into(), earlier })
}

fn kinds(changes: &[Change]) -> Vec<(EventKind, bool)> {
    changes.iter().map(|change| (change.kind, change.reminder)).collect()
}

#[test]
fn thirty_failed_nights_are_one_alert_reminders_and_one_end() {
    let (mut open, mut told) = (Vec::new(), Vec::new());
    let week = Some(TimeDelta::days(7));
    for night in 0..30 {
        // Looked at by every tick of the clock, too.
        for hour in 0..24 {
            let now = day(night) + TimeDelta::hours(hour);
            let (changes, lasting) = alert_changes(&open, &failed_night(night), week, now);
            told.extend(changes);
            open = lasting;
        }
    }
    let (changes, lasting) = alert_changes(&open, &Findings::default(), week, day(30));
    told.extend(changes);
    let failed = EventKind::Failed;
    assert_eq!(
        kinds(&told),
        [
            (failed, false),
            (failed, true),
            (failed, true),
            (failed, true),
            (failed, true),
            (EventKind::Recovered, false)
        ]
    );
    assert!(lasting.is_empty());
    assert!(told.iter().all(|change| change.since == day(0)));
    assert_eq!(told[5].words, ["It is in order again; it was: failed."]);
}

#[test]
fn each_reason_has_its_word() {
    let of = |reason| {
        let found = findings(&health(vec![reason]), OpenBackups::default(), day(0));
        found.troubles.first().map(|trouble| trouble.kind)
    };
    assert_eq!(of(HealthReason::NeverBackedUp), None);
    assert_eq!(of(HealthReason::StoreChanged), None);
    assert_eq!(of(HealthReason::BackupFailed(task(TaskEnd::Interrupted))), Some(EventKind::Failed));
    assert_eq!(
        of(HealthReason::PruneFailed(task(TaskEnd::WithErrors))),
        Some(EventKind::WithErrors)
    );
    assert_eq!(of(HealthReason::NewestDamaged), Some(EventKind::CheckFailed));
    let overdue = HealthReason::Overdue { kind: "backup", slot: day(0) };
    assert_eq!(of(overdue), Some(EventKind::Overdue));
    let held = findings(&health(vec![held(7, 0)]), OpenBackups::default(), day(0));
    assert_eq!(held.troubles[0].words, ["Prunes are held: half is gone."]);
    assert_eq!((held.troubles[0].kind, held.troubles[0].task), (EventKind::PruneHeld, Some(7)));
    let excluded = health(vec![HealthReason::Excluded("is retired".into())]);
    assert!(findings(&excluded, OpenBackups::default(), day(0)).is_excluded);
}

#[test]
fn what_is_about_to_be_tried_again_is_not_told_yet() {
    let reasons = || vec![HealthReason::BackupFailed(task(TaskEnd::Failed))];
    let again = OpenBackups { any: true, retry: true };
    let found = findings(&health(reasons()), again, day(0));
    let (told, open) = alert_changes(&[], &found, None, day(0));
    assert!(told.is_empty() && open.is_empty());
    // It went well: nobody has to know.
    let (told, open) = alert_changes(&open, &Findings::default(), None, day(0));
    assert!(told.is_empty() && open.is_empty());
    // It did not.
    let found = findings(&health(reasons()), OpenBackups::default(), day(0));
    let (told, open) = alert_changes(&open, &found, None, day(0));
    assert_eq!(kinds(&told), [(EventKind::Failed, false)]);
    // The next night's retry is no news either.
    let found = findings(&health(reasons()), again, day(1));
    let (told, open) = alert_changes(&open, &found, None, day(1));
    assert!(told.is_empty());
    assert_eq!(open.len(), 1);
}

/// What is told, look by look, when these reasons are there and a backup that failed is tried again.
fn told_of(looks: Vec<(Vec<HealthReason>, bool)>) -> Vec<Vec<(EventKind, bool)>> {
    let looks = looks.into_iter();
    let looks = looks.map(|(reasons, retry)| (reasons, OpenBackups { any: retry, retry }));
    changes_of(looks.collect()).iter().map(|told| kinds(told)).collect()
}

/// What is told, look by look, when these reasons are there and such backups are on their way.
fn changes_of(looks: Vec<(Vec<HealthReason>, OpenBackups)>) -> Vec<Vec<Change>> {
    let mut open = Vec::new();
    let look = |(number, (reasons, backups)): (usize, (Vec<HealthReason>, OpenBackups))| {
        let now = day(number as i64);
        let found = findings(&health(reasons), backups, now);
        let (told, lasting) = alert_changes(&open, &found, None, now);
        open = lasting;
        told
    };
    looks.into_iter().enumerate().map(look).collect()
}

#[test]
fn a_backup_that_runs_holds_back_only_what_it_puts_right() {
    let gap = TimeDelta::days(1);
    let old = || HealthReason::OlderThanSchedule { backup: task(TaskEnd::Well), gap };
    let copy = || HealthReason::SecondCopyOld { copy: task(TaskEnd::Well), limit: gap * 2 };
    let both = || vec![copy(), old()];
    let (runs, rests) = (OpenBackups { any: true, retry: false }, OpenBackups::default());
    let mut looks = vec![(both(), runs), (both(), rests)];
    looks.extend((0..3).flat_map(|_| [(both(), runs), (both(), rests)]));
    // The copy is made while a backup runs, which then goes well.
    looks.extend([(vec![old()], runs), (Vec::new(), rests)]);
    let told = changes_of(looks);
    let words = |look: usize| told[look].iter().map(|one| one.words.clone()).collect::<Vec<_>>();
    assert_eq!(words(0), [vec![copy().words()]]);
    assert_eq!(words(1), [vec![copy().words(), old().words()]]);
    let late = vec![(EventKind::Overdue, false)];
    let mut expected = vec![Vec::new(); told.len()];
    (expected[0], expected[1]) = (late.clone(), late);
    expected[told.len() - 1] = vec![(EventKind::Recovered, false)];
    assert_eq!(told.iter().map(|one| kinds(one)).collect::<Vec<_>>(), expected);
    // A slot of a backup and the age that is allowed are put right too; nothing else is.
    let slot = |kind| HealthReason::Overdue { kind, slot: day(0) };
    let allowed = HealthReason::OlderThanAllowed { backup: task(TaskEnd::Well), days: 14 };
    let found = findings(&health(vec![slot("backup"), allowed]), runs, day(0));
    assert!(found.troubles.is_empty() && found.held_back.len() == 2, "{found:?}");
    for other in [slot("check"), HealthReason::NeverCopied, broken("one")] {
        let found = findings(&health(vec![other]), runs, day(0));
        assert!(found.troubles.len() == 1 && found.undecided.is_empty(), "{found:?}");
    }
}

/// A promise of this policy that is not kept.
fn broken(policy: &str) -> HealthReason {
    HealthReason::PromiseBroken(BrokenPromise {
        policy: policy.to_owned(),
        promise: Promise { backups: 2, period: PromisePeriod::Day },
        made: 1,
        first: day(0).date_naive(),
    })
}

#[test]
fn each_kind_that_is_overdue_and_each_broken_promise_is_told() {
    let slot = |kind| HealthReason::Overdue { kind, slot: day(0) };
    let late = || vec![(EventKind::Overdue, false)];
    for (one, other) in
        [(slot("prune"), slot("backup")), (broken("careful"), broken("very careful"))]
    {
        let both = || vec![one.clone(), other.clone()];
        let looks = vec![(vec![one.clone()], false), (both(), false), (both(), false)];
        assert_eq!(told_of(looks), [late(), late(), Vec::new()]);
    }
}

#[test]
fn what_goes_wrong_besides_is_told_under_the_same_word() {
    let prune = || HealthReason::PruneFailed(task(TaskEnd::Failed));
    let backup = || HealthReason::BackupFailed(task(TaskEnd::Failed));
    let failed = || vec![(EventKind::Failed, false)];
    let none = Vec::new;
    assert_eq!(
        told_of(vec![
            (vec![prune()], false),
            // It is about to be tried again, and fails again.
            (vec![prune(), backup()], true),
            (vec![prune(), backup()], false),
            (vec![prune(), backup()], false),
            // One of them is over, and comes again.
            (vec![backup()], false),
            (vec![prune(), backup()], false),
        ]),
        [failed(), none(), failed(), none(), none(), failed()]
    );
    let check = || vec![(EventKind::CheckFailed, false)];
    assert_eq!(
        told_of(vec![
            (vec![HealthReason::OlderDamaged(1)], false),
            (vec![HealthReason::OlderDamaged(2)], false),
            (vec![HealthReason::NewestDamaged, HealthReason::OlderDamaged(2)], false),
        ]),
        [check(), none(), check()]
    );
    // From at risk to not protected.
    let overdue = || HealthReason::Overdue { kind: "backup", slot: day(0) };
    let backup = task(TaskEnd::Well);
    let old = HealthReason::OlderThanSchedule { backup, gap: TimeDelta::days(1) };
    let late = || vec![(EventKind::Overdue, false)];
    assert_eq!(
        told_of(vec![(vec![overdue()], false), (vec![old, overdue()], false)]),
        [late(), late()]
    );
}

/// What is told at looks that come once a day: the days on which it is anything, and what.
fn told_daily(
    days: i64,
    reasons: impl Fn(i64) -> Vec<HealthReason>,
) -> Vec<(usize, Vec<(EventKind, bool)>)> {
    let told = told_of((0..days).map(|day| (reasons(day), false)).collect());
    told.into_iter().enumerate().filter(|(_, told)| !told.is_empty()).collect()
}

#[test]
fn errors_each_night_hide_nothing_else() {
    let copy = HealthReason::SecondCopyOld { copy: task(TaskEnd::Well), limit: TimeDelta::days(2) };
    let check = HealthReason::Overdue { kind: "check", slot: day(4) };
    let nights = |end: TaskEnd| {
        told_daily(8, |night| {
            let mut reasons = vec![tried(end, night)];
            reasons.extend((night > 2).then(|| copy.clone()));
            reasons.extend((night > 4).then(|| check.clone()));
            reasons
        })
    };
    let late = || vec![(EventKind::Overdue, false)];
    let errors = vec![(EventKind::WithErrors, false)];
    assert_eq!(nights(TaskEnd::WithErrors), [(0, errors), (3, late()), (5, late())]);
    // Nor does a backup that fails: copies and checks are something else.
    let failed = vec![(EventKind::Failed, false)];
    assert_eq!(nights(TaskEnd::Failed), [(0, failed), (3, late()), (5, late())]);
}

#[test]
fn a_try_that_failed_explains_no_longer_than_a_backup_counts() {
    let failed = || (1_usize, vec![(EventKind::Failed, false)]);
    let late = |day: usize| (day, vec![(EventKind::Overdue, false)]);
    let since = |first: i64, day: i64, old: &HealthReason| {
        let mut reasons: Vec<HealthReason> =
            (day > 0).then(|| tried(TaskEnd::Failed, 1)).into_iter().collect();
        reasons.extend((day >= first).then(|| old.clone()));
        reasons
    };
    // Its schedule was disabled after it.
    let backup = task(TaskEnd::Well);
    let old = HealthReason::OlderThanAllowed { backup: backup.clone(), days: 14 };
    assert_eq!(told_daily(40, |day| since(15, day, &old)), [failed(), late(16)]);
    // Its slots are passed over, as nothing runs at their times.
    let old = HealthReason::OlderThanSchedule { backup, gap: TimeDelta::days(1) };
    assert_eq!(told_daily(40, |day| since(3, day, &old)), [failed(), late(4)]);
}

#[test]
fn a_slot_whose_backup_failed_is_not_told_twice() {
    let at = day(0) + TimeDelta::minutes(30);
    let tonight = HealthReason::BackupFailed(PastTask { at, ..task(TaskEnd::Failed) });
    let slot = |number| HealthReason::Overdue { kind: "backup", slot: day(number) };
    let of = |slot: HealthReason| vec![tonight.clone(), slot];
    let (failed, late) = (vec![(EventKind::Failed, false)], vec![(EventKind::Overdue, false)]);
    // The one of the next night is another one, which nobody tried.
    let looks = vec![(of(slot(0)), false), (of(slot(0)), false), (of(slot(1)), false)];
    assert_eq!(told_of(looks), [failed, Vec::new(), late]);

    // What was told before it stays as it was, and is not over.
    let marks = BTreeSet::from(["overdue".to_owned()]);
    let open = [OpenAlert { kind: EventKind::Overdue, since: day(0), told: day(0), marks }];
    let found = findings(&health(of(slot(0))), OpenBackups::default(), at);
    assert_eq!(found.undecided, BTreeSet::from([EventKind::Overdue]));
    let (told, lasting) = alert_changes(&open, &found, None, at);
    assert_eq!(kinds(&told), [(EventKind::Failed, false)]);
    assert!(lasting.contains(&open[0]), "{lasting:?}");
    // Beside something of its kind that is not explained, only that is told of.
    let mut reasons = of(slot(0));
    reasons.push(HealthReason::NeverCopied);
    let found = findings(&health(reasons), OpenBackups::default(), at);
    assert!(found.undecided.is_empty());
    assert_eq!(found.troubles[1].words, ["Nothing was copied to its second store yet."]);
}

#[test]
fn each_change_alarm_is_told() {
    let alarm = || vec![(EventKind::PruneHeld, false)];
    let looks = vec![
        (vec![held(7, 0)], false),
        (vec![held(7, 0)], false),
        (vec![held(9, 1)], false),
        (vec![held(9, 1)], false),
    ];
    assert_eq!(told_of(looks), [alarm(), Vec::new(), alarm(), Vec::new()]);
    let words = held(9, 1).words();
    assert!(
        words.contains("as 2 backups found alarming changes, the last one: half is"),
        "{words}"
    );
}

#[test]
fn an_alert_from_before_marks_were_kept_is_no_news() {
    let marks = BTreeSet::new();
    let open = [OpenAlert { kind: EventKind::Failed, since: day(0), told: day(0), marks }];
    let (told, lasting) = alert_changes(&open, &failed_night(0), None, day(1));
    assert!(told.is_empty());
    assert_eq!(lasting[0].marks, BTreeSet::from(["backup_failed".to_owned()]));
}

#[test]
fn an_app_that_is_excluded_is_quiet_and_has_not_recovered() {
    let marks = BTreeSet::new();
    let open = [OpenAlert { kind: EventKind::Failed, since: day(0), told: day(0), marks }];
    let excluded = Findings { is_excluded: true, ..Findings::default() };
    assert_eq!(alert_changes(&open, &excluded, None, day(9)), (Vec::new(), Vec::new()));
}

fn some_marks() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[abc]", 1..3)
}

fn some_kind() -> impl Strategy<Value = EventKind> {
    prop::sample::select(&EventKind::ALL[..5])
}

proptest! {
    /// Whatever comes after whatever: a kind is told once until it is over or something is wrong
    /// besides, reminders keep their distance, and the end is told exactly when nothing lasts any more.
    #[test]
    fn each_change_is_told_once(
        steps in prop::collection::vec(
            (
                prop::collection::btree_map(some_kind(), some_marks(), 0..4),
                prop::collection::btree_set(some_kind(), 0..2),
                prop::collection::btree_set("[abc]", 0..2),
                1_i64..200,
            ),
            1..60,
        )
    ) {
        let after = TimeDelta::days(3);
        let (mut open, mut now): (Vec<OpenAlert>, _) = (Vec::new(), day(0));
        for (present, undecided, held_back, hours) in steps {
            now += TimeDelta::hours(hours);
            let trouble = |(kind, marks): (&EventKind, &BTreeSet<String>)| {
                Trouble { kind: *kind, words: vec!["x".into()], marks: marks.clone(), task: None }
            };
            let found = Findings {
                troubles: present.iter().map(trouble).collect(),
                undecided,
                held_back,
                is_excluded: false,
            };
            let (told, lasting) = alert_changes(&open, &found, Some(after), now);
            for change in &told {
                let before = open.iter().find(|alert| alert.kind == change.kind);
                match (change.kind, change.reminder) {
                    (EventKind::Recovered, _) => {
                        prop_assert!(!open.is_empty() && lasting.is_empty());
                    }
                    (kind, false) => {
                        let is_decided = !found.undecided.contains(&kind);
                        let is_new = |alert: &OpenAlert| !present[&kind].is_subset(&alert.marks);
                        prop_assert!(before.is_none_or(|alert| is_decided && is_new(alert)));
                    }
                    (_, true) => prop_assert!(before.is_some_and(|alert| now - alert.told >= after)),
                }
            }
            let recovered = told.iter().filter(|change| change.kind == EventKind::Recovered).count();
            prop_assert_eq!(recovered == 1, !open.is_empty() && lasting.is_empty());
            // Nothing is told twice for one look.
            prop_assert_eq!(alert_changes(&lasting, &found, Some(after), now).0, Vec::new());
            open = lasting;
        }
    }
}
