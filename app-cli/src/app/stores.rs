//! `app stores`: what is known of stores.

use serde_json::json;
use source_app::model::size_text;
use source_app::service::{SecondCopies, StoreOverview};

use super::lines::{outcome, state, time};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, Output, coloured, count, shown, size};

/// List stores: those that apps use and those of Plakar's configuration
///
/// Where each is, which apps use it, how many restore points it has, what they take, and the second
/// copies in it. To open a store may take long: what is shown was read by the last task, or by --read.
#[derive(Debug, clap::Args)]
pub(super) struct Stores {
    /// This one alone, with more of it
    name: Option<String>,
    /// Open it now, and read what it says of itself
    #[arg(long, requires = "name")]
    read: bool,
    /// List all restore points in it, also those that no app here made
    #[arg(long, requires = "name", conflicts_with = "read")]
    points: bool,
    /// Print a JSON object for each store, in a line; with --points, for each restore point: id, taken,
    /// size, files, origin, root, app (null for what no app here made), mark
    #[arg(long)]
    json: bool,
}

impl Stores {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        let Some(name) = &self.name else {
            for store in service.store_overviews().await? {
                if self.json {
                    out.json(&store)?;
                } else {
                    out.line(&line(&store))?;
                }
            }
            return Ok(Exit::Done);
        };
        if self.points {
            return self.points(opened, name, out).await;
        }
        let store = match self.read {
            true => service.read_store(name).await?,
            false => service.store_overview(name).await?,
        };
        let problem = store.known.as_ref().is_some_and(|known| !known.facts.problem.is_empty());
        if self.json {
            out.json(&store)?;
        } else {
            whole(&store, out)?;
        }
        // Asked for now, and it could not be opened.
        Ok(if problem && self.read { Exit::Failed } else { Exit::Done })
    }

    async fn points(&self, opened: &Opened, name: &str, out: &mut Output) -> Result<Exit, Failure> {
        for one in opened.service.store_points(name).await? {
            let (point, app) = (one.point, one.app.map(|(_, app)| app));
            if self.json {
                out.json(&json!({
                    "id": point.id.as_str(), "taken": point.taken, "size": point.size, "files": point.files,
                    "origin": point.origin, "root": point.root, "app": app, "mark": point.app,
                }))?;
                continue;
            }
            let made_by = app.map_or_else(
                || coloured(ASIDE, "no app here"),
                |app| format!("app {}", shown(&app)),
            );
            out.line(&format!(
                "{}  {}  {:>10}  {}  {made_by}",
                point.id.short(),
                time(point.taken),
                size(point.size),
                shown(&format!("{} {}", point.origin, point.root)),
            ))?;
        }
        Ok(Exit::Done)
    }
}

fn line(store: &StoreOverview) -> String {
    let apps: Vec<String> = store
        .apps
        .iter()
        .map(
            |app| if app.second { format!("{} (second copy)", app.name) } else { app.name.clone() },
        )
        .collect();
    let mut parts = vec![shown(&store.name), shown(&store.location)];
    let facts = store.known.as_ref().map(|known| &known.facts);
    parts.extend(facts.and_then(|facts| facts.points).map(|points| count(points, "restore point")));
    parts.extend(facts.and_then(|facts| facts.stored).map(size));
    parts.push(if apps.is_empty() { "no app".to_owned() } else { shown(&apps.join(", ")) });
    if let Some(facts) = facts.filter(|facts| !facts.problem.is_empty()) {
        parts.push(coloured(BAD, &shown(&facts.problem)));
    }
    parts.join("  ")
}

fn whole(store: &StoreOverview, out: &mut Output) -> Result<(), Failure> {
    let mut row = |name: &str, value: String| {
        let label = if name.is_empty() { String::new() } else { format!("{name}:") };
        out.line(&format!("{label:<14}{value}")).map_err(Failure::from)
    };
    row("store", shown(&store.name))?;
    row("place", shown(&store.location))?;
    match &store.known {
        None => row("read", "not yet; --read opens it".to_owned())?,
        Some(known) => {
            let facts = &known.facts;
            let or = |number: Option<String>| number.unwrap_or_else(|| "not known".to_owned());
            if !facts.problem.is_empty() {
                row("problem", coloured(BAD, &shown(&facts.problem)))?;
            }
            row("read", time(known.at))?;
            row("encrypted", or(facts.encrypted.map(|yes| if yes { "yes" } else { "no" }.into())))?;
            row("compression", or(facts.compression.clone()))?;
            row("points", or(facts.points.map(|points| points.to_string())))?;
            row("all files", or(facts.logical.map(size_text)))?;
            row("stored", or(facts.stored.map(size_text)))?;
            row("saving", or(store.saving()))?;
        }
    }
    let free = match (store.free, store.disk) {
        (Some(free), Some(disk)) => format!("{} of {}", size(free), size(disk)),
        _ => "not known".to_owned(),
    };
    row("free", free)?;
    for app in &store.apps {
        let points = app.points.map(|points| format!(", {}", count(points, "restore point")));
        let second = if app.second { " (second copy)" } else { "" };
        row("app", format!("{}{second}{}", shown(&app.name), points.unwrap_or_default()))?;
    }
    for (name, task) in [("last check", &store.check), ("maintained", &store.maintenance)] {
        match task {
            None => row(name, "never".to_owned())?,
            Some(task) => {
                let at = task.ended.map(time).unwrap_or_default();
                row(name, format!("{at}  {}  {}", state(task.state), outcome(task)))?;
            }
        }
    }
    for copies in &store.copies {
        row("second copy", format!("of {}: {}", shown(&copies.name), copied(&copies.copies)))?;
    }
    Ok(())
}

/// `12 of 12 restore points, the newest of 2026-11-29 14:00, read back 2026-11-29 15:00`.
pub(super) fn copied(copies: &SecondCopies) -> String {
    let limit = copies.range.limit_words();
    let mut text = match copies.of {
        Some(of) => format!("{} of {}", copies.points, count(of, "restore point")),
        None => count(copies.points, "restore point"),
    };
    text += &shown(&limit);
    if let Some(newest) = copies.newest {
        text += &format!(", the newest of {}", time(newest));
    }
    match copies.read_back {
        Some(at) => text += &format!(", read back {}", time(at)),
        None => text += ", nothing read back yet",
    }
    text
}
