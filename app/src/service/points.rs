//! Restore points of an app, and what is in them. A snapshot of another app is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{Error, Result};
use super::handle::Service;
use super::missing::{MissingEntry, missing};
use super::references::store_of;
use crate::state::{App, AppId, AppKind, CheckedPoint};
use plakar_driver::{
    AllPointsAnswer, Amount, ArchiveFormat, Browser, CancellationToken, Download, Entry, EntryKind,
    Failure, Listing, Order, Page, Plakar, RestorePoint, SearchAnswer, SnapshotId, SnapshotPath,
    Store,
};

/// A restore point that is looked into.
pub struct OpenedPoint {
    /// What is said of it.
    pub point: RestorePoint,
    browser: Arc<Browser>,
    store: Store,
    plakar: Plakar,
}

/// The restore point that a user means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPoint {
    /// Its id.
    pub id: SnapshotId,
    /// What has to be said with it: that it is not the newest one, and why.
    pub note: Option<String>,
}

impl Service {
    /// The restore points of a source app, newest first.
    ///
    /// # Errors
    /// Its store cannot be opened.
    pub async fn points(&self, app: AppId) -> Result<Vec<RestorePoint>> {
        self.points_of(&self.source(app).await?).await
    }

    /// Those in the store that it has here.
    pub(super) async fn points_of(&self, app: &App) -> Result<Vec<RestorePoint>> {
        let (browser, _) = self.browser(app).await?;
        Ok(browser.restore_points(Some(&app.key)).await?)
    }

    /// Searches all restore points of an app for names, deleted files included: each path once. What
    /// was not read yet is being read from then on; ask again.
    ///
    /// # Errors
    /// There is nothing to search for, or its store cannot be opened.
    pub async fn search_all_points(
        &self,
        app: AppId,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<AllPointsAnswer> {
        not_empty(text)?;
        let app = self.source(app).await?;
        let (store, part) = (store_of(&app)?, (offset, limit));
        let found = self.browsers.search_all(&self.plakar, &store, &app.key, text.trim(), part);
        Ok(found.await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// It is not there, or not of this app.
    pub async fn point(&self, app: AppId, id: &SnapshotId) -> Result<OpenedPoint> {
        self.point_of(&self.source(app).await?, id).await
    }

    /// One of them in the store that it has here.
    pub(super) async fn point_of(&self, app: &App, id: &SnapshotId) -> Result<OpenedPoint> {
        let (browser, store) = self.browser(app).await?;
        let gone = || {
            Error::NotFound(format!(
                "the restore point {} of {} is not there any more: it was removed from the store, or never was in it",
                id.short(),
                app.spec.name
            ))
        };
        // By the list: plakar opens a removed one too, as long as its data is there.
        let mut points = browser.restore_points(Some(&app.key)).await?.into_iter();
        let point = points.find(|point| point.id == *id).ok_or_else(gone)?;
        Ok(OpenedPoint { point, browser, store, plakar: self.plakar.clone() })
    }

    /// What the newest check of each restore point of an app found, by their whole ids. One that is
    /// not among them was not checked yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn point_checks(&self, app: AppId) -> Result<BTreeMap<String, CheckedPoint>> {
        self.state(move |state| state.checked_points(app)).await
    }

    /// What the newest check of a restore point found, if it was checked.
    ///
    /// # Errors
    /// The database failed.
    pub async fn point_check(&self, app: AppId, id: &SnapshotId) -> Result<Option<CheckedPoint>> {
        Ok(self.point_checks(app).await?.remove(id.as_str()))
    }

    /// The one that a user means: a whole id, its beginning, or `latest`, which is the newest that
    /// is not known to be damaged.
    ///
    /// # Errors
    /// There is none, or several begin so.
    pub async fn find_point(&self, app: AppId, text: &str) -> Result<FoundPoint> {
        if let Ok(id) = SnapshotId::new(text) {
            return Ok(FoundPoint { id, note: None });
        }
        find(&self.points(app).await?, &self.point_checks(app).await?, text)
    }

    pub(super) async fn browser(&self, app: &App) -> Result<(Arc<Browser>, Store)> {
        let store = store_of(app)?;
        Ok((self.browsers.of(&self.plakar, &store).await?, store))
    }

    /// An app.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn app(&self, id: AppId) -> Result<App> {
        self.state(move |state| state.app(id)).await
    }

    pub(super) async fn source(&self, id: AppId) -> Result<App> {
        let app = self.app(id).await?;
        if app.spec.kind == AppKind::Destination {
            return Err(Error::Input(format!("{} is a destination; name a source", app.spec.name)));
        }
        Ok(app)
    }

    pub(super) async fn destination(&self, name: &str) -> Result<App> {
        let name = name.to_owned();
        self.state(move |state| state.app_named(AppKind::Destination, &name)).await
    }
}

/// The one of these, newest first, that a text means.
pub(super) fn find(
    points: &[RestorePoint],
    checks: &BTreeMap<String, CheckedPoint>,
    text: &str,
) -> Result<FoundPoint> {
    if text == "latest" {
        let points: Vec<_> = points.iter().map(|point| &point.id).collect();
        return latest(&points, checks).ok_or_else(|| {
            Error::NotFound("there is no restore point yet; a backup makes one".into())
        });
    }
    let found: Vec<_> = match text {
        text if text.len() >= 4 => {
            points.iter().filter(|point| point.id.as_str().starts_with(text)).collect()
        }
        _ => Vec::new(),
    };
    let shown = text.escape_debug();
    match found.as_slice() {
        [one] => Ok(FoundPoint { id: one.id.clone(), note: None }),
        [] => Err(Error::NotFound(format!(
            "there is no restore point \"{shown}\"; write \"latest\", or four digits or more of its id"
        ))),
        _ => Err(Error::Input(format!(
            "several restore points begin with \"{shown}\"; write more digits"
        ))),
    }
}

/// The newest that is not damaged, or the newest if all are.
fn latest(
    newest_first: &[&SnapshotId],
    checks: &BTreeMap<String, CheckedPoint>,
) -> Option<FoundPoint> {
    let damaged = |id: &SnapshotId| checks.get(id.as_str()).is_some_and(|found| !found.is_whole());
    let newest = *newest_first.first()?;
    let good = newest_first.iter().find(|id| !damaged(id));
    let (id, note) = match good {
        Some(good) if *good == newest => (newest, None),
        Some(good) => (
            *good,
            Some(format!(
                "the newest restore point, {}, is damaged: taking {}, the newest that is not known to be",
                newest.short(),
                good.short()
            )),
        ),
        None => (
            newest,
            Some(format!(
                "all restore points are damaged: taking the newest, {}, of which a part cannot be read",
                newest.short()
            )),
        ),
    };
    Some(FoundPoint { id: id.clone(), note })
}

impl OpenedPoint {
    /// An entry; a link is followed.
    ///
    /// # Errors
    /// It is not there.
    pub async fn entry(&self, path: &SnapshotPath) -> Result<Entry> {
        Ok(self.browser.entry(&self.point.id, path).await?)
    }

