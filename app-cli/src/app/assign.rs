//! `app assign`.

use plakar_driver::Options;
use source_app::model::Protection;
use source_app::service::{self, Choice};
use source_app::state::{AppKind, Resource};

use super::fields::{AppDetails, complete, list};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Assign an app: what is backed up, or restored to, by which integration
///
/// What is missing is asked for, if there is a terminal: the class, the integration and its
/// protocol where there are several, and what the connector needs. Secrets go into Plakar's
/// configuration only, and are never arguments: they are asked for without showing them, or read
/// from standard input by --options-stdin.
#[derive(Debug, clap::Args)]
pub(super) struct Assign {
    /// Its name, also in Plakar's configuration: letters a to z, digits, dots, hyphens, underscores
    name: String,
    /// What the data is in, such as an account; apps of the same resource are listed together
    #[arg(long)]
    resource: String,
    /// The resource's class, such as file-storage
    #[arg(long)]
    class: Option<String>,
    /// Its subclass, if it has one
    #[arg(long)]
    subclass: Option<String>,
    /// It is restored to, not backed up
    #[arg(long)]
    destination: bool,
    /// The Plakar package
    #[arg(long)]
    integration: Option<String>,
    /// Which of its protocols
    #[arg(long)]
    protocol: Option<String>,
    #[command(flatten)]
    details: AppDetails,
    /// Make the store if there is none
    #[arg(long)]
    create_store: bool,
    /// Print the app as one JSON object
    #[arg(long)]
    json: bool,
}

impl Assign {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        let kind = if self.destination { AppKind::Destination } else { AppKind::Source };
        let store = self.details.store()?;
        match (kind, &store) {
            (AppKind::Source, None) => {
                return Err(Failure::usage(
                    "--store is missing: write the folder or the name of the store it goes to",
                ));
            }
            (AppKind::Destination, Some(_)) => {
                return Err(Failure::usage("--store: a destination has none; leave it out"));
            }
            _ => {}
        }
        let (class, subclass) = self.class(opened).await?;
        let told = self.protocol.as_deref().or(self.details.protocol_of_location());
        let choices = service.choices(kind, &class, &subclass).await?;
        let (integration, protocol) = choose(choices, self.integration.as_deref(), told).await?;
        let form = service
            .form(kind, (&class, &subclass), integration.as_deref(), protocol.as_deref())
            .await?;
        let mut options = self.details.options(&form.schema, Options::new())?;
        complete(&form.schema, &mut options, &form.protocol).await?;
        let assign = service::Assign {
            kind,
            name: self.name,
            resource: Resource { name: self.resource, class, subclass },
            environment: self.details.environment.clone().unwrap_or_default(),
            data_classes: list(&self.details.data_class),
            integration: Some(form.integration),
            protocol: Some(form.protocol),
            options,
            store,
            create_store: self.create_store,
            retention: self.details.keep.over(Default::default()),
            protection: self.details.protection.over(&Protection::default()).unwrap_or_default(),
        };
        let app = service.assign(assign).await?;
        if self.json {
            out.json(&app)?;
        } else {
            let name = &app.spec.name;
            say(&format!(
                "the {} {name} is assigned; `plakar-opendrive app test {name}` tests the connection",
                app.spec.kind
            ));
        }
        Ok(Exit::Done)
    }

    async fn class(&self, opened: &Opened) -> Result<(String, String), Failure> {
        let subclass = self.subclass.clone();
        if let Some(class) = &self.class {
            return Ok((class.clone(), subclass.unwrap_or_default()));
        }
        let classes = opened.service.classes().await?;
        let fits: Vec<_> = classes
            .into_iter()
            .filter(|(_, known)| subclass.as_ref().is_none_or(|wanted| wanted == known))
            .collect();
        let shown: Vec<String> = fits
            .iter()
            .map(|(class, subclass)| format!("{class} {subclass}").trim_end().to_owned())
            .collect();
        match fits.len() {
            0 => Err(Failure::usage(
                "no installed integration tells a class: give --class; `plakar pkg list` shows what is installed",
            )),
            1 => Ok(fits[0].clone()),
            _ if ask::can_ask() => {
                let chosen = ask::choice("Class of the resource", &shown).await?;
                let index = shown.iter().position(|shown| *shown == chosen).unwrap_or_default();
                Ok(fits[index].clone())
            }
            _ => Err(Failure::usage(format!(
                "--class is missing: give --class (and --subclass), one of {}",
                shown.join(", ")
            ))),
        }
    }
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
