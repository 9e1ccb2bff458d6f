//! What was changed in settings.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::answer::{PageResult, render};
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::format::{Badge, DisplayTime, capitalized, count};
use super::forms::Field;
use source_app::model::FieldChange;
use source_app::service::{ChangesVerification, Service};
use source_app::state::{App, ChangeFilter, SettingChange};

/// Maximum number of changes on a page.
const MAX_CHANGES_PER_PAGE: u32 = 50;

/// Of a record that is whole.
pub const WHOLE: Badge = Badge { class: "good", text: "whole" };

/// Of one that is not.
pub const BROKEN: Badge = Badge { class: "bad", text: "not whole" };

/// What is asked of the list; what is empty does not matter.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ChangeListQuery {
    app: String,
    before: String,
    /// `true`: the chain of all changes is looked at.
    verify: String,
}

impl ChangeListQuery {
    fn filter(&self) -> Result<ChangeFilter, PageError> {
        let number = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                PageError::input("This link to changes cannot be used.").back("/settings/changes")
            }),
        };
        // One more tells whether there are older ones.
        let limit = Some(MAX_CHANGES_PER_PAGE + 1);
        Ok(ChangeFilter { app: number(&self.app)?, before: number(&self.before)?, limit })
    }

    fn field(&self, apps: &[App]) -> Field {
        let mut all = vec![(String::new(), "everything".to_owned())];
        let named =
            |app: &App| (app.id.to_string(), format!("{} ({})", app.spec.name, app.spec.kind));
        all.extend(apps.iter().map(named));
        if !all.iter().any(|(id, _)| *id == self.app) {
            all.push((self.app.clone(), "an app that is gone".to_owned()));
        }
        Field::select("app", "Of", all, &self.app)
    }
}

/// A change in the list.
struct ChangeRow {
    at: DisplayTime,
    what: String,
    action: &'static str,
    way: String,
    fields: Vec<FieldChange>,
}

impl ChangeRow {
    fn of(change: SettingChange) -> Self {
        let SettingChange { at, author, subject, action, name, fields, .. } = change;
        Self {
            at: DisplayTime(at),
            what: capitalized(&format!("{subject} {name}")),
            action: action.as_str(),
            way: author.to_string(),
            fields,
        }
    }
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    layout: Layout,
    filter: Field,
    filtered: bool,
    rows: Vec<ChangeRow>,
    verification: Option<ChangesVerification>,
    newest: String,
    older: String,
}

impl ChangesPage {
    fn counted(&self, found: &ChangesVerification) -> String {
        count(found.changes as u64, "change", "changes")
    }
}

/// The page.
pub async fn show(
    State(service): State<Service>,
    Query(query): Query<ChangeListQuery>,
    context: PageContext,
) -> PageResult {
    let mut changes = service.setting_changes(query.filter()?).await?;
    let more = changes.len() > MAX_CHANGES_PER_PAGE as usize;
    changes.truncate(MAX_CHANGES_PER_PAGE as usize);
    let verification = match query.verify.as_str() {
        "true" => Some(service.verify_changes().await?),
        _ => None,
    };
    let page = |before: String| format!("/settings/changes?app={}{before}", query.app);
    let oldest = changes.last().filter(|_| more);
    let older = oldest.map(|one| page(format!("&before={}", one.id))).unwrap_or_default();
    let newest = if query.before.is_empty() { String::new() } else { page(String::new()) };
    render(&ChangesPage {
        layout: context.below(Section::Settings, &[("Settings", "/settings")]),
        filter: query.field(&service.apps().await?),
        filtered: !query.app.is_empty(),
        verification,
        rows: changes.into_iter().map(ChangeRow::of).collect(),
        newest,
        older,
    })
}
