//! An app's settings: change it, rename it, remove it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::answer::{PageResult, redirect, render, render_invalid};
use super::app_form::{AppFields, AppForm, connector_fields, stores, words};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::form_data::FormData;
use super::forms::{Field, OPTION_PREFIX, Widget};
use super::head::{AppHead, Tab};
use plakar_driver::Options;
use plakar_driver::schema::{self, FieldKind};
use source_app::service::{ConfiguredField, Edit, Error, Form, Service};
use source_app::state::{App, AppId, AppKind, Resource};

/// The name of what says which of the connector's fields are secrets.
const SECRET: &str = "secret_option";

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    layout: Layout,
    head: AppHead,
    revision: String,
    source: bool,
    resource: Field,
    fields: AppFields,
    /// Why the configuration cannot be shown.
    unreadable: Option<String>,
    /// Somebody else changed it while the form was filled in.
    outdated: bool,
    /// What the options that were entered would leave out.
    preview: Vec<String>,
}

impl SettingsPage {
    /// It is there already.
    fn makes_store(&self) -> bool {
        false
    }

    /// The names of the connector's fields that are never shown: they are posted too, for a form that
    /// cannot be read then does not tell them.
    fn secrets(&self) -> Vec<&str> {
        let fields = self.fields.options.iter().chain(&self.fields.more);
        let secrets = fields.filter(|field| field.widget == Widget::Secret);
        secrets.map(|field| field.name.as_str()).collect()
    }
}

/// What Plakar knows of an app, or why it does not.
struct ConnectorSettings {
    form: Option<Form>,
    fields: Vec<ConfiguredField>,
    unreadable: Option<String>,
}

async fn configured(service: &Service, app: &App) -> ConnectorSettings {
    let spec = &app.spec;
    let class = (spec.resource.class.as_str(), spec.resource.subclass.as_str());
    let both = async {
        Ok::<_, Error>((
            service.form(spec.kind, class, Some(&spec.integration), Some(&spec.protocol)).await?,
            service.configuration(app.id).await?,
        ))
    };
    match both.await {
        Ok((form, all)) => {
            let fitting = connector_fields(&form);
            let in_form = |key: &str| form.schema.fields().iter().any(|field| field.key == key);
            // What goes with its protocol, what is set all the same, and what the schema does not
            // know.
            let fields = all.into_iter().filter_map(|mut one| {
                match fitting.iter().find(|field| field.field.key == one.field.key) {
                    Some(field) => {
                        one.field.required = field.field.required;
                        Some(one)
                    }
                    None => (one.set || !in_form(&one.field.key)).then_some(one),
                }
            });
            ConnectorSettings { fields: fields.collect(), form: Some(form), unreadable: None }
        }
        Err(error) => ConnectorSettings {
            form: None,
            fields: Vec::new(),
            unreadable: Some(sentence(&error.to_string())),
        },
    }
}

/// The fields of a connector whose form cannot be read, as they were posted: all of them, for an
/// option that is not posted again is taken out.
fn posted_fields(posted: &FormData) -> Vec<ConfiguredField> {
    let secrets = posted.all(SECRET);
    let mut fields: Vec<ConfiguredField> = Vec::new();
    for (key, _) in posted.under(OPTION_PREFIX) {
        if fields.iter().any(|known| known.field.key == key) {
            continue;
        }
        let mut field = schema::Field::named(key);
        if secrets.iter().any(|name| name.strip_prefix(OPTION_PREFIX) == Some(key)) {
            field.kind = FieldKind::Secret;
        }
        fields.push(ConfiguredField { field, value: None, set: false });
    }
    fields
}

async fn settings(
    service: &Service,
    layout: Layout,
    app: App,
    revision: String,
    mut entered: AppForm,
    configured: ConnectorSettings,
) -> SettingsPage {
    let source = app.spec.kind == AppKind::Source;
    let stores = if source { stores(service).await } else { None };
    let stores = stores.unwrap_or_default();
    let resource = Field::text("resource", "Resource", &entered.spec.resource.name)
        .required()
        .help("What holds the data, in your words. Apps of one resource are listed together.")
        .fault(entered.faults.remove("resource"));
    // It has no field here: a store that wants one is opened where restore points are taken over.
    entered.general.extend(entered.faults.remove("passphrase"));
    let outdated = revision != app.revision.to_string();
    let fields = entered.fields(&configured.fields, &stores, &words(service).await);
    SettingsPage {
        outdated,
        layout,
        head: AppHead { app, tab: Tab::Settings },
        revision,
        source,
        resource,
        fields,
        unreadable: configured.unreadable,
        preview: Vec::new(),
    }
}

