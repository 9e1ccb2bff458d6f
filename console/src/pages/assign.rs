//! Assign an app, in three steps that need no script: what it is, which integration, and what that
//! needs.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;

use super::answer::{PageResult, redirect, render, render_invalid};
use super::app_form::{AppFields, AppForm, connector_fields, resource_faults, stores, words};
use super::assign_query::AssignQuery;
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::form_data::FormData;
use super::forms::Field;
use source_app::service::{Assign, Choice, Form, PlakarEntry, Service, Strength};
use source_app::state::{App, AppKind, Resource, ResourceRecord};

#[derive(Template)]
#[template(path = "assign_resource.html")]
struct ResourcePage {
    layout: Layout,
    kind: String,
    given: AssignQuery,
    resource: Field,
    class: Field,
    subclass: Field,
    more_open: bool,
    /// The sources of Plakar's that are no apps.
    unassigned: Vec<PlakarEntry>,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "assign_connector.html")]
struct ConnectorPage {
    layout: Layout,
    given: AssignQuery,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "assign_details.html")]
struct DetailsPage {
    layout: Layout,
    given: AssignQuery,
    source: bool,
    integration: String,
    protocol: String,
    fields: AppFields,
}

impl ConnectorPage {
    /// Each protocol of each integration, numbered.
    fn offers(&self) -> Vec<(usize, &Choice, &str)> {
        let all = self.choices.iter().flat_map(|choice| {
            choice.protocols.iter().map(move |protocol| (choice, protocol.as_str()))
        });
        all.zip(1..).map(|((choice, protocol), number)| (number, choice, protocol)).collect()
    }
}

impl DetailsPage {
    fn makes_store(&self) -> bool {
        true
    }
}

pub async fn steps(
    State(service): State<Service>,
    Query(mut given): Query<AssignQuery>,
    context: PageContext,
) -> PageResult {
    let layout = context.layout(Section::Assign);
    let Ok(kind) = given.kind.parse::<AppKind>() else {
        return first(&service, layout, given, BTreeMap::new(), Vec::new()).await;
    };
    if given.step == "first" {
        return first(&service, layout, given, BTreeMap::new(), Vec::new()).await;
    }
    let form = if given.entry.is_empty() {
        given.fill(&service).await?;
        let resource = given.resource();
        let mut faults = resource_faults(&resource);
        let mut choices = service.choices(kind, &resource.class, &resource.subclass).await?;
        // Where its location says how it is reached, nothing is asked.
        if let Some(told) = given.protocol()
            && choices.iter().any(|one| one.protocols.iter().any(|known| known == told))
        {
            choices.iter_mut().for_each(|one| one.protocols.retain(|known| known == told));
            choices.retain(|one| !one.protocols.is_empty());
        }
        if let Some(message) = taken(&service.resource_records().await?, &resource) {
            faults.insert("resource".into(), message);
        }
        if choices.is_empty() {
            let message = format!(
                "No installed integration has a {kind} for this class; `plakar pkg list` says what is installed."
            );
            faults.entry("resource_class".into()).or_insert(message);
        }
        if !faults.is_empty() {
            return first(&service, layout, given, faults, Vec::new()).await;
        }
        let known = |(name, protocol): (&str, &str)| {
            choices.iter().any(|choice| {
                choice.integration == name && choice.protocols.iter().any(|known| known == protocol)
            })
        };
        if !given.connector().is_some_and(known) {
            given.connector = match choices.as_slice() {
                [only] if only.protocols.len() == 1 => {
                    format!("{}/{}", only.integration, only.protocols[0])
                }
                _ => return render(&ConnectorPage { layout, given, choices }),
            };
        }
        given.form(&service, kind).await?
    } else {
        given.form(&service, kind).await?
    };
    let Some(form) = form else {
        return Err(PageError::input("The beginning of the form is missing.").back("/assign"));
    };
    let mut spec = given.spec(kind, &form);
    if let Some(mark) = given.mark(&service).await? {
        (spec.name, spec.environment, spec.data_classes) =
            (mark.name, mark.environment, mark.data_classes);
        spec.backup = mark.backup;
    }
    let entered = AppForm::new(spec, given.options(&form));
    render(&details(&service, layout, given, form, entered).await)
}

/// Why a resource cannot be one of this name: another class is known of it.
fn taken(known: &[ResourceRecord], resource: &Resource) -> Option<String> {
    let other = known.iter().map(|one| &one.spec).find(|other| {
        other.name == resource.name
            && !resource.class.is_empty()
            && (&other.class, &other.subclass) != (&resource.class, &resource.subclass)
    })?;
    Some(format!(
        "It has the class {} {} already; give the same, or another name.",
        other.class, other.subclass
    ))
}

