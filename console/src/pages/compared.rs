//! What the newest comparison with the drive found, as the app's page shows it.

use super::format::{self, DisplayTime};
use super::points::VisibleText;
use source_app::model::{Comparison, ExposedFolder};

/// Maximum number of paths that are shown of a kind.
const MAX_SHOWN_PATHS: usize = 5;

/// The newest comparison.
pub struct ComparedCard {
    /// When it was.
    pub at: DisplayTime,
    /// The task.
    pub task: i64,
    /// All of it in one line.
    pub words: String,
    /// What is on the drive and in no backup: `3 files, 12 MiB`; empty if nothing is.
    pub exposed: String,
    /// How many of these the backup left out.
    pub left_out: u64,
    /// The folders that they are in: name, files, bytes.
    pub folders: Vec<(VisibleText, u64, String)>,
    /// Some of them.
    pub examples: Vec<VisibleText>,
    /// Some of what is different, and why.
    pub different: Vec<VisibleText>,
}

impl From<Comparison> for ComparedCard {
    fn from(found: Comparison) -> Self {
        let figures = found.figures;
        let paths = |paths: &[String]| {
            paths.iter().take(MAX_SHOWN_PATHS).map(|path| VisibleText::name(path)).collect()
        };
        let folder = |folder: &ExposedFolder| {
            (VisibleText::name(&folder.path), folder.files, format::size(folder.bytes))
        };
        let files = format::count(figures.exposed, "file", "files");
        Self {
            at: DisplayTime(found.at),
            task: found.task,
            words: figures.words(),
            exposed: match figures.exposed {
                0 => String::new(),
                _ => format!("{files}, {}", format::size(figures.exposed_bytes)),
            },
            left_out: figures.exposed_before,
            folders: found.folders.iter().take(MAX_SHOWN_PATHS).map(folder).collect(),
            examples: paths(&found.exposed),
            different: paths(&found.different),
        }
    }
}
