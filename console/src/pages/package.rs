//! The package that Plakar has, and the one that came with this program.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::answer::{PageResult, redirect, render, render_refused};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::format::Badge;
use source_app::service::{PackageStatus, Service};

#[derive(Template)]
#[template(path = "package.html")]
struct PackagePage {
    layout: Layout,
    status: PackageStatus,
    badge: Badge,
    faults: Vec<String>,
}

impl PackagePage {
    async fn of(service: &Service, context: &PageContext, faults: Vec<String>) -> Self {
        let status = service.package_status().await;
        let layout = context.below(Section::Settings, &[("Settings", "/settings")]);
        Self { layout, badge: badge(&status), status, faults }
    }
}

fn badge(status: &PackageStatus) -> Badge {
    match (&status.installed, status.same) {
        (None, _) if !status.fault.is_empty() => Badge { class: "idle", text: "not known" },
        (None, _) => Badge { class: "bad", text: "not installed" },
        (Some(_), Some(true)) => Badge { class: "good", text: "the one that came along" },
        (Some(_), Some(false)) => Badge { class: "warn", text: "another one" },
        (Some(_), None) => Badge { class: "idle", text: "installed" },
    }
}

/// The page.
pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    render(&PackagePage::of(&service, &context, Vec::new()).await)
}

/// Has Plakar take the package that came with this program.
pub async fn add(
    State(service): State<Service>,
    context: PageContext,
) -> Result<Response, PageError> {
    match service.add_package().await {
        Ok(_) => Ok(redirect("/settings/package", "package-added")),
        Err(error) => {
            let faults = vec![sentence(&error.to_string())];
            render_refused(&PackagePage::of(&service, &context, faults).await, &error)
        }
    }
}
