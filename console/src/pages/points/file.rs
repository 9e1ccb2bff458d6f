//! One file of a restore point: what is known of it, and what is in it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use chrono::SecondsFormat;
use futures::StreamExt;
use serde::Deserialize;

use super::content::{DOCUMENT_TYPE, PICTURE_TYPES};
use super::point::{Breadcrumb, PointRequest, PointSummary, breadcrumbs, path};
use super::versions::{FileVersion, versions};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::format::{self, DisplayTime};
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{ArchiveFormat, CancellationToken, Entry, EntryKind, SnapshotPath};
use source_app::service::Service;

/// Maximum size of a text's part that is shown, in bytes.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// Maximum size of a picture that is loaded with the page, in bytes.
const MAX_PICTURE_BYTES: u64 = 16 << 20;

/// Maximum size of a document that is loaded with the page, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 32 << 20;

#[derive(Deserialize)]
pub struct FileQuery {
    path: String,
}

/// What is shown of a file's content.
enum FilePreview {
    Empty,
    /// The beginning, and whether there is more.
    Text(VisibleText, bool),
    /// Its address.
    Picture(String),
    LargePicture(String),
    /// The address of one that the browser shows by itself.
    Document(String),
    LargeDocument(String),
    Binary,
    /// Why it cannot be read.
    Failed(String),
}

#[derive(Template)]
#[template(path = "points/view.html")]
struct FilePage {
    layout: Layout,
    head: AppHead,
    point: PointSummary,
    crumbs: Vec<Breadcrumb>,
    name: VisibleText,
    path: VisibleText,
    size: String,
    bytes: u64,
    modified: DisplayTime,
    modified_exact: String,
    content_type: String,
    digest: Option<String>,
    download: String,
    restore: String,
    preview: FilePreview,
    versions: Vec<FileVersion>,
}

pub async fn view(
    context: PageContext,
    State(service): State<Service>,
    opened: PointRequest,
    Query(query): Query<FileQuery>,
) -> PageResult {
    let path = path(&opened.point.point, Some(&query.path))?;
    let entry = opened.point.entry(&path).await?;
    if entry.kind == EntryKind::Folder {
        return Ok(Redirect::to(&opened.links.folder(&path)).into_response());
    }
    let preview = preview(&opened, &path, &entry).await;
    let versions = versions(&service, &opened, &path, &entry).await;
    render(&FilePage {
        layout: context.layout(Section::None),
        crumbs: breadcrumbs(&opened.links, &path),
        name: VisibleText::name(path.name()),
        path: VisibleText::name(path.as_str()),
        size: format::size(entry.size),
        bytes: entry.size,
        modified: DisplayTime(entry.modified),
        modified_exact: entry.modified.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        content_type: entry.content_type,
        digest: entry.content,
        download: opened.links.download(&path),
        restore: opened.links.restore(&path),
        preview,
        versions,
        point: PointSummary::of(&opened.links, &opened.point.point, opened.check.as_ref()),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}

async fn preview(opened: &PointRequest, path: &SnapshotPath, entry: &Entry) -> FilePreview {
    if entry.kind != EntryKind::File {
        return FilePreview::Binary;
    }
    if entry.size == 0 {
        return FilePreview::Empty;
    }
    let kind = entry.content_type.split(';').next().unwrap_or_default().trim();
    if PICTURE_TYPES.contains(&kind) {
        let address = opened.links.raw(path);
        return if entry.size <= MAX_PICTURE_BYTES {
            FilePreview::Picture(address)
        } else {
            FilePreview::LargePicture(address)
        };
    }
    if kind == DOCUMENT_TYPE {
        let address = opened.links.raw(path);
        return if entry.size <= MAX_DOCUMENT_BYTES {
            FilePreview::Document(address)
        } else {
            FilePreview::LargeDocument(address)
        };
    }
    match beginning(opened, path).await {
        Ok(bytes) => as_text(&bytes, entry.size > MAX_TEXT_BYTES as u64),
        Err(reason) => FilePreview::Failed(reason),
    }
}

async fn beginning(opened: &PointRequest, path: &SnapshotPath) -> Result<Vec<u8>, String> {
    let download = opened.point.download(path, ArchiveFormat::Zip, &CancellationToken::new()).await;
    let mut content = download.map_err(|error| error.to_string())?.content;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        if bytes.len() >= MAX_TEXT_BYTES {
            break;
        }
    }
    bytes.truncate(MAX_TEXT_BYTES);
    Ok(bytes)
}

fn as_text(bytes: &[u8], more: bool) -> FilePreview {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The cut may be within a character.
        Err(error) if more && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return FilePreview::Binary,
    };
    if text.contains('\0') {
        return FilePreview::Binary;
    }
    let shown = VisibleText::text(text);
    // Terminal output has some, a program has many.
    if shown.escapes() > 20 + text.len() / 20 {
        FilePreview::Binary
    } else {
        FilePreview::Text(shown, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_without_too_much_that_cannot_be_seen() {
        let cut = "aé".as_bytes().split_last().unwrap().1;
        assert!(
            matches!(as_text(cut, true), FilePreview::Text(shown, true) if shown.plain() == "a")
        );
        assert!(matches!(as_text(cut, false), FilePreview::Binary));
        assert!(matches!(as_text(b"a\0b", false), FilePreview::Binary));
        assert!(
            matches!(as_text("<b>\u{1b}[0m".as_bytes(), false), FilePreview::Text(shown, false) if shown.plain() == "<b>\\u{1b}[0m")
        );
        assert!(matches!(as_text(&[7; 1000], false), FilePreview::Binary));
        assert!(matches!(as_text(b"\xff\xfea\0", false), FilePreview::Binary));
    }
}
