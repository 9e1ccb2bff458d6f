//! What is exported is what systemd, Kubernetes and cron read.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command as Process;

use chrono_tz::Tz;
use common::{schedule, schedule_spec, source, start, state};
use serde::Deserialize;
use serde_json::Value;
use source_app::export::{
    Command, Kubernetes, SecretsFile, Systemd, console_unit, crontab, kubernetes, systemd,
};
use source_app::model::CronExpression;
use source_app::state::{EffectiveSchedule, Owner, ScheduleSpec, TaskKind};

const BERLIN: Tz = chrono_tz::Europe::Berlin;

/// The schedules of an app: a plain one, one that needs two lines, one that is off.
fn schedules() -> Vec<EffectiveSchedule> {
    let (_directory, state) = state();
    let app = source(&state, "my.docs");
    for (kind, cron) in [(TaskKind::Backup, "30 2 * * *"), (TaskKind::Check, "0 4 1 * 0")] {
        let spec = schedule_spec(Owner::App(app.id), kind, cron);
        state
            .add_schedule(&ScheduleSpec { time_zone: "Europe/Berlin".into(), ..spec }, start())
            .unwrap();
    }
    let off = ScheduleSpec {
        enabled: false,
        ..schedule_spec(Owner::App(app.id), TaskKind::Prune, "59 5 * * *")
    };
    state.add_schedule(&off, start()).unwrap();
    let other = source(&state, "other");
    schedule(&state, Owner::App(other.id), TaskKind::Backup, "58 5 * * *");
    state.effective_schedules(None).unwrap()
}

/// A path and options that every quoting has to get right.
fn odd(executable: &str) -> Command {
    let mut command = Command::new(executable);
    command.options =
        ["--state", "/a b/100%d/$HOME/$(x)/\"q\"/it's/\\n;`id`"].map(String::from).to_vec();
    command.environment = vec![("XDG_STATE_HOME".into(), "/s t/50% $HOME \"x\"".into())];
    command
}

fn expected() -> Vec<String> {
    ["app", "run", "--state", "/a b/100%d/$HOME/$(x)/\"q\"/it's/\\n;`id`", "--due", "my.docs"]
        .map(String::from)
        .to_vec()
}

#[test]
fn crontab_lines_are_read_by_cron_and_by_the_shell() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("od%d $1");
    fs::write(&script, "#!/bin/sh\nprintf '%s\\n' \"$XDG_STATE_HOME\" \"$@\"\n").unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o700)).unwrap();
    let text = crontab("my.docs", &schedules(), &odd(script.to_str().unwrap()), BERLIN).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let crons: Vec<String> = lines
        .iter()
        .map(|line| line.splitn(6, ' ').take(5).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(crons, ["30 2 * * *", "0 4 1 * *", "0 4 * * 0", "0 3 * 3 0"], "{text}");
    for (line, cron) in lines.iter().zip(&crons) {
        CronExpression::parse(cron).unwrap();
        // As cron does it: an unescaped percent sign ends the command, an escaped one loses its
        // backslash.
        let command = line.splitn(6, ' ').nth(5).unwrap();
        assert!(!command.replace("\\%", "").contains('%'), "{command}");
        let output =
            Process::new("/bin/sh").args(["-c", &command.replace("\\%", "%")]).output().unwrap();
        let words: Vec<String> =
            String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect();
        assert_eq!(
            words,
            [vec!["/s t/50% $HOME \"x\"".to_owned()], expected()].concat(),
            "{output:?}",
            output = output.stderr
        );
    }
    let elsewhere = crontab("my.docs", &schedules(), &Command::new("/x"), Tz::UTC).unwrap();
    assert!(elsewhere.contains("\n0,15,30,45 * * * * /x app run --due my.docs\n"), "{elsewhere}");
}

