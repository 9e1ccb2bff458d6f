//! Policies as contracts: whether a promise was kept, the check after a backup, apps by labels, and
//! one draft that makes the schedules too.

mod common;

use std::path::Path;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use common::{end, new_task, run, schedule, schedule_spec, source, spec, start, state};
use plakar_driver::Plakar;
use source_app::model::{HealthVerdict, Promise, PromisePeriod, Retention};
use source_app::service::{PolicyDraft, PolicyTimes, Problem, Service};
use source_app::state::{
    App, AppKind, AppSpec, MatchMode, Owner, PolicySpec, ResourceSpec, Schedule, ScheduleSpec,
    State, TaskKind, TaskResult, TaskState,
};

struct Site {
    state: State,
    service: Service,
    _directory: tempfile::TempDir,
}

fn site() -> Site {
    let directory = tempfile::tempdir().unwrap();
    let plakar = Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap();
    let place = directory.path().join("state");
    let service = Service::open(&place, plakar).unwrap();
    Site { state: State::open(&place).unwrap(), service, _directory: directory }
}

fn policy(name: &str) -> PolicySpec {
    PolicySpec {
        name: name.into(),
        environments: Vec::new(),
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        labels: Vec::new(),
        retention: Retention::default(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    }
}

fn promising(backups: u32, period: PromisePeriod) -> PolicySpec {
    PolicySpec { promise: Some(Promise { backups, period }), ..policy("careful") }
}

/// So many days ago, at noon.
fn noon(days: u64) -> DateTime<Utc> {
    let day = Utc::now().date_naive() - Days::new(days);
    day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()).and_utc()
}

fn app(site: &Site, name: &str, days: u64) -> App {
    site.state.add_app(&spec(AppKind::Source, name), noon(days)).unwrap()
}

async fn broken(site: &Site, app: &App) -> Vec<String> {
    let status = site.service.status(Some(app.id)).await.unwrap();
    let reasons = &status.apps[0].health.reasons;
    let broken = reasons.iter().filter(|reason| reason.code() == "promise_broken");
    if !reasons.is_empty() && reasons.iter().all(|reason| reason.code() == "promise_broken") {
        assert_eq!(status.verdict, HealthVerdict::AtRisk);
    }
    broken.map(|reason| reason.words()).collect()
}

#[tokio::test]
async fn a_promise_that_was_not_kept_puts_an_app_at_risk() {
    let site = site();
    let drive = app(&site, "drive", 90);
    let made = site.state.add_policy(&promising(2, PromisePeriod::Day), noon(80)).unwrap();
    let yesterday = noon(1).date_naive();
    let backup = |how, at| run(&site.state, &drive, TaskKind::Backup, how, at);
    backup(TaskState::Succeeded, noon(2));
    backup(TaskState::Succeeded, noon(2) + TimeDelta::hours(1));
    backup(TaskState::Succeeded, noon(1));
    // What has errors, failed, was missed, or is something else does not count.
    for how in [TaskState::CompletedWithErrors, TaskState::Failed, TaskState::Missed] {
        backup(how, noon(1) + TimeDelta::minutes(5));
    }
    run(&site.state, &drive, TaskKind::Check, TaskState::Succeeded, noon(1));
    assert_eq!(
        broken(&site, &drive).await,
        [format!(
            "The policy careful promises at least 2 backups a day; on {yesterday} there was 1."
        )]
    );
    backup(TaskState::Succeeded, noon(1) + TimeDelta::hours(2));
    assert!(broken(&site, &drive).await.is_empty());

    // A promise that was raised counts from the next full day on, and so does a new app.
    let spec = promising(9, PromisePeriod::Day);
    let raised = site.state.edit_policy(made.id, made.revision, &spec, Utc::now()).unwrap();
    assert!(broken(&site, &drive).await.is_empty());
    let mut renamed = spec.clone();
    renamed.name = "renamed".into();
    let at_first = site.state.edit_policy(made.id, raised.revision, &renamed, noon(3)).unwrap();
    assert_eq!(at_first.spec.promise, spec.promise);
    let fresh = app(&site, "fresh", 0);
    assert!(broken(&site, &fresh).await.is_empty());

    // Of a policy that is off, or for others, nothing is promised.
    let off = PolicySpec { enabled: false, ..promising(9, PromisePeriod::Week) };
    let off = PolicySpec { name: "off".into(), ..off };
    site.state.add_policy(&off, noon(80)).unwrap();
    let others = PolicySpec { environments: vec!["x".into()], ..promising(9, PromisePeriod::Week) };
    site.state.add_policy(&PolicySpec { name: "others".into(), ..others }, noon(80)).unwrap();
    assert!(broken(&site, &drive).await.is_empty());
}

