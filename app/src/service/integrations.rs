//! Which installed integrations go with a resource, and the forms of their connectors.

use super::error::{Error, Result};
use super::handle::Service;
use super::references::connector_kind;
use crate::state::AppKind;
use plakar_driver::Options;
use plakar_driver::packages::{self, Connector, ConnectorKind, Integration};
use plakar_driver::schema::Schema;

/// An integration that goes with a resource.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Choice {
    /// The package.
    pub integration: String,
    /// Its version.
    pub version: String,
    /// Its name for people.
    pub title: String,
    /// What it says about itself.
    pub description: String,
    /// The protocols to choose from, those first that ask for a login of their own: they are made for
    /// a drive, where others want it to be set up elsewhere before.
    pub protocols: Vec<String>,
    /// The class of resource that it is for.
    pub class: String,
    /// The subclass; empty for all.
    pub subclass: String,
}

/// A connector's form.
pub struct Form {
    /// The integration.
    pub integration: String,
    /// The protocol that was chosen.
    pub protocol: String,
    /// The class of resource that its connector is for.
    pub class: String,
    /// The subclass; may be empty.
    pub subclass: String,
    /// Its fields and rules; a connector without a schema has a field `location` only, and takes
    /// anything else.
    pub schema: Schema,
}

/// For a package that has no schema: its location, and whatever else it may want.
const ANY: &str = r#"{"type": "object", "required": ["location"], "properties": {"location": {"type": "string", "minLength": 1,
    "description": "What it is to reach, such as s3://bucket/folder."}}, "additionalProperties": {"type": "string"}}"#;

/// What stands for the integration where Plakar's own connectors do the work, such as that for
/// folders of this machine; they are in no package.
pub(super) const BUILT_IN: &str = "plakar";

/// The class of a resource where no package tells one.
const BUILT_IN_CLASS: &str = "file-storage";

impl Service {
    /// The installed integrations for a kind of app and a resource's class and subclass (empty:
    /// any). Those come first that are made for what they reach.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn choices(&self, kind: AppKind, class: &str, subclass: &str) -> Result<Vec<Choice>> {
        let installed = packages::installed(&self.plakar).await?;
        let found = packages::compatible(&installed, connector_kind(kind), class, subclass);
        let mut choices: Vec<_> = found.into_iter().map(choice).collect();
        choices.sort_by_key(|(_, asks)| !asks);
        Ok(choices.into_iter().map(|(choice, _)| choice).collect())
    }

    /// The classes of the installed connectors, to suggest: class and subclass.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn classes(&self) -> Result<Vec<(String, String)>> {
        let installed = packages::installed(&self.plakar).await?;
        let connectors = installed.iter().flat_map(|integration| &integration.connectors);
        let named = connectors.filter(|connector| {
            connector.kind != ConnectorKind::Storage && !connector.class.is_empty()
        });
        let mut classes: Vec<_> =
            named.map(|connector| (connector.class.clone(), connector.subclass.clone())).collect();
        classes.sort();
        classes.dedup();
        Ok(classes)
    }

    /// The form of an integration's connector. What is not given is chosen if there is only one.
    ///
    /// # Errors
    /// [`Error::Input`]: there is none, or several to choose from, which it lists.
    pub async fn form(
        &self,
        kind: AppKind,
        (class, subclass): (&str, &str),
        integration: Option<&str>,
        protocol: Option<&str>,
    ) -> Result<Form> {
        if integration == Some(BUILT_IN) {
            let protocol = protocol.unwrap_or_default().to_owned();
            return built_in(protocol, class, subclass);
        }
        let installed = packages::installed(&self.plakar).await?;
        let mut found = packages::compatible(&installed, connector_kind(kind), class, subclass);
        if found.is_empty() {
            let hint = "see `plakar pkg list` for what is installed";
            let what = format!("{kind} for {class} {subclass}");
            let what = if class.is_empty() { kind.to_string() } else { what };
            return Err(Error::Input(format!("no installed integration has a {what}; {hint}")));
        }
        if let Some(wanted) = integration {
            found.retain(|(integration, _)| integration.name == wanted);
        }
        if let Some(wanted) = protocol {
            found.retain(|(_, connector)| connector.protocols.iter().any(|known| known == wanted));
        }
        let names = |found: &[(&Integration, &Connector)]| {
            let mut names: Vec<String> =
                found.iter().map(|(integration, _)| integration.name.clone()).collect();
            names.dedup();
            names
        };
        let (integration, connector) = match (names(&found).as_slice(), found.as_slice()) {
            ([], _) => {
                return Err(Error::Input(format!(
                    "no integration goes with it; choose one of {}",
                    all(&installed, kind, class, subclass)
                )));
            }
            ([_], [first, ..]) => *first,
            (several, _) => {
                return Err(Error::Input(format!(
                    "several integrations go with it; choose one of {}",
                    several.join(", ")
                )));
            }
        };
        let protocol = match (protocol, connector.protocols.as_slice()) {
            (Some(protocol), _) => protocol.to_owned(),
            (None, [one]) => one.clone(),
            (None, several) => {
                let several = several.join(", ");
                return Err(Error::Input(format!(
                    "{} has several protocols; choose one of {several}",
                    integration.name
                )));
            }
        };
        let schema = Schema::new(connector.schema.as_deref().unwrap_or(ANY))?;
        Ok(Form {
            integration: integration.name.clone(),
            protocol,
            class: connector.class.clone(),
            subclass: connector.subclass.clone(),
            schema,
        })
    }

    /// The form of whichever connector reaches a location, one of Plakar's own if no package does.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub(super) async fn form_for(&self, kind: ConnectorKind, location: &str) -> Result<Form> {
        let installed = packages::installed(&self.plakar).await?;
        // Plakar takes a path for its own connector for folders.
        let protocol = location.split_once(':').map_or("fs", |(protocol, _)| protocol);
        match packages::for_location(&installed, kind, location) {
            None => built_in(protocol.to_owned(), "", ""),
            Some((integration, connector)) => Ok(Form {
                integration: integration.name.clone(),
                protocol: protocol.to_owned(),
                class: connector.class.clone(),
                subclass: connector.subclass.clone(),
                schema: Schema::new(connector.schema.as_deref().unwrap_or(ANY))?,
            }),
        }
    }
}

