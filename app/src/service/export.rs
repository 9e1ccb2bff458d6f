//! Schedules for cron, systemd and Kubernetes.

use std::path::PathBuf;

use super::error::{Error, Result};
use super::handle::Service;
use crate::export::{Command, ExportedFile, Kubernetes, Systemd, crontab, kubernetes, systemd};
use crate::state::{AppId, default_directory};

/// What runs the schedules of an app instead of our scheduler.
pub enum ExportAs {
    /// Lines of a crontab; cron goes by this machine's time zone, `UTC` if it is none that is
    /// known.
    Crontab {
        /// The time zone that cron goes by, as an IANA name.
        time_zone: String,
    },
    /// A service and a timer.
    Systemd(Systemd),
    /// A CronJob.
    Kubernetes(Kubernetes),
}

/// What to export.
pub struct Export {
    /// Which form.
    pub form: ExportAs,
    /// The command that runs what is due.
    pub command: Command,
}

impl Service {
    /// What to export for a program at this path: on this machine it runs what is due in this service's
    /// state, and finds Plakar and the drive as this process does.
    ///
    /// # Errors
    /// A path or a variable that it needs is not UTF-8.
    pub fn export_to(&self, form: ExportAs, executable: impl Into<PathBuf>) -> Result<Export> {
        let mut command = Command::new(executable);
        // A pod has its own state and environment.
        if !matches!(form, ExportAs::Kubernetes(_)) {
            if default_directory().ok().as_deref() != Some(self.directory()) {
                command = command.on_state(self.directory())?;
            }
            command = command.in_this_environment()?;
        }
        Ok(Export { form, command })
    }

    /// The files for an app, by name; a crontab is one.
    ///
    /// # Errors
    /// It has no schedule, or something cannot be written in this form.
    pub async fn export(&self, app: AppId, export: &Export) -> Result<Vec<ExportedFile>> {
        let source = self.source(app).await?;
        let schedules = self.effective_schedules(Some(app)).await?;
        let (name, command) = (source.spec.name.as_str(), &export.command);
        Ok(match &export.form {
            ExportAs::Crontab { time_zone } => {
                let zone = time_zone.parse().map_err(|_| {
                    Error::Input(format!("time zone \"{}\" is unknown", time_zone.escape_debug()))
                })?;
                vec![ExportedFile {
                    name: "crontab".into(),
                    text: crontab(name, &schedules, command, zone)?,
                }]
            }
            ExportAs::Systemd(options) => systemd(name, &schedules, command, options)?.into(),
            ExportAs::Kubernetes(options) => vec![kubernetes(name, &schedules, command, options)?],
        })
    }
}