#[tokio::test]
async fn weeks_and_months_are_judged_when_they_are_over() {
    for period in [PromisePeriod::Week, PromisePeriod::Month] {
        let site = site();
        let drive = app(&site, "drive", 120);
        site.state.add_policy(&promising(1, period), noon(110)).unwrap();
        run(&site.state, &drive, TaskKind::Backup, TaskState::Succeeded, Utc::now());
        let told = broken(&site, &drive).await;
        assert!(told.len() == 1 && told[0].ends_with("there was none."), "{told:?}");
    }
}

#[tokio::test]
async fn a_month_of_which_tasks_are_forgotten_breaks_nothing() {
    let site = site();
    let drive = app(&site, "drive", 120);
    site.state.add_policy(&promising(700, PromisePeriod::Month), noon(110)).unwrap();
    for minute in 0..450 {
        let at = Utc::now() - TimeDelta::minutes(500 - minute);
        run(&site.state, &drive, TaskKind::Backup, TaskState::Succeeded, at);
    }
    assert!(broken(&site, &drive).await.is_empty());
}

#[test]
fn a_policy_that_comes_to_apply_by_a_tag_counts_from_then() {
    let (_directory, state) = state();
    let app = source(&state, "documents");
    let family = PolicySpec { labels: vec!["family".into()], ..policy("careful") };
    let made = state.add_policy(&family, start()).unwrap();
    schedule(&state, Owner::Policy(made.id), TaskKind::Prune, "0 2 * * *");
    let later = start() + TimeDelta::days(10);
    let edit = |tags: &[&str], location: &str, now| {
        let resource = state.resources().unwrap().remove(0);
        let (tags, location) = (tags.iter().map(|tag| (*tag).into()).collect(), location.into());
        let changed = ResourceSpec { tags, location, ..resource.spec };
        state.edit_resource(resource.id, resource.revision, &changed, now).unwrap();
        state.effective_schedules(Some(app.id)).unwrap()
    };
    assert_eq!(edit(&[], "opendrive://Cellar", later), []);
    // Else the prune of a slot before it would be caught up at once, which nobody has seen a plan of.
    assert_eq!(edit(&["family"], "opendrive://Cellar", later)[0].handled, later);
    let much_later = later + TimeDelta::days(10);
    assert_eq!(edit(&["family"], "opendrive://Attic", much_later)[0].handled, later);
}

#[test]
fn a_policy_wants_each_backup_checked() {
    let (_directory, state) = state();
    let labelled = |name: &str, labels: &[&str]| {
        let mut spec: AppSpec = spec(AppKind::Source, name);
        spec.backup.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        state.add_app(&spec, start()).unwrap()
    };
    let (one, other) = (labelled("one", &["family", "x"]), labelled("other", &[]));
    let spec =
        PolicySpec { labels: vec!["family".into()], check_after_backup: true, ..policy("careful") };
    assert!(spec.applies_to(&one) && !spec.applies_to(&other));
    let made = state.add_policy(&spec, start()).unwrap();
    let follows = |app: &App| {
        let backup = state.begin(&new_task(app, TaskKind::Backup), start()).unwrap();
        let how = TaskResult { snapshot: Some("01".into()), ..end(TaskState::Succeeded) };
        state.finish(backup.id, &how, None, start()).unwrap();
        let check = state.follow_up(&state.task(backup.id).unwrap()).unwrap();
        check.map(|check| state.claim_task(check.id, false, start()).unwrap()).is_some()
    };
    assert!(follows(&one) && !follows(&other));
    let off = PolicySpec { enabled: false, ..spec };
    state.edit_policy(made.id, made.revision, &off, start()).unwrap();
    assert!(!follows(&other));
}

