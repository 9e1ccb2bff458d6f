//! What failed when a restore point was made.

use askama::Template;
use axum::extract::Query;
use serde::Deserialize;

use super::browse::ENTRIES;
use super::open::{Opened, Paging, Summary, number};
use super::shown::Shown;
use crate::pages::format;
use crate::pages::{AppHead, PageResult, Section, Shell, Tab, Visit, page};

#[derive(Deserialize)]
pub struct Asked {
    page: Option<u64>,
}

struct Failed {
    path: Shown,
    reason: Shown,
}

#[derive(Template)]
#[template(path = "points/errors.html")]
struct Errors {
    shell: Shell,
    head: AppHead,
    point: Summary,
    failed: Vec<Failed>,
    paging: Paging,
    total: String,
}

pub async fn errors(visit: Visit, opened: Opened, Query(asked): Query<Asked>) -> PageResult {
    let number = number(asked.page);
    let list = opened.point.errors((number - 1) * ENTRIES, ENTRIES).await?;
    let paging = Paging::new(number, ENTRIES, list.items.len() as u64, list.total, list.more, |number| opened.links.errors(number));
    let failed = list.items.iter().map(|failed| Failed { path: Shown::name(&failed.path), reason: Shown::name(&failed.reason) });
    page(&Errors {
        shell: visit.shell(Section::None),
        failed: failed.collect(),
        paging,
        total: format::count(list.total.unwrap_or_default(), "entry", "entries"),
        point: Summary::new(opened.app.id, &opened.point.point),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}
