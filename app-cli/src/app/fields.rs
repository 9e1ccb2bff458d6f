//! What `assign` and `edit` have in common: an app's details, and its connector's options.

use std::collections::BTreeMap;
use std::io::Read;

use plakar_driver::Options;
use plakar_driver::schema::{Schema, is_secret};
use source_app::model::Retention;
use source_app::secret::SecretReference;

use super::backup_options::BackupArgs;
use super::protection::ProtectionArgs;
use super::second_store::{SecondStoreArgs, place_of};
use crate::failure::Failure;
use terminal::ask;
use terminal::exit::Exit;
use terminal::text;

/// The keys of the store's options begin so, among those of what is backed up.
const STORE_PREFIX: &str = "store.";

/// And those of the second store.
const SECOND_PREFIX: &str = "second_store.";

/// Maximum size of the options on standard input, in bytes.
const MAX_OPTIONS_BYTES: u64 = 1 << 20;

/// What may be said of an app.
#[derive(Debug, clap::Args)]
pub(super) struct AppDetails {
    /// Such as production, development or testing; "" for none
    #[arg(long)]
    pub(super) environment: Option<String>,
    /// Such as critical, database, PII; may be repeated, "" for none
    #[arg(long, value_name = "CLASS")]
    pub(super) data_class: Vec<String>,
    /// What the connector needs, by the keys of its schema; may be repeated, KEY= for none. Not for
    /// secrets
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) option: Vec<(String, String)>,
    /// Read options from standard input, secrets too: a JSON object of strings; those of the store begin
    /// with "store.", such as "store.passphrase", those of the second store with "second_store."
    #[arg(long)]
    pub(super) options_stdin: bool,
    /// Ask for this secret at the terminal, without showing it; those that are missing are asked
    /// for anyway
    #[arg(long, value_name = "KEY")]
    pub(super) secret: Vec<String>,
    /// The folder of the store, a place such as opendrive://Backups, or the name of a store of Plakar's
    #[arg(long, value_name = "PATH|NAME")]
    pub(super) store: Option<String>,
    /// Read the passphrase of the store from standard input: its first line
    #[arg(long, conflicts_with = "options_stdin")]
    pub(super) passphrase_stdin: bool,
    /// Save it without a test of the login and the store, for a drive that is away now
    #[arg(long)]
    pub(super) no_test: bool,
    #[command(flatten)]
    pub(super) second: SecondStoreArgs,
    #[command(flatten)]
    pub(super) keep: KeepArgs,
    #[command(flatten)]
    pub(super) protection: ProtectionArgs,
    #[command(flatten)]
    pub(super) backup: BackupArgs,
}

/// How many restore points are kept; 0 for a number that is not to count.
#[derive(Debug, clap::Args)]
pub(super) struct KeepArgs {
    /// When pruning, keep the newest restore point of each of this many hours; hours, days, weeks,
    /// months and years are those of UTC
    #[arg(long, value_name = "N")]
    keep_hourly: Option<u32>,
    /// The same for days
    #[arg(long, value_name = "N")]
    keep_daily: Option<u32>,
    /// The same for weeks
    #[arg(long, value_name = "N")]
    keep_weekly: Option<u32>,
    /// The same for months
    #[arg(long, value_name = "N")]
    keep_monthly: Option<u32>,
    /// The same for years
    #[arg(long, value_name = "N")]
    keep_yearly: Option<u32>,
    /// How many restore points of each of these hours to keep, the newest ones; 1 by default, also
    /// for the options that follow
    #[arg(long, value_name = "N")]
    keep_per_hour: Option<u32>,
    /// The same for days
    #[arg(long, value_name = "N")]
    keep_per_day: Option<u32>,
    /// The same for weeks
    #[arg(long, value_name = "N")]
    keep_per_week: Option<u32>,
    /// The same for months
    #[arg(long, value_name = "N")]
    keep_per_month: Option<u32>,
    /// The same for years
    #[arg(long, value_name = "N")]
    keep_per_year: Option<u32>,
}

impl KeepArgs {
    /// A retention with what is given changed.
    pub(super) fn over(&self, old: Retention) -> Retention {
        let mut retention = old;
        for ((_, number), given) in retention.numbers().into_iter().zip(self.given()) {
            *number = given.unwrap_or(*number);
        }
        retention
    }

    pub(super) fn is_given(&self) -> bool {
        self.given().iter().any(Option::is_some)
    }

    /// In the order of [`Retention::numbers`].
    fn given(&self) -> [Option<u32>; 10] {
        [
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
            self.keep_per_hour,
            self.keep_per_day,
            self.keep_per_week,
            self.keep_per_month,
            self.keep_per_year,
        ]
    }
}

