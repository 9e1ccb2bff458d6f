//! `app recovery`.

use source_app::service::RecoverySheet;

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// Print the recovery sheet of a source: how to get its data back with an empty machine and its store
///
/// It says where the store is, what unlocks it (not the secret), and the commands of Plakar that
/// restore. Print it and keep it where this machine is not.
#[derive(Debug, clap::Args)]
pub(super) struct Recovery {
    /// The app
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Recovery {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let sheet = opened.service.recovery(app.id).await?;
        if self.json {
            out.json(&sheet)?;
        } else {
            print(&sheet, out)?;
        }
        Ok(Exit::Done)
    }
}

fn print(sheet: &RecoverySheet, out: &mut Output) -> Result<(), Failure> {
    let repository = match (&sheet.repository, &sheet.unreadable) {
        (Some(id), _) => id.clone(),
        (None, reason) => format!("not known now: {}", reason.as_deref().unwrap_or_default()),
    };
    let points = match sheet.newest {
        Some(newest) => format!("{}, the newest of {}", sheet.points, time(newest)),
        None if sheet.unreadable.is_some() => "not known: the store could not be opened".to_owned(),
        None => "none yet".to_owned(),
    };
    let mut rows = vec![
        ("Recovery sheet", sheet.app.clone()),
        ("Resource", sheet.resource.clone()),
        ("Store", sheet.place.clone()),
        ("Repository", repository),
        ("Unlocked by", sheet.unlock.clone()),
        ("Mark", format!("app:{}", sheet.mark)),
        ("Points", points),
        ("Plakar", sheet.plakar.clone()),
    ];
    rows.extend(sheet.package.iter().map(|package| ("Package", package.clone())));
    rows.extend(sheet.copies.iter().map(|copies| ("State copies", copies.clone())));
    rows.push((
        "Written",
        format!("{} by plakar-opendrive {}", time(sheet.written), sheet.version),
    ));
    for (name, value) in rows {
        out.line(&format!("{:<16}{}", format!("{name}:"), shown(&value)))?;
    }
    for (number, step) in sheet.steps.iter().enumerate() {
        out.line("")?;
        out.line(&format!("{}. {}. {}", number + 1, step.title, shown(&step.text)))?;
        for command in &step.commands {
            out.line(&format!("    {}", shown(command)))?;
        }
    }
    Ok(())
}
