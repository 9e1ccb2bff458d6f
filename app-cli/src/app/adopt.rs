//! `app adopt`.

use source_app::service::{Assign, Mark};

use super::assign::blank;
use super::connection::{Connection, until_unlocked};
use super::lines::time;
use super::repeated::list;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, count, shown};
use terminal::text;

/// Make an app of a source that Plakar has, or take over restore points that are in a store
///
/// With --store alone it lists the marks in the store: each is one app's restore points, made on this
/// or another machine. NAME or --mark says which to take over: a mark of that name in the store is
/// taken over, and a source of that name in Plakar's configuration keeps its configuration; else what
/// the connector needs is given as to assign.
#[derive(Debug, clap::Args)]
pub(super) struct Adopt {
    /// The app's name here [default: that of the mark]
    name: Option<String>,
    /// Take over the restore points with this mark
    #[arg(long, value_name = "KEY")]
    mark: Option<String>,
    /// The source (or destination) of Plakar's that becomes the app [default: the one of this name]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    connection: Connection,
    /// Print one JSON object in a line: the app, or each mark
    #[arg(long)]
    json: bool,
}

impl Adopt {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let kind = self.connection.kind();
        let details = &self.connection.details;
        let given = details.given(None)?;
        let mut store = self.connection.store()?;
        let unnamed = self.name.is_none() && self.mark.is_none() && self.source.is_none();
        if unnamed && store.is_none() {
            return Err(Failure::usage("which one is missing: write its NAME"));
        }
        let mut marks = Vec::new();
        if let Some(text) = store.as_mut().filter(|_| !self.connection.create_store) {
            let options = given.store.clone();
            *text = until_unlocked(options, async |options| {
                opened.service.open_store(text, &options).await
            })
            .await?;
            marks = opened.service.marks(text).await?;
        }
        if unnamed {
            return self.list(&marks, out);
        }
        let mark = self.wanted(&marks)?;
        let told = mark.map(|mark| mark.name.as_str());
        let name = self.name.as_deref().or(told).or(self.source.as_deref()).unwrap_or_default();
        if opened.service.app_named(kind, name).await.is_ok() {
            let message = format!("there is already a {kind} named {name}; write another NAME");
            return Err(Failure::new(Exit::Failed, message));
        }
        let entry = match &self.source {
            Some(entry) => Some(entry.clone()),
            None if given.is_empty() => {
                let free = opened.service.unassigned(kind).await?;
                free.into_iter().map(|entry| entry.name).find(|entry| entry == name)
            }
            None => None,
        };
        let given_classes = !details.data_class.is_empty();
        let assign = Assign {
            environment: details
                .environment
                .clone()
                .unwrap_or_else(|| mark.map(|mark| mark.environment.clone()).unwrap_or_default()),
            data_classes: match mark {
                Some(mark) if !given_classes => mark.data_classes.clone(),
                _ => list(&details.data_class),
            },
            backup: mark.map(|mark| mark.backup.clone()).unwrap_or_default(),
            mark: mark.map(|mark| mark.key.clone()),
            entry,
            store,
            ..blank(kind, name.to_owned())
        };
        let app = self.connection.assign(opened, assign, Some(given)).await?;
        if self.json {
            out.json(&app)?;
            return Ok(Exit::Done);
        }
        let name = &app.spec.name;
        match mark {
            Some(mark) => say(&format!(
                "the {kind} {name} is adopted with {}; `plakar-opendrive app points {name}` lists them",
                points(mark)
            )),
            None => say(&format!("the {kind} {name} is adopted, with no restore points yet")),
        }
        Ok(Exit::Done)
    }

    /// The mark that is meant, if any.
    fn wanted<'a>(&self, marks: &'a [Mark]) -> Result<Option<&'a Mark>, Failure> {
        if let Some(key) = &self.mark {
            let found = marks.iter().find(|mark| mark.key == *key);
            return found.map(Some).ok_or_else(|| {
                Failure::new(
                    Exit::NotFound,
                    format!("no restore point in the store has the mark {}; without NAME and --mark all marks are listed", text::quoted(key)),
                )
            });
        }
        let name = self.name.as_ref().or(self.source.as_ref());
        let named: Vec<&Mark> =
            marks.iter().filter(|mark| mark.app.is_none() && name == Some(&mark.name)).collect();
        match named.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several => {
                let keys: Vec<&str> = several.iter().map(|mark| mark.key.as_str()).collect();
                Err(Failure::usage(format!(
                    "several marks in the store have this name: give --mark, one of {}",
                    keys.join(", ")
                )))
            }
        }
    }

    fn list(&self, marks: &[Mark], out: &mut Output) -> Result<Exit, Failure> {
        for mark in marks {
            if self.json {
                out.json(mark)?;
                continue;
            }
            let mut parts = vec![
                mark.key.clone(),
                shown(&mark.name),
                format!("{}, the newest {}", points(mark), time(mark.newest)),
                shown(&format!("{} {}", mark.origin, mark.root)),
                shown(&mark.environment),
                shown(&mark.data_classes.join(", ")),
            ];
            parts.push(match &mark.app {
                Some(app) => format!("(the app {app} here)"),
                None => String::new(),
            });
            parts.retain(|part| !part.trim().is_empty());
            out.line(&parts.join("   "))?;
        }
        if marks.is_empty() && !self.json {
            say("no restore point in this store was made by an app");
        }
        Ok(Exit::Done)
    }
}

fn points(mark: &Mark) -> String {
    count(mark.points, "restore point")
}
