//! A drill: some files are restored from the store to a folder that goes afterwards, and compared.
//!
//! Plakar's exit status says little of a file that it restores, and it compares no digest then
//! (kloset v1.1.3). So each file's data is first checked against the digests of its restore point;
//! then it is restored, and its SHA-256 has to be that of the data that was checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use plakar_words::{TO, with};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::folders::restore_folder;
use crate::jobs::check::CheckRun;
use crate::jobs::check_lines::{Told, is_damage};
use crate::jobs::own_folder::{DRILL_FOLDER, OwnFolder};
use crate::jobs::progress::{Progress, ProgressReader};
use crate::names::{SnapshotId, SnapshotPath};
use crate::outcome::Failure;
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::lines::Redactor;

/// How much of a file is read at once, in bytes.
const READ_BYTES: usize = 1 << 20;

/// A file that was restored, and is as it was backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrilledFile {
    /// Its path in the restore point.
    pub path: SnapshotPath,
    /// Bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// The MD5 of what was restored, in hex.
    pub md5: String,
}

/// What a drill came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillResult {
    /// The files that are fine.
    pub restored: Vec<DrilledFile>,
    /// The others, and why.
    pub failed: Vec<Failure>,
    /// How many of these are damaged or missing in the store.
    pub damaged: u64,
    /// How long the restores took, without opening the store each time.
    pub restoring: Duration,
    /// How long it takes to open the store.
    pub opening: Duration,
}

/// How it stands with one file.
enum Drilled {
    Fine(DrilledFile, Duration),
    Damaged(String),
    Different(String),
}

/// What the files of one drill share.
struct Drill<'a> {
    plakar: &'a Plakar,
    browsers: &'a Browsers,
    store: &'a Store,
    id: &'a SnapshotId,
    secrets: Redactor,
    cancel: &'a CancellationToken,
}

impl Plakar {
    /// Restores these files of a snapshot to a folder for temporary files, one after the other, and
    /// compares them. The first is read as by a machine that has never seen the store.
    ///
    /// # Errors
    /// The store cannot be opened, or it was cancelled: nothing is known of the files.
    pub async fn drill(
        &self,
        browsers: &Browsers,
        store: &Store,
        id: &SnapshotId,
        files: &[SnapshotPath],
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<DrillResult> {
        let secrets = store.secrets(self).await?;
        let drill = Drill { plakar: self, browsers, store, id, secrets, cancel };
        let folder = OwnFolder::make(DRILL_FOLDER, &self.temporary_folder());
        let folder = folder.map_err(Error::io("cannot make a folder to restore to"))?;
        let mut result = DrillResult::default();
        for (number, path) in files.iter().enumerate() {
            if number == 0 {
                result.opening = drill.opening(path).await?;
            }
            let into = folder.path().join(number.to_string());
            let drilled = drill.file(path, &into, number == 0, news).await?;
            // So that never more than one of them takes room.
            let _ = tokio::fs::remove_dir_all(&into).await;
            let reason = match drilled {
                Drilled::Fine(file, took) => {
                    news(Progress::Done(path.to_string()));
                    result.restoring += took.saturating_sub(result.opening);
                    result.restored.push(file);
                    continue;
                }
                Drilled::Damaged(reason) => {
                    result.damaged += 1;
                    reason
                }
                Drilled::Different(reason) => reason,
            };
            news(Progress::Failed(format!("{path}: {reason}")));
            result.failed.push(Failure { path: path.to_string(), reason });
        }
        Ok(result)
    }
}

impl Drill<'_> {
    /// How long plakar takes to open the store and the snapshot.
    async fn opening(&self, path: &SnapshotPath) -> Result<Duration> {
        let started = Instant::now();
        let of = path.of(self.id);
        let arguments = ["at", &self.store.reference(), "ls", of.as_str()];
        let job = self.plakar.job(arguments).timeout(NO_TIMEOUT).cancelled_by(self.cancel);
        job.redact(self.secrets.clone()).output().await?;
        Ok(started.elapsed())
    }