fn times(backup: Option<&str>, check: Option<&str>, prune: Option<&str>) -> PolicyTimes {
    let text = |text: Option<&str>| text.map(str::to_owned);
    PolicyTimes {
        backup_at: text(backup),
        check_at: text(check),
        prune_at: text(prune),
        time_zone: Some("Europe/Berlin".into()),
        zone_was: None,
        shown: Default::default(),
    }
}

async fn schedules(site: &Site) -> Vec<Schedule> {
    let mut all = site.service.schedules().await.unwrap();
    all.sort_by_key(|one| one.id);
    all
}

#[tokio::test]
async fn one_draft_makes_the_schedules_and_leaves_those_made_by_hand() {
    let site = site();
    let drive = app(&site, "drive", 1);
    let retention = Retention { daily: 30, ..Retention::default() };
    let spec = PolicySpec { retention, ..promising(2, PromisePeriod::Day) };
    let draft = |times| PolicyDraft { spec: spec.clone(), times };
    // Nothing is kept of a draft of which a part cannot be used.
    for (times, words) in [
        (times(Some("sometimes"), None, None), "backup_at: "),
        (times(Some("daily at 02:30"), Some("daily at 25:00"), None), "check_at: "),
        (
            PolicyTimes { time_zone: Some("Mars".into()), ..times(Some("@daily"), None, None) },
            "time zone",
        ),
    ] {
        let refused = site.service.save_policy(None, draft(times)).await.unwrap_err();
        assert!(
            refused.problem() == Problem::Input && refused.to_string().contains(words),
            "{refused}"
        );
        assert!(site.service.policies().await.unwrap().is_empty());
    }
    let wanted = times(Some("twice daily at 06:00"), Some(""), Some("weekly on sunday at 04:00"));
    let contract = site.service.draft_contract(None, &draft(wanted.clone())).await.unwrap();
    assert_eq!(contract.apps, [(drive.id, "drive".to_owned())]);
    assert_eq!(contract.words[0], "At most 12 hours of work are lost; you can go back 30 days.");
    assert!(!contract.words.iter().any(|line| line.starts_with("Beware")), "{contract:?}");
    assert!(site.service.policies().await.unwrap().is_empty(), "nothing is saved by looking");
    let made = site.service.save_policy(None, draft(wanted)).await.unwrap();
    let owner = Owner::Policy(made.id);
    let kept = schedules(&site).await;
    let short: Vec<_> = kept.iter().map(|one| (one.spec.kind, one.spec.cron.as_str())).collect();
    assert_eq!(short, [(TaskKind::Backup, "0 6,18 * * *"), (TaskKind::Prune, "0 4 * * 0")]);
    assert!(
        kept.iter().all(|one| one.spec.owner == owner && one.spec.time_zone == "Europe/Berlin")
    );

    // One is made by hand, in a zone of its own; saved as it is shown, nothing changes.
    let by_hand = schedule_spec(owner, TaskKind::Check, "7 5 * * 2,4");
    site.state.add_schedule(&by_hand, Utc::now()).unwrap();
    let before = schedules(&site).await;
    let shown = PolicyTimes::of(&before, made.id);
    assert_eq!(shown.backup_at.as_deref(), Some("twice daily at 06:00"));
    let edited = async |times| {
        let policy = site.service.policy(made.id).await.unwrap();
        let old = Some((policy.id, policy.revision));
        site.service.save_policy(old, PolicyDraft { spec: policy.spec, times }).await
    };
    edited(shown.clone()).await.unwrap();
    assert_eq!(schedules(&site).await, before);
    // Another zone moves those that had the one that was shown.
    let moved = PolicyTimes { time_zone: Some("Asia/Tokyo".into()), ..shown.clone() };
    edited(moved).await.unwrap();
    let zones: Vec<String> =
        schedules(&site).await.into_iter().map(|one| one.spec.time_zone).collect();
    assert_eq!(zones, ["Asia/Tokyo", "Asia/Tokyo", "UTC"]);
    // One changes, one goes, one stays.
    let shown = PolicyTimes::of(&schedules(&site).await, made.id);
    let less = PolicyTimes {
        backup_at: Some("daily at 03:00".into()),
        prune_at: Some(" ".into()),
        ..shown
    };
    edited(less).await.unwrap();
    let left = schedules(&site).await;
    let short: Vec<_> = left.iter().map(|one| (one.id, one.spec.cron.as_str())).collect();
    assert_eq!(short, [(before[0].id, "0 3 * * *"), (before[2].id, "7 5 * * 2,4")]);
    // Of two of a kind none is touched, and none can be given here.
    site.state.add_schedule(&by_hand, Utc::now()).unwrap();
    let shown = PolicyTimes::of(&schedules(&site).await, made.id);
    assert_eq!(shown.check_at, None);
    let two = PolicyTimes { check_at: Some("@daily".into()), ..shown };
    let refused = edited(two).await.unwrap_err().to_string();
    assert!(refused.contains("has 2 schedules of this kind; change them one by one"), "{refused}");
    let contract = site.service.policy_contract(made.id).await.unwrap();
    assert!(
        contract.words.iter().any(|line| line.starts_with("Beware: its schedules make 1 backup"))
    );
    assert!(contract.words.iter().any(|line| line.starts_with("No schedule of it prunes")));
}

