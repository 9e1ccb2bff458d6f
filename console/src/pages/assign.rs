//! Assign an app, in three steps that need no script: what it is, which integration, and what that
//! needs.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::answer::{PageResult, redirect, render, render_invalid};
use super::app_form::{AppFields, AppForm, connector_fields, resource_faults, stores};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::forms::{Field, FormData};
use plakar_driver::Options;
use source_app::model::{Protection, Retention};
use source_app::service::{Assign, Choice, Service};
use source_app::state::{AppKind, AppSpec, Resource};

/// What the first two steps gave.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AssignQuery {
    kind: String,
    resource: String,
    resource_class: String,
    subclass: String,
    /// Integration and protocol, with a `/` between.
    connector: String,
    /// `first`: go back to the first step.
    step: String,
}

#[derive(Template)]
#[template(path = "assign_resource.html")]
struct ResourcePage {
    layout: Layout,
    kind: String,
    resource: Field,
    class: Field,
    subclass: Field,
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

impl AssignQuery {
    fn resource(&self) -> Resource {
        let text = |text: &str| text.trim().to_owned();
        Resource {
            name: text(&self.resource),
            class: text(&self.resource_class),
            subclass: text(&self.subclass),
        }
    }

    fn source(&self) -> bool {
        self.kind == "source"
    }

    fn connector(&self) -> Option<(&str, &str)> {
        self.connector.split_once('/')
    }

    /// An app of it, without what the last step adds.
    fn spec(&self, kind: AppKind, integration: &str, protocol: &str) -> AppSpec {
        let resource = self.resource();
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
        };
        let name: String = resource.name.chars().map(letter).take(40).collect();
        AppSpec {
            kind,
            name: name.trim_matches('-').to_owned(),
            resource,
            environment: String::new(),
            data_classes: Vec::new(),
            integration: integration.to_owned(),
            protocol: protocol.to_owned(),
            entry: String::new(),
            store: None,
            retention: Retention::default(),
            protection: Protection::default(),
        }
    }
}

pub async fn steps(
    State(service): State<Service>,
    Query(given): Query<AssignQuery>,
    context: PageContext,
) -> PageResult {
    let layout = context.layout(Section::Assign);
    let Ok(kind) = given.kind.parse::<AppKind>() else {
        return first(&service, layout, given, BTreeMap::new(), Vec::new()).await;
    };
    if given.step == "first" {
        return first(&service, layout, given, BTreeMap::new(), Vec::new()).await;
    }
    let resource = given.resource();
    let mut faults = resource_faults(&resource);
    let (apps, choices) =
        (service.apps().await?, service.choices(kind, &resource.class, &resource.subclass).await?);
    let taken = apps
        .iter()
        .map(|app| &app.spec.resource)
        .find(|other| other.name == resource.name && **other != resource);
    if let Some(other) = taken {
        let message = format!(
            "It has the class {} {} already; give the same, or another name.",
            other.class, other.subclass
        );
        faults.insert("resource".into(), message);
    }
    if choices.is_empty() && !resource.class.is_empty() {
        let message = format!(
            "No installed integration has a {kind} for this class; `plakar pkg list` says what is installed."
        );
        faults.entry("resource_class".into()).or_insert(message);
    }
    if !faults.is_empty() {
        return first(&service, layout, given, faults, Vec::new()).await;
    }
    let chosen = given.connector().filter(|(name, protocol)| {
        choices.iter().any(|choice| {
            choice.integration == *name && choice.protocols.iter().any(|known| known == protocol)
        })
    });
    let (integration, protocol) = match (chosen, choices.as_slice()) {
        (Some((integration, protocol)), _) => (integration.to_owned(), protocol.to_owned()),
        (None, [only]) if only.protocols.len() == 1 => {
            (only.integration.clone(), only.protocols[0].clone())
        }
        (None, _) => return render(&ConnectorPage { layout, given, choices }),
    };
    let entered = AppForm::new(given.spec(kind, &integration, &protocol), Options::new());
    render(&details(&service, layout, given, entered).await?)
}