    async fn file(
        &self,
        path: &SnapshotPath,
        into: &Path,
        fresh: bool,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Drilled> {
        if let Some(reason) = self.damage(path, fresh, news).await? {
            return Ok(Drilled::Damaged(reason));
        }
        let browser = self.browsers.of(self.plakar, self.store).await?;
        let entry = match browser.entry(self.id, path).await {
            Ok(entry) => entry,
            Err(Error::Refused(reason)) => return Ok(Drilled::Damaged(reason)),
            Err(error) => return Err(error),
        };
        let started = Instant::now();
        if let Err(error) = self.restore(path, into, news).await {
            return match error {
                Error::Refused(reason) => {
                    Ok(Drilled::Different(format!("plakar does not restore it: {reason}")))
                }
                error => Err(error),
            };
        }
        let took = started.elapsed();
        let into = into.to_owned();
        let read = tokio::task::spawn_blocking(move || restored(&into)).await;
        let read = read.map_err(|error| Error::Answer(error.to_string()))?;
        let Some(found) = read.map_err(Error::io("what was restored cannot be read"))? else {
            return Ok(Drilled::Different("plakar restored nothing of it".into()));
        };
        if found.size != entry.size {
            let (is, was) = (found.size, entry.size);
            return Ok(Drilled::Different(format!("{is} bytes were restored instead of {was}")));
        }
        if self.digest(path).await? != found.sha256 {
            return Ok(Drilled::Different("what was restored is not what the store has".into()));
        }
        let file = DrilledFile {
            path: path.clone(),
            size: found.size,
            modified: entry.modified,
            md5: found.md5,
        };
        Ok(Drilled::Fine(file, took))
    }

    /// What is wrong with the data of a file in the store, if anything is. What looks damaged is
    /// read once more: plakar calls damaged what the store does not answer.
    async fn damage(
        &self,
        path: &SnapshotPath,
        fresh: bool,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Option<String>> {
        let Self { plakar, store, cancel, .. } = *self;
        let run = CheckRun { plakar, store, cancel, own_cache: fresh };
        let id = std::slice::from_ref(self.id);
        let mut silent = |progress| match progress {
            // A check calls the damaged file itself OK.
            Progress::Done(_) | Progress::Failed(_) => {}
            progress => news(progress),
        };
        let mut first = None;
        for _ in 0..2 {
            let told = run.told(id, Some(path), &mut silent).await?.pop();
            let reason = match told {
                Some(Told::Whole) => return Ok(None),
                Some(Told::Damaged(lines)) => lines.reason().to_owned(),
                Some(Told::Missing) => {
                    "a machine that has never seen the store does not find it there".to_owned()
                }
                Some(Told::Unread(reason)) if is_damage(&reason) => reason,
                Some(Told::Unread(reason)) => return Err(Error::Refused(reason)),
                Some(Told::Undecided) | None => {
                    return Err(Error::Answer("plakar's check says nothing".into()));
                }
            };
            first.get_or_insert(reason);
        }
        Ok(first)
    }

    async fn restore(
        &self,
        path: &SnapshotPath,
        into: &Path,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<()> {
        let arguments = [
            "at".to_owned(),
            self.store.reference(),
            "restore".to_owned(),
            with(TO, &restore_folder(into)?),
            path.of(self.id),
        ];
        let job = self.plakar.job(arguments).timeout(NO_TIMEOUT).cancelled_by(self.cancel);
        let mut reader = ProgressReader::of("restore");
        let mut lines = |line: &_| match reader.read(line) {
            Progress::Done(_) => {}
            progress => news(progress),
        };
        job.redact(self.secrets.clone()).lines(&mut lines).await?.success()
    }

    /// The SHA-256 of a file in the store, in hex. Plakar shows odd letters of its name as others.
    async fn digest(&self, path: &SnapshotPath) -> Result<String> {
        let of = path.of(self.id);
        let arguments = ["at", &self.store.reference(), "digest", of.as_str()];
        let job = self.plakar.job(arguments).timeout(NO_TIMEOUT).cancelled_by(self.cancel);
        let said = job.redact(self.secrets.clone()).output().await?;
        let line = said.lines().find(|line| line.starts_with("SHA256 ("));
        let digest =
            line.and_then(|line| line.rsplit_once(") = ")).map(|(_, digest)| digest.trim());
        Ok(digest.unwrap_or_default().to_owned())
    }
}

/// What a restore of one file left in its folder.
struct RestoredFile {
    size: u64,
    sha256: String,
    md5: String,
}

fn restored(folder: &Path) -> std::io::Result<Option<RestoredFile>> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        if !next.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(next)? {
            let entry = entry?;
            let (kind, path): (_, PathBuf) = (entry.file_type()?, entry.path());
            if kind.is_file() {
                return digests(&path).map(Some);
            }
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(None)
}

fn digests(path: &Path) -> std::io::Result<RestoredFile> {
    let (mut file, mut size) = (File::open(path)?, 0);
    let (mut sha256, mut md5) = (Sha256::new(), md5::Md5::new());
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        sha256.update(&buffer[..count]);
        md5.update(&buffer[..count]);
    }
    Ok(RestoredFile { size, sha256: hex(&sha256.finalize()), md5: hex(&md5.finalize()) })
}

/// Bytes as hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
