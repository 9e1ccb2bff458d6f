//! What is on a drive against what is in a restore point: by a listing and by MD5, without reading
//! the drive.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::words::{count_text, size_text};

/// Maximum number of examples of a kind.
const MAX_EXAMPLES: usize = 20;

/// Maximum number of folders that are told of.
const MAX_FOLDERS: usize = 20;

/// Times of one moment may differ by so much: a drive keeps seconds.
const TIME_TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// How long before a backup a file has to be of a time, for another size under that time to be no
/// change since then: clocks differ.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// What a comparison found, in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparisonFigures {
    /// On the drive.
    pub listed: u64,
    /// Proven the same by their MD5.
    pub proven: u64,
    /// The same by size and time.
    pub same: u64,
    /// Of another size or time: changed since the backup.
    pub changed: u64,
    /// Of the same size and time, but with another content, or not readable in the store; or of the
    /// same time, from before the backup, but of another size.
    pub different: u64,
    /// On the drive, and not in the restore point.
    pub exposed: u64,
    /// Bytes of these.
    pub exposed_bytes: u64,
    /// Of these, changed before the restore point was begun: the backup left them out.
    pub exposed_before: u64,
    /// In the restore point, and not on the drive any more.
    pub gone: u64,
    /// What the drive could not list, and files of the restore point in such folders.
    pub unlisted: u64,
    /// Bytes that were read from the store for their MD5.
    pub read_bytes: u64,
}

impl ComparisonFigures {
    /// All of it in one line.
    pub fn words(&self) -> String {
        let parts = [
            (self.proven, "proven the same by MD5"),
            (self.same, "the same by size and time"),
            (self.changed, "changed since the backup"),
            (self.different, "different"),
            (self.gone, "gone from the drive"),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        if self.exposed > 0 {
            let bytes = size_text(self.exposed_bytes);
            parts.push(format!("{} in no backup yet ({bytes})", self.exposed));
        }
        let found =
            if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        format!("{} on the drive{found}", count_text(self.listed, "file"))
    }
}

/// What is exposed below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedFolder {
    /// Its path.
    pub path: String,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What the newest comparison found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// When.
    pub at: DateTime<Utc>,
    /// The task.
    pub task: i64,
    /// The restore point, by its whole id.
    pub point: String,
    /// In figures.
    pub figures: ComparisonFigures,
    /// What is exposed, by the folders that the files are in, those with the most bytes first.
    pub folders: Vec<ExposedFolder>,
    /// Some of what is exposed.
    pub exposed: Vec<String>,
    /// Some of what is different, and why.
    pub different: Vec<String>,
    /// Some of what is gone from the drive.
    pub gone: Vec<String>,
}

/// A file of the drive, by its path in a restore point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Bytes, if the drive knows.
    pub size: Option<u64>,
    /// When it was changed, if the drive knows.
    pub modified: Option<DateTime<Utc>>,
    /// Its MD5, if the drive lists one.
    pub md5: Option<String>,
}

/// A file that is in both, and the same by size and time, whose MD5 the drive lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvableFile {
    /// Its path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// What the drive lists.
    pub md5: String,
}

/// A comparison that goes on.
pub struct Comparing {
    /// What was found so far.
    pub comparison: Comparison,
    /// What may be proven by MD5; it counts as the same by size and time until it is.
    pub provable: Vec<ProvableFile>,
}

