//! `app token`.

use source_app::service::TokenSpec;
use source_app::state::TokenAccess;

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Tokens by which programs use the console's API and its /metrics
///
/// A program sends one as `Authorization: Bearer TOKEN`, and needs neither a cookie nor a session.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct TokenCommand {
    #[command(subcommand)]
    action: TokenAction,
}

#[derive(Debug, clap::Subcommand)]
enum TokenAction {
    Add(AddToken),
    List(ListTokens),
    Revoke(RevokeToken),
}

/// Make a token, and print it: it is not shown again
#[derive(Debug, clap::Args)]
struct AddToken {
    /// Who uses it, such as prometheus
    name: String,
    /// It may read
    #[arg(long, required_unless_present = "full", conflicts_with = "full")]
    read_only: bool,
    /// It may do everything but make and revoke tokens
    #[arg(long)]
    full: bool,
    /// Print one JSON object: id, name, access, created, used and token
    #[arg(long)]
    json: bool,
}

/// List tokens, without their secrets
#[derive(Debug, clap::Args)]
struct ListTokens {
    /// Print a JSON object for each, in a line: id, name, access, created and used
    #[arg(long)]
    json: bool,
}

/// End a token, at once and for good
#[derive(Debug, clap::Args)]
struct RevokeToken {
    /// The token
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl TokenCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        match self.action {
            TokenAction::Add(AddToken { name, read_only, json, .. }) => {
                let access = if read_only { TokenAccess::ReadOnly } else { TokenAccess::Full };
                let made = service.add_token(TokenSpec { name, access }).await?;
                if json {
                    out.json(&made)?;
                } else {
                    out.line(&made.token)?;
                    say("keep it now: it is not shown again");
                }
            }
            TokenAction::List(ListTokens { json }) => {
                for token in service.tokens().await? {
                    if json {
                        out.json(&token)?;
                        continue;
                    }
                    let used = token.used.map_or("never".into(), time);
                    out.line(&format!(
                        "{}  {}  made {}  last used {used}",
                        token.name,
                        token.access,
                        time(token.created)
                    ))?;
                }
            }
            TokenAction::Revoke(RevokeToken { name, yes }) => {
                let token = service.token_named(&name).await?;
                let what = format!("the token {name} ends: what uses it is refused from then on");
                ask::confirm(yes, &what).await?;
                service.revoke_token(token.id).await?;
                say(&format!("the token {name} is revoked"));
            }
        }
        Ok(Exit::Done)
    }
}
