//! Figures for Prometheus: read by a strict reader, and by Prometheus's own promtool.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use chrono::{TimeDelta, Utc};
use source_app::model::{Protection, Retention, TaskFigures};
use source_app::state::{
    AppKind, AppSpec, Cause, NewTask, Resource, TaskKind, TaskResult, TaskState,
};

use crate::Console;

/// The samples of a text, by name and labels; each line must be one that Prometheus takes.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let mut samples = BTreeMap::new();
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words.as_slice() {
            ["#", "HELP", name, help] => {
                assert!(helped.insert(*name), "help twice: {line}");
                assert!(help.ends_with('.'), "{line}");
            }
            ["#", "TYPE", name, kind] => {
                assert!(["gauge", "counter"].contains(kind), "{line}");
                assert_eq!(*kind == "counter", name.ends_with("_total"), "{line}");
                assert!(helped.contains(name), "{line}");
                assert_eq!(kinds.insert(*name, *kind), None, "{line}");
            }
            _ => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite(), "{line}");
                let name = series.split('{').next().unwrap();
                assert!(kinds.contains_key(name), "no type before {line}");
                assert!(name.starts_with("plakar_opendrive_"), "{line}");
                labels(series.strip_prefix(name).unwrap());
                assert_eq!(samples.insert(series.to_owned(), value), None, "twice: {line}");
            }
        }
    }
    samples
}

/// `{a="b",c="d"}` or nothing, escaped as it has to be.
fn labels(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut rest = text.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    loop {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{text}");
        let mut letters = value.char_indices();
        let end = loop {
            match letters.next().unwrap_or_else(|| panic!("{text}")) {
                (_, '\\') => assert!(matches!(letters.next(), Some((_, '\\' | '"' | 'n')))),
                (at, '"') => break at,
                _ => {}
            }
        };
        match value[end + 1..].strip_prefix(',') {
            Some(more) => rest = more,
            None => {
                assert_eq!(&value[end + 1..], "");
                return;
            }
        }
    }
}

fn fill(console: &Console) {
    let (state, now) = (&console.state, Utc::now());
    for (name, kind) in [
        ("documents", AppKind::Source),
        ("photos", AppKind::Source),
        ("documents", AppKind::Destination),
    ] {
        let spec = AppSpec {
            kind,
            name: name.into(),
            resource: Resource {
                name: "drive".into(),
                class: "file-storage".into(),
                subclass: String::new(),
            },
            environment: String::new(),
            data_classes: Vec::new(),
            integration: "rclone".into(),
            protocol: "opendrive".into(),
            entry: name.into(),
            store: (kind == AppKind::Source).then(|| "/vault".into()),
            retention: Retention::default(),
            protection: Protection::default(),
            backup: Default::default(),
            second_store: None,
            copy_range: Default::default(),
        };
        let app = state.add_app(&spec, now).unwrap().id;
        let (kind, cause) = (TaskKind::Test, Cause::Manual);
        let input = serde_json::json!({});
        state.begin(&NewTask { app, kind, cause, input: input.clone() }, now).unwrap();
        if name == "photos" {
            continue;
        }
        let kind = if spec.store.is_some() { TaskKind::Backup } else { TaskKind::Test };
        let task = state.begin(&NewTask { app, kind, cause, input }, now).unwrap();
        let result = TaskResult {
            state: TaskState::Succeeded,
            exit: Some(0),
            verdict: "well".into(),
            errors: 0,
            bytes: Some(12_345),
            snapshot: None,
            figures: TaskFigures::default(),
        };
        state.finish(task.id, &result, None, now + TimeDelta::milliseconds(1_500)).unwrap();
    }
    // As nobody can name it: by the database alone.
    let database = rusqlite::Connection::open(console.place.join("state.db")).unwrap();
    let hostile = "a\"b\\c\nd{}";
    database.execute("UPDATE app SET name = ?1 WHERE name = 'photos'", [hostile]).unwrap();
    state.note_receiver("ops", None, now).unwrap();
    state.note_receiver("ops", Some("it answered 500"), now).unwrap();
}

#[tokio::test]
async fn prometheus_takes_the_metrics() {
    let console = Console::new().await;
    let empty = console.service.metrics().await.unwrap();
    samples(&empty);
    fill(&console);
    let text = console.service.metrics().await.unwrap();
    let samples = samples(&text);
    let of = |series: &str| {
        let series = format!("plakar_opendrive_{series}");
        *samples.get(&series).unwrap_or_else(|| panic!("no {series} in\n{text}"))
    };
    let documents = r#"{app="documents",kind="source"}"#;
    assert_eq!(of(&format!("last_backup_size_bytes{documents}")), 12_345.0);
    assert_eq!(of(&format!("last_backup_duration_seconds{documents}")), 1.5);
    let last = of(&format!("last_success_timestamp_seconds{documents}"));
    assert!((last - Utc::now().timestamp() as f64).abs() < 3600.0, "{last}");
    assert_eq!(of(r#"app_verdict{app="documents",kind="source",verdict="protected"}"#), 1.0);
    assert_eq!(of(r#"app_verdict{app="documents",kind="source",verdict="at risk"}"#), 0.0);
    assert_eq!(of(r#"app_verdict{app="a\"b\\c\nd{}",kind="source",verdict="not protected"}"#), 1.0);
    assert_eq!(of(r#"tasks{app="documents",kind="test",state="running"}"#), 2.0);
    assert_eq!(of(r#"open_tasks{state="running"}"#), 3.0);
    assert_eq!(of(r#"open_tasks{state="queued"}"#), 0.0);
    assert_eq!(of(r#"deliveries_total{receiver="ops"}"#), 1.0);
    assert_eq!(of(r#"delivery_failures_total{receiver="ops"}"#), 1.0);
    assert_eq!(of("notify_fault"), 0.0);
    std::fs::write(console.place.join("notify.toml"), "nonsense").unwrap();
    let broken = console.service.metrics().await.unwrap();
    assert!(broken.contains("\nplakar_opendrive_notify_fault 1\n"), "{broken}");
    promtool(&text);
    promtool(&empty);
}

/// What Prometheus says of a text itself, and of its style.
fn promtool(text: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut promtool) = command.stderr(Stdio::piped()).spawn() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI has promtool: packaging/prerequisites --install monitoring"
        );
        eprintln!("skipped: no promtool; packaging/prerequisites monitoring says how to get it");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}
