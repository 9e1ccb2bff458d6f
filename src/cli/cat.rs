//! `cat`: the bytes of files.

use super::drive::drive;
use super::place::{LookupArgs, above};
use crate::cli::failure::file_failure;
use crate::connector::{Settings, open_remote};
use crate::rclone::{Error, ErrorKind};
use terminal::exit::{Exit, Failure};
use terminal::output::Output;

/// Write files to standard output, each checked against the size and the hash that the drive has of
/// it
#[derive(Debug, clap::Args)]
pub(super) struct CatArgs {
    /// opendrive://PATH or @NAME/PATH
    #[arg(required = true, value_name = "REMOTE")]
    files: Vec<String>,
    #[command(flatten)]
    lookup: LookupArgs,
}

impl CatArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let mut lookup = self.lookup.read()?;
        let files =
            self.files.iter().map(|file| lookup.find(file)).collect::<Result<Vec<_>, _>>()?;
        drive(async {
            for file in &files {
                write(file, out).await?;
            }
            Ok(Exit::Done)
        })
    }
}

async fn write(file: &Settings, out: &mut Output) -> Result<(), Failure> {
    let Some((folder, name)) = above(file) else {
        return Err(Failure::usage("the root is a folder: write the path of a file"));
    };
    let remote = open_remote(&folder).await?;
    let failed = |error| file_failure(file, &error);
    let entry = match remote.stat(&name).await {
        // Some drives say so of a folder too.
        Err(error)
            if error.kind() == ErrorKind::NotFound
                && open_remote(file).await?.list("").await.is_ok() =>
        {
            return Err(failed(Error::new(ErrorKind::Exists, error.message())));
        }
        entry => entry.map_err(failed)?,
    };
    let Some(object) = entry.object else { return Ok(()) };
    let mut reader = object.read(0, None).await.map_err(failed)?;
    while let Some(bytes) = reader.chunk().await.map_err(failed)? {
        out.bytes(&bytes)?;
    }
    Ok(())
}
