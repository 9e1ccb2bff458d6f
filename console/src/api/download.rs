//! A file, or a folder as an archive: all of it, or a connection that breaks.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, Version};
use futures::stream::{self, StreamExt};
use serde::Deserialize;

use super::error::{ApiError, ApiResult};
use super::extract::{
    NoParameters, PathParameter, SnapshotParameter, StrictJson, StrictPath, StrictQuery,
};
use super::number::Id;
use crate::problem::{NO_END, has_end};
use plakar_driver::{ArchiveFormat, CancellationToken, Download, attachment};
use source_app::service::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DownloadQuery {
    path: PathParameter,
    #[serde(default)]
    format: ArchiveName,
}

/// Of a folder.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) enum ArchiveName {
    #[default]
    #[serde(rename = "zip")]
    Zip,
    #[serde(rename = "tar.gz")]
    Tarball,
}

pub(super) async fn download(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    StrictQuery(wanted): StrictQuery<DownloadQuery>,
    version: Version,
) -> ApiResult<Response<Body>> {
    let format = match wanted.format {
        ArchiveName::Zip => ArchiveFormat::Zip,
        ArchiveName::Tarball => ArchiveFormat::Tarball,
    };
    let point = service.point(app.get(), &snapshot).await?;
    // Who hangs up drops the content, which ends what makes it.
    let download = point.download(&wanted.path.0, format, &CancellationToken::new()).await?;
    answer(download, version).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeveralRequest {
    paths: Vec<PathParameter>,
}

/// Files and folders as one archive.
pub(super) async fn several(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    _: StrictQuery<NoParameters>,
    version: Version,
    StrictJson(wanted): StrictJson<SeveralRequest>,
) -> ApiResult<Response<Body>> {
    let point = service.point(app.get(), &snapshot).await?;
    let paths: Vec<_> = wanted.paths.into_iter().map(|path| path.0).collect();
    answer(point.download_several(&paths).await?, version).await
}

async fn answer(download: Download, version: Version) -> ApiResult<Response<Body>> {
    let Download { name, content_type, size, mut content } = download;
    if !has_end(version, size) {
        return Err(ApiError::input(NO_END));
    }
    // As long as nothing has been sent, a failure can still be told.
    let first =
        content.next().await.transpose().map_err(|error| ApiError::refused(error.to_string()))?;
    // An error in it has the server break the connection off.
    let body = Body::from_stream(stream::iter(first.map(Ok)).chain(content));
    let text = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_| ApiError::refused("the file has a name or type that no header takes"))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, text(&content_type)?);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_DISPOSITION, text(&attachment(&name))?);
    if let Some(size) = size {
        headers.insert(CONTENT_LENGTH, size.into());
    }
    Ok(response)
}
