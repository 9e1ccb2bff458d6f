//! `cp`: files and folders from a remote to the local disk, the other way, or from a remote to
//! another.
//!
//! A remote is read as a source reads it, ahead and in order, and written as a destination writes
//! it, many files side by side: what holds for backups and restores holds here.

mod report;
mod side;
mod source;
mod store_detector;
mod store_layout;
mod target;
mod written_names;

use std::sync::Arc;

use super::drive::drive;
use super::place::{LookupArgs, is_remote};
use report::CopyReport;
use side::{CopySide, place};
use source::CopySource;
use store_layout::StoreLayout;
use target::CopyTarget;
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, unless_left};

/// Copy files and folders between a remote and this machine, or between remotes
///
/// What is in a folder FROM goes into the folder TO, which is made if it is not there; a file FROM
/// goes into the folder TO if TO is one or ends in a slash, and else becomes the file TO. A file
/// that is there already with the same size and hash is left alone (on this machine: the same size
/// and time), any other is replaced once the new one is complete. Links and special files of this
/// machine are left out and named.
#[derive(Debug, clap::Args)]
pub(super) struct CpArgs {
    /// A local path, opendrive://PATH or @NAME/PATH
    from: String,
    /// The same; one of the two is on a remote. A local name that begins with @ is written ./@name
    to: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// FROM is a store of Plakar's on a remote and TO a folder of this machine: lay it out as Plakar has stores on a disk,
    /// packfiles and states in folders of two digits
    #[arg(long)]
    as_local_store: bool,
    /// Print one JSON object at the end: files, bytes, unchanged, failed and left_out
    #[arg(long)]
    json: bool,
}

impl CpArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if !is_remote(&self.from) && !is_remote(&self.to) {
            return Err(Failure::usage(
                "neither FROM nor TO is a remote: use cp, or write opendrive://FOLDER or @NAME/FOLDER",
            ));
        }
        let layout = match self.as_local_store {
            true if is_remote(&self.to) => {
                return Err(Failure::usage(
                    "--as-local-store is for a folder TO on this machine: on a remote a store is copied as it is",
                ));
            }
            true => StoreLayout::LocalDisk,
            false => StoreLayout::AsItIs,
        };
        let mut lookup = self.lookup.read()?;
        let (from, to) = (
            CopySide::understand(&self.from, &mut lookup)?,
            CopySide::understand(&self.to, &mut lookup)?,
        );
        let report = Arc::new(CopyReport::new());
        let outcome = drive(async {
            let from = CopySource::open(from).await?;
            let to =
                place(to, self.to.ends_with(['/', std::path::MAIN_SEPARATOR]), from.file()).await?;
            let to = CopyTarget::open(to, layout, &report).await?;
            from.copy(to, &report).await
        });
        let exit = report.finish();
        if self.json && outcome.is_ok() {
            unless_left(out.json(&report.summary()))?;
        }
        outcome.map(|()| exit)
    }
}
