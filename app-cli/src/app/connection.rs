//! What `assign` and `adopt` have in common: by which integration an app reaches its data, and where
//! it goes.

use plakar_driver::{Error as PlakarError, Options};
use source_app::model::{CopyRange, Protection};
use source_app::service::{self, Assign, Choice, Error, Strength};
use source_app::state::{App, AppKind, Resource};

use super::fields::{AppDetails, GivenOptions, complete};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;

/// The key of a store's passphrase, among its options and among the faults of an app.
const PASSPHRASE: &str = "passphrase";
const PASSPHRASE_FAULT: &str = "store.passphrase";

/// By which integration an app reaches its data, and where it goes.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    /// What the data is in; apps of the same resource are listed together [default: the account, or
    /// the app's name]
    #[arg(long)]
    resource: Option<String>,
    /// The resource's class, such as file-storage [default: what the integration is for]
    #[arg(long)]
    class: Option<String>,
    /// Its subclass, if it has one
    #[arg(long)]
    subclass: Option<String>,
    /// It is restored to, not backed up
    #[arg(long)]
    pub(super) destination: bool,
    /// The Plakar package
    #[arg(long)]
    integration: Option<String>,
    /// Which of its protocols
    #[arg(long)]
    protocol: Option<String>,
    #[command(flatten)]
    pub(super) details: AppDetails,
    /// Make the store if there is none: encrypted, with a passphrase that is asked for twice, or read
    /// by --passphrase-stdin or --options-stdin
    #[arg(long)]
    pub(super) create_store: bool,
    /// Make the store without encryption: whoever can read its files can read all that is backed up
    #[arg(long, requires = "create_store")]
    unencrypted: bool,
    /// Make the store without compression, for what is compressed already: photos, music, films, archives
    #[arg(long, requires = "create_store")]
    uncompressed: bool,
}

impl Connection {
    pub(super) fn kind(&self) -> AppKind {
        if self.destination { AppKind::Destination } else { AppKind::Source }
    }

    /// The store, which sources have and destinations have not.
    pub(super) fn store(&self) -> Result<Option<String>, Failure> {
        let store = self.details.store()?;
        match (self.kind(), &store) {
            (AppKind::Source, None) => Err(Failure::usage(
                "--store is missing: write the folder or the name of the store it goes to",
            )),
            (AppKind::Destination, Some(_)) => {
                Err(Failure::usage("--store: a destination has none; leave it out"))
            }
            _ => Ok(store),
        }
    }

    /// An app of these, with what `base` says of it besides. One with an entry has its options there;
    /// `given` are those that were read already.
    pub(super) async fn assign(
        &self,
        opened: &Opened,
        base: Assign,
        given: Option<GivenOptions>,
    ) -> Result<App, Failure> {
        let service = &opened.service;
        let store = if base.store.is_some() { base.store.clone() } else { self.store()? };
        let mut assign = Assign {
            resource: Resource {
                name: self.resource.clone().unwrap_or_default(),
                class: self.class.clone().unwrap_or_default(),
                subclass: self.subclass.clone().unwrap_or_default(),
            },
            store,
            create_store: self.create_store,
            unencrypted: self.unencrypted,
            uncompressed: self.uncompressed,
            skip_test: self.details.no_test,
            retention: self.details.keep.over(Default::default()),
            protection: self.details.protection.over(&Protection::default()).unwrap_or_default(),
            backup: self.details.backup.over(&base.backup).unwrap_or(base.backup),
            ..base
        };
        let second;
        if assign.entry.is_some() {
            let given = given.map_or_else(|| self.details.given(None), Ok)?;
            assign.options = given.over(Options::new());
            (assign.store_options, second) = (given.store, given.second);
        } else {
            service.fill_from_resource(&mut assign.resource, &mut assign.options).await?;
            let class = (assign.resource.class.as_str(), assign.resource.subclass.as_str());
            let known = assign.options.get("location").and_then(|place| place.split_once(':'));
            let told = self.protocol.as_deref().or(self.details.protocol_of_location());
            let told = told.or(known.map(|(protocol, _)| protocol));
            let choices = service.choices(assign.kind, class.0, class.1).await?;
            let (integration, protocol) =
                choose(choices, self.integration.as_deref(), told).await?;
            let form = service
                .form(assign.kind, class, integration.as_deref(), protocol.as_deref())
                .await?;
            let given = given.map_or_else(|| self.details.given(Some(&form.schema)), Ok)?;
            assign.options = given.over(assign.options);
            (assign.store_options, second) = (given.store.clone(), given.second.clone());
            complete(&form.schema, &mut assign.options, &form.protocol).await?;
            assign.integration = Some(form.integration);
            assign.protocol = Some(form.protocol);
        }
        assign.second_store = self.details.second.wish(second)?;
        assign.copy_range = self.details.second.range(&CopyRange::default()).unwrap_or_default();
        let assigned = until_unlocked(assign.store_options.clone(), async |options| {
            service.assign(Assign { store_options: options, ..assign.clone() }).await
        });
        let create = "--create-store makes one where there is none";
        assigned.await.map_err(|failure| {
            let missing = failure.says("no store that can be opened") && !self.create_store;
            if missing { failure.with_hint(create) } else { failure }
        })
    }
}

