//! Several sources of one account in one form: the login that is there, a policy, a store.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::answer::{PageResult, redirect, render, render_refused};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::form_data::FormData;
use super::forms::{CheckboxItem, Field};
use source_app::service::{Account, Error, ResourceFilter, Service, SeveralApps};

#[derive(Template)]
#[template(path = "several_apps.html")]
struct SeveralAppsPage {
    layout: Layout,
    /// What is needed and is not there yet, each with where to get it.
    missing: Vec<(&'static str, &'static str, &'static str)>,
    account: Field,
    /// Resources that may be ticked.
    resources: Vec<CheckboxItem>,
    locations: Field,
    policy: Field,
    store: Field,
    scope: Vec<Field>,
    faults: Vec<String>,
}

/// What was posted.
fn posted_apps(posted: &FormData) -> SeveralApps {
    let account = posted.get("account");
    let (protocol, username) = account.split_once(' ').unwrap_or(("", account));
    let words = |name: &str| -> Vec<String> {
        let all = posted.get(name).split(',').map(str::trim).filter(|one| !one.is_empty());
        all.map(str::to_owned).collect()
    };
    SeveralApps {
        protocol: protocol.to_owned(),
        username: username.to_owned(),
        policy: posted.get("policy").to_owned(),
        store: posted.get("store").to_owned(),
        resources: posted.all("resource"),
        locations: posted.lines("locations"),
        environment: posted.get("environment").to_owned(),
        data_classes: words("classes"),
        labels: words("labels"),
        check: false,
    }
}

async fn page(
    service: &Service,
    layout: Layout,
    filled: &SeveralApps,
    faults: Vec<String>,
) -> Result<SeveralAppsPage, PageError> {
    let login = |one: &Account| one.entries.iter().any(|entry| entry.kind != "store");
    let accounts: Vec<_> = service.accounts().await?.into_iter().filter(login).collect();
    let account = |Account { protocol, username, .. }: &Account| {
        (format!("{protocol} {username}"), format!("{username} ({protocol})"))
    };
    let accounts: Vec<(String, String)> = accounts.iter().map(account).collect();
    let policies = service.policies().await?.into_iter().map(|one| one.spec.name);
    let policies: Vec<(String, String)> = policies.map(|name| (name.clone(), name)).collect();
    let stores = service.store_overviews().await?.into_iter().map(|one| one.name);
    let stores: Vec<(String, String)> = stores.map(|name| (name.clone(), name)).collect();
    let all = service.resources(ResourceFilter::default()).await?;
    let uncovered = all.into_iter().filter(|one| one.uncovered);
    let uncovered = uncovered.filter(|one| !one.resource.spec.location.is_empty());
    let item = |value: String| CheckboxItem { chosen: filled.resources.contains(&value), value };
    let resources = uncovered.map(|one| item(one.resource.spec.name)).collect();
    let missing = [
        (accounts.is_empty(), ("account that Plakar has a login of", "/assign", "Add a drive")),
        (policies.is_empty(), ("policy", "/policies/new", "Make a policy")),
        (stores.is_empty(), ("store", "/assign", "Add a drive")),
    ];
    let account = format!("{} {}", filled.protocol, filled.username);
    // As a browser has it where nothing is chosen.
    let chosen = |choices: &[(String, String)], chosen: &str| match choices.first() {
        Some((first, _)) if chosen.is_empty() => first.clone(),
        _ => chosen.to_owned(),
    };
    let account = chosen(&accounts, account.trim());
    let policy = chosen(&policies, &filled.policy);
    let store = chosen(&stores, &filled.store);
    let words = |name: &str, label: &str, help: &str, all: &[String]| {
        Field::text(name, label, &all.join(", ")).help(help)
    };
    Ok(SeveralAppsPage {
        layout,
        missing: missing.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect(),
        account: Field::select("account", "Account", accounts, &account),
        resources,
        locations: Field::lines("locations", "Locations", &filled.locations)
            .help("Others of this account, one a line, such as opendrive://Photos."),
        policy: Field::select("policy", "Policy", policies, &policy)
            .help("Its schedules and its retention hold for them."),
        store: Field::select("store", "Store", stores, &store),
        scope: vec![
            Field::text("environment", "Environment", &filled.environment)
                .help("Only if the policy is for several: which."),
            words(
                "classes",
                "Data classes",
                "Only if the policy is for any of several: which, separated by commas.",
                &filled.data_classes,
            ),
            words(
                "labels",
                "Labels",
                "Only if the policy is for any of several: which, separated by commas.",
                &filled.labels,
            ),
        ],
        faults,
    })
}

const ABOVE: [(&str, &str); 1] = [("Resources", "/resources")];

pub async fn form(State(service): State<Service>, context: PageContext) -> PageResult {
    let layout = context.below(Section::Resources, &ABOVE);
    render(&page(&service, layout, &SeveralApps::default(), Vec::new()).await?)
}

pub async fn make(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let filled = posted_apps(&posted);
    let error = match service.make_apps(&filled).await {
        Ok(_) => return Ok(redirect("/", "apps-made")),
        Err(error) => error,
    };
    let faults = match &error {
        Error::Faults(faults) => faults.iter().map(|fault| sentence(&fault.message)).collect(),
        other => vec![sentence(&other.to_string())],
    };
    let layout = context.below(Section::Resources, &ABOVE);
    render_refused(&page(&service, layout, &filled, faults).await?, &error)
}
