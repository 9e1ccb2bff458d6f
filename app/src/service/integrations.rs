//! Which installed integrations go with a resource, and the forms of their connectors.

use super::error::{Error, Result};
use super::handle::Service;
use super::references::connector_kind;
use crate::state::AppKind;
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
    /// The protocols to choose from.
    pub protocols: Vec<String>,
}

/// A connector's form.
pub struct Form {
    /// The integration.
    pub integration: String,
    /// The protocol that was chosen.
    pub protocol: String,
    /// Its fields and rules; a connector without a schema has a field `location` only, and takes
    /// anything else.
    pub schema: Schema,
}

/// For a package that has no schema: its location, and whatever else it may want.
const ANY: &str = r#"{"type": "object", "required": ["location"], "properties": {"location": {"type": "string", "minLength": 1,
    "description": "What it is to reach, such as s3://bucket/folder."}}, "additionalProperties": {"type": "string"}}"#;

impl Service {
    /// The installed integrations for a kind of app and a resource's class and subclass (empty:
    /// any).
    ///
    /// # Errors
    /// Plakar can't be run.
    pub async fn choices(&self, kind: AppKind, class: &str, subclass: &str) -> Result<Vec<Choice>> {
        let installed = packages::installed(&self.plakar).await?;
        let found = packages::compatible(&installed, connector_kind(kind), class, subclass);
        Ok(found
            .into_iter()
            .map(|(integration, connector)| choice(integration, connector))
            .collect())
    }

    /// The classes of the installed connectors, to suggest: class and subclass.
    ///
    /// # Errors
    /// Plakar can't be run.
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
        let installed = packages::installed(&self.plakar).await?;
        let mut found = packages::compatible(&installed, connector_kind(kind), class, subclass);
        if found.is_empty() {
            let hint = "see `plakar pkg list` for what is installed";
            return Err(Error::Input(format!(
                "no installed integration has a {kind} for {class} {subclass}; {hint}"
            )));
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
        Ok(Form { integration: integration.name.clone(), protocol, schema })
    }
}

fn choice(integration: &Integration, connector: &Connector) -> Choice {
    Choice {
        integration: integration.name.clone(),
        version: integration.version.clone(),
        title: integration.display_name.clone(),
        description: integration.description.clone(),
        protocols: connector.protocols.clone(),
    }
}

fn all(installed: &[Integration], kind: AppKind, class: &str, subclass: &str) -> String {
    let found = packages::compatible(installed, connector_kind(kind), class, subclass);
    let line = |(integration, connector): (&Integration, &Connector)| {
        format!("{} ({})", integration.name, connector.protocols.join(", "))
    };
    found.into_iter().map(line).collect::<Vec<_>>().join("; ")
}
