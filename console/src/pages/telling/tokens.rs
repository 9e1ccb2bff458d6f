//! Tokens of programs: made, shown once, revoked.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::format::DisplayTime;
use crate::pages::forms::Field;
use source_app::service::{NewToken, Service, TokenSpec};
use source_app::state::{ApiToken, TokenAccess};

/// A token in the list.
struct TokenRow {
    id: i64,
    name: String,
    access: &'static str,
    created: DisplayTime,
    used: Option<DisplayTime>,
}

#[derive(Template)]
#[template(path = "telling/tokens.html")]
struct TokensPage {
    layout: Layout,
    tokens: Vec<TokenRow>,
    /// The one that was just made.
    made: Option<NewToken>,
    name: Field,
    access: Field,
}

async fn tokens_page(
    service: &Service,
    context: &PageContext,
    made: Option<NewToken>,
    entered: (&str, TokenAccess),
    fault: Option<String>,
) -> Result<TokensPage, PageError> {
    let row = |token: ApiToken| TokenRow {
        id: token.id,
        name: token.name,
        access: access_text(token.access),
        created: DisplayTime(token.created),
        used: token.used.map(DisplayTime),
    };
    let access = [TokenAccess::ReadOnly, TokenAccess::Full];
    let access = access.map(|one| (one.as_str().to_owned(), access_text(one).to_owned()));
    Ok(TokensPage {
        layout: context.layout(Section::None),
        tokens: service.tokens().await?.into_iter().map(row).collect(),
        made,
        name: Field::text("name", "Name", entered.0)
            .required()
            .help("Who uses it, such as prometheus: a-z, 0-9, \".\", \"_\" and \"-\".")
            .fault(fault),
        access: Field::select("access", "It may", access.to_vec(), entered.1.as_str()),
    })
}

fn access_text(access: TokenAccess) -> &'static str {
    match access {
        TokenAccess::ReadOnly => "read only",
        TokenAccess::Full => "do everything but make tokens",
    }
}

/// The page.
pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    let entered = ("", TokenAccess::ReadOnly);
    render(&tokens_page(&service, &context, None, entered, None).await?)
}

/// Makes a token, which is on this answer and nowhere else.
pub async fn add(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> PageResult {
    let name = posted.get("name");
    let access: TokenAccess = posted
        .get("access")
        .parse()
        .map_err(|error: source_app::model::Invalid| PageError::input(&error.to_string()))?;
    match service.add_token(TokenSpec { name: name.to_owned(), access }).await {
        Ok(made) => {
            let entered = ("", TokenAccess::ReadOnly);
            render(&tokens_page(&service, &context, Some(made), entered, None).await?)
        }
        Err(error) => {
            let fault = Some(sentence(&error.to_string()));
            let page = tokens_page(&service, &context, None, (name, access), fault).await?;
            render_refused(&page, &error)
        }
    }
}

/// Ends one.
pub async fn revoke(
    State(service): State<Service>,
    Path(id): Path<i64>,
) -> Result<Response, PageError> {
    let back = "/settings/tokens";
    service.revoke_token(id).await.map_err(|error| PageError::from(error).back(back))?;
    Ok(redirect(back, "token-revoked"))
}
