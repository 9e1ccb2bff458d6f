//! `app credential`.

use source_app::secret::SecretReference;
use source_app::service::{Account, AccountChange};

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, Output, coloured, shown};

/// Passwords of accounts, each changed in one place
///
/// An account is a user name of a protocol. All that uses it, sources, destinations and stores, is
/// changed together.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct CredentialCommand {
    #[command(subcommand)]
    action: CredentialAction,
}

#[derive(Debug, clap::Subcommand)]
enum CredentialAction {
    List(ListCredentials),
    Set(SetCredential),
}

/// List accounts with what uses them
#[derive(Debug, clap::Args)]
struct ListCredentials {
    /// Print a JSON object for each, in a line: protocol, username, named (where its secrets are) and
    /// entries (kind and name)
    #[arg(long)]
    json: bool,
}

/// Give an account another password, in all that uses it
///
/// It is asked for at the terminal, read from standard input, or named. The drive is asked first; what
/// it refuses is saved nowhere.
#[derive(Debug, clap::Args)]
struct SetCredential {
    /// Its user name
    username: String,
    /// Its protocol, if several have this user name
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// Where the password is: file:/PATH, env:NAME, cmd:PROGRAM, credential:NAME or
    /// vault:MOUNT/PATH#FIELD
    #[arg(long, value_name = "PLACE", conflicts_with = "stdin")]
    named: Option<String>,
    /// Read the password from standard input, one line
    #[arg(long)]
    stdin: bool,
    /// Save it without a login, for a drive that is away now
    #[arg(long)]
    no_test: bool,
    /// Print the account as one JSON object
    #[arg(long)]
    json: bool,
}

impl CredentialCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            CredentialAction::List(ListCredentials { json }) => {
                for account in opened.service.accounts().await? {
                    if json {
                        out.json(&account)?;
                    } else {
                        out.line(&line(&account))?;
                    }
                }
                Ok(Exit::Done)
            }
            CredentialAction::Set(set) => set.run(opened, out).await,
        }
    }
}

fn line(account: &Account) -> String {
    let entries = account.entries.iter().map(|entry| format!("{} {}", entry.kind, entry.name));
    let mut parts = vec![shown(&account.username), coloured(ASIDE, &shown(&account.protocol))];
    parts.push(entries.collect::<Vec<_>>().join(", "));
    parts.extend(account.named.iter().map(|name| format!("by {}", shown(name))));
    parts.join("  ")
}

/// The account of this user name, of this protocol if one is given.
pub(super) async fn account_named(
    opened: &Opened,
    username: &str,
    protocol: Option<&str>,
) -> Result<Account, Failure> {
    let accounts = opened.service.accounts().await?;
    let mut fitting = accounts.into_iter().filter(|account| {
        account.username == username && protocol.is_none_or(|told| told == account.protocol)
    });
    let name = shown(username);
    match (fitting.next(), fitting.next()) {
        (Some(account), None) => Ok(account),
        (Some(account), Some(other)) => Err(Failure::usage(format!(
            "{name} is an account of {} and of {}: say which with --protocol",
            account.protocol, other.protocol
        ))),
        (None, _) => Err(Failure::new(
            Exit::NotFound,
            format!("there is no account {name}; `plakar-opendrive app credential list` shows all"),
        )),
    }
}

impl SetCredential {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let account = account_named(opened, &self.username, self.protocol.as_deref()).await?;
        let name = shown(&self.username);
        let secret = match self.named {
            Some(place) => {
                let named = SecretReference::parse(&place).map_err(Failure::usage)?;
                if !named.is_elsewhere() {
                    return Err(Failure::usage(
                        "--named: a password is no argument, which other users of this machine could read: write where it is, such as file:/etc/secret",
                    ));
                }
                place
            }
            None if self.stdin => ask::first_line(std::io::stdin(), "standard input")?,
            None if ask::can_ask() => ask::secret(&format!("New password of {name}"))?,
            None => {
                return Err(Failure::usage(
                    "there is no terminal to ask at: give the password by --stdin, or where it is by --named",
                ));
            }
        };
        let (protocol, username) = (account.protocol, account.username);
        let change = AccountChange { protocol, username, secret, skip_test: self.no_test };
        let changed = opened.service.change_account(change).await?;
        if self.json {
            out.json(&changed)?;
        } else {
            say(&format!("changed: {}", line(&changed)));
        }
        Ok(Exit::Done)
    }
}
