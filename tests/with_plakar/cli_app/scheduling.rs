//! Schedules, policies, and what runs them without the console.

use std::process::{Command, Stdio};

use opendrive_sim::{Fault, What};
use serde_json::json;
use source_app::state::TaskKind;

use super::world::World;
use support::executable;

#[test]
fn schedules_and_policies_are_made_changed_and_removed() {
    let world = World::new();
    world.local("files", &[("a", b"a")]);
    let zone = ["--time-zone", "Europe/Berlin"];
    for (when, cron, timing) in [
        (&["--daily", "02:30"][..], "30 2 * * *", "daily at 02:30"),
        (&["--twice-daily", "6:00"], "0 6,18 * * *", "twice daily at 06:00"),
        (&["--weekly", "sunday", "02:30"], "30 2 * * 0", "weekly on sunday at 02:30"),
        (&["--monthly", "last", "02:30"], "30 2 L * *", "monthly on last at 02:30"),
        (&["--every-hours", "6"], "0 */6 * * *", "every 6 hours"),
        (&["--every-minutes", "15"], "*/15 * * * *", "every 15 minutes"),
        (&["--cron", "5 4 * * mon-fri"], "5 4 * * MON-FRI", "5 4 * * MON-FRI"),
    ] {
        let made = world.row(&[&["schedule", "add", "files", "--backup"], when, &zone].concat());
        assert_eq!((&made["cron"], &made["timing"]), (&json!(cron), &json!(timing)));
        assert_eq!(
            (&made["owner_name"], &made["time_zone"], &made["catch_up"]),
            (&json!("files"), &json!("Europe/Berlin"), &json!(true))
        );
        assert!(made["next"].is_string(), "{made}");
        world.ok(&["schedule", "remove", &made["id"].to_string()]);
    }
    let id = world.row(&[
        "schedule",
        "add",
        "files",
        "--check",
        "--daily",
        "02:30",
        "--no-catch-up",
    ])["id"]
        .to_string();
    world.ok(&["schedule", "disable", &id]);
    assert!(world.ok(&["schedule", "list", "files"]).contains("no catching up, disabled"));
    world.ok(&["schedule", "edit", &id, "--prune", "--weekly", "mon", "1:00", "--catch-up"]);
    world.ok(&["schedule", "enable", &id]);
    let row = world.row(&["schedule", "list"]);
    assert_eq!(
        (&row["kind"], &row["timing"], &row["catch_up"]),
        (&json!("prune"), &json!("weekly on monday at 01:00"), &json!(true))
    );
    assert!(world.ok(&["list"]).contains("next prune "));

    let policy = world.row(&[
        "policy",
        "add",
        "nightly",
        "--environment",
        "production",
        "--data-class",
        "PII",
        "--data-class",
        "critical",
        "--all",
    ]);
    assert_eq!(
        (&policy["classes"], &policy["enabled"], &policy["retention"]["daily"]),
        (&json!("all"), &json!(true), &json!(0))
    );
    world.fails(1, &["policy", "add", "nightly"], "there is already a policy named nightly");
    world.ok(&["policy", "edit", "nightly", "--any", "--keep-daily", "7", "--keep-monthly", "12"]);
    world.ok(&["schedule", "add", "--policy", "nightly", "--backup", "--daily", "03:00"]);
    assert_eq!(world.row(&["policy", "list"])["apps"], json!([]));
    world.ok(&["edit", "files", "--environment", "production", "--data-class", "PII"]);
    let policy = world.row(&["policy", "list"]);
    assert_eq!(
        (&policy["apps"], &policy["schedules"][0]["kind"]),
        (&json!(["files"]), &json!("backup"))
    );
    let listed = world.ok(&["policy", "list"]);
    let whole = "nightly   environment production   data class PII or critical   keeps 7 daily, 12 monthly   applies to files\n";
    assert!(listed.starts_with(whole), "{listed}");
    assert_eq!(world.rows(&["schedule", "list", "files"]).len(), 2);
    assert_eq!(world.row(&["show", "files"])["policies"], json!(["nightly"]));
    world.ok(&["policy", "disable", "nightly"]);
    assert_eq!(world.rows(&["schedule", "list", "files"]).len(), 1);
    world.ok(&["policy", "edit", "nightly", "--rename", "never"]);
    world.ok(&["policy", "remove", "never", "--yes"]);
    assert!(world.rows(&["policy", "list"]).is_empty());
}

