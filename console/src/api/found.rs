//! What was found in all restore points of an app.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::views::{PageView, kind};
use plakar_driver as plakar;

/// What was found, as far as the restore points were read.
#[derive(Serialize)]
pub(super) struct AllPointsView {
    #[serde(flatten)]
    page: PageView<FoundView>,
    searched: u64,
    /// The ids of those that were not.
    unsearched: Vec<String>,
    reading: bool,
    reason: Option<String>,
}

/// A path that was found.
#[derive(Serialize)]
struct FoundView {
    path: String,
    kind: &'static str,
    size: u64,
    first: PointOfPathView,
    last: PointOfPathView,
    gone_since: Option<DateTime<Utc>>,
}

/// A restore point that has it.
#[derive(Serialize)]
struct PointOfPathView {
    id: String,
    taken: DateTime<Utc>,
}

impl From<plakar::AllPointsAnswer> for AllPointsView {
    fn from(found: plakar::AllPointsAnswer) -> Self {
        Self {
            page: PageView::of(found.page, FoundView::from),
            searched: found.searched,
            unsearched: found.unsearched.iter().map(|point| point.id.to_string()).collect(),
            reading: found.reading,
            reason: found.reason,
        }
    }
}

impl From<plakar::FoundPath> for FoundView {
    fn from(found: plakar::FoundPath) -> Self {
        let point = |point: plakar::PointOfPath| PointOfPathView {
            id: point.id.to_string(),
            taken: point.taken,
        };
        Self {
            kind: kind(found.kind),
            path: found.path,
            size: found.size,
            first: point(found.first),
            last: point(found.last),
            gone_since: found.gone_since,
        }
    }
}
