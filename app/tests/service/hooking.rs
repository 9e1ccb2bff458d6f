//! Scripts before and after tasks, with the real plakar.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use plakar_driver::Plakar;
use source_app::hooks::HookMoment;
use source_app::service::{CheckScope, Service, Work};
use source_app::state::{App, AppKind, Owner, ScheduleSpec, State, Task, TaskKind, TaskState};

use crate::serving::{ended, run};
use crate::world::{World, environment, guard, write_program};

impl World {
    /// A script of this user, by its path.
    fn script(&self, name: &str, text: &str) -> String {
        let path = self.user.home().join(name);
        write_program(&path, &format!("#!/bin/sh\n{text}\n"));
        path.to_str().unwrap().to_owned()
    }

    fn hooks(&self, text: &str) -> PathBuf {
        let path = self.user.home().join("state/hooks.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// What a script has written there; empty if it did not run.
    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.user.home().join(name)).unwrap_or_default()
    }

    async fn with_app(&self) -> (Service, App) {
        let service = self.service();
        self.put("a.txt", b"hello");
        let password = self.simulator.password();
        let app = self.assign(AppKind::Source, "mine", "opendrive://", password);
        let app = service.assign(app).await.unwrap();
        (service, app)
    }
}

/// Waits until a script has written this.
async fn until_written(world: &World, name: &str) -> String {
    let wait = async {
        loop {
            let text = world.written(name);
            if text.ends_with('\n') {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect(name)
}

#[tokio::test]
async fn what_comes_before_may_refuse_and_what_comes_after_sees_the_end() {
    let world = World::new().await;
    let (service, app) = world.with_app().await;
    let told =
        "HOOK_NAME HOOK_MOMENT HOOK_APP HOOK_KIND HOOK_CAUSE HOOK_STATE HOOK_BEFORE HOOK_SNAPSHOT";
    let tell = |file: &str| {
        format!(
            "for name in {told}; do eval \"echo \\\"\\$name=\\$$name\\\"\"; done > {0}.new; mv {0}.new {0}",
            world.user.path(file)
        )
    };
    let before =
        world.script("before", &format!("{}\necho dumped; echo 'of three' >&2", tell("first")));
    let after = world.script("after", &format!("{}\necho \"$HOOK_VERDICT\"", tell("last")));
    world.hooks(&format!(
        "[[hook]]\nname = \"dump\"\napps = [\"mine\"]\nbefore = [\"{before}\"]\nafter = [\"{after}\"]\n\
         [[hook]]\nname = \"other\"\napps = [\"yours\"]\nbefore = [\"/bin/false\"]\n\
         [[hook]]\nname = \"checks\"\ntasks = [\"check\"]\nafter = [\"/bin/false\"]\n"
    ));
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    let snapshot = made.snapshot.clone().unwrap();
    assert_eq!(
        world.written("first"),
        "HOOK_NAME=dump\nHOOK_MOMENT=before\nHOOK_APP=mine\nHOOK_KIND=backup\nHOOK_CAUSE=manual\nHOOK_STATE=running\nHOOK_BEFORE=\nHOOK_SNAPSHOT=\n"
    );
    assert_eq!(
        world.written("last"),
        format!(
            "HOOK_NAME=dump\nHOOK_MOMENT=after\nHOOK_APP=mine\nHOOK_KIND=backup\nHOOK_CAUSE=manual\nHOOK_STATE=succeeded\nHOOK_BEFORE=well\nHOOK_SNAPSHOT={snapshot}\n"
        )
    );
    let place = |line: &str| log.find(line).unwrap_or_else(|| panic!("{line}: {log}"));
    assert!(place("before (dump): dumped") < place("backing up"));
    assert!(log.contains("before (dump): of three"), "{log}");
    assert!(place("backing up") < place(&format!("after (dump): {}", made.verdict)));
    assert!(log.trim_end().ends_with(&format!("succeeded: {}", made.verdict)), "{log}");

    // The next run compares itself with what this one had.
    let state = State::open(&world.user.home().join("state")).unwrap();
    let expected = state.expected(app.id, TaskKind::Backup).unwrap();
    assert!(expected.entries.is_some_and(|entries| entries >= 2), "{expected:?}");

    // A check says what it found, whatever comes after it.
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Due)).await;
    assert_eq!(checked.state, TaskState::Succeeded, "{log}");
    let failed = "; the script after it (checks) failed: it ended with 1";
    assert!(checked.verdict.ends_with(failed), "{}", checked.verdict);

    // What cron and the like call runs them, too.
    let each_minute = ScheduleSpec {
        owner: Owner::App(app.id),
        kind: TaskKind::Backup,
        cron: "* * * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    let since = chrono::Utc::now() - chrono::TimeDelta::minutes(3);
    let schedule = state.add_schedule(&each_minute, since).unwrap();
    let made = service.run_due(app.id).await.unwrap().remove(0);
    assert_eq!(made.state, TaskState::Succeeded, "{}", made.verdict);
    let last = world.written("last");
    assert!(last.contains("HOOK_CAUSE=schedule\nHOOK_STATE=succeeded\n"), "{last}");
    state.remove_schedule(schedule.id).unwrap();
    let points = service.points(app.id).await.unwrap().len();

    // One that fails before it: nothing is read, and no restore point is made.
    let before = world.script("before", "echo 'no space for the dump' >&2; exit 3");
    world.simulator.reset_calls();
    let (failed, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(
        (failed.state, failed.verdict.as_str()),
        (
            TaskState::Failed,
            "nothing was done, as the script before it (dump) failed: it ended with 3: no space for the dump"
        ),
        "{log} {before}"
    );
    assert!(!log.contains("backing up") && log.contains("before (dump): no space"), "{log}");
    // But for the logout of the run before: nobody waits until the drive has got it.
    let calls = world.simulator.calls();
    assert_eq!(calls.total, calls.of("session/logout"), "the drive was asked: {calls:?}");
    assert_eq!(service.points(app.id).await.unwrap().len(), points);
    let last = world.written("last");
    assert!(last.contains("HOOK_STATE=failed\nHOOK_BEFORE=failed\nHOOK_SNAPSHOT=\n"), "{last}");

    // One that fails after it: the restore point is there, and somebody has to look.
    world.script("before", "true");
    world.script("after", "echo 'cannot start it' >&2; exit 1");
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!((made.state, made.errors), (TaskState::CompletedWithErrors, 1), "{log}");
    assert!(made.snapshot.is_some());
    let words = "; the script after it (dump) failed: it ended with 1: cannot start it";
    assert!(made.verdict.ends_with(words), "{}", made.verdict);
    service.stop().await;
}

#[tokio::test]
async fn a_task_whose_scripts_are_not_known_does_not_run() {
    let world = World::new().await;
    let (service, app) = world.with_app().await;
    let file = world.hooks("[[hook]]\nname = \"a\"\nbefor = [\"/bin/true\"]\n");
    let (failed, log) = run(&service, &app, Work::Backup).await;
    let shown = file.canonicalize().unwrap();
    let fault = format!(
        "nothing was done, as it is not known which scripts are to run before it: {}, line 3: unknown field `befor`; write one of",
        shown.display()
    );
    assert_eq!(failed.state, TaskState::Failed, "{log}");
    assert!(failed.verdict.starts_with(&fault), "{}", failed.verdict);
    assert!(service.points(app.id).await.unwrap().is_empty());
    // A test has no scripts.
    let (tested, _) = run(&service, &app, Work::Test).await;
    assert_eq!(tested.state, TaskState::Succeeded);
    // A program that is not there.
    world.hooks("[[hook]]\nname = \"a\"\nbefore = [\"/nowhere/dump\"]\n");
    let (failed, _) = run(&service, &app, Work::Backup).await;
    assert_eq!(
        failed.verdict,
        "nothing was done, as the script before it (a) failed: cannot start /nowhere/dump: No such file or directory (os error 2)"
    );
    service.stop().await;
}

/// A script that hangs, with a child that hangs, too.
fn hanging(world: &World, name: &str) -> String {
    let started = world.user.path(&format!("{name}.started"));
    world.script(name, &format!("sleep 3331 &\necho begun > {started}\nsleep 3332"))
}

async fn cancelled(service: &Service, begun: &Task) -> (Task, String) {
    service.cancel(begun.id).await.unwrap();
    ended(service, begun.id).await
}

#[tokio::test]
async fn a_cancelled_task_ends_its_scripts_and_their_children() {
    let world = World::new().await;
    let (service, app) = world.with_app().await;
    let (hang, mark) = (hanging(&world, "hang"), world.user.path("ran"));
    let after = world.script("after", &format!("echo \"$HOOK_STATE $HOOK_BEFORE\" > {mark}"));
    world.hooks(&format!(
        "[[hook]]\nname = \"hang\"\nbefore = [\"{hang}\"]\nafter = [\"{after}\"]\n"
    ));
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    until_written(&world, "hang.started").await;
    world.until_both_sleep().await;
    let (task, log) = cancelled(&service, &begun).await;
    assert_eq!(task.state, TaskState::Cancelled, "{log}");
    assert_eq!(world.written("ran"), "cancelled failed\n");
    assert_eq!(world.sleeping(), 0, "{:?}", world.processes());
    assert!(service.points(app.id).await.unwrap().is_empty());

    // One that takes too long.
    let began = std::time::Instant::now();
    world
        .hooks(&format!("[[hook]]\nname = \"hang\"\nbefore = [\"{hang}\"]\ntimeout_seconds = 1\n"));
    let (task, _) = run(&service, &app, Work::Backup).await;
    assert_eq!(
        (task.state, task.verdict.as_str()),
        (
            TaskState::Failed,
            "nothing was done, as the script before it (hang) failed: it did not end within 1 s and was ended"
        )
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(world.sleeping(), 0, "{:?}", world.processes());

    // One after it that hangs is ended by whoever cancels then; what was done stays done.
    std::fs::remove_file(world.user.home().join("hang.started")).unwrap();
    world.hooks(&format!("[[hook]]\nname = \"hang\"\nafter = [\"{hang}\"]\n"));
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    until_written(&world, "hang.started").await;
    world.until_both_sleep().await;
    let (task, log) = cancelled(&service, &begun).await;
    assert_eq!(task.state, TaskState::CompletedWithErrors, "{log}");
    assert!(task.snapshot.is_some() && log.contains("the script after it (hang) failed"), "{log}");
    assert_eq!(world.sleeping(), 0, "{:?}", world.processes());
    service.stop().await;
}

impl World {
    fn sleeping(&self) -> usize {
        self.processes().iter().filter(|line| line.starts_with("sleep 333")).count()
    }

    /// The script and its child run.
    async fn until_both_sleep(&self) {
        let wait = async {
            while self.sleeping() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), wait).await;
        assert!(ended.is_ok(), "{:?}", self.processes());
    }
}

#[tokio::test]
async fn what_a_script_says_is_bounded_and_has_no_secret_in_it() {
    let world = World::new().await;
    let mut environment = environment(&world.user, &world.simulator);
    environment.push(("VAULT_TOKEN".into(), "hvs.very-secret".into()));
    let plakar = Plakar::new(&crate::plakar::plakar(), guard(), environment).unwrap();
    let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
    world.put("a.txt", b"hello");
    let password = world.simulator.password().to_owned();
    let app = world.assign(AppKind::Source, "mine", "opendrive://", &password);
    let app = service.assign(app).await.unwrap();
    let script = world.script(
        "chatty",
        &format!("echo \"password {password} token $VAULT_TOKEN\"; seq 5000; echo last"),
    );
    world.hooks(&format!("[[hook]]\nname = \"chatty\"\nbefore = [\"{script}\"]\n"));
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert!(log.contains("before (chatty): password ******** token ********\n"), "{log}");
    assert!(!log.contains(&password) && !log.contains("very-secret"));
    assert_eq!(log.matches("before (chatty): ").count(), 1000);
    assert_eq!(log.matches("before (chatty) says more, which is left out here\n").count(), 1);
    service.stop().await;
}

#[tokio::test]
async fn scripts_are_tried_without_a_task() {
    let world = World::new().await;
    let (service, app) = world.with_app().await;
    let script = world.script("say", "echo \"$HOOK_NAME $HOOK_MOMENT $HOOK_TEST${HOOK_TASK-}\"");
    let sad = world.script("sad", "echo no; exit 4");
    world.hooks(&format!(
        "[[hook]]\nname = \"one\"\nbefore = [\"{script}\"]\nafter = [\"{script}\"]\n\
         [[hook]]\nname = \"two\"\nbefore = [\"{sad}\"]\nafter = [\"{script}\"]\n"
    ));
    let mut said = Vec::new();
    let mut take = |hook: &str, moment: HookMoment, line: &str| {
        said.push(format!("{hook} {}: {line}", moment.as_str()));
    };
    let results = service.test_hooks(app.id, TaskKind::Backup, &mut take).await.unwrap();
    assert_eq!(
        said,
        [
            "one before: one before 1",
            "two before: no",
            "two after: two after 1",
            "one after: one after 1"
        ]
    );
    let faults: Vec<_> = results.iter().map(|one| one.fault.as_deref()).collect();
    assert_eq!(faults, [None, Some("it ended with 4: no"), None, None]);
    let none = service.test_hooks(app.id, TaskKind::Prune, &mut |_, _, _| ()).await.unwrap_err();
    assert!(none.to_string().starts_with("no script runs around a prune of mine: "), "{none}");
    let state = State::open(&world.user.home().join("state")).unwrap();
    assert!(state.tasks(&Default::default()).unwrap().is_empty(), "it is no task");
    service.stop().await;
}