#[test]
fn what_is_due_runs_once_whoever_runs_it() {
    let world = World::new();
    world.put("file", b"x");
    world.source();
    world.local("files", &[("a", b"a")]);
    assert_eq!(world.ok(&["run", "--due"]), "", "nothing is due");
    world.due("drive", TaskKind::Backup);
    world.due("files", TaskKind::Backup);
    let start = |arguments: &[&str]| world.command(arguments).stdin(Stdio::null()).spawn().unwrap();
    let runs = [
        start(&["app", "run", "--due", "--json"]),
        start(&["app", "run", "--due", "drive", "--json"]),
    ];
    let ran = runs.map(|run| {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        super::world::lines(std::str::from_utf8(&output.stdout).unwrap()).len()
    });
    assert_eq!(ran.iter().sum::<usize>(), 2, "{ran:?}");
    let tasks = world.rows(&["tasks"]);
    assert!(
        tasks.len() == 2
            && tasks.iter().all(|task| task["state"] == "succeeded" && task["cause"] == "schedule"),
        "{tasks:?}"
    );
    // A task with errors is told by the status, and on standard error.
    let refused = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world.put("new", b"y");
    world
        .simulator
        .set_faults(vec![Fault::new(refused).endpoint("download/file").item("new").always()]);
    world.due("drive", TaskKind::Backup);
    let partly = world.run(&["run", "--due"]);
    assert_eq!((partly.code, partly.stdout.len()), (Some(6), 0), "{}", partly.text());
    assert!(
        partly.stderr.contains("backup of drive completed with errors")
            && partly.stderr.contains("`plakar-opendrive app log "),
        "{}",
        partly.stderr
    );
    // One with errors does not keep the others from theirs, nor is it forgotten over their success.
    world.local("more", &[("b", b"b")]);
    for app in ["drive", "files", "more"] {
        world.due(app, TaskKind::Backup);
    }
    let mixed = world.run(&["run", "--due"]);
    assert_eq!(mixed.code, Some(6), "{}", mixed.text());
    assert!(mixed.stderr.contains("backup of drive completed with errors"), "{}", mixed.stderr);
    for app in ["files", "more"] {
        assert!(mixed.text().contains(&format!("backup of {app} succeeded")), "{}", mixed.text());
    }
}

#[test]
fn what_is_exported_runs() {
    let world = World::new();
    world.local("files", &[("a", b"a")]);
    world.due("files", TaskKind::Backup);
    let crontab = world.ok(&[
        "schedule",
        "export",
        "files",
        "--cron",
        "--state",
        world.state_folder().to_str().unwrap(),
    ]);
    let line = crontab.lines().find(|line| !line.starts_with('#')).unwrap();
    // What cron does with a line: five fields, then a command for the shell, in an environment of
    // next to nothing.
    let command = line.splitn(6, ' ').nth(5).unwrap().replace("\\%", "%");
    let simulated = world.simulator.env();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &command])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(simulated)
        .current_dir("/");
    let output = shell.output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && text.starts_with("backup of files succeeded: "),
        "{command}\n{text}"
    );
    assert_eq!(world.rows(&["tasks"]).len(), 1);

    world.ok(&["schedule", "export", "files", "--systemd", "--output", "units"]);
    let unit =
        |name: &str| std::fs::read_to_string(world.user.home().join("units").join(name)).unwrap();
    let service = unit("plakar-opendrive-files.service");
    assert!(
        service.contains(&format!(
            "ExecStart=\"{}-app\" \"app\" \"run\" \"--due\" \"files\"\n",
            executable()
        )),
        "{service}"
    );
    assert!(
        service.contains("Environment=\"PLAKAR=")
            && unit("plakar-opendrive-files.timer").contains("OnCalendar="),
        "{service}"
    );
    let system = world.ok(&["schedule", "export", "files", "--systemd", "--system-user", "backup"]);
    assert!(
        system.starts_with("# plakar-opendrive-files.service\n")
            && system.contains("User=backup\n"),
        "{system}"
    );
    let kubernetes = world.ok(&[
        "schedule",
        "export",
        "files",
        "--kubernetes",
        "--image",
        "registry/plakar:1",
        "--claim",
        "home",
        "--namespace",
        "backups",
    ]);
    for part in [
        "kind: CronJob",
        "image: registry/plakar:1",
        "claimName: home",
        "namespace: backups",
        "- /usr/local/bin/plakar-opendrive",
    ] {
        assert!(kubernetes.contains(part), "{part}: {kubernetes}");
    }
}
