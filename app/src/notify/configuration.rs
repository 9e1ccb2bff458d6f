//! `notify.toml`: read strictly, whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use lettre::message::Mailbox;
use serde::Deserialize;
use toml::Spanned;

use super::command::CommandReceiver;
use super::http::Address;
use super::mail::{MailReceiver, MailSecurity};
use super::ntfy::NtfyReceiver;
use super::ping::PingReceiver;
use super::receiver::{Receiver, Way};
use super::webhook::WebhookReceiver;
use crate::loopback::is_loopback;
use crate::model::EventKind;
use crate::secret::{SecretReference, read_private_if_there};
use crate::state::TaskKind;
use crate::toml_faults::TomlText;

/// Its name, in the directory of the state.
pub const FILE: &str = "notify.toml";

/// How often it is said again that something lasts, if nothing is written of it, in days.
const REMINDER_DAYS: u32 = 3;

/// Maximum time limit of a receiver, in seconds.
const MAX_TIMEOUT_SECONDS: u32 = 300;

/// Who is told, and how often.
#[derive(Clone, Debug, Default)]
pub struct NotifyConfiguration {
    /// After so long it is said again that something lasts; never without.
    pub remind_after: Option<TimeDelta>,
    /// Who is told, in the order of the file by kind.
    pub receivers: Vec<Receiver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reminder_days: Option<Spanned<u32>>,
    #[serde(default)]
    webhook: Vec<Spanned<Webhook>>,
    #[serde(default)]
    ping: Vec<Spanned<Ping>>,
    #[serde(default)]
    ntfy: Vec<Spanned<Ntfy>>,
    #[serde(default)]
    mail: Vec<Spanned<Mail>>,
    #[serde(default)]
    command: Vec<Spanned<CommandLine>>,
}

/// Makes a table of a receiver with the keys that all have.
macro_rules! table {
    ($name:ident { $($key:ident: $kind:ty,)+ }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            name: Spanned<String>,
            #[serde(default)]
            apps: Vec<Spanned<String>>,
            #[serde(default)]
            events: Vec<Spanned<String>>,
            timeout_seconds: Option<Spanned<u32>>,
            $($key: $kind,)+
        }

        impl $name {
            fn common(&self) -> Common<'_> {
                let (name, apps, events) = (&self.name, &self.apps, &self.events);
                Common { name, apps, events, timeout: self.timeout_seconds.as_ref() }
            }
        }
    };
}

struct Common<'a> {
    name: &'a Spanned<String>,
    apps: &'a [Spanned<String>],
    events: &'a [Spanned<String>],
    timeout: Option<&'a Spanned<u32>>,
}

table!(Webhook {
    url: Spanned<String>,
    secret: Option<Spanned<String>>,
    authorization: Option<Spanned<String>>,
    authority: Option<Spanned<String>>,
});

table!(Ping {
    url: Spanned<String>,
    tasks: Option<Vec<Spanned<String>>>,
    authority: Option<Spanned<String>>,
});

table!(Ntfy {
    url: Spanned<String>,
    token: Option<Spanned<String>>,
    authority: Option<Spanned<String>>,
});

table!(Mail {
    server: Spanned<String>,
    port: Option<u16>,
    security: Option<Spanned<String>>,
    username: Option<Spanned<String>>,
    password: Option<Spanned<String>>,
    from: Spanned<String>,
    to: Vec<Spanned<String>>,
    authority: Option<Spanned<String>>,
});

table!(CommandLine { command: Spanned<Vec<String>>, });

impl NotifyConfiguration {
    /// Reads the file of a state's directory; without one nobody is told.
    ///
    /// # Errors
    ///
    /// One line: it is not safe to use, or what is wrong in which line and what to write.
    pub fn read(directory: &Path) -> Result<Option<Self>, String> {
        let path = directory.join(FILE);
        let Some(text) = read_private_if_there(&path)? else { return Ok(None) };
        Self::parse(&text).map(Some).map_err(|fault| format!("{}, {fault}", path.display()))
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// One line: `line 3: ` and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = TomlText(text);
        let file: File = toml::from_str(text).map_err(|error| lines.unread(&error))?;
        let days = file.reminder_days.as_ref().map_or(REMINDER_DAYS, |days| *days.get_ref());
        if let Some(given) = file.reminder_days.filter(|_| days > 365) {
            let what = "reminder_days: write 1 to 365, or 0 for no reminders";
            return Err(lines.fault(given.span(), what));
        }
        let mut reader = Reader { lines, names: BTreeSet::new(), receivers: Vec::new() };
        for table in &file.webhook {
            reader.webhook(table.get_ref())?;
        }
        for table in &file.ping {
            reader.ping(table.get_ref())?;
        }
        for table in &file.ntfy {
            reader.ntfy(table.get_ref())?;
        }
        for table in &file.mail {
            reader.mail(table.get_ref())?;
        }
        for table in &file.command {
            reader.command(table.get_ref())?;
        }
        let remind_after = (days > 0).then(|| TimeDelta::days(days.into()));
        Ok(Self { remind_after, receivers: reader.receivers })
    }
}

