//! CronJobs for Kubernetes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::{Command, ExportedFile};
use super::plan::Plan;
use crate::model::Invalid;
use crate::state::EffectiveSchedule;

/// Maximum length of a CronJob's name, in characters: its jobs' names add eleven to it.
const MAX_NAME_CHARACTERS: usize = 52;

/// Where state and Plakar's configuration live inside the pod.
const HOME: &str = "/home/plakar";

/// The secret whose keys become variables of the pod.
const SECRET: &str = "plakar-opendrive";

/// How to install them.
const NOTES: &str = "# Enable them: kubectl apply -f FILE
# A passphrase comes from a secret: kubectl create secret generic plakar-opendrive --from-file=PLAKAR_PASSPHRASE=FILE
# A proxy or certificates of your own: add their variables (https_proxy, SSL_CERT_FILE) to env.
";

/// How long a pod that is told to end may take, in seconds: it ends plakar in order, and writes down
/// that the task was interrupted. Kubernetes itself gives it 30.
const ENDING_SECONDS: u32 = 120;

/// Plakar refuses a user id that has no name, which most images do not have for this one.
const USER: &str = "plakar";

/// What a cluster has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kubernetes {
    /// The image with `plakar` and `plakar-opendrive`.
    pub image: String,
    /// The claim of the volume that becomes the home: the state and Plakar's configuration,
    /// credentials included. One that is mounted on one node (`ReadWriteOnce`): the database is
    /// shared through that node's memory.
    pub claim: String,
    /// The namespace, if it is to be named.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// One CronJob for each time of the app's schedules, as one file of YAML.
///
/// # Errors
///
/// The app has no enabled schedule, or what is given cannot be used.
pub fn kubernetes(
    app: &str,
    schedules: &[EffectiveSchedule],
    command: &Command,
    kubernetes: &Kubernetes,
) -> Result<ExportedFile, Invalid> {
    let plan = Plan::new(app, schedules)?;
    for (what, value) in [("image", &kubernetes.image), ("claim", &kubernetes.claim)] {
        if value.is_empty() || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid(format!("{what} {value:?}: write a name without spaces")));
        }
    }
    let container = container(&plan.app, command, kubernetes)?;
    let times = plan.times().into_iter().chain(plan.after_gaps(None));
    let mut text = String::from(NOTES);
    for (index, (times, zone)) in times.enumerate() {
        let name = job_name(&plan.app, index);
        let job = cron_job(&name, &times.cron(), zone.name(), &plan.app, &container, kubernetes);
        let yaml = serde_norway::to_string(&job)
            .map_err(|error| Invalid(format!("the CronJob cannot be written: {error}")))?;
        text += "---\n";
        text += &yaml;
    }
    Ok(ExportedFile { name: format!("plakar-opendrive-{}.yaml", plan.app), text })
}

fn container(app: &str, command: &Command, kubernetes: &Kubernetes) -> Result<Value, Invalid> {
    // "$(NAME)" would be a variable; two dollars are one.
    let literal = |word: &str| word.replace('$', "$$");
    let mut environment =
        vec![json!({"name": "HOME", "value": HOME}), json!({"name": "USER", "value": USER})];
    for (name, value) in command.environment()? {
        environment.retain(|variable| variable["name"] != *name);
        environment.push(json!({"name": name, "value": literal(value)}));
    }
    Ok(json!({
        "name": "plakar-opendrive",
        "image": kubernetes.image,
        "command": [literal(command.path()?)],
        "args": command.arguments(app)?.into_iter().map(literal).collect::<Vec<_>>(),
        "env": environment,
        "envFrom": [{"secretRef": {"name": SECRET, "optional": true}}],
        "volumeMounts": [{"name": "home", "mountPath": HOME}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    }))
}

fn cron_job(
    name: &str,
    schedule: &str,
    zone: &str,
    app: &str,
    container: &Value,
    kubernetes: &Kubernetes,
) -> Value {
    let labels = json!({"app.kubernetes.io/name": "plakar-opendrive", "app.kubernetes.io/instance": app.trim_end_matches(['.', '_', '-'])});
    let mut metadata = json!({"name": name, "labels": labels});
    if let Some(namespace) = &kubernetes.namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata,
        "spec": {
            "schedule": schedule,
            "timeZone": zone,
            "concurrencyPolicy": "Forbid",
            // Without it a hundred missed starts stop the CronJob for good; `--due` catches up by
            // itself.
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": {
                // Retries are ours: they are tasks with a backoff.
                "backoffLimit": 0,
                "template": {"metadata": {"labels": labels}, "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": ENDING_SECONDS,
                    "automountServiceAccountToken": false,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
                        "fsGroupChangePolicy": "OnRootMismatch",
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [
                        {"name": "home", "persistentVolumeClaim": {"claimName": kubernetes.claim}},
                        {"name": "tmp", "emptyDir": {}},
                    ],
                }},
            }},
        },
    })
}

/// A name by Kubernetes' rule (RFC 1123). Where the app's own does not fit, a number made from it
/// keeps two apps apart.
fn job_name(app: &str, index: usize) -> String {
    let name = format!("plakar-{app}-{}", index + 1);
    if name.len() <= MAX_NAME_CHARACTERS && !app.contains(['.', '_']) && !app.ends_with('-') {
        return name;
    }
    // FNV-1a: short, and the same on every machine and in every version.
    let hash = app
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut plain: String = app.replace(['.', '_'], "-");
    plain.truncate(28);
    format!("plakar-{}-{hash:08x}-{}", plain.trim_end_matches('-'), index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_and_stay_apart() {
        assert_eq!(job_name("drive", 0), "plakar-drive-1");
        let odd = ["a.b", "a_b", "a-b", "a-", &"x".repeat(63), &format!("{}y", "x".repeat(62))];
        let names: Vec<String> = odd.iter().map(|app| job_name(app, 11)).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(
                name.len() <= MAX_NAME_CHARACTERS
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
            assert!(!names[..index].contains(name), "{names:?}");
        }
    }
}
