//! `app get`: a file or a folder of a restore point, onto this machine.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plakar_driver::{ArchiveFormat, CancellationToken, Download};

use super::points::{PointArgs, snapshot_path};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure as TerminalFailure};
use terminal::output::{Output, size};
use terminal::text;

/// Download a file of a restore point, or a folder as an archive
///
/// It gets its name only when it is complete; what was cut off leaves nothing behind. On standard
/// output, whether it is complete is told by the exit status.
#[derive(Debug, clap::Args)]
pub(super) struct Get {
    #[command(flatten)]
    of: PointArgs,
    /// The path in it; several become one .zip
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// The file to write, the folder to write it into, or - for standard output [default: its name,
    /// here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form of a folder's archive [default: as FILE is called, or zip]
    #[arg(long, value_enum)]
    format: Option<GetFormat>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum GetFormat {
    Zip,
    #[value(name = "tar.gz")]
    TarGz,
}

impl Get {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let paths: Vec<_> =
            self.paths.iter().map(|path| snapshot_path(path)).collect::<Result<_, _>>()?;
        let point = self.of.open(opened).await?;
        let named = self.output.as_deref().and_then(Path::to_str).unwrap_or_default();
        let format = match self.format {
            Some(GetFormat::TarGz) => ArchiveFormat::Tarball,
            None if named.ends_with(".tar.gz") || named.ends_with(".tgz") => ArchiveFormat::Tarball,
            _ => ArchiveFormat::Zip,
        };
        // Dropped with the rest when a signal comes.
        let cancel = CancellationToken::new();
        let _cancel = cancel.clone().drop_guard();
        let download = match &paths[..] {
            [path] => point.download(path, format, &cancel).await?,
            _ if format == ArchiveFormat::Tarball => {
                return Err(Failure::usage("several paths become one .zip: leave .tar.gz out"));
            }
            several => point.download_several(several).await?,
        };
        if named == "-" {
            // Whoever leaves has not got all of it.
            copy(download, &mut |bytes| out.bytes(bytes).map_err(not_written)).await?;
            out.flush().map_err(not_written)?;
            return Ok(Exit::Done);
        }
        let target = match self.output {
            None => PathBuf::from(&download.name),
            Some(folder) if folder.is_dir() => folder.join(&download.name),
            Some(file) => file,
        };
        if !self.force && target.symlink_metadata().is_ok() {
            return Err(there(&target));
        }
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("cannot write {}: {error}", target.display()))
        };
        let folder =
            target.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".plakar-opendrive-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder).map_err(failed)?;
        let written = copy(download, &mut |bytes| file.write_all(bytes).map_err(failed)).await?;
        file.as_file().sync_all().map_err(failed)?;
        let kept = if self.force { file.persist(&target) } else { file.persist_noclobber(&target) };
        kept.map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => there(&target),
            _ => failed(error.error),
        })?;
        say(&text::line(&format!("{} written, {}", target.display(), size(written))));
        Ok(Exit::Done)
    }
}

/// Whoever leaves has not got all of it, unlike the reader of a list.
fn not_written(error: std::io::Error) -> Failure {
    TerminalFailure { exit: Exit::Failed, ..error.into() }.into()
}

fn there(target: &Path) -> Failure {
    Failure::new(
        Exit::Failed,
        format!(
            "{} is there already: write another name by -o, or add --force to replace it",
            target.display()
        ),
    )
}

async fn copy(
    mut download: Download,
    write: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let bar = ProgressBar::with_draw_target(download.size, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:25} {binary_bytes:>10} {binary_bytes_per_sec:>12}  {wide_msg}",
    ) {
        bar.set_style(style);
    }
    bar.set_message(text::line(&download.name));
    let mut written = 0;
    while let Some(chunk) = download.content.next().await {
        let cut =
            |error| Failure::new(Exit::Failed, format!("{} was cut off: {error}", download.name));
        let chunk = chunk.map_err(cut)?;
        write(&chunk)?;
        written += chunk.len() as u64;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok(written)
}
