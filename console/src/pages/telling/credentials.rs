//! Accounts of drives: what uses them, and their passwords changed in one place.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::forms::Field;
use source_app::service::{Account, AccountChange, Service};

#[derive(Template)]
#[template(path = "telling/credentials.html")]
struct CredentialsPage {
    layout: Layout,
    accounts: Vec<Account>,
    account: Field,
    secret: Field,
    skip_test: Field,
}

impl CredentialsPage {
    fn uses(&self, account: &Account) -> String {
        let uses = account.entries.iter().map(|entry| format!("{} {}", entry.kind, entry.name));
        uses.collect::<Vec<_>>().join(", ")
    }
}

async fn accounts_page(
    service: &Service,
    context: &PageContext,
    chosen: &str,
    fault: Option<String>,
) -> Result<CredentialsPage, PageError> {
    let accounts = service.accounts().await?;
    let option = |one: &Account| {
        let Account { protocol, username, .. } = one;
        (format!("{protocol} {username}"), format!("{username} ({protocol})"))
    };
    let options = accounts.iter().map(option).collect();
    Ok(CredentialsPage {
        layout: context.layout(Section::None),
        account: Field::select("account", "Account", options, chosen),
        secret: Field::secret("secret", "New password")
            .required()
            .help("Or where it is: file:/PATH, env:NAME, credential:NAME, vault:MOUNT/PATH#FIELD.")
            .fault(fault),
        skip_test: Field::checkbox("skip_test", "Save it without a login", false)
            .help("For a drive that is away now."),
        accounts,
    })
}

/// The page.
pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    render(&accounts_page(&service, &context, "", None).await?)
}

/// Gives an account another password.
pub async fn change(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let chosen = posted.get("account");
    let (protocol, username) = chosen.split_once(' ').unwrap_or(("", chosen));
    // Spaces around it are a part of it, but spaces alone are none.
    let secret = posted.raw("secret").filter(|secret| !secret.trim().is_empty());
    let change = AccountChange {
        protocol: protocol.to_owned(),
        username: username.to_owned(),
        secret: secret.unwrap_or_default().to_owned(),
        skip_test: posted.get("skip_test") == "true",
    };
    match service.change_account(change).await {
        Ok(_) => Ok(redirect("/settings/credentials", "credential-changed")),
        Err(error) => {
            let fault = Some(sentence(&error.to_string()));
            render_refused(&accounts_page(&service, &context, chosen, fault).await?, &error)
        }
    }
}
