//! The pictures of docs/: an account that somebody has had for a month, with real restore points of
//! each night. `make pictures` takes them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use opendrive_sim::{Options, Simulator, stored_name};
use serde_json::json;
use source_app::model::{Retention, TaskFigures};
use source_app::state::{
    App, AppKind, Cause, MatchMode, NewTask, Owner, PolicySpec, ScheduleSpec, State, TaskKind,
    TaskResult, TaskState,
};
use support::plakar::Plakar;
use support::{noise, within};

use crate::browser::Browser;
use crate::process::{command, driver, started};

/// How many nights the account has been backed up.
const NIGHTS: i64 = 30;

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// What was on the drive before the first night: folders, how many files each has, and what they
/// are.
const FOLDERS: [(&str, usize, &str); 7] = [
    ("Documents/Taxes/2024", 6, "Statement.pdf"),
    ("Documents/Taxes/2025", 4, "Statement.pdf"),
    ("Documents/Letters", 9, "Letter.odt"),
    ("Documents/House", 5, "Invoice.pdf"),
    ("Photos/2024 Norway", 24, "DSC.jpg"),
    ("Photos/2025 Garden", 18, "DSC.jpg"),
    ("Music/Choir", 7, "Take.flac"),
];

#[tokio::test]
#[ignore = "takes the pictures of docs/: run `make pictures`"]
async fn of_a_month() {
    within(Duration::from_secs(900), taken()).await;
}

async fn taken() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let user = Plakar::new(&simulator.env());
    let account = Account { simulator, user };
    for (folder, count, name) in FOLDERS {
        for number in 1..=count {
            let (stem, kind) = name.rsplit_once('.').unwrap();
            account.put(&format!("{folder}/{stem} {number:02}.{kind}"), 40_000 + 9_000 * number);
        }
    }
    account.assign("family", "opendrive://", "production");
    account.assign("photos", "opendrive://Photos", "production");
    account.assign("letters", "opendrive://Documents/Letters", "development");
    let state = State::open(&account.user.home().join(".local/state/plakar-opendrive")).unwrap();
    let app = |name: &str| state.app_named(AppKind::Source, name).unwrap();
    for night in (1..=NIGHTS).rev() {
        let at = last_night() - TimeDelta::days(night - 1);
        account.live(night);
        account.night(&state, &app("family"), at, &ending("family", night));
        account.night(
            &state,
            &app("photos"),
            at + TimeDelta::minutes(20),
            &ending("photos", night),
        );
        if night > 12 {
            let letters = app("letters");
            account.night(&state, &letters, at + TimeDelta::minutes(40), &ending("letters", night));
        }
        if night % 7 == 1 {
            check(&state, &app("family"), at + TimeDelta::hours(1));
        }
    }
    plan(&state, &app("family"));
    drop(state);
    account.shoot().await;
}

/// Two in the morning of today.
fn last_night() -> DateTime<Utc> {
    let today = Utc::now().date_naive();
    Utc.from_utc_datetime(&today.and_hms_opt(2, 0, 0).unwrap()).min(Utc::now())
}

/// How a night ended: most go well.
fn ending(app: &str, night: i64) -> TaskState {
    match (app, night) {
        ("family", 19) => TaskState::Failed,
        ("family", 8) | ("photos", 15) => TaskState::CompletedWithErrors,
        ("photos", 22 | 23) => TaskState::Missed,
        ("letters", 13..=15) => TaskState::Failed,
        _ => TaskState::Succeeded,
    }
}

struct Account {
    simulator: Simulator,
    user: Plakar,
}

impl Account {
    fn put(&self, path: &str, bytes: usize) {
        let stored: Vec<String> = path.split('/').map(stored_name).collect();
        let seed = path.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        self.simulator.drive().put_file(&stored.join("/"), noise(seed, bytes), 1_700_000_000);
    }

    /// What a day leaves on the drive.
    fn live(&self, night: i64) {
        let day = usize::try_from(NIGHTS - night).unwrap();
        self.put("Documents/House/Budget.ods", 30_000 + 700 * day);
        if day % 3 == 0 {
            self.put(&format!("Photos/2025 Garden/DSC {:02}.jpg", 30 + day), 90_000 + 4_000 * day);
        }
        if day % 5 == 0 {
            self.put(&format!("Documents/Letters/Letter {:02}.odt", 20 + day), 45_000);
        }
    }

