//! Whether a restore is whole: the destination is read again and compared with the snapshot.
//!
//! A destination can be anything plakar has a connector for, and only such a connector can read it.
//! So it is backed up, without plakar's cache of unchanged files, into the store that the restore
//! came from: what is there already is not stored again, and within one store equal contents have
//! equal digests, so that nothing of the store itself is read but the two lists. That snapshot is
//! removed afterwards. A local folder goes the same way, through plakar's own connector for files.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use futures::stream::{self, StreamExt};

use tokio_util::sync::CancellationToken;

use crate::browse::browser::Browser;
use crate::browse::browsers::Browsers;
use crate::browse::points::{Entry, EntryKind};
use crate::configuration::packages::{ConnectorKind, for_location, installed};
use crate::configuration::schema::Schema;
use crate::configuration::store::Store;
use crate::configuration::{Kind, Options};
use crate::error::{Error, Result};
use crate::folders::restore_folder;
use crate::jobs::progress::{Progress, ProgressReader};
use crate::jobs::restore_job::{RestoreJob, RestoreProgress, RestoreTarget};
use crate::names::{Name, SnapshotId, SnapshotPath};
use crate::outcome::Failure;
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::token::random_token;

/// Maximum number of problems that are listed; all are counted.
const MAX_LISTED_PROBLEMS: usize = 1000;

/// Maximum number of digests that are asked for at once.
const MAX_PARALLEL_DIGESTS: usize = 8;

/// Maximum number of entries of a folder that are asked for at once.
const MAX_PAGE_ENTRIES: u64 = 1000;

/// Maximum number of names that are told to plakar as all that matters in a destination.
const MAX_TOP_NAMES: u64 = 200;

/// Marks the snapshot that is made only to compare.
const VERIFICATION_TAG: &str = "verification:";

/// Begins the name of a source that is made only to compare.
const TEMPORARY_PREFIX: &str = "verify-";

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Entries that are as in the snapshot.
    pub entries: u64,
    /// Bytes of the files among them.
    pub bytes: u64,
    /// Entries that are missing or different.
    pub problems: u64,
    /// The first of them.
    pub failed: Vec<Failure>,
}

