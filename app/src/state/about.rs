//! What a task does, from where and to where, in one line.

use serde_json::Value;

use super::task::TaskKind;

/// What is known of a task and its app.
pub(super) struct TaskFacts<'a> {
    pub(super) kind: TaskKind,
    pub(super) input: &'a Value,
    /// The app's name, protocol and store.
    pub(super) app: &'a str,
    pub(super) protocol: &'a str,
    pub(super) store: Option<&'a str>,
}

impl TaskFacts<'_> {
    /// The line, such as `restore /Documents of 2026-05-01 02:00 UTC (1a2b3c4d) from the store
    /// /srv/vault to folder:/tmp/x`.
    pub(super) fn about(&self) -> String {
        let Self { kind, app, protocol, .. } = self;
        let store = self.store.unwrap_or_default();
        let source = format!("{app} ({protocol})");
        match kind {
            TaskKind::Test if store.is_empty() => format!("test the connection to {source}"),
            TaskKind::Test => format!("test the connection to {source} and the store {store}"),
            TaskKind::Backup => format!("back up {source} to the store {store}"),
            TaskKind::Check => match self.point() {
                Some(point) => {
                    format!("check the restore point {point} of {app} in the store {store}")
                }
                None => format!("check restore points of {app} in the store {store}"),
            },
            TaskKind::Prune => format!(
                "remove the restore points of {app} that its retention does not keep from the store {store}"
            ),
            TaskKind::Maintenance => {
                format!("free the space in the store {store} that nothing needs any more")
            }
            TaskKind::Restore => {
                let path = match self.text("path").unwrap_or("/") {
                    "/" => "all",
                    path => path,
                };
                let point = self.point().unwrap_or_default();
                format!("restore {path} of {point} from the store {store} to {}", self.place())
            }
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.input.get(key)?.as_str()
    }

    /// The restore point that it was asked for: `2026-05-01 02:00 UTC (1a2b3c4d)`.
    fn point(&self) -> Option<String> {
        let short: String = self.text("snapshot")?.chars().take(8).collect();
        let taken = self
            .text("taken")
            .and_then(|taken| taken.parse::<chrono::DateTime<chrono::Utc>>().ok());
        Some(match taken {
            Some(taken) => format!("{} ({short})", taken.format("%Y-%m-%d %H:%M UTC")),
            None => short,
        })
    }

    /// Where a restore goes, as it is written on the command line.
    fn place(&self) -> String {
        match self.input.get("to") {
            Some(Value::Object(one)) => one
                .iter()
                .map(|(kind, name)| format!("{kind}:{}", name.as_str().unwrap_or_default()))
                .collect(),
            _ => format!("the source {}", self.app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_says_what_from_where_and_to_where() {
        let about = |kind, input: &Value| {
            TaskFacts { kind, input, app: "mine", protocol: "opendrive", store: Some("/srv/vault") }
                .about()
        };
        let id = "1a2b3c4d".repeat(8);
        let part = json!({ "snapshot": id, "taken": "2026-05-01T02:00:00Z", "path": "/Documents",
            "to": { "folder": "/tmp/x" } });
        assert_eq!(
            about(TaskKind::Restore, &part),
            "restore /Documents of 2026-05-01 02:00 UTC (1a2b3c4d) from the store /srv/vault to folder:/tmp/x"
        );
        let whole = json!({ "snapshot": id, "path": "/", "to": "source" });
        assert_eq!(
            about(TaskKind::Restore, &whole),
            "restore all of 1a2b3c4d from the store /srv/vault to the source mine"
        );
        assert_eq!(
            about(TaskKind::Backup, &json!({})),
            "back up mine (opendrive) to the store /srv/vault"
        );
        assert_eq!(
            about(TaskKind::Check, &json!({ "snapshot": id })),
            "check the restore point 1a2b3c4d of mine in the store /srv/vault"
        );
        for kind in TaskKind::ALL {
            assert!(!about(*kind, &json!({ "to": 7, "snapshot": null })).is_empty());
        }
    }
}
