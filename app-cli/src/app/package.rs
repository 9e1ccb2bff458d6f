//! `app package`.

use source_app::service::PackageStatus;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{BAD, GOOD, Output, coloured, shown};

/// Show which package Plakar has and which came with this program, and add that one
///
/// Without it Plakar reaches no drive. Nothing is downloaded: the package is made of what was
/// installed with this program. The exit status is 6 if Plakar has another one, or none.
#[derive(Debug, clap::Args)]
pub(super) struct Package {
    /// Have Plakar take the one that came with this program, in place of the one that it has; refused
    /// while a task runs
    #[arg(long)]
    add: bool,
    /// Print one JSON object: name, installed, same (whether it is of the same make), own, command
    /// and fault
    #[arg(long)]
    json: bool,
}

impl Package {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        if self.add {
            say(&shown(&opened.service.add_package().await?));
        }
        let status = opened.service.package_status().await;
        if self.json {
            out.json(&status)?;
        } else {
            lines(&status).iter().try_for_each(|line| out.line(line))?;
        }
        let is_well = status.installed.is_some() && status.same != Some(false);
        Ok(if is_well { Exit::Done } else { Exit::Incomplete })
    }
}

fn lines(status: &PackageStatus) -> Vec<String> {
    let name = status.name;
    let first = match (&status.installed, status.same) {
        (None, _) if !status.fault.is_empty() => format!("whether Plakar has {name} is not known"),
        (None, _) => format!("Plakar has {} {name}", coloured(BAD, "no")),
        (Some(version), Some(true)) => {
            let same = coloured(GOOD, "the one that came with this program");
            format!("Plakar has {name} {version}, {same}")
        }
        (Some(version), Some(false)) => {
            let other = coloured(BAD, "another one than came with this program");
            format!("Plakar has {name} {version}, {other}")
        }
        (Some(version), None) => format!("Plakar has {name} {version}"),
    };
    let second = match (&status.own, &status.command) {
        (Some(own), Some(command)) if status.can_be_added() => {
            format!("{own} came with this program: --add has Plakar take it, or a shell: {command}")
        }
        (Some(own), _) => format!("{own} came with this program"),
        (None, _) => "none came with this program, which was built and not installed".to_owned(),
    };
    let fault = (!status.fault.is_empty()).then(|| shown(&status.fault));
    [first, second].into_iter().chain(fault).collect()
}
