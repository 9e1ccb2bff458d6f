//! Settings of the console and of all apps: the words that apps are classified by, and the way to
//! other settings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::answer::{PageResult, redirect, render, render_refused};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::form_data::FormData;
use super::forms::Field;
use source_app::service::{Classification, Error, Service};
use source_app::state::{OfferedWord, WordKind};

#[derive(Template)]
#[template(path = "site_settings.html")]
struct SiteSettingsPage {
    layout: Layout,
    lists: Vec<WordList>,
    faults: Vec<String>,
}

/// The words of a kind.
struct WordList {
    kind: WordKind,
    title: &'static str,
    /// What they are for.
    about: &'static str,
    rows: Vec<OfferedWord>,
    /// A new one.
    field: Field,
}

async fn made(
    service: &Service,
    layout: Layout,
    entered: Option<(WordKind, &str)>,
) -> Result<SiteSettingsPage, PageError> {
    let Classification { environments, data_classes } = service.classification().await?;
    let list = |kind, title, about, rows, name| {
        let value = entered.filter(|(other, _)| *other == kind).map_or("", |(_, word)| word);
        let label = format!("New {kind}");
        WordList { kind, title, about, rows, field: Field::text(name, &label, value).required() }
    };
    Ok(SiteSettingsPage {
        layout,
        lists: vec![
            list(
                WordKind::Environment,
                "Environments",
                "An app has one of them, or none.",
                environments,
                "environment",
            ),
            list(
                WordKind::DataClass,
                "Data classes",
                "An app has any number of them; its restore points carry them.",
                data_classes,
                "data_class",
            ),
        ],
        faults: Vec::new(),
    })
}

pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    render(&made(&service, context.layout(Section::Settings), None).await?)
}

fn kind(posted: &FormData) -> Result<WordKind, Error> {
    Ok(posted.get("kind").parse::<WordKind>()?)
}

/// Adds a word.
pub async fn add(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let kind = kind(&posted)?;
    let name = if kind == WordKind::Environment { "environment" } else { "data_class" };
    let word = posted.get(name);
    match service.add_word(kind, word).await {
        Ok(added) if added.warning.is_some() => Ok(redirect("/settings", "word-unmatched")),
        Ok(_) => Ok(redirect("/settings", "word-added")),
        Err(error) => refused(&service, context, &error, Some((kind, word))).await,
    }
}

/// Removes a word.
pub async fn remove(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    match service.remove_word(kind(&posted)?, posted.get("word")).await {
        Ok(()) => Ok(redirect("/settings", "word-removed")),
        Err(error) => refused(&service, context, &error, None).await,
    }
}

async fn refused(
    service: &Service,
    context: PageContext,
    error: &Error,
    entered: Option<(WordKind, &str)>,
) -> PageResult {
    let mut page = made(service, context.layout(Section::Settings), entered).await?;
    page.faults = vec![sentence(&error.to_string())];
    render_refused(&page, error)
}
