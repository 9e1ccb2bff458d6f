//! Whether a restore is whole: the destination is read again and compared with the snapshot.
//!
//! A destination can be anything plakar has a connector for, and only such a connector can read it.
//! So it is backed up, without plakar's cache of unchanged files, into a store of its own beside the
//! one that the restore came from (`jobs/scratch.rs`), which goes afterwards: what is there already
//! is not stored again, and equal contents have equal digests, so that nothing of the store itself
//! is read but the two lists. Where the store's files are not on this machine, it is backed up into
//! the store itself, and that snapshot is removed. A local folder goes the same way, through
//! plakar's own connector for files.

use chrono::{DateTime, Utc};
use plakar_words::{
    APPLY, CACHE, IGNORE, LATEST, NAME, NO_PROGRESS, NO_XATTR, TAG, WHOLE_IDS, with,
};
use tokio_util::sync::CancellationToken;

use crate::browse::browser::Browser;
use crate::browse::browsers::Browsers;
use crate::browse::points::EntryKind;
use crate::configuration::packages::{ConnectorKind, for_location, installed};
use crate::configuration::schema::Schema;
use crate::configuration::store::{REMOVAL_TIMEOUT, STORE_TIMEOUT, Store};
use crate::configuration::{Kind, Options};
use crate::error::{Error, Result};
use crate::folders::restore_folder;
pub(crate) use crate::jobs::compare::Verification;
use crate::jobs::compare::compare;
use crate::jobs::progress::{Progress, ProgressReader};
use crate::jobs::restore_job::{RestoreJob, RestoreProgress, RestoreTarget};
use crate::jobs::scratch::ScratchStore;
use crate::jobs::temporary::TemporaryEntry;
use crate::names::{Name, SnapshotId, SnapshotPath};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::job::Job;
use crate::process::lines::Line;
use crate::token::random_token;

/// Maximum number of names that are told to plakar as all that matters in a destination.
const MAX_TOP_NAMES: u64 = 200;

/// Marks the snapshot that is made only to compare.
const VERIFICATION_TAG: &str = "verification:";