impl Comparing {
    /// Compares what is listed with the files of a restore point that was begun at `taken`.
    pub fn new(
        mut listed: HashMap<String, ListedFile>,
        unlisted: &HashSet<String>,
        point: (&str, DateTime<Utc>),
        files: impl Iterator<Item = (String, u64, DateTime<Utc>)>,
        (task, now): (i64, DateTime<Utc>),
    ) -> Self {
        let mut figures = ComparisonFigures {
            listed: listed.len() as u64,
            unlisted: unlisted.len() as u64,
            ..Default::default()
        };
        let (mut provable, mut gone, mut different) = (Vec::new(), Vec::new(), Vec::new());
        for (path, size, modified) in files {
            let Some(there) = listed.remove(&path) else {
                if is_within(&path, unlisted) {
                    figures.unlisted += 1;
                    continue;
                }
                figures.gone += 1;
                example(&mut gone, path);
                continue;
            };
            let same_time = there.modified.is_none_or(|at| (at - modified).abs() <= TIME_TOLERANCE);
            let other_size = there.size.is_some_and(|there| there != size);
            let is_older = |at: DateTime<Utc>| at.max(modified) < point.1 - CLOCK_TOLERANCE;
            if other_size && same_time && there.modified.is_some_and(is_older) {
                // Nothing that was written since then has that time.
                figures.different += 1;
                let reason = "of the same time, but of another size than in the store";
                example(&mut different, format!("{path}: {reason}"));
                continue;
            }
            if other_size || !same_time {
                figures.changed += 1;
                continue;
            }
            figures.same += 1;
            if let Some(md5) = there.md5 {
                let md5 = md5.to_lowercase();
                provable.push(ProvableFile { path, size, modified, md5 });
            }
        }
        let mut folders: BTreeMap<String, ExposedFolder> = BTreeMap::new();
        let mut exposed: Vec<(&String, &ListedFile)> = listed.iter().collect();
        exposed.sort_unstable_by_key(|(path, _)| *path);
        for (path, file) in &exposed {
            let bytes = file.size.unwrap_or_default();
            figures.exposed += 1;
            figures.exposed_bytes += bytes;
            figures.exposed_before += u64::from(file.modified.is_some_and(|at| at < point.1));
            let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            let folder = if folder.is_empty() { "/" } else { folder };
            let entry = folders.entry(folder.to_owned()).or_default();
            entry.files += 1;
            entry.bytes += bytes;
        }
        let named = |(path, folder)| ExposedFolder { path, ..folder };
        let mut folders: Vec<ExposedFolder> = folders.into_iter().map(named).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse((folder.bytes, folder.files)));
        folders.truncate(MAX_FOLDERS);
        let exposed = exposed.into_iter().take(MAX_EXAMPLES).map(|(path, _)| path.clone());
        let comparison = Comparison {
            at: now,
            task,
            point: point.0.to_owned(),
            figures,
            folders,
            exposed: exposed.collect(),
            different,
            gone,
        };
        Self { comparison, provable }
    }

    /// A file of those that may be proven has this MD5 in the store. Gives whether it is that of
    /// the drive.
    pub fn read(&mut self, file: &ProvableFile, md5: &str) -> bool {
        if file.md5 == md5 {
            self.comparison.figures.same -= 1;
            self.comparison.figures.proven += 1;
            return true;
        }
        self.differs(
            file,
            "of the same size and time, but the drive lists another MD5 than the store has",
        );
        false
    }

    /// A file of those that may be proven cannot be read in the store, or is another one.
    pub fn differs(&mut self, file: &ProvableFile, reason: &str) {
        self.comparison.figures.same -= 1;
        self.comparison.figures.different += 1;
        example(&mut self.comparison.different, format!("{}: {reason}", file.path));
    }
}

/// Whether a path, or a folder that it is in, is one of these.
fn is_within(path: &str, all: &HashSet<String>) -> bool {
    let mut next = Some(path).filter(|_| !all.is_empty());
    while let Some(path) = next {
        if all.contains(path) {
            return true;
        }
        next = path.rsplit_once('/').map(|(above, _)| above);
    }
    false
}

