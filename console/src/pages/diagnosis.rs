//! What is known of the machine and its programs.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::answer::{PageResult, render};
use super::context::{Layout, PageContext, Section};
use super::format::{Badge, DisplayTime, capitalized};
use source_app::model::{Diagnosis, DiagnosisGroup, DiagnosisItem, DiagnosisVerdict};
use source_app::service::Service;

/// What is asked of the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DiagnosisQuery {
    /// `true`: without paths and names.
    redact: String,
}

/// Those of a group.
struct DiagnosisTable {
    title: String,
    rows: Vec<DiagnosisRow>,
}

/// A finding.
struct DiagnosisRow {
    name: String,
    value: String,
    place: String,
    badge: Option<Badge>,
    advice: String,
}

impl DiagnosisRow {
    fn of(item: &DiagnosisItem) -> Self {
        Self {
            name: item.name.clone(),
            value: item.value.clone(),
            place: item.place.clone().unwrap_or_default(),
            badge: item.verdict.map(badge),
            advice: item.advice.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "diagnosis.html")]
struct DiagnosisPage {
    layout: Layout,
    at: DisplayTime,
    badge: Badge,
    redacted: bool,
    tables: Vec<DiagnosisTable>,
}

fn badge(verdict: DiagnosisVerdict) -> Badge {
    let class = match verdict {
        DiagnosisVerdict::Good => "good",
        DiagnosisVerdict::Warning => "warn",
        DiagnosisVerdict::Bad => "bad",
    };
    Badge { class, text: verdict.as_str() }
}

/// The page.
pub async fn show(
    State(service): State<Service>,
    Query(query): Query<DiagnosisQuery>,
    context: PageContext,
) -> PageResult {
    let diagnosis = service.diagnose(query.redact == "true").await?;
    let Diagnosis { at, verdict, redacted, .. } = diagnosis;
    let table = |group: DiagnosisGroup| DiagnosisTable {
        title: capitalized(group.as_str()),
        rows: diagnosis.of(group).map(DiagnosisRow::of).collect(),
    };
    render(&DiagnosisPage {
        layout: context.below(Section::Settings, &[("Settings", "/settings")]),
        at: DisplayTime(at),
        badge: badge(verdict),
        redacted,
        tables: DiagnosisGroup::ALL.into_iter().map(table).collect(),
    })
}