    fn run(&self, arguments: &[&str], input: &str) {
        let mut command = command(&self.user, &self.simulator.env(), arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }

    fn assign(&self, name: &str, location: &str, environment: &str) {
        let secrets = json!({
            "username": self.simulator.username(),
            "password": self.simulator.password(),
            "store.passphrase": PASSPHRASE,
        });
        let location = format!("location={location}");
        let class = if name == "photos" { "personal" } else { "financial records" };
        let mut arguments = vec!["app", "assign", name, "--resource", "Family drive"];
        arguments.extend(["--environment", environment, "--data-class", class]);
        arguments.extend(["--option", &location, "--options-stdin", "--store"]);
        // All are in one store, which the first makes.
        if name == "family" {
            let store = self.user.path("vault");
            arguments.extend([&store, "--create-store"]);
            self.run(&arguments, &secrets.to_string());
        } else {
            let secrets = json!({
                "username": self.simulator.username(), "password": self.simulator.password(),
            });
            arguments.push("family");
            self.run(&arguments, &secrets.to_string());
        }
    }

    /// A night's backup: the real restore point, and the task that made it.
    fn night(&self, state: &State, app: &App, at: DateTime<Utc>, ending: &TaskState) {
        let made = matches!(ending, TaskState::Succeeded | TaskState::CompletedWithErrors);
        let store = format!("@{}", app.spec.store.as_deref().unwrap().trim_start_matches('@'));
        let snapshot = made.then(|| {
            let mut tags = vec![format!("app:{}", app.key)];
            tags.extend(app.spec.data_classes.iter().map(|class| format!("data-class:{class}")));
            let arguments = [
                "-quiet".to_owned(),
                "at".to_owned(),
                store.clone(),
                "backup".to_owned(),
                "-no-progress".to_owned(),
                format!("-force-timestamp={}", at.to_rfc3339()),
                format!("-tag={}", tags.join(",")),
                format!("-name={}", app.spec.name),
                format!("-environment={}", app.spec.environment),
                format!("@{}", app.spec.entry),
            ];
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let said = self.user.ok(&arguments);
            let line = said.lines().find(|line| line.contains("backup completed")).unwrap();
            let short = line.split(':').next().unwrap().to_owned();
            let all = self.user.ok(&["-quiet", "at", &store, "ls", "-uuid"]);
            all.split_whitespace().find(|word| word.starts_with(&short)).unwrap().to_owned()
        });
        let (cause, input) = (Cause::Schedule, json!({}));
        let new = NewTask { app: app.id, kind: TaskKind::Backup, cause, input };
        let task = state.begin(&new, at).unwrap();
        let verdict = match (ending, &snapshot) {
            (TaskState::Succeeded, Some(id)) => format!("restore point {} with 83 files", &id[..8]),
            (TaskState::CompletedWithErrors, _) => {
                "1 entry failed (/Photos/2024 Norway/DSC 07.jpg); the log lists it".into()
            }
            (TaskState::Missed, _) => "missed: nothing ran the schedule at that time".into(),
            _ => "the drive is away: no answer for 30 minutes".into(),
        };
        let day = u64::try_from((Utc::now() - at).num_days()).unwrap();
        let finish = TaskResult {
            state: *ending,
            exit: Some(i32::from(!made)),
            verdict,
            errors: u64::from(*ending == TaskState::CompletedWithErrors),
            bytes: made.then(|| 9_400_000 - 52_000 * day),
            snapshot,
            figures: TaskFigures {
                calls: made.then(|| 96 + day * 7 % 41),
                waits: made.then_some(day % 3),
                read: made.then(|| 210_000 + day * 31_000 % 190_000),
                written: made.then(|| 640_000 + day * 53_000 % 260_000),
                ..TaskFigures::default()
            },
        };
        let took = TimeDelta::seconds(140 + i64::try_from(day * 37 % 60).unwrap());
        state.finish(task.id, &finish, None, at + took).unwrap();
    }

    async fn shoot(&self) {
        let listen = ["console", "--listen", "127.0.0.1:0", "--no-scheduler"];
        let environment = self.simulator.env();
        let (_console, url) = started(command(&self.user, &environment, &listen), "http://");
        let (_driver, address) = driver(&self.user);
        let browser = Browser::at(&address, Path::new(&self.user.path("tmp"))).await;
        browser.client.goto(url.trim()).await.unwrap();
        browser.says("family").await;
        browser.shoot("overview").await;
        browser.open("/apps/1").await;
        browser.shoot("app").await;
        browser.open("/apps/1/points").await;
        browser.shoot("points").await;
        browser.click("//main//table//th//a").await;
        browser.says("Documents").await;
        browser.press("Photos").await;
        browser.press("2025 Garden").await;
        browser.shoot("restore-point").await;
        browser.open("/apps/1/schedules").await;
        browser.shoot("schedule").await;
        browser.client.clone().close().await.unwrap();
    }
}

fn check(state: &State, app: &App, at: DateTime<Utc>) {
    let new =
        NewTask { app: app.id, kind: TaskKind::Check, cause: Cause::Schedule, input: json!({}) };
    let task = state.begin(&new, at).unwrap();
    let finish = TaskResult {
        state: TaskState::Succeeded,
        exit: Some(0),
        verdict: "all data of 1 restore point was read and is whole".into(),
        errors: 0,
        bytes: None,
        snapshot: None,
        figures: TaskFigures::default(),
    };
    state.finish(task.id, &finish, None, at + TimeDelta::seconds(48)).unwrap();
}

/// Schedules of the app's own and of a policy.
fn plan(state: &State, app: &App) {
    let retention =
        Retention { daily: 7, weekly: 4, monthly: 12, yearly: 2, ..Retention::default() };
    let policy = PolicySpec {
        name: "every-night".into(),
        environments: vec!["production".into()],
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        retention,
        enabled: true,
        labels: Vec::new(),
        promise: None,
        check_after_backup: true,
    };
    let policy = state.add_policy(&policy, Utc::now()).unwrap();
    let schedules = [
        (Owner::Policy(policy.id), TaskKind::Backup, "0 2 * * *"),
        (Owner::Policy(policy.id), TaskKind::Prune, "0 5 * * 0"),
        (Owner::App(app.id), TaskKind::Check, "0 3 * * 0"),
    ];
    for (owner, kind, cron) in schedules {
        let time_zone = "Europe/Berlin".into();
        let cron = cron.into();
        let spec = ScheduleSpec {
            owner,
            kind,
            cron,
            time_zone,
            enabled: true,
            catch_up: true,
            random_delay_minutes: 0,
        };
        state.add_schedule(&spec, Utc::now()).unwrap();
    }
}
