//! The recovery sheet of an app, to be printed.

use askama::Template;
use axum::extract::{Path, State};

use super::answer::{PageResult, render};
use super::context::{Layout, PageContext, Section};
use super::format::DisplayTime;
use super::head::{AppHead, Tab};
use source_app::service::{RecoverySheet, Service};
use source_app::state::AppId;

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    layout: Layout,
    head: AppHead,
    sheet: RecoverySheet,
}

impl RecoveryPage {
    fn written(&self) -> DisplayTime {
        DisplayTime(self.sheet.written)
    }

    fn newest(&self) -> Option<DisplayTime> {
        self.sheet.newest.map(DisplayTime)
    }
}

pub async fn show(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
) -> PageResult {
    let app = service.app(id).await?;
    let sheet = service.recovery(id).await?;
    render(&RecoveryPage {
        layout: context.layout(Section::None),
        head: AppHead { app, tab: Tab::Recovery },
        sheet,
    })
}