impl Verification {
    fn problem(&mut self, path: &SnapshotPath, reason: impl Into<String>) {
        self.problems += 1;
        if self.failed.len() < MAX_LISTED_PROBLEMS {
            self.failed.push(Failure { path: path.to_string(), reason: reason.into() });
        }
    }
}

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
                (source.reference(), Some(source))
            }
            RestoreTarget::Origin(_) => {
                return Err(Error::Input(
                    "a source is read again as the destination that was made of it".into(),
                ));
            }
        };
        let mut made = Vec::new();
        let compared = async {
            let mut read = DestinationReader {
                plakar: self,
                job,
                source: &source,
                mark: &mark,
                made: &mut made,
                cancel,
            };
            let mut ignored = Vec::new();
            if let Some(names) = top_names(browser, &job.snapshot, path).await? {
                // Where the connector's root lies in its paths is known only when it was read, so
                // first nothing is.
                let empty = read.again(&["*".to_owned()], &mut |_| ()).await?;
                ignored = rules(&browser.restore_point(&empty).await?.root, &names);
            }
            let again = read
                .again(&ignored, &mut |progress| news(RestoreProgress::Reading(progress)))
                .await?;
            tokio::select! {
                compared = compare(browser, (&job.snapshot, path), &again, news) => compared,
                () = cancel.cancelled() => Err(Error::Cancelled),
            }
        }
        .await;
        // Also after a failure, and when it was cancelled.
        if let Some(source) = &temporary {
            self.unconfigure(Kind::Source, source).await?;
        }
        self.remove_snapshots(&job.store, &made).await?;
        compared
    }

    /// Removes what restores left that were killed: what they configured, at once and so before any
    /// begins anew, and their snapshots in these stores that are older than this call. No restore
    /// may be running.
    ///
    /// # Errors
    /// Plakar can't be run, or a store can't be opened.
    pub async fn remove_leftovers(&self, browsers: &Browsers, stores: &[Store]) -> Result<()> {
        let begun = chrono::Utc::now();
        for kind in [Kind::Source, Kind::Destination] {
            for name in self
                .configurations(kind)
                .await?
                .into_keys()
                .filter(|name| name.starts_with(TEMPORARY_PREFIX))
            {
                self.unconfigure(kind, &Name::new(&name)?).await?;
            }
        }
        for store in stores {
            let points = browsers.of(self, store).await?.restore_points(None).await?;
            let ours = |tag: &String| tag.starts_with(VERIFICATION_TAG);
            let left = points
                .into_iter()
                .filter(|point| point.taken < begun && point.tags.iter().any(ours));
            self.remove_snapshots(store, &left.map(|point| point.id).collect::<Vec<_>>()).await?;
        }
        Ok(())
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
    ) -> Result<Name> {
        let (other, connector) = match kind {
            Kind::Destination => (Kind::Source, ConnectorKind::Importer),
            Kind::Source => (Kind::Destination, ConnectorKind::Exporter),
            Kind::Store => {
                return Err(Error::Input(format!(
                    "the store {name} can't be backed up or restored to"
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
        let made = Name::new(&format!("{TEMPORARY_PREFIX}{mark}"))?;
        self.configure(other, &made, &options).await?;
        Ok(made)
    }
}

/// Reads a destination again.
struct DestinationReader<'a> {
    plakar: &'a Plakar,
    job: &'a RestoreJob,
    source: &'a str,
    mark: &'a str,
    /// The snapshots that were made for it.
    made: &'a mut Vec<SnapshotId>,
    cancel: &'a CancellationToken,
}

impl DestinationReader<'_> {
    /// Makes a snapshot of the destination, without what the rules leave out.
    async fn again(
        &mut self,
        rules: &[String],
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<SnapshotId> {
        let (store, plakar) = (&self.job.store, self.plakar);
        let mut secrets = store.secrets(plakar).await?;
        if let RestoreTarget::Destination(name) = &self.job.to {
            secrets = secrets.and(plakar.secrets(Kind::Destination, name).await?);
        }
        let (reference, tag) =
            (store.reference(), format!("{VERIFICATION_TAG}{}.{}", self.mark, self.made.len()));
        let mut arguments: Vec<String> =
            ["at", &reference, "backup", "-no-progress", "-no-xattr", "-cache=no"]
                .map(str::to_owned)
                .into();
        arguments.extend(["-name=verification".to_owned(), format!("-tag={tag}")]);
        arguments.extend(rules.iter().map(|rule| format!("-ignore={rule}")));
        arguments.push(self.source.to_owned());
        let mut reader = ProgressReader::of("backup");
        let command = plakar
            .job(arguments)
            .timeout(NO_TIMEOUT)
            .cancelled_by(self.cancel)
            .redact(secrets.clone());
        let ended = command.lines(&mut |line| news(reader.read(line))).await?;
        // What could not be read is missing in the comparison.
        reader.result(ended)?;
        let arguments = ["at", &reference, "ls", "-uuid", "-latest", "-tag", &tag];
        let listed = plakar.job(arguments).redact(secrets).output().await?;
        let id = listed.split_whitespace().find_map(|word| SnapshotId::new(word).ok());
        let id = id
            .ok_or_else(|| Error::Answer("the snapshot of the destination is not listed".into()))?;
        self.made.push(id.clone());
        Ok(id)
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

/// Compares the entries below `path` with those of the destination's snapshot.
async fn compare(
    browser: &Browser,
    (id, path): (&SnapshotId, &SnapshotPath),
    again: &SnapshotId,
    news: &mut (dyn FnMut(RestoreProgress) + Send),
) -> Result<Verification> {
    let root = SnapshotPath::new(&browser.restore_point(again).await?.root)?;
    let mut verified = Verification::default();
    let top = browser.entry(id, path).await?;
    let mut folders = VecDeque::new();
    if top.kind == EntryKind::Folder {
        folders.push_back((path.clone(), root));
    } else {
        let found = children(browser, again, &root).await?;
        pair(browser, (id, path, top), (again, found.get(path.name())), &mut verified).await?;
    }
    while let Some((ours, theirs)) = folders.pop_front() {
        let (wanted, found) =
            (children(browser, id, &ours).await?, children(browser, again, &theirs).await?);
        let mut files = Vec::new();
        for (name, entry) in wanted {
            let path = ours.join(&name)?;
            match (entry.kind, found.get(&name)) {
                (EntryKind::Folder, Some(there)) if there.kind == EntryKind::Folder => {
                    verified.entries += 1;
                    folders.push_back((path, theirs.join(&name)?));
                }
                (EntryKind::Folder, None) => {
                    let below = browser.listed(id, &path, 0, 1).await?.total.unwrap_or_default();
                    let with = if below == 0 {
                        String::new()
                    } else {
                        format!(", with {below} entries in it")
                    };
                    verified.problem(&path, format!("the folder is missing{with}"));
                }
                (_, there) => files.push((path, entry, there.cloned())),
            }
        }
        let mut results = stream::iter(files.into_iter().map(|(path, entry, there)| async move {
            let mut part = Verification::default();
            pair(browser, (id, &path, entry), (again, there.as_ref()), &mut part).await?;
            Ok::<_, Error>(part)
        }))
        .buffer_unordered(MAX_PARALLEL_DIGESTS);
        while let Some(part) = results.next().await {
            let part = part?;
            verified.entries += part.entries;
            verified.bytes += part.bytes;
            verified.problems += part.problems;
            let room = MAX_LISTED_PROBLEMS.saturating_sub(verified.failed.len());
            verified.failed.extend(part.failed.into_iter().take(room));
            news(RestoreProgress::Compared(verified.entries));
        }
    }
    Ok(verified)
}

/// Compares one entry that is no folder.
async fn pair(
    browser: &Browser,
    (id, path, wanted): (&SnapshotId, &SnapshotPath, Entry),
    (again, found): (&SnapshotId, Option<&Entry>),
    verified: &mut Verification,
) -> Result<()> {
    let Some(found) = found else {
        verified.problem(path, "it is missing");
        return Ok(());
    };
    if found.kind != wanted.kind {
        verified.problem(path, "something else has its name");
    } else if wanted.kind == EntryKind::Link && found.target != wanted.target {
        verified.problem(path, "the link leads elsewhere");
    } else if wanted.kind != EntryKind::File {
        verified.entries += 1;
    } else if found.size != wanted.size {
        verified.problem(path, format!("it has {} bytes instead of {}", found.size, wanted.size));
    } else {
        let (ours, theirs) =
            match (browser.entry(id, path).await, browser.entry(again, &found.path()?).await) {
                (Err(Error::NotFound(_)), _) | (_, Err(Error::NotFound(_))) => {
                    verified.problem(path, "it can't be compared: its name is not UTF-8");
                    return Ok(());
                }
                (ours, theirs) => (ours?, theirs?),
            };
        if wanted.size > 0 && (ours.content.is_none() || ours.content != theirs.content) {
            verified.problem(path, "its content is different");
        } else {
            verified.entries += 1;
            verified.bytes += wanted.size;
        }
    }
    Ok(())
}

/// All entries of a folder, by name.
async fn children(
    browser: &Browser,
    id: &SnapshotId,
    folder: &SnapshotPath,
) -> Result<BTreeMap<String, Entry>> {
    let mut all = BTreeMap::new();
    let mut offset = 0;
    loop {
        let page = browser.listed(id, folder, offset, MAX_PAGE_ENTRIES).await?;
        offset += page.items.len() as u64;
        for entry in page.items {
            let (name, folder) = (entry.name.clone(), entry.folder.clone());
            if all.insert(name, entry).is_some() {
                // Plakar shows bytes that are no UTF-8 as one and the same sign.
                return Err(Error::Answer(format!(
                    "two entries of {folder} have names that look the same"
                )));
            }
        }
        if !page.more {
            return Ok(all);
        }
    }
}