fn built_in(protocol: String, class: &str, subclass: &str) -> Result<Form> {
    let class = if class.is_empty() { BUILT_IN_CLASS } else { class };
    Ok(Form {
        integration: BUILT_IN.to_owned(),
        protocol,
        class: class.to_owned(),
        subclass: subclass.to_owned(),
        schema: Schema::new(ANY)?,
    })
}

/// Whether a connector asks for a secret where the location is of this protocol.
fn asks_for_login(connector: &Connector, protocol: &str) -> bool {
    let Some(schema) = connector.schema.as_deref().and_then(|text| Schema::new(text).ok()) else {
        return false;
    };
    let location = Options::from([("location".to_owned(), format!("{protocol}://"))]);
    let mut missing = schema.faults(&location).into_iter().filter_map(|fault| fault.key);
    missing.any(|key| schema.is_secret(&key))
}

/// And whether the first of its protocols asks for a login.
fn choice((integration, connector): (&Integration, &Connector)) -> (Choice, bool) {
    let mut protocols = connector.protocols.clone();
    protocols.sort_by_cached_key(|protocol| !asks_for_login(connector, protocol));
    let asks = protocols.first().is_some_and(|first| asks_for_login(connector, first));
    let choice = Choice {
        integration: integration.name.clone(),
        version: integration.version.clone(),
        title: integration.display_name.clone(),
        description: integration.description.clone(),
        protocols,
        class: connector.class.clone(),
        subclass: connector.subclass.clone(),
    };
    (choice, asks)
}

fn all(installed: &[Integration], kind: AppKind, class: &str, subclass: &str) -> String {
    let found = packages::compatible(installed, connector_kind(kind), class, subclass);
    let line = |(integration, connector): (&Integration, &Connector)| {
        format!("{} ({})", integration.name, connector.protocols.join(", "))
    };
    found.into_iter().map(line).collect::<Vec<_>>().join("; ")
}
