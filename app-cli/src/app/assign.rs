//! `app assign`.

use plakar_driver::Options;
use source_app::service;

use super::connection::Connection;
use super::repeated::list;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Assign an app: what is backed up, or restored to, by which integration
///
/// What is missing is asked for, if there is a terminal: the integration and its protocol where there
/// are several, what the connector needs, and the passphrase of a new store. The login and the store
/// are tested, and nothing is saved if they are refused. Secrets go into Plakar's configuration only,
/// and are never arguments: they are asked for without showing them, or read from standard input by
/// --options-stdin.
#[derive(Debug, clap::Args)]
pub(super) struct Assign {
    /// Its name, also in Plakar's configuration: letters a to z, digits, dots, hyphens, underscores
    name: String,
    #[command(flatten)]
    connection: Connection,
    /// Print the app as one JSON object
    #[arg(long)]
    json: bool,
}

impl Assign {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let details = &self.connection.details;
        let assign = service::Assign {
            environment: details.environment.clone().unwrap_or_default(),
            data_classes: list(&details.data_class),
            ..blank(self.connection.kind(), self.name)
        };
        let app = self.connection.assign(opened, assign, None).await?;
        if self.json {
            out.json(&app)?;
            return Ok(Exit::Done);
        }
        let name = &app.spec.name;
        let next = if self.connection.destination {
            format!(
                "`plakar-opendrive app restore SOURCE latest --to destination:{name}` restores to it"
            )
        } else {
            format!(
                "`plakar-opendrive app backup {name}` backs it up; print `plakar-opendrive app recovery {name}` and keep it"
            )
        };
        say(&format!("the {} {name} is assigned; {next}", app.spec.kind));
        Ok(Exit::Done)
    }
}

/// An app of which nothing is said yet but its name.
pub(super) fn blank(kind: source_app::state::AppKind, name: String) -> service::Assign {
    service::Assign {
        kind,
        name,
        resource: Default::default(),
        environment: String::new(),
        data_classes: Vec::new(),
        integration: None,
        protocol: None,
        options: Options::new(),
        entry: None,
        mark: None,
        store: None,
        store_options: Options::new(),
        create_store: false,
        unencrypted: false,
        uncompressed: false,
        second_store: None,
        copy_range: Default::default(),
        skip_test: false,
        retention: Default::default(),
        protection: Default::default(),
        backup: Default::default(),
    }
}
