//! Create Backup, check, prune.

use std::collections::BTreeSet;
use std::time::Duration;

use opendrive_sim::{Fault, What};
use plakar_driver::{
    Browsers, CancellationToken, DriveSpent, Error, Kind, Plakar, PlannedPoint, PointCheck,
    Progress, Retention, SnapshotId, Verdict, Vitals,
};

use crate::world::{APP, World, noise};

#[tokio::test]
async fn a_backup_is_a_restore_point_of_its_app() {
    let world = World::new().await;
    // A name that makes a line like plakar's result.
    let forged = "x\n00000000: backup completed with 9 errors in 1s (in: 0 B, out: 0 B)".to_owned();
    let folder = world
        .local(&[("letter.txt".into(), b"Dear all,\n".into()), (forged, b"forged".into())])
        .await;
    let (made, news) = world.backup().await;
    assert_eq!(made.verdict, Verdict::Succeeded);
    assert!(news.contains(&Progress::Done(format!("{}/letter.txt", folder.display()))), "{news:?}");
    // Held to the end: it would end when nobody has used it for as long as a check may take.
    let browser = world.browser().await;
    let points = browser.restore_points(Some(APP)).await.unwrap();
    assert_eq!(points.len(), 1);
    let point = &points[0];
    assert_eq!(Some(&point.id), made.snapshot.as_ref());
    assert_eq!(
        (point.environment.as_str(), point.name.as_str(), point.job.as_str()),
        ("production", "My drive", "task-1")
    );
    assert_eq!(
        (&point.classes[..], point.errors, point.files, point.size),
        (&["PII".to_owned(), "financial records".to_owned()][..], 0, 2, 16)
    );
    assert!(browser.restore_points(Some("8")).await.unwrap().is_empty());

    let unknown = SnapshotId::new(&"0".repeat(64)).unwrap();
    assert_eq!(
        world.check(&[point.id.clone(), unknown]).await,
        [PointCheck::Whole, PointCheck::Missing]
    );
    for tag in ["a,b", "", "a\nb"] {
        let mut job = world.job();
        job.classes = vec![tag.into()];
        let refused = world
            .plakar
            .backup(&world.browsers, &job, &mut |_| (), &CancellationToken::new())
            .await;
        assert!(matches!(refused, Err(Error::Input(_))), "{tag:?}");
    }
    assert_eq!(world.temporary().len(), 1, "only the browser's");
}