fn example(examples: &mut Vec<String>, text: String) {
    if examples.len() < MAX_EXAMPLES {
        examples.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    type Files = BTreeMap<String, (u64, i64)>;

    fn compared(drive: &Files, point: &Files) -> Comparing {
        let listed = drive.iter().map(|(path, (size, time))| {
            let file = ListedFile {
                size: Some(*size),
                modified: Some(at(*time)),
                md5: Some(format!("{size:032X}")),
            };
            (path.clone(), file)
        });
        let unlisted = HashSet::from(["/gone".to_owned()]);
        let files = point.iter().map(|(path, (size, time))| (path.clone(), *size, at(*time)));
        Comparing::new(listed.collect(), &unlisted, ("p", at(100)), files, (7, at(200)))
    }

    fn any_files() -> impl Strategy<Value = Files> {
        proptest::collection::btree_map("(/[ab]{1,2}){1,3}", (0u64..3, 0i64..9), 0..30)
    }

    proptest! {
        #[test]
        fn each_file_is_counted_once(drive in any_files(), point in any_files(), right: bool) {
            let mut found = compared(&drive, &point);
            for file in std::mem::take(&mut found.provable) {
                let md5 = if right { file.md5.clone() } else { "other".to_owned() };
                prop_assert_eq!(found.read(&file, &md5), right);
            }
            let figures = found.comparison.figures;
            prop_assert_eq!(figures.listed, drive.len() as u64);
            let both = figures.proven + figures.same + figures.changed + figures.different;
            prop_assert_eq!(both + figures.exposed, drive.len() as u64);
            prop_assert_eq!((both + figures.gone, figures.unlisted), (point.len() as u64, 1));
            prop_assert_eq!(figures.same, 0);
            prop_assert!(figures.exposed_before <= figures.exposed);
            let by_folder: u64 = found.comparison.folders.iter().map(|folder| folder.files).sum();
            prop_assert_eq!(by_folder, figures.exposed);
        }
    }

    #[test]
    fn another_size_under_a_time_from_before_the_backup_is_no_change() {
        let one = |fact: (u64, i64)| Files::from([("/a".to_owned(), fact)]);
        for (drive, point, different) in [
            ((9, 10), (4, 10), true),
            ((9, 11), (4, 10), true),
            // It has another time, or may have been written while the backup ran, or since then.
            ((9, 12), (4, 10), false),
            ((9, 99), (4, 10), false),
            ((9, 40), (4, 40), false),
            ((9, 99), (4, 99), false),
        ] {
            let Comparison { figures, different: told, .. } =
                compared(&one(drive), &one(point)).comparison;
            let (expected, changed) = (u64::from(different), u64::from(!different));
            assert_eq!((figures.different, figures.changed), (expected, changed), "{drive:?}");
            let words = "/a: of the same time, but of another size than in the store";
            assert_eq!(told, [words][..usize::from(different)]);
        }
    }

    #[test]
    fn what_is_exposed_is_told_by_folder() {
        let drive: Files =
            [("/a/1", (9, 50)), ("/a/2", (3, 150)), ("/b", (5, 50)), ("/c", (5, 51))]
                .map(|(path, fact)| (path.to_owned(), fact))
                .into();
        let point: Files = [("/c", (5, 50)), ("/d", (1, 1)), ("/gone/e", (1, 1))]
            .map(|(path, fact)| (path.to_owned(), fact))
            .into();
        let mut found = compared(&drive, &point);
        let folder = |path: &str, files, bytes| ExposedFolder { path: path.into(), files, bytes };
        assert_eq!(found.comparison.folders, [folder("/a", 2, 12), folder("/", 1, 5)]);
        assert_eq!(found.comparison.exposed, ["/a/1", "/a/2", "/b"]);
        assert_eq!((found.comparison.figures.exposed_before, found.provable.len()), (2, 1));
        // What is in a folder that could not be listed is not gone.
        assert_eq!((found.comparison.figures.gone, found.comparison.figures.unlisted), (1, 2));
        let file = found.provable[0].clone();
        assert!(!found.read(&file, "00"));
        assert_eq!(
            found.comparison.figures.words(),
            "4 files on the drive: 1 different, 1 gone from the drive, 3 in no backup yet (17 B)"
        );
        assert!(found.comparison.different[0].starts_with("/c: of the same size and time, but"));
    }
}
