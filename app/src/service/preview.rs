//! What the options of a backup would leave out, by the newest restore point: nothing is asked of
//! the drive.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ignore_rules::{IgnorePattern, IgnoreRules};
use serde::Serialize;

use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::error::{Error, Result};
use super::handle::Service;
use super::scope::scope_of;
use crate::model::{ALL_LEFT_OUT, BackupOptions, Invalid, count_text, size_text};
use crate::state::{App, AppId, AppKind};
use plakar_driver::{BackupScope, EntryKind, Index, RestorePoint};

/// How long the names of a restore point are waited for by somebody who asks for a preview.
const PREVIEW_TIMEOUT: Duration = Duration::from_secs(120);

/// The same by somebody who saves options.
const SAVING_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum number of files that are named.
const MAX_LEFT_OUT: usize = 50;

/// What one pattern does, by the newest restore point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatternFinding {
    /// The pattern.
    pub pattern: String,
    /// How many files it matches, whatever other patterns say of them.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The restore point was made with it already: what it leaves out is not in there.
    pub was_used: bool,
}

/// What the options of a backup would leave out, by the newest restore point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionsPreview {
    /// The restore point; `None` if there is none yet, and nothing is known.
    pub point: Option<String>,
    /// When it was made.
    pub taken: Option<DateTime<Utc>>,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that would be left out.
    pub left_out_files: u64,
    /// Their bytes.
    pub left_out_bytes: u64,
    /// Those of them that no chosen folder has.
    pub outside_files: u64,
    /// The paths of the first of those that would be left out.
    pub left_out: Vec<String>,
    /// Each pattern.
    pub patterns: Vec<PatternFinding>,
    /// Chosen folders that the restore point does not have.
    pub missing_folders: Vec<String>,
    /// The restore point was made of less than these would take, so there may be more than it shows.
    pub more_may_come: bool,
}

impl OptionsPreview {
    /// Whether nothing would be left, of the restore point and of what it was made without.
    pub fn leaves_nothing(&self) -> bool {
        self.files > 0 && self.left_out_files == self.files && !self.more_may_come
    }

    /// Patterns that match nothing of it, and were not used for it.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = self.patterns.iter().filter(|found| found.files == 0 && !found.was_used);
        unused.map(|found| found.pattern.as_str())
    }

    /// All of it in lines, the first in one sentence.
    pub fn words(&self) -> Vec<String> {
        let Some(taken) = self.taken else {
            return vec![
                "There is no restore point yet, so nothing can be said of what is left out: the first backup makes one."
                    .into(),
            ];
        };
        let files = count_text(self.left_out_files, "file");
        let mut lines = vec![format!(
            "Leaves out {files}, {}, of {} of the newest restore point ({}).",
            size_text(self.left_out_bytes),
            count_text(self.files, "file"),
            taken.format("%Y-%m-%d %H:%M UTC")
        )];
        if self.outside_files > 0 {
            let files = count_text(self.outside_files, "file");
            lines.push(format!("{files} of these are in none of the chosen folders."));
        }
        for found in self.patterns.iter().filter(|found| found.files > 0) {
            let PatternFinding { pattern, files, bytes, .. } = found;
            let files = count_text(*files, "file");
            lines.push(format!("{pattern} matches {files}, {}.", size_text(*bytes)));
        }
        lines.extend(self.unused().map(|pattern| format!("{pattern} matches nothing.")));
        for found in self.patterns.iter().filter(|found| found.files == 0 && found.was_used) {
            let pattern = &found.pattern;
            lines.push(format!(
                "{pattern} was in use already, so what it matches is not in the restore point."
            ));
        }
        for folder in &self.missing_folders {
            lines.push(format!("The restore point has no folder {folder}."));
        }
        if self.more_may_come {
            lines.push(
                "The restore point was made without a part of what these would take, so there may be more than it shows."
                    .into(),
            );
        }
        lines
    }
}

impl Service {
    /// What options would leave out of an app's newest restore point.
    ///
    /// # Errors
    /// The options cannot be used as they are, or would leave nothing; the store cannot be read.
    pub async fn preview_options(
        &self,
        app: AppId,
        options: BackupOptions,
    ) -> Result<OptionsPreview> {
        let app = self.source(app).await?;
        let options = options.tidy();
        if let Some((_, fault)) = options.faults().into_iter().next() {
            return Err(fault.into());
        }
        let preview = self.previewed(&app, options, PREVIEW_TIMEOUT).await?;
        if preview.leaves_nothing() { Err(nothing_left(&preview)) } else { Ok(preview) }
    }

    async fn previewed(
        &self,
        app: &App,
        options: BackupOptions,
        limit: Duration,
    ) -> Result<OptionsPreview> {
        let looked = async {
            let (browser, _) = self.browser(app).await?;
            let newest = browser.restore_points(Some(&app.key)).await?.into_iter().next();
            let Some(point) = newest else { return Ok(unknown(&options)) };
            let index = browser.whole_index(&point.id, &CancellationToken::new()).await?;
            let index = index.ok_or_else(|| {
                let reason = "the restore point has too many entries to go through";
                plakar_driver::Error::Refused(reason.into())
            })?;
            blocking(move || Ok(compare(&point, &index, &options))).await
        };
        // A store that is away is waited for, too.
        let late = Err(plakar_driver::Error::TimedOut(limit).into());
        tokio::time::timeout(limit, looked).await.unwrap_or(late)
    }