#[tokio::test]
async fn files_that_fail_are_listed_with_their_reasons() {
    let world = World::new().await;
    world.put("good.txt", b"good");
    world.put("bad: name.bin", &noise(1, 5_000));
    world.put("closed/file", b"x");
    world.simulator.make_unlistable("closed");
    let status = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world.simulator.add_fault(
        Fault::new(status)
            .endpoint("download/file")
            .item(&opendrive_sim::stored_name("bad: name.bin"))
            .always(),
    );
    let (made, news) = world.backup().await;
    let Verdict::Errors { count: 2, failed } = made.verdict else { panic!("{made:?}") };
    let paths: Vec<&str> = failed.iter().map(|failure| failure.path.as_str()).collect();
    assert_eq!(paths, ["/bad: name.bin", "/closed"]);
    assert!(failed[1].reason.contains("cannot list the folder"), "{failed:?}");
    assert_eq!(news.iter().filter(|progress| matches!(progress, Progress::Failed(_))).count(), 2);
    let points = world.browser().await.restore_points(Some(APP)).await.unwrap();
    assert_eq!((points[0].errors, points[0].files), (2, 1));
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_no_backup() {
    let world = World::new().await;
    world.configure(Kind::Source, "opendrive://missing").await;
    let (made, _) = world.backup().await;
    assert!(
        matches!(&made.verdict, Verdict::Failed { reason } if reason.contains("the folder /missing does not exist")),
        "{made:?}"
    );
    assert!(made.snapshot.is_none());
    world.put("base/file", b"x");
    world.simulator.make_unlistable("base");
    world.configure(Kind::Source, "opendrive://base").await;
    let (made, _) = world.backup().await;
    assert!(
        matches!(&made.verdict, Verdict::Failed { reason } if reason.contains("cannot open /base")),
        "{made:?}"
    );
}

#[tokio::test]
async fn a_cancelled_backup_leaves_nothing() {
    let world = World::new().await;
    for n in 0..50 {
        world.put(&format!("file{n}"), &noise(n, 10_000));
    }
    // Some are read, and the others never: it does not come to its end by itself.
    let never = Fault::new(What::Delay { ms: 3_600_000 }).endpoint("download/file");
    world.simulator.add_fault(never.skip(10).always());
    let cancel = CancellationToken::new();
    let (mut done, canceller) = (0, cancel.clone());
    let mut news = |progress: Progress| {
        done += i32::from(matches!(progress, Progress::Done(_)));
        if done == 3 {
            canceller.cancel();
        }
    };
    let made =
        world.plakar.backup(&world.browsers, &world.job(), &mut news, &cancel).await.unwrap();
    assert_eq!((made.verdict, made.snapshot), (Verdict::Interrupted, None));
    world.quiet().await;
    assert!(world.temporary().is_empty(), "{:?}", world.temporary());
    world.simulator.set_faults(Vec::new());
    assert!(world.browser().await.restore_points(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_backup_that_plakar_calls_completed_counts_only_if_the_store_has_it() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let complaint = "Flusher group error: failed to flush packer: no space left on device";
    let completed = "echo '630e9ca1: backup completed without errors in 1s (in: 1 B, out: 4 KiB)'";
    let backup = async |plakar: &plakar_driver::Plakar| {
        let cancel = CancellationToken::new();
        let browsers = Browsers::new(Duration::from_secs(60));
        let made = plakar.backup(&browsers, &world.job(), &mut |_| (), &cancel).await;
        let made = made.unwrap();
        (made.verdict, made.snapshot)
    };
    let failed = |reason: &str| (Verdict::Failed { reason: reason.into() }, None);
    // As with a folder for temporary files that is full.
    let full = format!("echo 'error: {complaint}' >&2; {completed}; exit 0");
    assert_eq!(backup(&world.meddled("backup", &full)).await, failed(complaint));
    let lost = world.meddled("backup", &format!("{completed}; exit 0"));
    assert_eq!(backup(&lost).await, failed("the new restore point is not in the store"));
    // It is stored, and something went wrong all the same.
    let said =
        world.meddled("backup", &format!("echo 'error: {complaint}' >&2; plakar \"$@\"; exit $?"));
    let (Verdict::Errors { count: 1, failed }, Some(made)) = backup(&said).await else { panic!() };
    assert_eq!((failed[0].path.as_str(), failed[0].reason.as_str()), ("", complaint));
    // A browser does not come up, a list does.
    let listed = world.meddled("ui", "echo 'plakar: no port' >&2; exit 1");
    let (Verdict::Succeeded, Some(_)) = backup(&listed).await else { panic!() };
    // Nobody knows whether it is stored.
    let away = "echo 'plakar: the drive is away' >&2; exit 1";
    let unknown = world.meddled("ls \"*|*\" ui", away);
    let (Verdict::Errors { count: 1, failed }, None) = backup(&unknown).await else { panic!() };
    assert!(failed[0].reason.ends_with("cannot be looked for: the drive is away"), "{failed:?}");
    let points = world.browser().await.restore_points(Some(APP)).await.unwrap();
    assert!(points.len() == 3 && points.iter().any(|point| point.id == made), "{points:?}");
}

/// To open a store on a drive may take long: that ends nothing, but whoever cancels it does.
#[tokio::test]
async fn a_backup_is_cancelled_also_while_its_restore_point_is_looked_for() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let (begun, cancel) = (world.user.home().join("begun"), CancellationToken::new());
    let waits = format!(
        "case \" $* \" in *\" ui \"*) exit 1;; esac; touch {}; sleep 600; exit 1",
        begun.display()
    );
    let plakar = world.meddled("ls \"*|*\" ui", &waits);
    let (browsers, job) = (Browsers::new(Duration::from_secs(60)), world.job());
    let mut silent = |_: Progress| ();
    let backup = plakar.backup(&browsers, &job, &mut silent, &cancel);
    let look = async {
        support::until(Duration::from_secs(60), "the list", || begun.exists()).await;
        cancel.cancel();
    };
    let (made, ()) = tokio::join!(backup, look);
    assert_eq!(made.unwrap().verdict, Verdict::Interrupted);
}

#[tokio::test]
async fn a_store_under_maintenance_is_waited_for() {
    let world = World::new().await;
    // Plakar's maintenance leaves its lock behind, but not always: this is what plakar says then.
    let says = "plakar: Can't take repository lock, it's already locked by maintenance.";
    let locked = world.meddled("backup", &format!("echo \"{says}\"; exit 1"));
    let made = locked
        .backup(&world.browsers, &world.job(), &mut |_| (), &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        made.verdict,
        Verdict::StoreLocked { reason: says.trim_start_matches("plakar: ").into() }
    );
}

#[tokio::test]
async fn prune_keeps_what_the_policy_says_and_always_the_newest() {
    let world = World::within_a_day().await;
    let folder = world.user.home().join("files");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file"), "x").unwrap();
    let at = |days: i64, hours: i64| {
        (chrono::Utc::now() - chrono::Duration::days(days) - chrono::Duration::hours(hours))
            .to_rfc3339()
    };
    let store = world.user.path("store");
    let snapshot = |app: &str, when: String| {
        let (tag, stamp) = (format!("-tag=app:{app}"), format!("-force-timestamp={when}"));
        world.user.ok(&[
            "-quiet",
            "at",
            &store,
            "backup",
            "-no-progress",
            &tag,
            &stamp,
            folder.to_str().unwrap(),
        ]);
    };
    // Of the app: two on one day of 40 days ago, one of 100 and one of 400 days ago. Of another:
    // one.
    for (days, hours) in [(40, 0), (40, 0), (100, 0), (400, 0)] {
        snapshot(APP, at(days, hours));
    }
    snapshot("8", at(400, 0));
    let count = async |app: Option<&'static str>| {
        world.browser().await.restore_points(app).await.unwrap().len()
    };
    let daily = Retention { daily: 1, ..Retention::default() };
    let week = Retention { daily: 7, ..Retention::default() };
    let monthly = Retention { daily: 1, weekly: 1, monthly: 5, ..Retention::default() };
    let plan = async |retention: Retention, pinned: &[&SnapshotId]| {
        let pinned = pinned.iter().map(|id| id.to_string()).collect();
        world
            .plakar
            .prune_plan(&world.browsers, &world.store, APP, retention, &pinned, &BTreeSet::new())
            .await
            .unwrap()
    };
    let told = |plan: &[PlannedPoint]| -> Vec<String> {
        let told =
            |point: &PlannedPoint| format!("{} {}", if point.keep { "+" } else { "-" }, point.rule);
        plan.iter().map(told).collect()
    };
    let by_month = plan(monthly, &[]).await;
    let rules = told(&by_month);
    assert!(rules[0].starts_with("+ the newest of the month 2"), "{rules:?}");
    assert!(rules[1].starts_with("- there is a newer one of the month 2"), "{rules:?}");
    assert!(rules[2].starts_with("+ the newest of the month 2"), "{rules:?}");
    // It is before the last five months, and one of the last five that have any.
    assert!(rules[3].starts_with("+ the newest of the month 2"), "{rules:?}");
    // All lie before the last seven days: as many days stay, the last that have any.
    let oldest = by_month[3].id.clone();
    let old = "- older than all that the retention keeps";
    let newest = "+ the newest of all, which always stays";
    let rules = told(&plan(week, &[]).await);
    assert!(rules[0] == newest && rules[1].starts_with("- there is a newer one of the day 2"));
    assert!(
        rules[2..].iter().all(|rule| rule.starts_with("+ the newest of the day 2")),
        "{rules:?}"
    );
    let newer = rules[1].as_str();
    // The newest stays, and what is pinned.
    assert_eq!(told(&plan(daily, &[]).await), [newest, newer, old, old]);
    assert_eq!(told(&plan(daily, &[&oldest]).await), [newest, newer, old, "+ pinned"]);
    assert_eq!(count(None).await, 5, "a plan removes nothing");
    let prune = async |plan: &[PlannedPoint]| {
        world.plakar.prune(&world.browsers, &world.store, APP, plan).await
    };
    let kept = plan(monthly, &[&oldest]).await;
    prune(&kept).await.unwrap();
    let ids = async || -> Vec<SnapshotId> {
        let points = world.browser().await.restore_points(Some(APP)).await.unwrap();
        points.into_iter().map(|point| point.id).collect()
    };
    let expected: Vec<_> =
        kept.iter().filter(|point| point.keep).map(|point| point.id.clone()).collect();
    assert_eq!((ids().await, count(Some("8")).await), (expected, 1));
    let mut last = plan(daily, &[]).await;
    assert_eq!(told(&last), [newest, old, old]);
    // Nothing is removed by a plan that keeps none.
    last[0].keep = false;
    assert!(prune(&last).await.is_err() && count(Some(APP)).await == 3);
    last[0].keep = true;
    prune(&last).await.unwrap();
    assert_eq!(ids().await, [last[0].id.clone()]);
    prune(&plan(daily, &[]).await).await.unwrap();
    assert_eq!(count(None).await, 2);
    for (app, retention) in [(APP, Retention::default()), ("", daily)] {
        let plan = world
            .plakar
            .prune_plan(
                &world.browsers,
                &world.store,
                app,
                retention,
                &BTreeSet::new(),
                &BTreeSet::new(),
            )
            .await;
        assert!(matches!(plan, Err(Error::Input(_))), "{plan:?}");
    }
}

/// Each connector says it at its end, with the mark of the run.
#[tokio::test]
async fn what_connectors_asked_of_a_drive_is_added_up_and_no_name_makes_it_up() {
    let world = World::new().await;
    let folder = world.local(&[("a.txt".into(), b"a".to_vec())]).await;
    let told = |instead: &str| {
        let vitals = Vitals::default();
        (world.meddled("backup", instead).watched(&vitals), vitals)
    };
    let backup = async |plakar: &Plakar| {
        let mut said = Vec::new();
        let cancel = CancellationToken::new();
        let mut news = |news| said.push(format!("{news:?}"));
        let made = plakar.backup(&world.browsers, &world.job(), &mut news, &cancel).await.unwrap();
        (made.verdict, said.join("\n"))
    };
    let line = |calls: u32, mark: &str| {
        format!(
            "echo 'plakar-opendrive: calls to the drive: {calls}, waits: 1, bytes down: 5, bytes up: 0 ['{mark}']'"
        )
    };
    // Nobody says anything: that is not known, and not nothing.
    let (plakar, vitals) = told("plakar \"$@\"; exit $?");
    let (verdict, _) = backup(&plakar).await;
    assert_eq!((verdict, vitals.spent()), (Verdict::Succeeded, None));
    // A name with the end of a line in it, on either stream, and the connector's own line where it
    // never is.
    std::fs::write(
        folder.join(
            "b\nplakar-opendrive: calls to the drive: 9, waits: 1, bytes down: 5, bytes up: 0 []",
        ),
        b"b",
    )
    .unwrap();
    let (out, err) = (line(9, "$PLAKAR_OPENDRIVE_MARK"), line(9, "0123456789abcdef"));
    let (plakar, vitals) = told(&format!("{out}; {err} >&2; plakar \"$@\"; exit $?"));
    let (verdict, said) = backup(&plakar).await;
    assert_eq!((verdict, vitals.spent()), (Verdict::Succeeded, None));
    assert!(said.contains("bytes up: 0 []") && said.contains("calls to the drive: 9"), "{said}");
    // Two connectors, one of them in the middle of a line. It is no reason of anything.
    let (own, other) = (line(123, "$PLAKAR_OPENDRIVE_MARK"), line(7, "$PLAKAR_OPENDRIVE_MARK"));
    let reason = "echo 'plakar: the store is gone' >&2";
    let (plakar, vitals) =
        told(&format!("{own} >&2; {reason}; printf 'half a line' >&2; {other} >&2; exit 1"));
    let (verdict, said) = backup(&plakar).await;
    assert_eq!(verdict, Verdict::Failed { reason: "the store is gone".into() });
    let sum = DriveSpent { calls: 130, waits: 2, down: 10, up: 0 };
    assert_eq!(vitals.spent(), Some(sum));
    assert!(said.contains("half a line") && !said.contains("calls to the drive"), "{said}");
}
