//! All apps at a glance.

use askama::Template;
use axum::Router;
use axum::routing::get;

use super::{PageResult, Section, Shell, Visit, page};
use crate::service::Service;

pub fn routes() -> Router<Service> {
    Router::new().route("/", get(overview))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
}

async fn overview(visit: Visit) -> PageResult {
    page(&OverviewPage { shell: visit.shell(Section::Overview) })
}
