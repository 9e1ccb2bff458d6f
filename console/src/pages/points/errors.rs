//! What failed when a restore point was made.

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::listing::MAX_ENTRIES_PER_PAGE;
use super::point::{Pagination, PointRequest, PointSummary, page_number};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::format;
use crate::pages::head::{AppHead, Tab};

#[derive(Deserialize)]
pub struct FailuresQuery {
    page: Option<u64>,
}

struct FailureRow {
    path: VisibleText,
    reason: VisibleText,
}

#[derive(Template)]
#[template(path = "points/errors.html")]
struct FailuresPage {
    layout: Layout,
    head: AppHead,
    point: PointSummary,
    failed: Vec<FailureRow>,
    paging: Pagination,
    total: String,
}

pub async fn errors(
    context: PageContext,
    opened: PointRequest,
    Query(query): Query<FailuresQuery>,
) -> PageResult {
    let number = page_number(query.page);
    let list =
        opened.point.errors((number - 1) * MAX_ENTRIES_PER_PAGE, MAX_ENTRIES_PER_PAGE).await?;
    let paging = Pagination::new(
        number,
        MAX_ENTRIES_PER_PAGE,
        list.items.len() as u64,
        list.total,
        list.more,
        |number| opened.links.errors(number),
    );
    let failed = list.items.iter().map(|failed| FailureRow {
        path: VisibleText::name(&failed.path),
        reason: VisibleText::name(&failed.reason),
    });
    render(&FailuresPage {
        layout: context.layout(Section::None),
        failed: failed.collect(),
        paging,
        total: format::count(list.total.unwrap_or_default(), "entry", "entries"),
        point: PointSummary::of(&opened.links, &opened.point.point, opened.check.as_ref()),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}