#[test]
fn systemd_verifies_the_units() {
    let directory = tempfile::tempdir().unwrap();
    let executable = directory.path().join("od%d $x");
    fs::copy("/bin/true", &executable).unwrap();
    for user in [None, Some("daemon".to_owned())] {
        let units = systemd(
            "my.docs",
            &schedules(),
            &odd(executable.to_str().unwrap()),
            &Systemd { user: user.clone() },
        )
        .unwrap();
        let [service, timer] = &units;
        assert_eq!(
            (service.name.as_str(), timer.name.as_str()),
            ("plakar-opendrive-my.docs.service", "plakar-opendrive-my.docs.timer")
        );
        for line in [
            "OnCalendar=*-*-* 02:30:00 Europe/Berlin\n",
            "OnCalendar=*-*-01 04:00:00 Europe/Berlin\n",
            "OnCalendar=sun *-*-* 04:00:00 Europe/Berlin\n",
            "OnCalendar=sun *-03-* 03:00:00 Europe/Berlin\n",
        ] {
            assert!(timer.text.contains(line), "{}", timer.text);
        }
        assert!(
            timer.text.contains("\nPersistent=true\n") && service.text.contains("\nType=oneshot\n")
        );
        assert!(service.text.contains("100%%d/$$HOME/$$(x)/\\\"q\\\""), "{}", service.text);
        let options =
            ["--listen", "127.0.0.1:8780", "--password-file", "/a b/50%"].map(String::from);
        let systemd = Systemd { user: user.clone() };
        let console = console_unit(&odd(executable.to_str().unwrap()), &options, &systemd).unwrap();
        assert!(
            console.text.contains("\"console\" \"--listen\" \"127.0.0.1:8780\""),
            "{}",
            console.text
        );
        assert!(console.text.contains("enable --now plakar-opendrive-console.service`"));
        for unit in [service, &console] {
            // Plakar is not told to end beside the program that ends it in order.
            assert!(unit.text.contains("\nTimeoutStopSec=120\nKillMode=mixed\n"), "{}", unit.text);
            // What somebody restores to /tmp is there for them, and stays.
            assert!(!unit.text.contains("PrivateTmp"), "{}", unit.text);
        }
        let units = [service.clone(), timer.clone(), console];
        for unit in &units {
            fs::write(directory.path().join(&unit.name), &unit.text).unwrap();
        }
        let verify = || {
            let mut command = Process::new("systemd-analyze");
            command
                .args(["verify", "--man=no", "--recursive-errors=no"])
                .env("HOME", directory.path());
            command.args(units.iter().map(|unit| directory.path().join(&unit.name))).output()
        };
        match verify() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(
                    output.status.success() && !said.contains("plakar-opendrive"),
                    "{said}\n{}\n{}",
                    service.text,
                    timer.text
                );
                // It did look for the executable by its odd name.
                fs::rename(&executable, directory.path().join("away")).unwrap();
                assert!(
                    String::from_utf8_lossy(&verify().unwrap().stderr)
                        .contains("od%d $x is not executable")
                );
                fs::rename(directory.path().join("away"), &executable).unwrap();
            }
            Err(error) => eprintln!("not verified by systemd-analyze, which is not here: {error}"),
        }
    }
}

fn cluster() -> Kubernetes {
    Kubernetes {
        image: "registry.example/plakar:1.1".into(),
        claim: "plakar-home".into(),
        namespace: Some("backups".into()),
    }
}