struct Reader<'a> {
    lines: TomlText<'a>,
    names: BTreeSet<String>,
    receivers: Vec<Receiver>,
}

impl Reader<'_> {
    fn at<V, T>(
        &self,
        value: &Spanned<V>,
        key: &str,
        read: Result<T, String>,
    ) -> Result<T, String> {
        read.map_err(|why| self.lines.fault(value.span(), &format!("{key}: {why}")))
    }

    fn add(&mut self, common: &Common<'_>, seconds: u32, way: Way) -> Result<(), String> {
        let name = common.name.get_ref().clone();
        let named = match plakar_driver::Name::is_valid(&name) {
            _ if self.names.contains(&name) => {
                Err("another receiver has this name; choose another".to_owned())
            }
            true => Ok(()),
            false => Err(
                "write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit"
                    .into(),
            ),
        };
        self.at(common.name, "name", named)?;
        for app in common.apps {
            let valid = plakar_driver::Name::is_valid(app.get_ref());
            self.at(
                app,
                "apps",
                valid.then_some(()).ok_or(
                    "this is not the name of an app; `plakar-opendrive app list` shows all".into(),
                ),
            )?;
        }
        let read = |event: &Spanned<String>| {
            let parsed = event.get_ref().parse::<EventKind>().map_err(|error| error.to_string());
            self.at(event, "events", parsed)
        };
        let events = common.events.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let given = common.timeout.map_or(seconds, |given| *given.get_ref());
        if let Some(timeout) =
            common.timeout.filter(|_| !(1..=MAX_TIMEOUT_SECONDS).contains(&given))
        {
            let what = format!("timeout_seconds: write 1 to {MAX_TIMEOUT_SECONDS}");
            return Err(self.lines.fault(timeout.span(), &what));
        }
        self.names.insert(name.clone());
        self.receivers.push(Receiver {
            name,
            apps: common.apps.iter().map(|app| app.get_ref().clone()).collect(),
            events,
            timeout: Duration::from_secs(given.into()),
            way,
        });
        Ok(())
    }

    fn address(
        &self,
        url: &Spanned<String>,
        authority: Option<&Spanned<String>>,
    ) -> Result<Address, String> {
        let authority = authority.map(|path| self.authority(path)).transpose()?;
        self.at(url, "url", Address::new(url.get_ref(), authority.as_deref()))
    }

    fn authority(&self, path: &Spanned<String>) -> Result<String, String> {
        // A certificate is no secret.
        let text = std::fs::read_to_string(path.get_ref())
            .map_err(|error| format!("{} cannot be read: {error}", path.get_ref()));
        self.at(path, "authority", text)
    }

    fn secret(
        &self,
        key: &str,
        text: Option<&Spanned<String>>,
    ) -> Result<Option<SecretReference>, String> {
        let read = |text: &Spanned<String>| {
            let secret = match text.get_ref().is_empty() {
                true => {
                    Err("it is empty; write the secret, or file: and the path of a file".into())
                }
                false => SecretReference::parse(text.get_ref()),
            };
            self.at(text, key, secret)
        };
        text.map(read).transpose()
    }

    /// A secret that is sent itself: never in the clear.
    fn sent(
        &self,
        key: &str,
        text: Option<&Spanned<String>>,
        address: &Address,
    ) -> Result<Option<SecretReference>, String> {
        let is_open =
            address.url.scheme() == "http" && !address.url.host_str().is_some_and(is_loopback);
        if let Some(given) = text.filter(|_| is_open) {
            let what = format!(
                "{key}: it would go over the network in the clear; write an address with https://"
            );
            return Err(self.lines.fault(given.span(), &what));
        }
        self.secret(key, text)
    }

    fn webhook(&mut self, table: &Webhook) -> Result<(), String> {
        let address = self.address(&table.url, table.authority.as_ref())?;
        let secret = self.secret("secret", table.secret.as_ref())?;
        let authorization = self.sent("authorization", table.authorization.as_ref(), &address)?;
        let webhook = WebhookReceiver { address, secret, authorization };
        self.add(&table.common(), 15, Way::Webhook(webhook))
    }

    fn ping(&mut self, table: &Ping) -> Result<(), String> {
        if let Some(first) = table.events.first() {
            let what = "events: a ping says how tasks begin and end; leave it out, or write tasks = [\"backup\"]";
            return Err(self.lines.fault(first.span(), what));
        }
        let address = self.address(&table.url, table.authority.as_ref())?;
        let read = |task: &Spanned<String>| {
            let parsed = task.get_ref().parse::<TaskKind>().map_err(|error| error.to_string());
            self.at(task, "tasks", parsed)
        };
        let tasks = match &table.tasks {
            None => vec![TaskKind::Backup],
            Some(tasks) => tasks.iter().map(read).collect::<Result<_, _>>()?,
        };
        self.add(&table.common(), 15, Way::Ping(PingReceiver { address, tasks }))
    }

    fn ntfy(&mut self, table: &Ntfy) -> Result<(), String> {
        let address = self.address(&table.url, table.authority.as_ref())?;
        let token = self.sent("token", table.token.as_ref(), &address)?;
        self.add(&table.common(), 15, Way::Ntfy(NtfyReceiver { address, token }))
    }

    fn mail(&mut self, table: &Mail) -> Result<(), String> {
        let server = table.server.get_ref().clone();
        let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter);
        if server.is_empty() || !server.chars().all(is_host) || server.contains("://") {
            let what = "server: write the name of a mail server alone, such as smtp.example.org";
            return Err(self.lines.fault(table.server.span(), what));
        }
        let security = match &table.security {
            None => MailSecurity::StartTls,
            Some(given) => match given.get_ref().as_str() {
                "starttls" => MailSecurity::StartTls,
                "tls" => MailSecurity::Tls,
                "none" if is_loopback(&server) => MailSecurity::Plain,
                "none" => {
                    let what = "security: mail goes without TLS to this machine only (localhost); write \"starttls\" or \"tls\"";
                    return Err(self.lines.fault(given.span(), what));
                }
                _ => {
                    let what = "security: write \"starttls\", \"tls\" or \"none\"";
                    return Err(self.lines.fault(given.span(), what));
                }
            },
        };
        let password = self.secret("password", table.password.as_ref())?;
        let login = match (&table.username, password) {
            (Some(user), Some(password)) => Some((user.get_ref().clone(), password)),
            (None, None) => None,
            (Some(given), None) => {
                return Err(self.lines.fault(given.span(), "username: write password, too"));
            }
            (None, Some(_)) => {
                let place = table.password.as_ref().map(Spanned::span).unwrap_or_default();
                return Err(self.lines.fault(place, "password: write username, too"));
            }
        };
        let mailbox = |key: &str, text: &Spanned<String>| {
            let parsed = text.get_ref().parse::<Mailbox>().map_err(|_| {
                let shown: String = text.get_ref().escape_debug().take(60).collect();
                format!("\"{shown}\" is not a mail address; write one, such as me@example.org")
            });
            self.at(text, key, parsed)
        };
        let from = mailbox("from", &table.from)?;
        let to =
            table.to.iter().map(|to| mailbox("to", to)).collect::<Result<Vec<Mailbox>, _>>()?;
        if to.is_empty() {
            return Err(self.lines.fault(table.from.span(), "to: write at least one mail address"));
        }
        let port = table.port.unwrap_or(match security {
            MailSecurity::Tls => 465,
            MailSecurity::StartTls => 587,
            MailSecurity::Plain => 25,
        });
        let authority = table.authority.as_ref().map(|path| self.authority(path)).transpose()?;
        let mail = MailReceiver { server, port, security, login, from, to, authority };
        self.add(&table.common(), 30, Way::Mail(mail))
    }

    fn command(&mut self, table: &CommandLine) -> Result<(), String> {
        let arguments = table.command.get_ref().clone();
        if arguments.first().is_none_or(|program| !Path::new(program).is_absolute()) {
            let what = "command: write a list of the whole path of a program and its arguments, such as [\"/usr/local/bin/tell\"]";
            return Err(self.lines.fault(table.command.span(), what));
        }
        self.add(&table.common(), 30, Way::Command(CommandReceiver { arguments }))
    }
}
