//! `app pause` and `app resume`.

use chrono::Utc;

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;

/// Have the schedules of an app, or of all, run nothing until a time
///
/// What they would run is left out, and recorded as missed. What somebody asks for still runs, and
/// a pause makes nothing safe: a backup that grows too old is too old.
#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    #[command(flatten)]
    which: WhichApps,
    /// Until when: "2026-12-24 08:00" in this machine's time zone, a day such as 2026-12-24, an
    /// instant such as 2026-12-24T08:00:00Z, or 3d, 12h, 45m from now
    #[arg(long, value_name = "TIME")]
    until: String,
}

/// End a pause
///
/// One of all apps leaves those paused that are paused by themselves.
#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    #[command(flatten)]
    which: WhichApps,
}

#[derive(Debug, clap::Args)]
#[group(id = "which", multiple = false, required = true)]
struct WhichApps {
    /// The source app
    name: Option<String>,
    /// All apps
    #[arg(long)]
    all: bool,
}

impl Pause {
    pub(super) async fn run(self, opened: &Opened) -> Result<Exit, Failure> {
        let until = opened.service.until(&self.until)?;
        let (app, what) = self.which.wanted(opened).await?;
        opened.service.pause(app, until).await?;
        say(&format!("{what}: schedules run nothing until {}", time(until)));
        Ok(Exit::Done)
    }
}

impl Resume {
    pub(super) async fn run(self, opened: &Opened) -> Result<Exit, Failure> {
        let (app, what) = self.which.wanted(opened).await?;
        let was_paused = opened.service.resume(app).await?;
        let still = match app {
            Some(id) => opened.service.app(id).await?.paused_until(Utc::now()),
            None => None,
        };
        let said = match (still, was_paused) {
            (Some(until), _) => format!(
                "schedules run nothing until {}, as all apps are paused; `plakar-opendrive app resume --all` ends that",
                time(until)
            ),
            (None, true) => "schedules run again".to_owned(),
            (None, false) => "was not paused".to_owned(),
        };
        say(&format!("{what}: {said}"));
        Ok(Exit::Done)
    }
}

impl WhichApps {
    async fn wanted(&self, opened: &Opened) -> Result<(Option<i64>, String), Failure> {
        Ok(match &self.name {
            Some(name) => {
                let app = opened.source(name).await?;
                (Some(app.id), app.spec.name)
            }
            None => (None, "all apps".to_owned()),
        })
    }
}
