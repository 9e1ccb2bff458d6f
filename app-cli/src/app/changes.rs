//! `app changes`.

use std::path::PathBuf;

use serde::Serialize;
use source_app::service::{ChangesVerification, CheckedExport, Problem};
use source_app::state::{AppId, ChangeFilter, SettingChange};

use super::lines::time;
use crate::failure::Failure;
use crate::opened::{AppName, Opened};
use terminal::exit::Exit;
use terminal::output::{BAD, GOOD, Output, coloured, count, shown};

/// List what was changed in settings: when, by which way, what it was and what it is
///
/// The newest come first. A way is console, command line, or token and its name. A secret is never
/// shown, only that it was changed. The newest 10,000 changes are kept, each sealed with the seal of
/// the one before it.
#[derive(Debug, clap::Args)]
pub(super) struct Changes {
    /// Of this app, and of what is of it, only; also of one that is gone
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// The destination of this name, if there is a source of it too
    #[arg(long, requires = "app")]
    destination: bool,
    /// Show at most this many, up to 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Print a JSON object for each change, in a line: id, at, way, token, subject, action, name,
    /// app and fields (field, before, after)
    #[arg(long)]
    json: bool,
    /// Verify that no change was altered, taken out or put in since it was recorded, and name the
    /// first one that was; the exit status is 1 then
    #[arg(long, conflicts_with_all = ["app", "limit"])]
    verify: bool,
    /// Verify an export of --export too, and that the record still says what it says
    #[arg(long, value_name = "FILE", requires = "verify")]
    against: Option<PathBuf>,
    /// The key that the export has to be signed with, in hex
    #[arg(long, value_name = "HEX", requires = "against")]
    key: Option<String>,
    /// Print all changes as JSON in lines, with a signature (Ed25519) in the last; keep it elsewhere
    #[arg(long, conflicts_with_all = ["app", "limit", "json", "verify"])]
    export: bool,
}

impl Changes {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        if self.export {
            let text = opened.service.export_changes().await?;
            text.lines().try_for_each(|line| out.line(line))?;
            return Ok(Exit::Done);
        }
        if self.verify {
            return self.verified(opened, out).await;
        }
        let app = match self.app {
            Some(name) => Some(app(opened, name, self.destination).await?),
            None => None,
        };
        let filter = ChangeFilter { app, limit: Some(self.limit), before: None };
        for change in opened.service.setting_changes(filter).await? {
            if self.json {
                out.json(&change)?;
            } else {
                lines(&change).iter().try_for_each(|line| out.line(line))?;
            }
        }
        Ok(Exit::Done)
    }

    async fn verified(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let found = opened.service.verify_changes().await?;
        let export = match &self.against {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let shown = file.display();
                    Failure::usage(format!("--against: {shown} cannot be read: {error}"))
                })?;
                Some(opened.service.check_export(&text, self.key.as_deref()).await?)
            }
            None => None,
        };
        if self.json {
            out.json(&Verified { record: &found, export: export.as_ref() })?;
        } else {
            record_lines(&found).iter().try_for_each(|line| out.line(line))?;
            export.iter().flat_map(export_lines).try_for_each(|line| out.line(&line))?;
        }
        let is_rewritten = export.is_some_and(|export| export.still_there == Some(false));
        let is_well = found.fault.is_none() && !is_rewritten;
        Ok(if is_well { Exit::Done } else { Exit::Failed })
    }
}

/// The record, and an export of it, as JSON.
#[derive(Serialize)]
struct Verified<'a> {
    #[serde(flatten)]
    record: &'a ChangesVerification,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a CheckedExport>,
}

fn record_lines(found: &ChangesVerification) -> Vec<String> {
    let changes = count(found.changes as u64, "change");
    let first = match (&found.fault, &found.head) {
        (Some(fault), _) => coloured(BAD, &shown(&fault.words)),
        (None, Some(head)) => {
            let newest = found.newest.unwrap_or_default();
            format!(
                "{changes}: {}; the newest is {newest}, its seal {head}",
                coloured(GOOD, "whole")
            )
        }
        (None, None) => "no change is recorded".to_owned(),
    };
    vec![first, format!("exports are signed by {}", found.public_key)]
}

fn export_lines(export: &CheckedExport) -> Vec<String> {
    let CheckedExport { exported, host, changes, public_key, own_key, still_there } = export;
    let by = if *own_key {
        "the key of this state".to_owned()
    } else {
        format!("another key, {public_key}")
    };
    let host = shown(host);
    let first = format!(
        "the export of {} on {host}: {}, signed by {by}",
        time(*exported),
        count(*changes as u64, "change")
    );
    let second = match still_there {
        Some(true) => coloured(GOOD, "the record still says what it says"),
        Some(false) => coloured(
            BAD,
            "the record does not say any more what it says: it was rewritten or cut off",
        ),
        None => "its newest change is kept no more: nothing can be said of the record".to_owned(),
    };
    vec![first, second]
}

/// One that is there, or was.
async fn app(opened: &Opened, name: String, destination: bool) -> Result<AppId, Failure> {
    let named = AppName { name: name.clone(), destination };
    match opened.app(&named).await {
        Ok(app) => Ok(app.id),
        Err(missing) => match opened.service.app_once_named(&name).await {
            Ok(id) => Ok(id),
            Err(error) if error.problem() == Problem::NotFound => Err(missing),
            Err(error) => Err(error.into()),
        },
    }
}

/// One line of what was done, and one for each field.
fn lines(change: &SettingChange) -> Vec<String> {
    let SettingChange { at, author, subject, action, name, fields, .. } = change;
    let mut lines = vec![format!("{}  {subject} {name} {action}, by {author}", time(*at))];
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".into());
    lines.extend(
        fields
            .iter()
            .map(|one| format!("  {}: {} -> {}", one.field, value(&one.before), value(&one.after))),
    );
    lines
}
