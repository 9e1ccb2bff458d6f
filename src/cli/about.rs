//! `about`: the quota of a remote, or what this executable is made of.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::drive::drive;
use super::place::LookupArgs;
use super::version;
use crate::cli::failure::remote_failure;
use crate::connector::open_remote;
use crate::rclone::{ErrorKind, Rclone};
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, shown, size};

/// Show how much room a remote has; without one, the versions and backends that are built in
#[derive(Debug, clap::Args)]
pub(super) struct AboutArgs {
    /// opendrive://, or @NAME
    remote: Option<String>,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is known of the room on a remote, in bytes.
#[derive(Serialize)]
struct QuotaReport {
    backend: String,
    account: String,
    total: Option<u64>,
    used: Option<u64>,
    free: Option<i64>,
}

impl AboutArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Some(remote) = &self.remote else { return self.own(out) };
        let settings = self.lookup.read()?.find(remote)?;
        let quota = drive(async {
            let remote = open_remote(&settings).await?;
            remote.quota().await.map_err(|error| match error.kind() {
                ErrorKind::Unsupported => Failure::new(
                    Exit::Failed,
                    format!("{} does not tell its quota", settings.identity.kind),
                ),
                _ => remote_failure(&settings, &error),
            })
        })?;
        let quota_report = QuotaReport {
            backend: settings.identity.kind,
            account: settings.identity.origin,
            total: quota.total,
            used: quota.used,
            free: quota.free,
        };
        if self.json {
            out.json(&quota_report)?;
            return Ok(Exit::Done);
        }
        out.line(&format!("{} ({})", shown(&quota_report.backend), shown(&quota_report.account)))?;
        let free = quota_report.free.map(|free| u64::try_from(free).unwrap_or(0));
        for (name, bytes) in
            [("total", quota_report.total), ("used", quota_report.used), ("free", free)]
        {
            let bytes = bytes.map_or_else(
                || "unknown".to_owned(),
                |bytes| format!("{} ({bytes} bytes)", size(bytes)),
            );
            out.line(&format!("  {name:<6} {bytes}"))?;
        }
        Ok(Exit::Done)
    }

    fn own(&self, out: &mut Output) -> Result<Exit, Failure> {
        #[derive(Deserialize)]
        struct BackendsReply {
            backends: Vec<String>,
        }
        let reply: Result<BackendsReply, _> =
            Rclone::get().rpc_blocking("bridge/backends", &json!({}));
        let BackendsReply { backends } =
            reply.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        if self.json {
            let [own, rclone, go, apis] = version::versions()?.map(|(_, version)| version);
            let apis: Vec<&str> = apis.split(", ").collect();
            out.json(&json!({ "version": own, "rclone": rclone, "go": go, "plugin_apis": apis, "backends": backends }))?;
        } else {
            version::print(out)?;
            out.line(&format!("backends {}", backends.join(", ")))?;
        }
        Ok(Exit::Done)
    }
}
