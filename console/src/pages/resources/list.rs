//! All resources.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::PageError;
use crate::pages::format::{Badge, count};
use crate::pages::forms::Field;
use source_app::model::HealthVerdict;
use source_app::service::{ResourceFilter, ResourceOverview, Service};

/// What is asked of the list; what is empty does not matter.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ResourceQuery {
    text: String,
    class: String,
    tag: String,
    health: String,
}

#[derive(Template)]
#[template(path = "resources/list.html")]
struct ResourcesPage {
    layout: Layout,
    filters: Vec<Field>,
    filtered: bool,
    rows: Vec<ResourceRow>,
}

struct ResourceRow {
    one: ResourceOverview,
    badge: Badge,
    apps: String,
}

impl ResourceQuery {
    fn filter(&self) -> Result<ResourceFilter, PageError> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let health = match self.health.as_str() {
            "" => None,
            word => {
                let found = HealthVerdict::ALL.into_iter().find(|one| one.as_str() == word);
                let wrong = || PageError::input("This link to resources cannot be used.");
                Some(found.ok_or_else(|| wrong().back("/resources"))?)
            }
        };
        Ok(ResourceFilter {
            text: text(&self.text),
            class: text(&self.class),
            tag: text(&self.tag),
            health,
        })
    }

    fn fields(&self, all: &[ResourceOverview]) -> Vec<Field> {
        let choice = |any: &str, words: BTreeSet<&str>, chosen: &str| {
            let mut all = vec![(String::new(), any.to_owned())];
            all.extend(words.into_iter().map(|word| (word.to_owned(), word.to_owned())));
            // One that nothing has any more is shown as what was asked for.
            if !all.iter().any(|(value, _)| value == chosen) {
                all.push((chosen.to_owned(), chosen.to_owned()));
            }
            all
        };
        let classes = all.iter().map(|one| one.resource.spec.class.as_str()).collect();
        let tags = all.iter().flat_map(|one| one.resource.spec.tags.iter().map(String::as_str));
        let verdicts = HealthVerdict::ALL.map(HealthVerdict::as_str).into_iter().collect();
        let classes = choice("all classes", classes, &self.class);
        let tags = choice("all tags", tags.collect(), &self.tag);
        let verdicts = choice("any health", verdicts, &self.health);
        vec![
            Field::text("text", "Text", &self.text),
            Field::select("class", "Class", classes, &self.class),
            Field::select("tag", "Tag", tags, &self.tag),
            Field::select("health", "Health", verdicts, &self.health),
        ]
    }
}

pub async fn list(
    State(service): State<Service>,
    Query(query): Query<ResourceQuery>,
    context: PageContext,
) -> PageResult {
    let filter = query.filter()?;
    let all = service.resources(ResourceFilter::default()).await?;
    let filters = query.fields(&all);
    let filtered = !filter.is_empty();
    let shown = if filtered { service.resources(filter).await? } else { all };
    let row = |one: ResourceOverview| ResourceRow {
        badge: Badge::of_verdict(one.health),
        apps: count(one.app_count as u64, "app", "apps"),
        one,
    };
    render(&ResourcesPage {
        layout: context.layout(Section::Resources),
        filters,
        filtered,
        rows: shown.into_iter().map(row).collect(),
    })
}
