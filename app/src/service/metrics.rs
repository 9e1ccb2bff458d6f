//! What monitors ask for, as text in the form of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::coverage::uncovered;
use super::error::Result;
use super::handle::Service;
use super::health::{AppOverview, overviews};
use crate::model::HealthVerdict;
use crate::notify::NotifyConfiguration;
use crate::state::{ReceiverRecord, Task, TaskCount, TaskState};

/// What all names begin with.
const PREFIX: &str = "plakar_opendrive";

/// What is known at one time.
struct Known {
    apps: Vec<AppOverview>,
    uncovered: usize,
    counts: Vec<TaskCount>,
    receivers: Vec<ReceiverRecord>,
    notify_fault: bool,
}

impl Service {
    /// How apps, tasks and receivers are, as text in the form of Prometheus. No secrets.
    ///
    /// # Errors
    /// The database failed.
    pub async fn metrics(&self) -> Result<String> {
        let directory = self.directory().to_owned();
        let known = self.state(move |state| {
            let apps = overviews(state, Utc::now())?.0;
            Ok(Known {
                uncovered: uncovered(state, &apps)?.len(),
                apps,
                counts: state.task_counts()?,
                receivers: state.receivers()?,
                notify_fault: NotifyConfiguration::read(&directory).is_err(),
            })
        });
        Ok(text(&known.await?))
    }
}

/// A text that is being written.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    /// A metric and its samples: labels and value.
    fn metric<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // A text is written into a text: that does not fail.
        let _ = writeln!(self.0, "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}");
        for (labels, value) in samples {
            let label = |(name, value): &(&str, &str)| format!("{name}=\"{}\"", escaped(value));
            let labels = labels.iter().map(label).collect::<Vec<_>>().join(",");
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let _ = writeln!(self.0, "{PREFIX}_{name}{labels} {value}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

fn text(known: &Known) -> String {
    let mut text = Exposition::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    text.metric("build_info", "gauge", "The version of this program.", [(version, 1.0)]);
    let app = |one: &AppOverview| (one.app.spec.name.clone(), one.app.spec.kind.as_str());
    let names: Vec<(String, &str)> = known.apps.iter().map(app).collect();
    let by_app = || names.iter().map(|(name, kind)| vec![("app", name.as_str()), ("kind", *kind)]);
    let all = || by_app().zip(&known.apps);
    let verdicts = all().flat_map(|(labels, one)| {
        HealthVerdict::ALL.into_iter().map(move |verdict| {
            let labels = [labels.clone(), vec![("verdict", verdict.as_str())]].concat();
            (labels, f64::from(u8::from(one.health.verdict == verdict)))
        })
    });
    let help = "Whether this is the verdict on the app: 1 for one of them.";
    text.metric("app_verdict", "gauge", help, verdicts);
    let help = "Resources that were entered by hand and of which nothing is backed up.";
    text.metric("uncovered_resources", "gauge", help, [(Vec::new(), known.uncovered as f64)]);
    let of = |told: fn(&AppOverview) -> Option<f64>| {
        all().filter_map(move |(labels, one)| Some((labels, told(one)?)))
    };
    let help = "When the newest backup ended that made a restore point.";
    let last = |one: &AppOverview| one.last.as_ref()?.ended.map(seconds);
    text.metric("last_backup_timestamp_seconds", "gauge", help, of(last));
    let help = "When the newest backup without errors ended.";
    let success = |one: &AppOverview| one.last_success.as_ref()?.ended.map(seconds);
    text.metric("last_success_timestamp_seconds", "gauge", help, of(success));
    let help = "How long the newest backup took that made a restore point.";
    let duration = |one: &AppOverview| one.last.as_ref().and_then(duration);
    text.metric("last_backup_duration_seconds", "gauge", help, of(duration));
    let help = "The size of what the newest restore point holds.";
    let size = |one: &AppOverview| one.last.as_ref()?.bytes.map(|bytes| bytes as f64);
    text.metric("last_backup_size_bytes", "gauge", help, of(size));
    let help = "How many entries the newest backup could not read.";
    let errors = |one: &AppOverview| one.last.as_ref().map(|task| task.errors as f64);
    text.metric("last_backup_errors", "gauge", help, of(errors));
    tasks(&mut text, known);
    receivers(&mut text, known);
    text.0
}

fn duration(task: &Task) -> Option<f64> {
    let took = task.ended?.signed_duration_since(task.started?);
    Some(took.num_milliseconds().max(0) as f64 / 1000.0)
}

fn tasks(text: &mut Exposition, known: &Known) {
    let names: BTreeMap<i64, &str> =
        known.apps.iter().map(|one| (one.app.id, one.app.spec.name.as_str())).collect();
    let samples = known.counts.iter().filter_map(|one| {
        let app = names.get(&one.app)?;
        let labels =
            vec![("app", *app), ("kind", one.kind.as_str()), ("state", one.state.as_str())];
        Some((labels, one.count as f64))
    });
    // An app and a destination may have one name.
    let mut sums: BTreeMap<Vec<(&str, &str)>, f64> = BTreeMap::new();
    for (labels, count) in samples {
        *sums.entry(labels).or_default() += count;
    }
    let help = "How many tasks are kept; old ones are forgotten.";
    text.metric("tasks", "gauge", help, sums);
    let open = [TaskState::Queued, TaskState::Running, TaskState::Waiting].map(|state| {
        let counts = known.counts.iter().filter(|one| one.state == state);
        (vec![("state", state.as_str())], counts.map(|one| one.count as f64).sum())
    });
    text.metric("open_tasks", "gauge", "How many tasks run, or are about to.", open);
}

fn receivers(text: &mut Exposition, known: &Known) {
    let fault = f64::from(u8::from(known.notify_fault));
    let help = "Whether notify.toml cannot be used, so that nobody is told.";
    text.metric("notify_fault", "gauge", help, [(Vec::new(), fault)]);
    let of = |told: fn(&ReceiverRecord) -> Option<f64>| {
        let labels = |one: &'_ ReceiverRecord| one.name.clone();
        let names: Vec<String> = known.receivers.iter().map(labels).collect();
        names
            .into_iter()
            .zip(&known.receivers)
            .filter_map(move |(name, one)| Some((name, told(one)?)))
            .collect::<Vec<_>>()
    };
    let mut add = |name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>| {
        let samples =
            samples.iter().map(|(name, value)| (vec![("receiver", name.as_str())], *value));
        text.metric(name, kind, help, samples);
    };
    let help = "Messages and pings that a receiver took.";
    add("deliveries_total", "counter", help, of(|one| Some(one.delivered as f64)));
    let help = "Tries to reach a receiver that failed.";
    add("delivery_failures_total", "counter", help, of(|one| Some(one.failures as f64)));
    let help = "Messages that were given up.";
    add("dropped_messages_total", "counter", help, of(|one| Some(one.dropped as f64)));
    let help = "Messages that a receiver has not got yet.";
    add("outstanding_messages", "gauge", help, of(|one| Some(one.outstanding as f64)));
    let help = "When a receiver took a message or a ping last.";
    add("last_delivery_timestamp_seconds", "gauge", help, of(|one| one.delivered_at.map(seconds)));
}