#[tokio::test]
async fn what_was_changed_since_it_was_shown_stays() {
    let site = site();
    let spec = promising(2, PromisePeriod::Day);
    let draft = |times| PolicyDraft { spec: spec.clone(), times };
    let made = site.service.save_policy(None, draft(times(Some("@daily"), None, None))).await;
    let made = made.unwrap();
    let shown = PolicyTimes::of(&schedules(&site).await, made.id);
    let backup = schedules(&site).await.remove(0);
    let elsewhere = ScheduleSpec { cron: "0 5 * * *".into(), ..backup.spec };
    site.state.edit_schedule(backup.id, backup.revision, &elsewhere, Utc::now()).unwrap();
    let by_hand = schedule_spec(Owner::Policy(made.id), TaskKind::Check, "7 5 * * 2,4");
    site.state.add_schedule(&by_hand, Utc::now()).unwrap();
    let kept = schedules(&site).await;
    let save = async |times| {
        let policy = site.service.policy(made.id).await.unwrap();
        site.service.save_policy(Some((policy.id, policy.revision)), draft(times)).await
    };
    save(shown.clone()).await.unwrap();
    assert_eq!(schedules(&site).await, kept);
    // Another time, or another zone, cannot be meant for what it has become.
    for (times, words) in [
        (
            PolicyTimes { backup_at: Some("daily at 04:00".into()), ..shown.clone() },
            "backup_at: that was changed meanwhile, it is daily at 05:00 now; load the page again",
        ),
        (
            PolicyTimes { check_at: Some("@daily".into()), ..shown.clone() },
            "check_at: that was changed meanwhile, it is weekly on tuesday and thursday at 05:07 now",
        ),
        (PolicyTimes { time_zone: Some("Asia/Tokyo".into()), ..shown.clone() }, "backup_at: that"),
    ] {
        let refused = save(times).await.unwrap_err();
        assert_eq!(refused.problem(), Problem::Conflict);
        assert!(refused.to_string().starts_with(words), "{refused}");
        assert_eq!(schedules(&site).await, kept);
    }
    site.state.remove_schedule(kept[0].id).unwrap();
    let gone = PolicyTimes { backup_at: Some("@hourly".into()), ..shown };
    let refused = save(gone).await.unwrap_err().to_string();
    assert!(refused.contains("there is no schedule now"), "{refused}");
}
