//! Restore points of an app, and what is in them. A snapshot of another app is not there.

use std::sync::Arc;

use super::error::{Error, Result};
use super::handle::Service;
use super::references::store_of;
use crate::state::{App, AppId, AppKind};
use plakar_driver::{
    Amount, ArchiveFormat, Browser, CancellationToken, Download, Entry, EntryKind, Failure,
    Listing, Order, Page, Plakar, RestorePoint, SearchAnswer, SnapshotId, SnapshotPath, Store,
};

/// A restore point that is looked into.
pub struct OpenedPoint {
    /// What is said of it.
    pub point: RestorePoint,
    browser: Arc<Browser>,
    store: Store,
    plakar: Plakar,
}

impl Service {
    /// The restore points of a source app, newest first.
    ///
    /// # Errors
    /// Its store can't be opened.
    pub async fn points(&self, app: AppId) -> Result<Vec<RestorePoint>> {
        let app = self.source(app).await?;
        let (browser, _) = self.browser(&app).await?;
        Ok(browser.restore_points(Some(&app.key)).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// It is not there, or not of this app.
    pub async fn point(&self, app: AppId, id: &SnapshotId) -> Result<OpenedPoint> {
        let app = self.source(app).await?;
        let (browser, store) = self.browser(&app).await?;
        let point = browser.restore_point(id).await?;
        if point.app.as_deref() != Some(app.key.as_str()) {
            return Err(plakar_driver::Error::NotFound(format!(
                "the restore point {} of {}",
                id.short(),
                app.spec.name
            ))
            .into());
        }
        Ok(OpenedPoint { point, browser, store, plakar: self.plakar.clone() })
    }

    /// The one that a user means: a whole id, its beginning, or `latest`.
    ///
    /// # Errors
    /// There is none, or several begin so.
    pub async fn find_point(&self, app: AppId, text: &str) -> Result<SnapshotId> {
        if let Ok(id) = SnapshotId::new(text) {
            return Ok(id);
        }
        let points = self.points(app).await?;
        let found: Vec<_> = match text {
            "latest" => points.iter().take(1).collect(),
            text if text.len() >= 4 => {
                points.iter().filter(|point| point.id.as_str().starts_with(text)).collect()
            }
            _ => Vec::new(),
        };
        let shown = text.escape_debug();
        match found.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(Error::NotFound(format!(
                "there is no restore point \"{shown}\"; write \"latest\", or four digits or more of its id"
            ))),
            _ => Err(Error::Input(format!(
                "several restore points begin with \"{shown}\"; write more digits"
            ))),
        }
    }

    async fn browser(&self, app: &App) -> Result<(Arc<Browser>, Store)> {
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
    /// The store can't be read.
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

    /// What failed when it was made.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn errors(&self, offset: u64, limit: u64) -> Result<Page<Failure>> {
        Ok(self.browser.errors(&self.point.id, offset, limit).await?)
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
