//! Take over restore points that are in a store: open it, choose a mark, and go on as to assign.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::answer::{PageResult, render, render_refused};
use super::app_form::stores;
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::form_data::FormData;
use super::format::DisplayTime;
use super::forms::Field;
use super::points::VisibleText;
use super::store_fields::{PASSPHRASE, STORE_PREFIX, posted_store_options, store_login_fields};
use plakar_driver::percent;
use source_app::service::{Error, Mark, PlakarEntry, Service, StoreChoice};
use source_app::state::AppKind;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AdoptQuery {
    store: String,
}

/// A mark as it is shown: its texts are those of a store, which anybody may have filled.
struct MarkRow {
    mark: Mark,
    name: VisibleText,
    origin: VisibleText,
    newest: DisplayTime,
}

#[derive(Template)]
#[template(path = "adopt.html")]
struct AdoptPage {
    layout: Layout,
    store: Field,
    passphrase: Field,
    login: Vec<Field>,
    login_open: bool,
    faults: Vec<String>,
    /// The store that is open.
    opened: String,
    marks: Option<Vec<MarkRow>>,
    /// What of Plakar's may be the source of a mark.
    unassigned: Vec<PlakarEntry>,
}

impl From<Mark> for MarkRow {
    fn from(mark: Mark) -> Self {
        Self {
            name: VisibleText::name(&mark.name),
            origin: VisibleText::name(&format!("{} {}", mark.origin, mark.root)),
            newest: DisplayTime(mark.newest),
            mark,
        }
    }
}

fn page(
    layout: Layout,
    store: &str,
    stores: &[StoreChoice],
    mut faults: BTreeMap<String, String>,
    general: Vec<String>,
) -> AdoptPage {
    let login = store_login_fields(&Default::default(), &faults);
    let login_open = login.iter().any(|field| field.error.is_some());
    login.iter().for_each(|field| drop(faults.remove(&field.name)));
    AdoptPage {
        layout,
        store: Field::text("store", "Store", store)
            .required()
            .suggest(stores.iter().map(|store| store.name.clone()))
            .help("The absolute path of its folder, a place on a drive such as opendrive://Backups, or the name of a store of Plakar."),
        passphrase: Field::secret("passphrase", "Passphrase of the store")
            .help("For an encrypted store whose passphrase Plakar does not have. Plakar keeps it in its configuration, in clear text that only this machine's user can read.")
            .fault(faults.remove("passphrase")),
        login,
        login_open,
        faults: general.into_iter().chain(faults.into_values()).collect(),
        opened: String::new(),
        marks: None,
        unassigned: Vec::new(),
    }
}

pub async fn show(
    State(service): State<Service>,
    Query(query): Query<AdoptQuery>,
    context: PageContext,
) -> PageResult {
    let layout = context.below(Section::Assign, &[("Add a drive", "/assign")]);
    let known = stores(&service).await.unwrap_or_default();
    let mut page = page(layout, &query.store, &known, BTreeMap::new(), Vec::new());
    if query.store.is_empty() {
        return render(&page);
    }
    match service.marks(&query.store).await {
        Ok(marks) => {
            page.marks = Some(marks.into_iter().map(MarkRow::from).collect());
            page.unassigned = service.unassigned(AppKind::Source).await?;
            page.opened = query.store;
            render(&page)
        }
        Err(error) => {
            page.faults.push(sentence(&error.to_string()));
            render_refused(&page, &error)
        }
    }
}

/// Opens a store: what Plakar needs for it is in its configuration then, so that no address has it.
pub async fn open(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let (text, options) = (posted.get("store"), posted_store_options(&posted));
    match service.open_store(text, &options).await {
        Ok(store) => {
            let store = percent(&store, b"-._~/");
            Ok(Redirect::to(&format!("/adopt?store={store}&notice=opened")).into_response())
        }
        Err(error) => {
            let (mut faults, mut general) = (BTreeMap::new(), Vec::new());
            match &error {
                Error::Faults(all) => {
                    for fault in all {
                        let key = fault.key.clone().unwrap_or_default();
                        let own = key.strip_prefix(STORE_PREFIX) == Some(PASSPHRASE);
                        let key = if own { PASSPHRASE.to_owned() } else { key };
                        faults.insert(key, sentence(&fault.message));
                    }
                }
                Error::Plakar(plakar_driver::Error::Passphrase(message)) => {
                    faults.insert(PASSPHRASE.to_owned(), sentence(message));
                }
                other => general.push(sentence(&other.to_string())),
            }
            let known = stores(&service).await.unwrap_or_default();
            let layout = context.below(Section::Assign, &[("Add a drive", "/assign")]);
            render_refused(&page(layout, text, &known, faults, general), &error)
        }
    }
}