async fn first(
    service: &Service,
    layout: Layout,
    given: AssignQuery,
    mut faults: BTreeMap<String, String>,
    mut general: Vec<String>,
) -> PageResult {
    let apps = service.apps().await?;
    let classes = service.classes().await.unwrap_or_else(|error| {
        general.push(sentence(&error.to_string()));
        Vec::new()
    });
    let mut names: Vec<String> = apps.into_iter().map(|app| app.spec.resource.name).collect();
    names.sort();
    names.dedup();
    let distinct = |part: fn(&(String, String)) -> &String| {
        let mut all: Vec<String> =
            classes.iter().map(part).filter(|one| !one.is_empty()).cloned().collect();
        all.dedup();
        all
    };
    let all = distinct(|(class, _)| class);
    // Most have one integration.
    let class = if given.resource_class.is_empty() {
        all.first().cloned().unwrap_or_default()
    } else {
        given.resource_class.clone()
    };
    let mut fault = |name: &str| faults.remove(name);
    let resource = Field::text("resource", "Resource", &given.resource)
        .required()
        .suggest(names)
        .help("What holds the data, such as an account or a server, in your words. Apps of one resource are listed together.")
        .fault(fault("resource"));
    let class = Field::text("resource_class", "Class", &class)
        .required()
        .suggest(all)
        .help("What kind of thing it is; an OpenDrive account is file-storage. The integrations that go with it are found by it.")
        .fault(fault("resource_class"));
    let subclass = Field::text("subclass", "Subclass", &given.subclass)
        .suggest(distinct(|(_, subclass)| subclass))
        .fault(fault("subclass"));
    render(&ResourcePage {
        layout,
        kind: if given.kind.is_empty() { "source".into() } else { given.kind },
        resource,
        class,
        subclass,
        faults: general,
    })
}

async fn details(
    service: &Service,
    layout: Layout,
    given: AssignQuery,
    entered: AppForm,
) -> Result<DetailsPage, PageError> {
    let spec = &entered.spec;
    let (integration, protocol) = (spec.integration.clone(), spec.protocol.clone());
    let class = (spec.resource.class.as_str(), spec.resource.subclass.as_str());
    let form = service.form(spec.kind, class, Some(&integration), Some(&protocol)).await?;
    let stores = if given.source() { stores(service).await } else { Vec::new() };
    let fields = entered.fields(&connector_fields(&form), &stores);
    Ok(DetailsPage { layout, source: given.source(), given, integration, protocol, fields })
}

pub async fn assign(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let text = |name: &str| posted.get(name).to_owned();
    let (resource, resource_class, subclass) =
        (text("resource"), text("resource_class"), text("subclass"));
    let given = AssignQuery {
        kind: text("kind"),
        resource,
        resource_class,
        subclass,
        connector: text("connector"),
        step: String::new(),
    };
    let again = || PageError::input("The beginning of the form is missing.").back("/assign");
    let (Ok(kind), Some((integration, protocol))) =
        (given.kind.parse::<AppKind>(), given.connector())
    else {
        return Err(again());
    };
    let mut entered = AppForm::posted(&posted, given.spec(kind, integration, protocol));
    let class = (given.resource_class.as_str(), given.subclass.as_str());
    let form = service
        .form(kind, class, Some(integration), Some(protocol))
        .await
        .map_err(|error| PageError::from(error).back("/assign"))?;
    let known = if given.source() { stores(&service).await } else { Vec::new() };
    entered.check(Some(&form), &known, &[]);
    if service.app_named(kind, &entered.spec.name).await.is_ok() {
        let message = format!("There is already a {kind} of this name; choose another name.");
        entered.faults.entry("name".into()).or_insert(message);
    }
    if entered.is_fine() {
        let AppSpec {
            kind,
            name,
            resource,
            environment,
            data_classes,
            integration,
            protocol,
            store,
            retention,
            protection,
            ..
        } = entered.spec.clone();
        let (integration, protocol) = (Some(integration), Some(protocol));
        let (options, create_store) = (entered.options.clone(), entered.create_store);
        let assign = Assign {
            kind,
            name,
            resource,
            environment,
            data_classes,
            integration,
            protocol,
            options,
            store,
            create_store,
            retention,
            protection,
        };
        match service.assign(assign).await {
            Ok(app) => return Ok(redirect(&format!("/apps/{}", app.id), "assigned")),
            Err(error) => entered.refused(error)?,
        }
    }
    render_invalid(&details(&service, context.layout(Section::Assign), given, entered).await?)
}
