//! One file of a restore point: what is known of it, and what is in it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use chrono::SecondsFormat;
use futures::StreamExt;
use serde::Deserialize;

use super::files::PICTURES;
use super::open::{Crumb, Opened, Summary, crumbs, path};
use super::shown::Shown;
use super::versions::{Version, versions};
use crate::pages::format::{self, When};
use crate::pages::{AppHead, PageResult, Section, Shell, Tab, Visit, page};
use plakar_driver::{ArchiveFormat, CancellationToken, Entry, EntryKind, SnapshotPath};
use source_app::service::Service;

/// So much of a text is shown.
const TEXT: usize = 256 << 10;

/// Larger pictures are not loaded with the page.
const PICTURE: u64 = 16 << 20;

#[derive(Deserialize)]
pub struct Asked {
    path: String,
}

/// What is shown of a file's content.
enum Preview {
    Empty,
    /// The beginning, and whether there is more.
    Text(Shown, bool),
    /// Its address.
    Picture(String),
    LargePicture(String),
    Binary,
    /// Why it can't be read.
    Failed(String),
}

#[derive(Template)]
#[template(path = "points/view.html")]
struct View {
    shell: Shell,
    head: AppHead,
    point: Summary,
    crumbs: Vec<Crumb>,
    name: Shown,
    path: Shown,
    size: String,
    bytes: u64,
    modified: When,
    modified_exact: String,
    content_type: String,
    digest: Option<String>,
    download: String,
    restore: String,
    preview: Preview,
    versions: Vec<Version>,
}

pub async fn view(visit: Visit, State(service): State<Service>, opened: Opened, Query(asked): Query<Asked>) -> PageResult {
    let path = path(&opened.point.point, Some(&asked.path))?;
    let entry = opened.point.entry(&path).await?;
    if entry.kind == EntryKind::Folder {
        return Ok(Redirect::to(&opened.links.folder(&path)).into_response());
    }
    let preview = preview(&opened, &path, &entry).await;
    let versions = versions(&service, &opened, &path, &entry).await;
    page(&View {
        shell: visit.shell(Section::None),
        crumbs: crumbs(&opened.links, &path),
        name: Shown::name(path.name()),
        path: Shown::name(path.as_str()),
        size: format::size(entry.size),
        bytes: entry.size,
        modified: When(entry.modified),
        modified_exact: entry.modified.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        content_type: entry.content_type,
        digest: entry.content,
        download: opened.links.download(&path),
        restore: opened.links.restore(&path),
        preview,
        versions,
        point: Summary::new(opened.app.id, &opened.point.point),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}

async fn preview(opened: &Opened, path: &SnapshotPath, entry: &Entry) -> Preview {
    if entry.kind != EntryKind::File {
        return Preview::Binary;
    }
    if entry.size == 0 {
        return Preview::Empty;
    }
    let kind = entry.content_type.split(';').next().unwrap_or_default().trim();
    if PICTURES.contains(&kind) {
        let address = opened.links.raw(path);
        return if entry.size <= PICTURE { Preview::Picture(address) } else { Preview::LargePicture(address) };
    }
    match beginning(opened, path).await {
        Ok(bytes) => as_text(&bytes, entry.size > TEXT as u64),
        Err(reason) => Preview::Failed(reason),
    }
}

async fn beginning(opened: &Opened, path: &SnapshotPath) -> Result<Vec<u8>, String> {
    let download = opened.point.download(path, ArchiveFormat::Zip, &CancellationToken::new()).await;
    let mut content = download.map_err(|error| error.to_string())?.content;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        if bytes.len() >= TEXT {
            break;
        }
    }
    bytes.truncate(TEXT);
    Ok(bytes)
}

fn as_text(bytes: &[u8], more: bool) -> Preview {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The cut may be within a character.
        Err(error) if more && error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return Preview::Binary,
    };
    if text.contains('\0') {
        return Preview::Binary;
    }
    let shown = Shown::text(text);
    // Terminal output has some, a program has many.
    if shown.escapes() > 20 + text.len() / 20 { Preview::Binary } else { Preview::Text(shown, more) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_without_too_much_that_cannot_be_seen() {
        let cut = "aé".as_bytes().split_last().unwrap().1;
        assert!(matches!(as_text(cut, true), Preview::Text(shown, true) if shown.plain() == "a"));
        assert!(matches!(as_text(cut, false), Preview::Binary));
        assert!(matches!(as_text(b"a\0b", false), Preview::Binary));
        assert!(matches!(as_text("<b>\u{1b}[0m".as_bytes(), false), Preview::Text(shown, false) if shown.plain() == "<b>\\u{1b}[0m"));
        assert!(matches!(as_text(&[7; 1000], false), Preview::Binary));
        assert!(matches!(as_text(b"\xff\xfea\0", false), Preview::Binary));
    }
}