pub async fn show(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
) -> PageResult {
    let app = service.app(id).await?;
    let configured = configured(&service, &app).await;
    let entered = AppForm::new(app.spec.clone(), Options::new());
    let revision = app.revision.to_string();
    render(
        &settings(&service, context.layout(Section::None), app, revision, entered, configured)
            .await,
    )
}

pub async fn save(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let app = service.app(id).await?;
    let revision: i64 = posted
        .get("revision")
        .parse()
        .map_err(|_| PageError::input("The form cannot be read: its revision is missing."))?;
    let mut configured = configured(&service, &app).await;
    let mut base = app.spec.clone();
    base.resource = Resource { name: posted.get("resource").to_owned(), ..base.resource };
    let mut entered = AppForm::posted(&posted, base);
    let kept: Vec<String> = configured
        .fields
        .iter()
        .filter(|field| field.set && field.value.is_none())
        .map(|field| field.field.key.clone())
        .collect();
    let known = stores(&service).await;
    entered.check(configured.form.as_ref(), &kept);
    entered.check_store(known.as_deref(), app.spec.store.as_deref());
    if configured.form.is_none() && !entered.options.is_empty() {
        // Without its form nobody knows what of it is a secret that stays: it would be lost, and the
        // page would say that it is saved.
        let reason = configured.unreadable.take().unwrap_or_default();
        entered.general.push(format!(
            "What the connector needs cannot be saved now: {reason} Nothing was saved."
        ));
        configured.fields = posted_fields(&posted);
    }
    let mut preview = Vec::new();
    if entered.is_fine() && posted.ticked("preview") {
        match service.preview_options(id, entered.spec.backup.clone()).await {
            Ok(found) => preview = found.words(),
            Err(error) => entered.refused(error)?,
        }
    } else if entered.is_fine() {
        let spec = entered.spec.clone();
        let source = spec.kind == AppKind::Source;
        let edit = Edit {
            name: Some(spec.name),
            resource: Some(spec.resource),
            environment: Some(spec.environment),
            data_classes: Some(spec.data_classes),
            options: configured.form.is_some().then(|| entered.options.clone()),
            store: spec.store,
            store_options: Options::new(),
            create_store: false,
            unencrypted: false,
            uncompressed: false,
            second_store: source.then(|| entered.second.clone()),
            copy_range: source.then_some(spec.copy_range),
            skip_test: entered.skip_test,
            retention: Some(spec.retention),
            protection: Some(spec.protection),
            backup: Some(spec.backup),
        };
        match service.edit(id, revision, edit).await {
            Ok(_) => return Ok(redirect(&format!("/apps/{id}/settings"), "saved")),
            Err(error) => entered.refused(error)?,
        }
    }
    // As it was entered, not as it is kept.
    for field in &mut configured.fields {
        field.value = None;
    }
    let layout = context.layout(Section::None);
    let page = settings(&service, layout, app, revision.to_string(), entered, configured).await;
    if preview.is_empty() {
        return render_invalid(&page);
    }
    render(&SettingsPage { preview, ..page })
}

#[derive(Template)]
#[template(path = "remove.html")]
struct RemovePage {
    layout: Layout,
    head: AppHead,
}

pub async fn question(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
) -> PageResult {
    let app = service.app(id).await?;
    render(&RemovePage {
        layout: context.layout(Section::None),
        head: AppHead { app, tab: Tab::Settings },
    })
}

pub async fn remove(
    State(service): State<Service>,
    Path(id): Path<AppId>,
) -> Result<Response, PageError> {
    let Err(error) = service.remove(id).await else { return Ok(redirect("/", "removed")) };
    // It may be gone all the same, with its page.
    let page = format!("/apps/{id}");
    let back = if service.app(id).await.is_ok() { page.as_str() } else { "/" };
    Err(PageError::from(error).back(back))
}
