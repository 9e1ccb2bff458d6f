//! Accounts: one login for all that Plakar's configuration has of it, changed in one place.

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::handle::Service;
use super::named_secrets::name_of;
use crate::model::FieldChange;
use crate::state::{ChangeAction, ChangeSubject, StateError};
use plakar_driver::schema::is_secret;
use plakar_driver::{Kind, Name, Options, is_temporary};

/// The kinds of entries that have a login.
const KINDS: [Kind; 3] = [Kind::Source, Kind::Destination, Kind::Store];

/// An account, and what uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Of which protocol, such as `opendrive`.
    pub protocol: String,
    /// Whose it is.
    pub username: String,
    /// Where its secrets are, if they are named; nothing for one that is written down.
    pub named: Vec<String>,
    /// What uses it.
    pub entries: Vec<AccountEntry>,
}

/// An entry of Plakar's configuration that uses an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountEntry {
    /// `source`, `destination` or `store`.
    pub kind: &'static str,
    /// Its name, which is that of its app if it has one.
    pub name: String,
}

/// A new secret of an account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// Of which protocol.
    pub protocol: String,
    /// Whose it is.
    pub username: String,
    /// The secret, or where it is.
    pub secret: String,
    /// Whether it is saved without a login, for a drive that is away now.
    #[serde(default)]
    pub skip_test: bool,
}

/// Without the secret.
impl std::fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (protocol, username) = (&self.protocol, &self.username);
        f.debug_struct("AccountChange")
            .field("protocol", protocol)
            .field("username", username)
            .finish_non_exhaustive()
    }
}

/// An entry with all that it has.
#[derive(PartialEq)]
struct Login {
    kind: Kind,
    name: Name,
    options: Options,
}

impl Login {
    fn is_of(&self, protocol: &str, username: &str) -> bool {
        protocol_of(&self.options) == Some(protocol)
            && self.options.get("username").is_some_and(|name| name == username)
    }

    /// The secrets of its login; a store's passphrase is none.
    fn secrets(&self) -> impl Iterator<Item = (&String, &String)> {
        self.options.iter().filter(|(key, _)| is_secret(key) && *key != "passphrase")
    }
}

fn protocol_of(options: &Options) -> Option<&str> {
    options.get("location")?.split_once(':').map(|(protocol, _)| protocol)
}

fn no_account(protocol: &str, username: &str) -> Error {
    let shown = |text: &str| text.escape_debug().take(70).collect::<String>();
    Error::NotFound(format!(
        "there is no account {} of {}; `plakar-opendrive app credential list` shows all",
        shown(username),
        shown(protocol)
    ))
}