/// A retention for people: `7 daily, 4 weekly`.
pub(super) fn kept(retention: Retention) -> String {
    if retention.is_empty() { "all".to_owned() } else { retention.to_string() }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

impl AppDetails {
    /// Whether any option is to be changed.
    pub(super) fn has_options(&self) -> bool {
        !self.option.is_empty()
            || self.options_stdin
            || self.passphrase_stdin
            || !self.secret.is_empty()
    }

    /// The protocol that a location tells.
    pub(super) fn protocol_of_location(&self) -> Option<&str> {
        let location = self.option.iter().find(|(key, _)| key == "location")?;
        Some(location.1.split_once(':')?.0)
    }

    /// The store, the path of a folder made absolute.
    pub(super) fn store(&self) -> Result<Option<String>, Failure> {
        self.store.as_deref().map(|store| place_of(store, "--store")).transpose()
    }

    /// What is given on the command line, on standard input and at the terminal: for the connector, and
    /// for the store. An empty value is one that is to go.
    pub(super) fn given(&self, schema: Option<&Schema>) -> Result<GivenOptions, Failure> {
        let mut given = GivenOptions::default();
        for (key, value) in &self.option {
            let secret = schema.map_or_else(|| is_secret(key), |schema| schema.is_secret(key));
            let named = SecretReference::parse(value).map_or(true, |named| named.is_elsewhere());
            if secret && !named {
                return Err(Failure::usage(format!(
                    "option {} is a secret, which other users of this machine could read here: leave it out to be asked for it at a \
                     terminal, name where it is (file:, env:, cmd:, credential: or vault:), or give {{\"{key}\": \"…\"}} on standard input with --options-stdin",
                    text::quoted(key)
                )));
            }
            given.add(key, value.clone())?;
        }
        if self.options_stdin {
            for (key, value) in from_stdin()? {
                given.add(&key, value)?;
            }
        }
        if self.passphrase_stdin {
            let line = ask::first_line(std::io::stdin(), "standard input")?;
            given.store.insert("passphrase".to_owned(), line);
        }
        for key in &self.secret {
            if !ask::can_ask() {
                return Err(Failure::usage(
                    "--secret asks at a terminal, and there is none: give secrets by --options-stdin",
                ));
            }
            let title = schema.map_or_else(|| key.clone(), |schema| schema.other(key).title);
            given.put(key, ask::secret(&title)?);
        }
        Ok(given)
    }
}

/// Options by their keys, each once.
#[derive(Default)]
pub(super) struct GivenOptions {
    connector: Options,
    /// Those of the store.
    pub(super) store: Options,
    /// Those of the second store.
    pub(super) second: Options,
}

impl GivenOptions {
    fn add(&mut self, key: &str, value: String) -> Result<(), Failure> {
        if self.put(key, value).is_some() {
            return Err(Failure::usage(format!(
                "option {} is given twice: write it once",
                text::quoted(key)
            )));
        }
        Ok(())
    }

    fn put(&mut self, key: &str, value: String) -> Option<String> {
        if let Some(key) = key.strip_prefix(SECOND_PREFIX) {
            return self.second.insert(key.to_owned(), value);
        }
        match key.strip_prefix(STORE_PREFIX) {
            Some(key) => self.store.insert(key.to_owned(), value),
            None => self.connector.insert(key.to_owned(), value),
        }
    }

    /// Whether nothing is said to the connector.
    pub(super) fn is_empty(&self) -> bool {
        self.connector.is_empty()
    }

    /// The connector's options, over others.
    pub(super) fn over(&self, mut options: Options) -> Options {
        for (key, value) in &self.connector {
            if value.is_empty() {
                options.remove(key);
            } else {
                options.insert(key.clone(), value.clone());
            }
        }
        options
    }
}

/// Asks for what the connector misses, if somebody is there to answer.
pub(super) async fn complete(
    schema: &Schema,
    options: &mut Options,
    protocol: &str,
) -> Result<(), Failure> {
    if !options.contains_key("location") {
        let asked = if ask::can_ask() {
            ask::line(&format!("Location, after {protocol}:// (nothing for all of it)")).await?
        } else {
            String::new()
        };
        let scheme = format!("{protocol}://");
        options.insert(
            "location".to_owned(),
            format!("{scheme}{}", asked.trim_start_matches(&scheme)),
        );
    }
    let mut asked = Vec::new();
    loop {
        let missing = |key: &String| !options.contains_key(key) && !asked.contains(key);
        let faults = schema.faults(options);
        let Some(key) = faults.into_iter().find_map(|fault| fault.key.filter(missing)) else {
            return Ok(());
        };
        let known = schema.fields().iter().find(|field| field.key == key).cloned();
        let field = known.unwrap_or_else(|| schema.other(&key));
        let question = if field.help.is_empty() {
            field.title
        } else {
            format!("{} ({})", field.title, field.help.trim_end_matches('.'))
        };
        if !ask::can_ask() {
            let message = if schema.is_secret(&key) {
                format!(
                    "the secret \"{key}\" is missing, and there is no terminal to ask at: give {{\"{key}\": \"…\"}} on standard input with --options-stdin"
                )
            } else {
                format!("option \"{key}\" is missing: give --option {key}=VALUE")
            };
            return Err(Failure::new(Exit::Configuration, message));
        }
        let value = if schema.is_secret(&key) {
            ask::secret(&question)?
        } else {
            ask::line(&question).await?
        };
        if !value.is_empty() {
            options.insert(key.clone(), value);
        }
        asked.push(key);
    }
}

fn from_stdin() -> Result<BTreeMap<String, String>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(MAX_OPTIONS_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::new(Exit::Failed, format!("standard input cannot be read: {error}"))
    })?;
    // The error's own text would show what is there.
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let example = r#"write one such as {"password": "…"}"#;
        Failure::usage(format!(
            "standard input, line {line}, column {column}: not a JSON object of strings; {example}"
        ))
    })
}
