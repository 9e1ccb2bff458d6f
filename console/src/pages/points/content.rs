//! The content of files, and folders as archives.

use axum::body::Body;
use axum::extract::Query;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, Response, Version};
use serde::Deserialize;

use super::point::{PointRequest, path};
use crate::pages::answer::PageResult;
use crate::pages::error::{PageError, sentence};
use crate::problem::{NO_END, has_end};
use plakar_driver::{ArchiveFormat, CancellationToken, Download, EntryKind, attachment};

/// The only types that a browser shows as they are. No SVG: it may hold a script.
pub const PICTURE_TYPES: [&str; 3] = ["image/png", "image/jpeg", "image/gif"];

/// What browsers show by a viewer of their own, which no page can look into and which runs in a
/// sandbox.
pub const DOCUMENT_TYPE: &str = "application/pdf";

#[derive(Deserialize)]
pub struct ContentQuery {
    path: String,
    #[serde(default)]
    format: String,
}

/// A file as it was, or a folder as an archive.
pub async fn download(
    opened: PointRequest,
    version: Version,
    Query(query): Query<ContentQuery>,
) -> PageResult {
    let path = path(&opened.point.point, Some(&query.path))?;
    let format = match query.format.as_str() {
        "" | "zip" => ArchiveFormat::Zip,
        "tar.gz" => ArchiveFormat::Tarball,
        _ => {
            return Err(PageError::input(
                "Of a folder there is a .zip or a .tar.gz: write format=zip or format=tar.gz.",
            ));
        }
    };
    let download = opened.point.download(&path, format, &CancellationToken::new()).await?;
    let name = attachment(&download.name);
    answer(download, Some(name), version)
}

/// A picture or a document, for the page that shows it. Anything else is to be saved.
pub async fn raw(
    opened: PointRequest,
    version: Version,
    Query(query): Query<ContentQuery>,
) -> PageResult {
    let path = path(&opened.point.point, Some(&query.path))?;
    if opened.point.entry(&path).await?.kind != EntryKind::File {
        return Err(PageError::input("That is not a file."));
    }
    let download =
        opened.point.download(&path, ArchiveFormat::Zip, &CancellationToken::new()).await?;
    let kind = download.content_type.as_str();
    let is_shown = kind == DOCUMENT_TYPE || PICTURE_TYPES.contains(&kind);
    let name = (!is_shown).then(|| attachment(&download.name));
    answer(download, name, version)
}

/// An error within the content breaks the connection off: without its end, or with less than its
/// length, nothing looks whole. Who could not tell that is refused.
pub(super) fn answer(
    download: Download,
    disposition: Option<String>,
    version: Version,
) -> PageResult {
    if !has_end(version, download.size) {
        return Err(PageError::input(&sentence(NO_END)));
    }
    let fixed: [(HeaderName, &str); 2] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    let mut response = Response::builder().header(CONTENT_TYPE, &download.content_type);
    for (name, value) in fixed {
        response = response.header(name, value);
    }
    if let Some(disposition) = disposition {
        response = response.header(CONTENT_DISPOSITION, disposition);
    }
    if let Some(size) = download.size {
        response = response.header(CONTENT_LENGTH, size);
    }
    response.body(Body::from_stream(download.content)).map_err(|error| PageError::inside(&error))
}
