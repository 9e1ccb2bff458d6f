//! What is on a drive now, by a listing: the connector's own command line tells it, which reads no
//! file for it. Plakar itself can only back a source up.
//!
//! So this is the one place that starts another program than plakar: `plakar-opendrive`, under the
//! same guard. The source's options go to its standard input, never into its arguments.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::configuration::Kind;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::outcome::Failure;
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::lines::{Line, Stream};

/// Names the program, if it is not beside this one or in `PATH`.
const VARIABLE: &str = "PLAKAR_OPENDRIVE";

/// What it is called.
const PROGRAM: &str = "plakar-opendrive";

/// What its exit status is when some entries could not be listed.
const INCOMPLETE: i32 = 6;

/// Maximum number of entries that could not be listed and are told; all are counted.
const MAX_LISTED_FAILURES: usize = 1000;

/// The name of the source in what goes to standard input.
const SECTION: &str = "source";

/// A file of the drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveFile {
    /// Its path below the source's folder, without a slash at its beginning.
    pub path: String,
    /// Bytes, if the drive knows.
    pub size: Option<u64>,
    /// When it was changed, if the drive knows.
    pub modified: Option<DateTime<Utc>>,
    /// Its MD5 in hex, if the drive lists one.
    pub md5: Option<String>,
}

/// How a listing ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriveListing {
    /// How many entries could not be listed.
    pub problems: u64,
    /// The first of them.
    pub failed: Vec<Failure>,
}

/// A line of the listing.
#[derive(Deserialize)]
#[serde(untagged)]
enum ListingLine {
    Failed {
        path: String,
        error: String,
    },
    Entry {
        path: String,
        #[serde(rename = "type")]
        kind: String,
        size: Option<u64>,
        modified: Option<DateTime<Utc>>,
        #[serde(default)]
        md5: Option<String>,
    },
}

impl Plakar {
    /// Lists all files of a source of ours, once, and hands each over as it comes.
    ///
    /// # Errors
    /// [`Error::Input`] if the program is not there; its reason if it cannot list the source's
    /// folder.
    pub async fn list_drive(
        &self,
        source: &Name,
        each: &mut (dyn FnMut(DriveFile) + Send),
        cancel: &CancellationToken,
    ) -> Result<DriveListing> {
        let program = self.connector_program()?;
        // It reads no configuration, so what is only named there is looked up here.
        let (options, secrets) = self.resolved(Kind::Source, source).await?;
        let input = serde_json::json!({ SECTION: options }).to_string().into_bytes();
        let reference = format!("@{SECTION}");
        let arguments = ["ls", "-R", "--json", "--hash", "--config", "-", &reference];
        let job = self.with_program(&program).job(arguments).keeps_references().input(input);
        // A name on the drive may have a secret's text in it, and has to come as it is: only the
        // reason is redacted.
        let job = job.timeout(NO_TIMEOUT).cancelled_by(cancel);
        let (mut listing, mut said, mut unread) = (DriveListing::default(), String::new(), None);
        let mut take = |line: &Line| {
            if line.stream == Stream::Error {
                if let Some((_, reason)) = line.text.split_once(&format!("{PROGRAM}: ")) {
                    reason.clone_into(&mut said);
                }
                return;
            }
            match serde_json::from_str(&line.text) {
                Ok(ListingLine::Entry { path, kind, size, modified, md5 }) if kind == "file" => {
                    each(DriveFile { path, size, modified, md5 });
                }
                Ok(ListingLine::Entry { .. }) => {}
                Ok(ListingLine::Failed { path, error }) => {
                    listing.problems += 1;
                    if listing.failed.len() < MAX_LISTED_FAILURES {
                        listing.failed.push(Failure { path, reason: error });
                    }
                }
                Err(error) => unread = Some(error.to_string()),
            }
        };
        let ended = job.lines(&mut take).await?;
        let mut reason = if said.is_empty() { ended.reason() } else { said };
        secrets.apply(&mut reason);
        match (ended.how?, unread) {
            (INCOMPLETE, None) if listing.problems == 0 => {
                Err(Error::Answer("the listing does not say what is missing in it".into()))
            }
            (0 | INCOMPLETE, None) => Ok(listing),
            (0 | INCOMPLETE, Some(error)) => {
                Err(Error::Answer(format!("a line of the listing is not understood: {error}")))
            }
            _ => Err(Error::Refused(reason)),
        }
    }

    /// Where the connector's command line is: as the variable `PLAKAR_OPENDRIVE` says, beside this
    /// program, or in the path.
    ///
    /// # Errors
    /// [`Error::Input`] if it is in none of these places.
    pub fn connector_program(&self) -> Result<PathBuf> {
        let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
        if let Some(given) = self.variable(VARIABLE) {
            let given = PathBuf::from(given);
            return if given.is_file() {
                Ok(given)
            } else {
                let shown = given.display();
                Err(Error::Input(format!(
                    "{VARIABLE} names {shown}, which is not there; leave it out, or write where {name} is"
                )))
            };
        }
        let beside = std::env::current_exe().ok().map(|this| this.with_file_name(&name));
        let path = self.variable("PATH").unwrap_or_default().to_owned();
        let in_path = std::env::split_paths(&path).map(|folder: PathBuf| folder.join(&name));
        let mut places = beside.into_iter().chain(in_path);
        places.find(|place: &PathBuf| Path::is_file(place)).ok_or_else(|| {
            Error::Input(format!(
                "{name} is neither beside this program nor in PATH: it lists the drive; put both into one folder, or name it by {VARIABLE}"
            ))
        })
    }
}
