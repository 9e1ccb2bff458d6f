//! A site with everything in it that pages show.

use chrono::{DateTime, TimeDelta, Utc};
use source_app::model::{Protection, Retention, TaskFigures, TaskProgress};
use source_app::state::{
    App, AppKind, AppSpec, Cause, MatchMode, NewTask, Owner, PolicySpec, Resource, ScheduleSpec,
    State, Task, TaskKind, TaskResult, TaskState,
};

/// The texts of users and drives in a scene.
pub struct Texts<'a> {
    pub resource: &'a str,
    pub environment: &'a str,
    pub class: &'a str,
    pub store: &'a str,
    /// What is said of what failed.
    pub trouble: &'a str,
    /// The name of a file.
    pub file: &'a str,
}

/// What they are in real life.
pub const PLAIN: Texts<'_> = Texts {
    resource: "Family drive",
    environment: "production",
    class: "financial records",
    store: "/srv/backups/family",
    trouble: "OpenDrive refused the login: the user name or the password is wrong",
    file: "/Documents/Taxes/2025/Annual statement.pdf",
};

pub fn spec(kind: AppKind, name: &str, texts: &Texts<'_>) -> AppSpec {
    AppSpec {
        kind,
        name: name.into(),
        resource: Resource {
            name: texts.resource.into(),
            class: "file-storage".into(),
            subclass: String::new(),
        },
        environment: texts.environment.into(),
        data_classes: if kind == AppKind::Source {
            vec!["PII".into(), texts.class.into()]
        } else {
            Vec::new()
        },
        integration: "rclone".into(),
        protocol: "opendrive".into(),
        entry: name.into(),
        store: (kind == AppKind::Source).then(|| texts.store.into()),
        second_store: None,
        copy_range: Default::default(),
        retention: Retention::default(),
        protection: Protection::default(),
        backup: Default::default(),
    }
}

pub struct Scene<'a> {
    pub state: &'a State,
    pub texts: Texts<'a>,
}