/// Does what may want the passphrase of a store, and does it again with the passphrase if somebody is
/// there to be asked.
pub(super) async fn until_unlocked<T>(
    options: Options,
    work: impl AsyncFn(Options) -> service::Result<T>,
) -> Result<T, Failure> {
    let error = match work(options.clone()).await {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    let is_new = match &error {
        Error::Faults(faults)
            if faults.iter().any(|fault| fault.key.as_deref() == Some(PASSPHRASE_FAULT)) =>
        {
            true
        }
        Error::Plakar(PlakarError::Passphrase(_)) => false,
        _ => return Err(error.into()),
    };
    if options.contains_key(PASSPHRASE) {
        return Err(error.into());
    }
    if !ask::can_ask() {
        let failure = Failure::from(error);
        let how =
            if is_new { "--passphrase-stdin, or --unencrypted" } else { "--passphrase-stdin" };
        return Err(failure.with_hint(&format!("see {how}")));
    }
    let passphrase = if is_new {
        say(
            "the store is new and will be encrypted; nobody can read it without the passphrase, you included",
        );
        let passphrase = ask::new_secret("Passphrase of the store")?;
        say(&format!("the passphrase is {}", Strength::of(&passphrase, &[])));
        passphrase
    } else {
        ask::secret("Passphrase of the store")?
    };
    let mut options = options;
    options.insert(PASSPHRASE.to_owned(), passphrase);
    Ok(work(options).await?)
}

/// The integration and the protocol, where there is something to choose; else it is left to the
/// service.
async fn choose(
    mut choices: Vec<Choice>,
    integration: Option<&str>,
    protocol: Option<&str>,
) -> Result<(Option<String>, Option<String>), Failure> {
    let given = (integration.map(str::to_owned), protocol.map(str::to_owned));
    choices.retain(|choice| integration.is_none_or(|wanted| wanted == choice.integration));
    choices.retain(|choice| {
        protocol.is_none_or(|wanted| choice.protocols.iter().any(|known| known == wanted))
    });
    let names: Vec<String> = choices.iter().map(|choice| choice.integration.clone()).collect();
    let chosen = match choices.as_slice() {
        // The service says why, and what there is.
        [] => return Ok(given),
        [one] => one.clone(),
        _ if ask::can_ask() => {
            let name = ask::choice("Integration", &names).await?;
            let Some(chosen) = choices.into_iter().find(|choice| choice.integration == name) else {
                return Ok(given);
            };
            chosen
        }
        _ => {
            return Err(Failure::usage(format!(
                "several integrations go with it: give --integration, one of {}",
                names.join(", ")
            )));
        }
    };
    let protocol = match (given.1, chosen.protocols.as_slice()) {
        (Some(protocol), _) => protocol,
        (None, [one]) => one.clone(),
        (None, several) if ask::can_ask() => ask::choice("Protocol", several).await?,
        (None, several) => {
            let several = several.join(", ");
            return Err(Failure::usage(format!(
                "{} has several protocols: give --protocol, one of {several}",
                chosen.integration
            )));
        }
    };
    Ok((Some(chosen.integration), Some(protocol)))
}