impl Plakar {
    /// Compares `path` of the snapshot with what is at the destination now.
    pub(crate) async fn verify(
        &self,
        browser: &Browser,
        job: &RestoreJob,
        path: &SnapshotPath,
        news: &mut (dyn FnMut(RestoreProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Verification> {
        let mark = random_token()?;
        let (source, temporary) = match &job.to {
            // A link to a folder would be read as a link.
            RestoreTarget::Folder(path) => {
                let real = path
                    .canonicalize()
                    .map_err(Error::io(format!("the folder {}", path.display())))?;
                (restore_folder(&real)?, None)
            }
            RestoreTarget::Destination(name) => {
                let source = self.as_other(Kind::Destination, name, "", &mark).await?;
                (source.name().reference(), Some(source))
            }
            RestoreTarget::Origin(_) => {
                return Err(Error::Input(
                    "a source is read again as the destination that was made of it".into(),
                ));
            }
        };
        let (mut scratch, mut lock) = (None, None);
        let compared = async {
            scratch = match ScratchStore::beside(self, &job.store, &mark).await {
                // No room for it, or no right to the store's files: what follows may go well without.
                Err(Error::Io(..)) => None,
                scratch => scratch?,
            };
            if scratch.is_none() {
                // Who looks for what killed restores left, on another state too, finds the snapshots.
                lock = Some(self.lock_mark(Kind::Store, &mark).await?);
            }
            let scratch: Option<&ScratchStore> = scratch.as_ref();
            // Its browser knows what was there when it began.
            let own = async || match scratch {
                Some(scratch) => scratch.browser(self).await.map(Some),
                None => Ok(None),
            };
            let mut read = DestinationReader {
                plakar: self,
                job,
                store: scratch.map_or(&job.store, |scratch| &scratch.store),
                alone: scratch.is_some(),
                source: &source,
                mark: &mark,
                made: 0,
                cancel,
            };
            let mut ignored = Vec::new();
            if let Some(names) = top_names(browser, &job.snapshot, path).await? {
                let root = match &job.to {
                    RestoreTarget::Folder(_) => source.clone(),
                    // Where the connector's root lies in its paths is known only when it was read,
                    // so first nothing is.
                    _ => {
                        let empty = read.again(&["*".to_owned()], &mut |_| ()).await?;
                        let own = own().await?;
                        own.as_deref().unwrap_or(browser).restore_point(&empty).await?.root
                    }
                };
                ignored = rules(&root, &names);
            }
            let again = read
                .again(&ignored, &mut |progress| news(RestoreProgress::Reading(progress)))
                .await?;
            let own = own().await?;
            let (snapshot, other) = ((&job.snapshot, path), own.as_deref().unwrap_or(browser));
            tokio::select! {
                compared = compare(browser, snapshot, (other, &again), news) => compared,
                () = cancel.cancelled() => Err(Error::Cancelled),
            }
        }
        .await;
        // Also after a failure, and when it was cancelled; and each, whatever became of the other.
        let removed = match temporary {
            Some(source) => source.close().await,
            None => Ok(()),
        };
        let closed = match scratch {
            Some(scratch) => scratch.close().await,
            None if lock.is_some() => self.remove_marked(&job.store, &mark).await,
            None => Ok(()),
        };
        drop(lock);
        let verified = compared?;
        removed.and(closed)?;
        Ok(verified)
    }

    /// Removes what restores left that were killed: these of their entries, and their snapshots in
    /// these stores that are older than this call and that no restore of this machine compares with
    /// still. No restore that made any of the entries may be running.
    ///
    /// # Errors
    /// Plakar cannot be run, or a store cannot be opened: the first of it, when all else was
    /// removed.
    pub async fn remove_leftovers(
        &self,
        entries: &[(Kind, Name)],
        browsers: &Browsers,
        stores: &[Store],
    ) -> Result<()> {
        let (begun, mut ended) = (Utc::now(), Ok(()));
        for (kind, name) in entries {
            ended = ended.and(self.remove_temporary(*kind, name).await);
        }
        for store in stores {
            ended = ended.and(self.remove_verifications(browsers, store, begun).await);
        }
        ended
    }

    /// Removes the snapshots that were made only to compare before a time, but those that are in use.
    async fn remove_verifications(
        &self,
        browsers: &Browsers,
        store: &Store,
        before: DateTime<Utc>,
    ) -> Result<()> {
        let points = browsers.of(self, store).await?.restore_points(None).await?;
        let (mut left, mut marks) = (Vec::new(), Vec::new());
        for point in points.into_iter().filter(|point| point.taken < before) {
            let Some(mark) = point.tags.iter().find_map(|tag| mark_of(tag)) else { continue };
            if self.is_mark_locked(Kind::Store, mark).await? {
                continue;
            }
            marks.push(mark.to_owned());
            left.push(point.id);
        }
        self.remove_snapshots(store, &left, STORE_TIMEOUT).await?;
        for mark in marks {
            self.forget_mark(Kind::Store, &mark).await?;
        }
        Ok(())
    }

    /// Removes the snapshots of a mark, by their tag: also one of which nobody knows the id, as what came
    /// after it failed.
    async fn remove_marked(&self, store: &Store, mark: &str) -> Result<()> {
        let (reference, tag) = (store.reference(), with(TAG, &mark_tag(mark)));
        let job = self.job(["at", &reference, "rm", APPLY, &tag]).timeout(REMOVAL_TIMEOUT);
        job.redact(store.secrets(self).await?).output().await.map(drop)
    }

    /// For a while, the place of a destination as a source, or of a source as a destination: with
    /// the options that the connector of the other kind takes. `below` is a folder below that
    /// place, or nothing.
    pub(crate) async fn as_other(
        &self,
        kind: Kind,
        name: &Name,
        below: &str,
        mark: &str,
    ) -> Result<TemporaryEntry> {
        let (other, connector) = match kind {
            Kind::Destination => (Kind::Source, ConnectorKind::Importer),
            Kind::Source => (Kind::Destination, ConnectorKind::Exporter),
            Kind::Store => {
                return Err(Error::Input(format!(
                    "the store {name} cannot be backed up or restored to"
                )));
            }
        };
        let options = self.configured(kind, name).await?;
        let location = options.get("location").cloned().unwrap_or_default();
        let installed = installed(self).await?;
        let schema = for_location(&installed, connector, &location)
            .and_then(|(_, connector)| connector.schema.as_deref());
        let schema = schema.map(Schema::new).transpose()?;
        let taken = |key: &String| schema.as_ref().is_none_or(|schema| schema.takes(key));
        let mut options: Options = options.into_iter().filter(|(key, _)| taken(key)).collect();
        if !below.is_empty() {
            let slash = if location.ends_with('/') { "" } else { "/" };
            options.insert("location".into(), format!("{location}{slash}{below}"));
        }
        TemporaryEntry::new(self, other, mark, &options).await
    }
}

/// The tag that all snapshots of a restore have that are made to compare with.
fn mark_tag(mark: &str) -> String {
    format!("{VERIFICATION_TAG}{mark}")
}

/// The mark of the restore that made a snapshot with this tag to compare with.
fn mark_of(tag: &str) -> Option<&str> {
    let told = tag.strip_prefix(VERIFICATION_TAG)?;
    Some(told.rsplit_once('.').map_or(told, |(mark, _)| mark))
}

/// Reads a destination again.
struct DestinationReader<'a> {
    plakar: &'a Plakar,
    job: &'a RestoreJob,
    /// Where the snapshots go, and whether it is one of its own.
    store: &'a Store,
    alone: bool,
    source: &'a str,
    mark: &'a str,
    /// How many snapshots were made for it.
    made: usize,
    cancel: &'a CancellationToken,
}

impl DestinationReader<'_> {
    /// Makes a snapshot of the destination, without what the rules leave out.
    async fn again(
        &mut self,
        rules: &[String],
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<SnapshotId> {
        let (store, plakar) = (self.store, self.plakar);
        let mut secrets = store.secrets(plakar).await?;
        if let RestoreTarget::Destination(name) = &self.job.to {
            secrets = secrets.and(plakar.secrets(Kind::Destination, name).await?);
        }
        let all = mark_tag(self.mark);
        let (reference, tag) = (store.reference(), format!("{all}.{}", self.made));
        self.made += 1;
        let mut arguments: Vec<String> =
            ["at", &reference, "backup", NO_PROGRESS, NO_XATTR, &with(CACHE, "no")]
                .map(str::to_owned)
                .into();
        arguments.extend([with(NAME, "verification"), with(TAG, &format!("{all},{tag}"))]);
        arguments.extend(rules.iter().map(|rule| with(IGNORE, rule)));
        arguments.push(self.source.to_owned());
        let mut reader = ProgressReader::of("backup");
        // A store of the same id shares plakar's cache, which knows what is in the other alone.
        let of_store = |job: Job| if self.alone { job.own_cache() } else { job };
        let command = of_store(plakar.job(arguments))
            .timeout(NO_TIMEOUT)
            .cancelled_by(self.cancel)
            .redact(secrets.clone());
        let mut take = |line: &Line| {
            let had_result = reader.has_result();
            let progress = reader.read(line);
            // Nobody who restores wants to read that a backup completed.
            if reader.has_result() == had_result {
                news(progress);
            }
        };
        let ended = command.lines(&mut take).await?;
        // What could not be read is missing in the comparison.
        reader.result(ended)?;
        let arguments = ["at", &reference, "ls", WHOLE_IDS, LATEST, TAG, &tag];
        // With an empty cache all states are read first; elsewhere the drive may make it wait.
        let list = of_store(plakar.job(arguments)).timeout(NO_TIMEOUT).cancelled_by(self.cancel);
        let listed = list.redact(secrets).output().await?;
        let id = listed.split_whitespace().find_map(|word| SnapshotId::new(word).ok());
        id.ok_or_else(|| Error::Answer("the snapshot of the destination is not listed".into()))
    }
}

/// The names that a restore of this path makes at the top of its destination. None if they are too
/// many.
async fn top_names(
    browser: &Browser,
    id: &SnapshotId,
    path: &SnapshotPath,
) -> Result<Option<Vec<String>>> {
    if browser.entry(id, path).await?.kind != EntryKind::Folder {
        return Ok(Some(vec![path.name().to_owned()]));
    }
    let page = browser.listed(id, path, 0, MAX_TOP_NAMES).await?;
    Ok((!page.more).then(|| page.items.into_iter().map(|entry| entry.name).collect()))
}

/// Rules for plakar's `-ignore`, as those of .gitignore, that leave out all in a folder but these
/// names.
fn rules(root: &str, names: &[String]) -> Vec<String> {
    let special = |letter: char| {
        if "*?[]!#\\ ".contains(letter) { format!("\\{letter}") } else { letter.to_string() }
    };
    let escape = |text: &str| text.chars().map(special).collect::<String>();
    let root = escape(root.trim_end_matches('/'));
    let kept = names.iter().map(|name| format!("!{root}/{}", escape(name)));
    std::iter::once(format!("{root}/*")).chain(kept).collect()
}