async fn first(
    service: &Service,
    layout: Layout,
    given: AssignQuery,
    mut faults: BTreeMap<String, String>,
    mut general: Vec<String>,
) -> PageResult {
    let known = service.resource_records().await?;
    let classes = service.classes().await.unwrap_or_else(|error| {
        general.push(sentence(&error.to_string()));
        Vec::new()
    });
    let names = known.into_iter().map(|one| one.spec.name);
    let distinct = |part: fn(&(String, String)) -> &String| {
        let mut all: Vec<String> =
            classes.iter().map(part).filter(|one| !one.is_empty()).cloned().collect();
        all.dedup();
        all
    };
    let more_open = !faults.is_empty()
        || [&given.resource, &given.resource_class, &given.subclass]
            .iter()
            .any(|text| !text.is_empty());
    let unassigned = service.unassigned(AppKind::Source).await.unwrap_or_default();
    let mut fault = |name: &str| faults.remove(name);
    let resource = Field::text("resource", "Resource", &given.resource)
        .suggest(names)
        .help("What holds the data, such as an account or a server, in your words. Apps of one resource are listed together. Nothing entered: the account.")
        .fault(fault("resource"));
    let class = Field::text("resource_class", "Class", &given.resource_class)
        .suggest(distinct(|(class, _)| class))
        .help("What kind of thing it is; an OpenDrive account is file-storage. Nothing entered: what the integration is for.")
        .fault(fault("resource_class"));
    let subclass = Field::text("subclass", "Subclass", &given.subclass)
        .suggest(distinct(|(_, subclass)| subclass))
        .fault(fault("subclass"));
    render(&ResourcePage {
        layout,
        kind: if given.kind.is_empty() { "source".into() } else { given.kind.clone() },
        given,
        resource,
        class,
        subclass,
        more_open,
        unassigned,
        faults: general,
    })
}

async fn details(
    service: &Service,
    layout: Layout,
    given: AssignQuery,
    form: Form,
    entered: AppForm,
) -> DetailsPage {
    let stores = if given.source() { stores(service).await } else { None };
    let stores = stores.unwrap_or_default();
    // One that Plakar has keeps its configuration.
    let connector = if given.entry.is_empty() { connector_fields(&form) } else { Vec::new() };
    let fields = entered.fields(&connector, &stores, &words(service).await);
    let (integration, protocol) = (form.integration, form.protocol);
    DetailsPage { layout, source: given.source(), given, integration, protocol, fields }
}

pub async fn assign(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).to_owned();
    let given = AssignQuery {
        kind: text("kind"),
        resource: text("resource"),
        resource_class: text("resource_class"),
        subclass: text("subclass"),
        location: String::new(),
        connector: text("connector"),
        entry: text("entry"),
        mark: text("mark"),
        store: text("store"),
        step: String::new(),
    };
    let again = || PageError::input("The beginning of the form is missing.").back("/assign");
    let kind: AppKind = given.kind.parse().map_err(|_| again())?;
    let form = given.form(&service, kind).await.map_err(|error| error.back("/assign"))?;
    let form = form.ok_or_else(again)?;
    let mut entered = AppForm::posted(&posted, given.spec(kind, &form));
    let known = if given.source() { stores(&service).await } else { None };
    entered.check(Some(&form).filter(|_| given.entry.is_empty()), &[]);
    entered.check_store(known.as_deref(), None);
    if service.app_named(kind, &entered.spec.name).await.is_ok() {
        let message = format!("There is already a {kind} of this name; choose another name.");
        entered.faults.entry("name".into()).or_insert(message);
    }
    if entered.is_fine() {
        match service.assign(wanted(&given, kind, &form, &entered)).await {
            Ok(app) => return Ok(assigned(&app, &entered)),
            Err(error) => entered.refused(error)?,
        }
    }
    render_invalid(&details(&service, context.layout(Section::Assign), given, form, entered).await)
}

fn wanted(given: &AssignQuery, kind: AppKind, form: &Form, entered: &AppForm) -> Assign {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let spec = entered.spec.clone();
    let adopted = some(&given.entry);
    Assign {
        kind,
        name: spec.name,
        resource: given.resource(),
        environment: spec.environment,
        data_classes: spec.data_classes,
        integration: some(&form.integration).filter(|_| adopted.is_none()),
        protocol: some(&form.protocol).filter(|_| adopted.is_none()),
        options: entered.options.clone(),
        entry: adopted,
        mark: some(&given.mark),
        store: spec.store,
        store_options: entered.store_options.clone(),
        create_store: entered.new_store.create,
        unencrypted: entered.new_store.unencrypted,
        uncompressed: entered.new_store.uncompressed,
        second_store: (!entered.second.place.is_empty()).then(|| entered.second.clone()),
        copy_range: spec.copy_range,
        skip_test: entered.skip_test,
        retention: spec.retention,
        protection: spec.protection,
        backup: spec.backup,
    }
}

/// Leads on: of a source to its recovery sheet, which is to be printed now.
fn assigned(app: &App, entered: &AppForm) -> Response {
    if app.spec.kind == AppKind::Destination {
        return redirect(&format!("/apps/{}", app.id), "assigned");
    }
    let passphrase = entered.store_options.get("passphrase");
    let notice = match passphrase.map(|passphrase| Strength::of(passphrase, &[&app.spec.name])) {
        Some(Strength::Strong) => "assigned-strong",
        Some(_) => "assigned-fair",
        None => "assigned",
    };
    redirect(&format!("/apps/{}/recovery", app.id), notice)
}