#[test]
fn cronjobs_are_yaml_that_says_what_it_should() {
    let file =
        kubernetes("my.docs", &schedules(), &odd("/usr/bin/plakar-opendrive"), &cluster()).unwrap();
    assert_eq!(file.name, "plakar-opendrive-my.docs.yaml");
    let jobs: Vec<Value> = serde_norway::Deserializer::from_str(&file.text)
        .map(|one| Value::deserialize(one).unwrap())
        .collect();
    let crons: Vec<_> = jobs.iter().map(|job| job["spec"]["schedule"].as_str().unwrap()).collect();
    assert_eq!(crons, ["30 2 * * *", "0 4 1 * *", "0 4 * * 0", "0 3 * 3 0"]);
    let mut names: Vec<_> =
        jobs.iter().map(|job| job["metadata"]["name"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    for job in &jobs {
        let spec = &job["spec"];
        assert_eq!(
            (&job["apiVersion"], &job["kind"], &job["metadata"]["namespace"]),
            (&"batch/v1".into(), &"CronJob".into(), &"backups".into())
        );
        assert_eq!(
            (&spec["timeZone"], &spec["concurrencyPolicy"]),
            (&"Europe/Berlin".into(), &"Forbid".into())
        );
        assert_eq!(spec["startingDeadlineSeconds"], 3600);
        let job_spec = &spec["jobTemplate"]["spec"];
        let pod = &job_spec["template"]["spec"];
        assert_eq!(
            (&job_spec["backoffLimit"], &pod["restartPolicy"]),
            (&0.into(), &"Never".into())
        );
        // It has the time to end plakar, and to write down that it was interrupted.
        assert_eq!(pod["terminationGracePeriodSeconds"], 120);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "plakar-home");
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        // Kubernetes takes two dollars for one, and "$(x)" for a variable.
        let plain = |value: &Value| value.as_str().unwrap().replace("$$", "$");
        assert_eq!(
            container["args"].as_array().unwrap().iter().map(plain).collect::<Vec<_>>(),
            expected()
        );
        assert!(!container["args"][3].as_str().unwrap().replace("$$", "").contains('$'));
        // Plakar refuses a user id without a name; that of the pod has none in most images.
        let variables = container["env"].as_array().unwrap();
        for (name, value) in [("USER", "plakar"), ("HOME", "/home/plakar")] {
            let set = serde_json::json!({"name": name, "value": value});
            assert!(variables.contains(&set), "{variables:?}");
        }
        let state_home = container["env"]
            .as_array()
            .unwrap()
            .iter()
            .find(|variable| variable["name"] == "XDG_STATE_HOME")
            .unwrap();
        assert_eq!(plain(&state_home["value"]), "/s t/50% $HOME \"x\"");
    }
}

/// They are not made from what is exported, so they are held to the same.
#[test]
fn the_units_that_are_shipped_end_in_order_and_share_tmp() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/systemd");
    for name in ["plakar-opendrive-console.service", "plakar-opendrive-due.service"] {
        let unit = fs::read_to_string(format!("{folder}/{name}")).unwrap();
        assert!(unit.contains("\nTimeoutStopSec=120\nKillMode=mixed\n"), "{name}");
        assert!(!unit.contains("PrivateTmp"), "{name}");
    }
}

/// A file of secrets is named, and read by what runs.
#[test]
fn secrets_come_from_a_file_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join("it's a 50% file");
    fs::write(&secrets, "PLAKAR_PASSPHRASE='two  words'\n").unwrap();
    let mut command = Command::new("/usr/bin/env");
    let path = secrets.to_str().unwrap().to_owned();
    command.secrets = Some(SecretsFile { path, names: vec!["PLAKAR_PASSPHRASE".into()] });
    let text = crontab("my.docs", &schedules(), &command, BERLIN).unwrap();
    assert!(
        text.contains("# Enable them: run `crontab -e`") && text.contains("PLAKAR_PASSPHRASE\n"),
        "{text}"
    );
    let line = text.lines().find(|line| !line.starts_with('#')).unwrap();
    let line = line.splitn(6, ' ').nth(5).unwrap().replace("\\%", "%");
    let line = line.replace(" app run --due my.docs", "");
    let output = Process::new("/bin/sh").args(["-c", &line]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("PLAKAR_PASSPHRASE=two  words\n"), "{said}{line}");
    let [service, _] = systemd("my.docs", &schedules(), &command, &Systemd::default()).unwrap();
    let named = format!("\nEnvironmentFile={}\n", secrets.to_str().unwrap().replace('%', "%%"));
    assert!(service.text.contains(&named) && !service.text.contains("two"), "{}", service.text);
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let all = schedules();
    let refused =
        |app: &str, command: &Command| crontab(app, &all, command, BERLIN).unwrap_err().to_string();
    assert!(refused("nobody", &Command::new("/x")).contains("app nobody has no enabled schedule"));
    assert!(refused("my.docs", &Command::new("x")).contains("write an absolute path"));
    assert!(
        refused("my.docs", &Command::new("/x\n* * * * * evil"))
            .contains("without control characters")
    );
    let with = |name: &str, value: &str| Command {
        environment: vec![(name.into(), value.into())],
        ..Command::new("/x")
    };
    assert!(
        refused("my.docs", &with("PLAKAR_PASSPHRASE", "secret"))
            .contains("is not exported; write one of: HOME")
    );
    assert!(refused("my.docs", &with("HOME", "/x\nUser=root")).contains("control character"));
    let mut command = Command::new("/x");
    command.options.push("a\nb".into());
    assert!(refused("my.docs", &command).contains("holds a control character"));
    let user = Some("root\nExecStart=/bin/evil".into());
    assert!(systemd("my.docs", &all, &Command::new("/x"), &Systemd { user }).is_err());
    assert!(
        kubernetes(
            "my.docs",
            &all,
            &Command::new("/x"),
            &Kubernetes { image: "a b".into(), ..cluster() }
        )
        .is_err()
    );
}