    /// # Errors
    /// Options that an app is to have from now on would leave nothing of its newest restore point.
    /// Where that cannot be told now the backup will say so.
    pub(super) async fn leaves_something(&self, old: &App, new: &BackupOptions) -> Result<()> {
        let kept = &old.spec.backup;
        let same = (&kept.ignore, &kept.folders) == (&new.ignore, &new.folders);
        if old.spec.kind == AppKind::Destination || same || new.takes_all() {
            return Ok(());
        }
        match self.previewed(old, new.clone(), SAVING_TIMEOUT).await {
            Ok(preview) if preview.leaves_nothing() => Err(nothing_left(&preview)),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::info!(%error, "what patterns leave out is not known");
                Ok(())
            }
        }
    }
}

fn nothing_left(preview: &OptionsPreview) -> Error {
    if preview.outside_files < preview.files {
        return Invalid(ALL_LEFT_OUT.into()).into();
    }
    let message = "folders: none of the chosen folders has a file in the newest restore point, so nothing would be backed up; write folders below the place that is backed up, such as Photos/2024";
    Invalid(message.into()).into()
}

fn unknown(options: &BackupOptions) -> OptionsPreview {
    let finding = |pattern: &str| PatternFinding {
        pattern: pattern.to_owned(),
        files: 0,
        bytes: 0,
        was_used: false,
    };
    OptionsPreview {
        point: None,
        taken: None,
        files: 0,
        bytes: 0,
        left_out_files: 0,
        left_out_bytes: 0,
        outside_files: 0,
        left_out: Vec::new(),
        patterns: options.patterns().map(finding).collect(),
        missing_folders: Vec::new(),
        more_may_come: false,
    }
}

/// The names of a path.
fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Goes through all entries of a restore point, as Plakar would meet them with these options.
fn compare(point: &RestorePoint, index: &Index, options: &BackupOptions) -> OptionsPreview {
    let rules = IgnoreRules::new(&options.ignore);
    let parsed: Vec<IgnorePattern> = options.patterns().filter_map(IgnorePattern::parse).collect();
    let mut preview = unknown(options);
    for found in &mut preview.patterns {
        found.was_used = point.scope.ignore.contains(&found.pattern);
    }
    preview.point = Some(point.id.to_string());
    preview.taken = Some(point.taken);
    // Where the location of the source lies in the paths of the restore point, and the new root.
    let base = point.scope.location(&point.root);
    let below = |folder: &str| -> Vec<String> {
        base.iter().copied().chain(names(folder)).map(str::to_owned).collect()
    };
    let folders: Vec<Vec<String>> = options.folders.iter().map(|folder| below(folder)).collect();
    let new_root = below(&scope_of(options).common_folder()).len();
    let mut seen: HashSet<usize> = HashSet::new();
    // The depths of folders that are left out, on the way to where the walk is.
    let mut dropped: Option<usize> = None;
    for (kind, entry) in index.walk() {
        let names: Vec<&str> = entry.path[1..].split('/').collect();
        let (path, size) = (names.as_slice(), entry.size);
        let is_folder = kind == EntryKind::Folder;
        if dropped.is_some_and(|depth| path.len() <= depth) {
            dropped = None;
        }
        let starts = |folder: &Vec<String>| path.len() >= folder.len() && same(folder, path);
        let inside = folders.is_empty() || folders.iter().any(starts);
        if is_folder {
            let place =
                folders.iter().position(|folder| folder.len() == path.len() && starts(folder));
            seen.extend(place);
            // What is in a folder that is left out cannot be reached, though it is taken in again.
            // The root itself and what is above it is made up.
            if dropped.is_none() && path.len() > new_root && rules.excludes_parts(path, true) {
                dropped = Some(path.len());
            }
            continue;
        }
        preview.files += 1;
        preview.bytes += size;
        for (pattern, found) in parsed.iter().zip(&mut preview.patterns) {
            if pattern.matches(path, false) {
                found.files += 1;
                found.bytes += size;
            }
        }
        preview.outside_files += u64::from(!inside);
        if !inside || dropped.is_some() || rules.excludes_parts(path, false) {
            preview.left_out_files += 1;
            preview.left_out_bytes += size;
            if preview.left_out.len() < MAX_LEFT_OUT {
                preview.left_out.push(format!("/{}", path.join("/")));
            }
        }
    }
    let missing = options
        .folders
        .iter()
        .enumerate()
        .filter(|(place, folder)| !seen.contains(place) && was_taken(&point.scope, folder));
    preview.missing_folders = missing.map(|(_, folder)| folder.clone()).collect();
    let roots = if folders.is_empty() { vec![below("")] } else { folders };
    let leaves_all = |root: &Vec<String>| {
        let root: Vec<&str> = root.iter().map(String::as_str).collect();
        options.leaves_out_all_in(&root)
    };
    preview.more_may_come = takes_more(&point.scope, options) && !roots.iter().all(leaves_all);
    preview
}

/// Whether a restore point was made of this folder.
fn was_taken(scope: &BackupScope, folder: &str) -> bool {
    let within = |outer: &String| {
        folder
            .strip_prefix(outer.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    scope.folders.is_empty() || scope.folders.iter().any(within)
}

/// Whether options take something that a restore point was made without.
fn takes_more(scope: &BackupScope, options: &BackupOptions) -> bool {
    let folders = if options.folders.is_empty() {
        !scope.folders.is_empty()
    } else {
        !options.folders.iter().all(|folder| was_taken(scope, folder))
    };
    // A pattern that is gone, or one that takes something in again.
    let known = |pattern: &str| scope.ignore.iter().any(|one| one == pattern);
    let gone = scope.ignore.iter().any(|one| !options.patterns().any(|pattern| pattern == one));
    let again = !scope.ignore.is_empty()
        && options.patterns().any(|pattern| pattern.starts_with('!') && !known(pattern));
    folders || gone || again
}

fn same(folder: &[String], path: &[&str]) -> bool {
    folder.iter().zip(path).all(|(one, other)| one == other)
}