impl Service {
    /// The accounts that Plakar's configuration has logins for, by protocol and name.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let mut accounts: Vec<Account> = Vec::new();
        for login in self.logins().await? {
            let Some(protocol) = protocol_of(&login.options) else { continue };
            let Some(username) = login.options.get("username") else { continue };
            let known = |one: &Account| one.protocol == protocol && one.username == *username;
            let at = accounts.iter().position(known).unwrap_or_else(|| {
                accounts.push(Account {
                    protocol: protocol.to_owned(),
                    username: username.clone(),
                    named: Vec::new(),
                    entries: Vec::new(),
                });
                accounts.len() - 1
            });
            let account = &mut accounts[at];
            for name in login.secrets().filter_map(|(_, value)| name_of(value)) {
                if !account.named.contains(&name) {
                    account.named.push(name);
                }
            }
            let entry = AccountEntry { kind: login.kind.word(), name: login.name.to_string() };
            account.entries.push(entry);
        }
        accounts.sort_by(|a, b| (&a.protocol, &a.username).cmp(&(&b.protocol, &b.username)));
        Ok(accounts)
    }

    /// Gives an account another secret, in all that uses it: the drive is asked first, and it is
    /// changed everywhere or nowhere.
    ///
    /// # Errors
    /// There is no such account, the drive refuses the login, the secret is not where it is said to
    /// be, or an entry was changed or added meanwhile; nothing is changed then.
    pub async fn change_account(&self, change: AccountChange) -> Result<Account> {
        let AccountChange { protocol, username, secret, skip_test } = change;
        if secret.is_empty() {
            return Err(Error::Input(
                "the secret is empty; write it, or where it is, such as file:/etc/secret".into(),
            ));
        }
        let logins = self.logins_of(&protocol, &username).await?;
        let mut changed = Vec::new();
        for login in &logins {
            let mut keys = login.secrets().map(|(key, _)| key.clone());
            let (Some(key), None) = (keys.next(), keys.next()) else {
                return Err(Error::Input(format!(
                    "the {} {} has not one secret but several, or none; change it by `plakar-opendrive app edit`",
                    login.kind.word(),
                    login.name
                )));
            };
            let mut options = login.options.clone();
            options.insert(key.clone(), secret.clone());
            let only = Options::from([(key.clone(), secret.clone())]);
            options.extend(self.to_keep(&only, &login.options, None)?);
            changed.push(options);
        }
        let (Some(first), Some(options)) = (logins.first(), changed.first()) else {
            return Err(no_account(&protocol, &username));
        };
        if !skip_test {
            self.try_login(first.kind, &first.name, options).await?;
        }
        let account = (protocol.clone(), username.clone());
        let save =
            |service: Self| async move { service.save_logins(account, logins, changed).await };
        self.to_the_end(save).await?;
        let all = self.accounts().await?.into_iter();
        let mut same = all.filter(|one| one.protocol == protocol && one.username == username);
        same.next().ok_or_else(|| Error::Internal("the account is gone".into()))
    }

    /// Writes what was changed of all logins of an account, all of it or nothing, and records it.
    async fn save_logins(
        &self,
        (protocol, username): (String, String),
        logins: Vec<Login>,
        changed: Vec<Options>,
    ) -> Result<()> {
        let name = format!("{protocol} {username}");
        // Entries are written whole, and the login took its time: what was changed of one meanwhile
        // would be as it was before, and one that was added would keep the old secret.
        if self.logins_of(&protocol, &username).await? != logins {
            return Err(StateError::changed_meanwhile("account", &name).into());
        }
        let entries = logins.iter().zip(&changed);
        let entries = entries.map(|(login, options)| (login.kind, &login.name, options));
        self.configure_all(&entries.collect::<Vec<_>>()).await?;
        let mut fields = Vec::new();
        for (login, options) in logins.iter().zip(&changed) {
            let of = format!("{} {}", login.kind.word(), login.name);
            for (key, before) in login.secrets() {
                fields.push(FieldChange::secret(
                    format!("{of}.{key}"),
                    !before.is_empty(),
                    options.contains_key(key),
                ));
            }
        }
        self.record(ChangeSubject::Account, ChangeAction::Changed, name, fields).await
    }

    /// What Plakar's configuration has to log in to an account, without a place: of a source if there
    /// is one, else of a destination.
    ///
    /// # Errors
    /// There is no such account, or only a store uses it.
    pub(super) async fn login_of(&self, protocol: &str, username: &str) -> Result<Options> {
        let mut logins = self.logins_of(protocol, username).await?.into_iter();
        let found = logins.find(|login| login.kind != Kind::Store);
        let mut options = found.ok_or_else(|| no_account(protocol, username))?.options;
        options.remove("location");
        Ok(options)
    }

    /// The entries that log in to an account.
    async fn logins_of(&self, protocol: &str, username: &str) -> Result<Vec<Login>> {
        let mut logins = self.logins().await?;
        logins.retain(|login| login.is_of(protocol, username));
        Ok(logins)
    }

    /// All entries that log in somewhere, but those that a running restore has for itself.
    async fn logins(&self) -> Result<Vec<Login>> {
        let mut logins = Vec::new();
        for kind in KINDS {
            for (name, options) in self.plakar.configured_all(kind).await? {
                // One whose name cannot be handed to Plakar safely is none of ours.
                let Ok(name) = Name::new(&name) else { continue };
                if !is_temporary(name.as_str()) && options.contains_key("username") {
                    logins.push(Login { kind, name, options });
                }
            }
        }
        Ok(logins)
    }
}