    /// How much there is at a path and below.
    ///
    /// # Errors
    /// It is not there.
    pub async fn amount(&self, path: &SnapshotPath) -> Result<Amount> {
        Ok(self.browser.amount(&self.point.id, path).await?)
    }

    /// What is in a folder, by name.
    ///
    /// # Errors
    /// It is not there.
    pub async fn children(
        &self,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        Ok(self.browser.children(&self.point.id, folder, offset, limit).await?)
    }

    /// What is in a folder, in an order. Of a folder that is not given whole, by name alone as long
    /// as the restore point has no index, which is made then.
    ///
    /// # Errors
    /// It is not there.
    pub async fn ordered(
        &self,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
        order: Order,
    ) -> Result<Listing> {
        Ok(self.browser.ordered(&self.point.id, folder, offset, limit, order).await?)
    }

    /// The entries below a folder whose names have a text in them, or match it if it has `*` or `?`
    /// in it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn search(
        &self,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        not_empty(text)?;
        Ok(self.browser.search(&self.point.id, folder, text, offset, limit).await?)
    }

    /// The same, without waiting for the names of a large restore point to be read.
    ///
    /// # Errors
    /// As for [`OpenedPoint::search`].
    pub async fn search_soon(
        &self,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<SearchAnswer> {
        not_empty(text)?;
        Ok(self.browser.search_soon(&self.point.id, folder, text, offset, limit).await?)
    }

    /// What the backup could not read of a folder, with the newest other restore point that has it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn missing(&self, folder: &SnapshotPath) -> Result<Vec<MissingEntry>> {
        missing(&self.browser, &self.point, folder).await
    }

    /// What failed when it was made.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn errors(&self, offset: u64, limit: u64) -> Result<Page<Failure>> {
        Ok(self.browser.errors(&self.point.id, offset, limit).await?)
    }

    /// Files and folders of it as one ZIP archive.
    ///
    /// # Errors
    /// One of them is not there, or they are too many.
    pub async fn download_several(&self, paths: &[SnapshotPath]) -> Result<Download> {
        Ok(Arc::clone(&self.browser).download_several(&self.point.id, paths).await?)
    }

    /// A file's content, or a folder as an archive.
    ///
    /// # Errors
    /// It is not there, or neither file nor folder.
    pub async fn download(
        &self,
        path: &SnapshotPath,
        format: ArchiveFormat,
        cancel: &CancellationToken,
    ) -> Result<Download> {
        match self.entry(path).await?.kind {
            EntryKind::Folder => {
                Ok(self.plakar.archive(&self.store, &self.point.id, path, format, cancel).await?)
            }
            _ => Ok(Arc::clone(&self.browser).download(&self.point.id, path).await?),
        }
    }
}

fn not_empty(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::Input(
            "what to search for is missing; write a part of a name, or a pattern such as *.pdf"
                .into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    #[test]
    fn the_latest_is_the_newest_that_is_not_damaged() {
        let ids: Vec<SnapshotId> =
            ["c", "b", "a"].map(|digit| SnapshotId::new(&digit.repeat(64)).unwrap()).into();
        let newest_first: Vec<&SnapshotId> = ids.iter().collect();
        let checked = |errors: &[(usize, u64)]| -> BTreeMap<String, CheckedPoint> {
            let one = |(at, errors): &(usize, u64)| {
                let reason = String::new();
                (
                    ids[*at].to_string(),
                    CheckedPoint { at: Utc::now(), task: 1, errors: *errors, reason },
                )
            };
            errors.iter().map(one).collect()
        };
        let taken = |errors: &[(usize, u64)]| {
            let found = latest(&newest_first, &checked(errors)).unwrap();
            (ids.iter().position(|id| *id == found.id).unwrap(), found.note.is_some())
        };
        assert_eq!(latest(&[], &checked(&[])), None);
        assert_eq!(taken(&[]), (0, false));
        assert_eq!(taken(&[(0, 0), (1, 3)]), (0, false));
        assert_eq!(taken(&[(0, 2)]), (1, true));
        assert_eq!(taken(&[(0, 2), (1, 1), (2, 0)]), (2, true));
        assert_eq!(taken(&[(0, 2), (1, 1), (2, 1)]), (0, true));
    }
}