impl Scene<'_> {
    pub fn app(&self, kind: AppKind, name: &str, days: i64) -> App {
        self.state
            .add_app(&spec(kind, name, &self.texts), Utc::now() - TimeDelta::days(days))
            .unwrap()
    }

    pub fn began(
        &self,
        app: &App,
        kind: TaskKind,
        cause: Cause,
        at: DateTime<Utc>,
        input: serde_json::Value,
    ) -> Task {
        let task = self.state.begin(&NewTask { app: app.id, kind, cause, input }, at).unwrap();
        use std::io::Write;
        let mut log = self.state.log_writer(task.id).unwrap();
        writeln!(
            log,
            "{} backing up\n{0} failed: {} {}",
            at.format("%Y-%m-%d %H:%M:%S"),
            self.texts.file,
            self.texts.trouble
        )
        .unwrap();
        task
    }

    pub fn ended(&self, app: &App, kind: TaskKind, state: TaskState, at: DateTime<Utc>) -> Task {
        let task = self.began(app, kind, Cause::Schedule, at, serde_json::json!({}));
        let verdict = match state {
            TaskState::Succeeded if kind == TaskKind::Test => {
                "it answered in 0.4 s; the store is ready".into()
            }
            TaskState::Succeeded if kind == TaskKind::Check => {
                "all data was read and is whole".into()
            }
            TaskState::Succeeded => "restore point 4f1c88d2 with 1834 files".into(),
            TaskState::CompletedWithErrors => "3 entries failed; the log lists them".into(),
            _ => self.texts.trouble.to_owned(),
        };
        let made = kind == TaskKind::Backup
            && matches!(state, TaskState::Succeeded | TaskState::CompletedWithErrors);
        let finish = TaskResult {
            state,
            exit: Some(i32::from(state == TaskState::Failed)),
            verdict,
            errors: if state == TaskState::CompletedWithErrors { 3 } else { 0 },
            bytes: made.then_some(4_720_000_000 + 1_000_000 * u64::try_from(task.id).unwrap()),
            snapshot: made.then(|| "4f1c88d2".repeat(8)),
            figures: TaskFigures::default(),
        };
        self.state
            .finish(task.id, &finish, None, at + TimeDelta::seconds(100 + 7 * task.id))
            .unwrap();
        self.state.task(task.id).unwrap()
    }

    pub fn schedule(
        &self,
        owner: Owner,
        kind: TaskKind,
        cron: &str,
        zone: &str,
        since: DateTime<Utc>,
    ) {
        let spec = ScheduleSpec {
            owner,
            kind,
            cron: cron.into(),
            time_zone: zone.into(),
            enabled: true,
            catch_up: true,
            random_delay_minutes: 0,
        };
        self.state.add_schedule(&spec, since).unwrap();
    }

    /// Apps in every condition: `photos` is fine, `letters` runs, `ledger` fails, `mail` has
    /// errors, `scans` is overdue, `attic` has nothing.
    pub fn fill(&self) -> Vec<App> {
        let now = Utc::now();
        let hours = |hours: i64| now - TimeDelta::hours(hours);
        let retention = Retention { daily: 7, weekly: 4, monthly: 12, ..Retention::default() };
        let list = Vec::new();
        let policy = PolicySpec {
            name: "all".into(),
            environments: list.clone(),
            data_classes: list,
            classes: MatchMode::Any,
            retention,
            labels: Vec::new(),
            promise: None,
            check_after_backup: false,
            enabled: true,
        };
        let policy = self.state.add_policy(&policy, now).unwrap();
        self.schedule(Owner::Policy(policy.id), TaskKind::Check, "0 4 * * 0", "UTC", now);
        let apps: Vec<App> = ["photos", "letters", "ledger", "mail", "scans", "attic"]
            .iter()
            .map(|name| self.app(AppKind::Source, name, 40))
            .collect();
        let [photos, letters, ledger, mail, scans, _attic] = &apps[..] else { unreachable!() };
        for day in (0..9).rev() {
            let state =
                if day == 4 { TaskState::CompletedWithErrors } else { TaskState::Succeeded };
            self.ended(photos, TaskKind::Backup, state, hours(5 + 24 * day));
        }
        self.ended(photos, TaskKind::Test, TaskState::Succeeded, hours(3));
        self.ended(photos, TaskKind::Check, TaskState::Succeeded, hours(30));
        self.schedule(Owner::App(photos.id), TaskKind::Backup, "30 2 * * *", "Europe/Berlin", now);
        self.ended(letters, TaskKind::Backup, TaskState::Succeeded, hours(26));
        self.ended(letters, TaskKind::Test, TaskState::Failed, hours(25));
        let running = self.began(
            letters,
            TaskKind::Backup,
            Cause::Manual,
            now - TimeDelta::minutes(3),
            serde_json::json!({}),
        );
        let progress = TaskProgress {
            phase: "backing up".into(),
            entries: 1204,
            expected_entries: Some(1834),
            failed: 1,
            bytes: Some(3 << 30),
            expected_bytes: Some(5 << 30),
            percent: Some(64),
            bytes_per_second: Some(12 << 20),
            seconds_left: Some(170),
            paths: vec![self.texts.file.into(), self.texts.class.into()],
            notice: format!("{}; trying again (failures in a row: 4)", self.texts.trouble),
            ..TaskProgress::default()
        };
        let progress = progress.in_words();
        self.state.heartbeat(running.id, Some(&progress), now).unwrap();
        self.ended(ledger, TaskKind::Backup, TaskState::Succeeded, hours(80));
        self.ended(ledger, TaskKind::Backup, TaskState::Failed, hours(8));
        self.schedule(Owner::App(ledger.id), TaskKind::Backup, "0 */6 * * *", "UTC", now);
        self.ended(mail, TaskKind::Backup, TaskState::CompletedWithErrors, hours(2));
        self.ended(scans, TaskKind::Backup, TaskState::Succeeded, hours(50));
        // At no time of the day is this slot one that was just now.
        let daily = hours(6).format("%-M %-H * * *").to_string();
        self.schedule(
            Owner::App(scans.id),
            TaskKind::Backup,
            &daily,
            "UTC",
            now - TimeDelta::days(2),
        );
        let destination = self.app(AppKind::Destination, "spare-drive", 3);
        let snapshot = "4f1c88d2".repeat(8);
        let input = serde_json::json!({ "snapshot": snapshot, "path": self.texts.file, "to": { "destination": "spare-drive" } });
        let restore = self.began(mail, TaskKind::Restore, Cause::Manual, hours(1), input);
        self.state.wait(restore.id, now + TimeDelta::minutes(3), self.texts.trouble).unwrap();
        apps.into_iter().chain([destination]).collect()
    }

    /// Many apps, each with a schedule and so many ended tasks.
    pub fn large(&self, apps: u32, tasks: i64) {
        let now = Utc::now();
        for number in 0..apps {
            let app = self.app(AppKind::Source, &format!("app-{number}"), 40);
            self.schedule(Owner::App(app.id), TaskKind::Backup, "30 2 * * *", "Europe/Berlin", now);
            for hours in (0..tasks).rev() {
                let failed = number % 5 == 0 && hours == 0;
                let how = if failed { TaskState::Failed } else { TaskState::Succeeded };
                self.ended(&app, TaskKind::Backup, how, now - TimeDelta::hours(hours + 1));
            }
        }
    }
}
