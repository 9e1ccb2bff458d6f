//! `app schedule export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use source_app::export::{Command, ExportedFile, Kubernetes, Systemd};
use source_app::model::local_zone;
use source_app::service::{self, ExportAs};

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;
use terminal::text;

/// Where an image has this executable, if nothing is said.
const EXECUTABLE_IN_IMAGE: &str = "/usr/local/bin/plakar-opendrive";

/// Write what runs an app's schedules without the console: units, a CronJob or crontab lines
///
/// They call `app run --due`, which shares the state with the console: no slot runs twice, and the
/// console shows what ran. They hold no secrets.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The source app
    name: String,
    #[command(flatten)]
    form: ExportForm,
    /// Units for the system, run as this user
    #[arg(long, value_name = "USER", requires = "systemd")]
    system_user: Option<String>,
    /// The image, with plakar and plakar-opendrive in it
    #[arg(long, requires = "kubernetes")]
    image: Option<String>,
    /// The claim of the volume with the state and Plakar's configuration
    #[arg(long, requires = "kubernetes")]
    claim: Option<String>,
    /// The namespace
    #[arg(long, requires = "kubernetes")]
    namespace: Option<String>,
    /// The path of plakar-opendrive on the machine, or in the image, where it will run [default:
    /// this executable; in an image /usr/local/bin/plakar-opendrive]
    #[arg(long, value_name = "PATH")]
    executable: Option<PathBuf>,
    /// Write the files into this folder, instead of printing them
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// One of them.
#[derive(Debug, clap::Args)]
#[group(id = "form", multiple = false, required = true)]
struct ExportForm {
    /// A service and a timer, for `systemctl --user` unless --system-user names a user
    #[arg(long)]
    systemd: bool,
    /// A CronJob
    #[arg(long, requires_all = ["image", "claim"])]
    kubernetes: bool,
    /// Lines of a crontab
    #[arg(long)]
    cron: bool,
}

impl Export {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let app = opened.source(&self.name).await?;
        let here = std::env::current_exe();
        let here = here.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot find this executable: {error}"))
        })?;
        let executable = self.executable.unwrap_or_else(|| {
            if self.form.kubernetes { EXECUTABLE_IN_IMAGE.into() } else { here }
        });
        let mut command = Command::new(executable);
        if let Some(directory) = &opened.directory {
            command = command.on_state(directory).map_err(service::Error::from)?;
        }
        // A pod has its own.
        if !self.form.kubernetes {
            command = command.in_this_environment().map_err(service::Error::from)?;
        }
        let form = if self.form.systemd {
            ExportAs::Systemd(Systemd { user: self.system_user })
        } else if self.form.kubernetes {
            let (image, claim) = (self.image.unwrap_or_default(), self.claim.unwrap_or_default());
            ExportAs::Kubernetes(Kubernetes { image, claim, namespace: self.namespace })
        } else {
            ExportAs::Crontab { time_zone: local_zone() }
        };
        let files = opened.service.export(app.id, &service::Export { form, command }).await?;
        match &self.output {
            Some(folder) => files.iter().try_for_each(|file| write(folder, file)),
            None => {
                for file in &files {
                    if files.len() > 1 {
                        out.line(&format!("# {}", file.name))?;
                    }
                    out.bytes(file.text.as_bytes())?;
                }
                Ok(())
            }
        }
    }
}

fn write(folder: &Path, file: &ExportedFile) -> Result<(), Failure> {
    let path = folder.join(&file.name);
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plakar-opendrive-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(folder).map_err(failed)?;
    new.write_all(file.text.as_bytes()).map_err(failed)?;
    new.persist(&path).map_err(|error| failed(error.error))?;
    say(&text::line(&format!("{} written", path.display())));
    Ok(())
}
