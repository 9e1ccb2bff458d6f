//! Which integrations are installed, and what each of their connectors is for.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::process::command::{CONFIGURATION_TIMEOUT, Plakar};

/// Where plakar 1.1 unpacks packages, below its cache folder.
const UNPACKED: &str = "plugins/v1.1.0";

/// The protocol that this program's package has, and Plakar's own of the same name has not.
const OWN_PROTOCOL: &str = "opendrive";

/// What a connector does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// Reads what is backed up: for sources.
    Importer,
    /// Writes what is restored: for destinations.
    Exporter,
    /// Holds snapshots: for stores.
    Storage,
}

/// A connector of an integration.
#[derive(Clone, Debug)]
pub struct Connector {
    /// What it does.
    pub kind: ConnectorKind,
    /// The class of resource that it is for; empty in old packages.
    pub class: String,
    /// The subclass; empty for all.
    pub subclass: String,
    /// The schemes of its locations.
    pub protocols: Vec<String>,
    /// The JSON schema of its configuration, as text: the order of its fields matters.
    pub schema: Option<String>,
}

/// An installed package.
#[derive(Clone, Debug)]
pub struct Integration {
    /// Its name, as `plakar pkg list` shows it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its name for people.
    pub display_name: String,
    /// What it says about itself.
    pub description: String,
    /// Its connectors.
    pub connectors: Vec<Connector>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    connectors: Vec<ManifestConnector>,
}

#[derive(Deserialize)]
struct ManifestConnector {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    subclass: String,
    #[serde(default)]
    validator: String,
    #[serde(default)]
    protocols: Vec<String>,
}

/// The integrations that are installed, by name.
///
/// # Errors
/// Plakar cannot be run, or a package cannot be read.
pub async fn installed(plakar: &Plakar) -> Result<Vec<Integration>> {
    // It unpacks what is not unpacked yet, too.
    let listed = plakar.job(["pkg", "list"]).timeout(CONFIGURATION_TIMEOUT).output().await?;
    let unpacked = plakar.cache_folder()?.join(UNPACKED);
    let packages: Vec<(String, String)> = listed.lines().filter_map(package).collect();
    let read = move || {
        packages
            .iter()
            .map(|(name, version)| read(&unpacked, name, version))
            .collect::<Result<Vec<_>>>()
    };
    let joined = tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| Error::Answer(error.to_string()))?;
    let mut integrations: Vec<Integration> = joined?;
    integrations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(integrations)
}

/// The connectors for a resource of this class, or of any if it is empty. A connector or resource
/// without subclass goes with any.
pub fn compatible<'a>(
    integrations: &'a [Integration],
    kind: ConnectorKind,
    class: &str,
    subclass: &str,
) -> Vec<(&'a Integration, &'a Connector)> {
    let fits = |connector: &&Connector| {
        let subclass_fits =
            subclass.is_empty() || connector.subclass.is_empty() || connector.subclass == subclass;
        let class_fits = class.is_empty() || connector.class == class;
        connector.kind == kind && class_fits && subclass_fits
    };
    let of = |integration: &'a Integration| {
        integration.connectors.iter().filter(fits).map(move |connector| (integration, connector))
    };
    integrations.iter().flat_map(of).collect()
}

/// The connector for a location such as `opendrive://Documents`.
pub fn for_location<'a>(
    integrations: &'a [Integration],
    kind: ConnectorKind,
    location: &str,
) -> Option<(&'a Integration, &'a Connector)> {
    let protocol = location.split_once(':')?.0;
    let fits = |connector: &&Connector| {
        connector.kind == kind && connector.protocols.iter().any(|known| known == protocol)
    };
    integrations
        .iter()
        .find_map(|integration| Some((integration, integration.connectors.iter().find(fits)?)))
}

/// Whether the connector for a location is of this program's package. `rclone:` is a location of
/// Plakar's own package too.
pub(crate) fn is_own(integrations: &[Integration], kind: ConnectorKind, location: &str) -> bool {
    let found = for_location(integrations, kind, location);
    found.is_some_and(|(_, connector)| connector.protocols.iter().any(|one| one == OWN_PROTOCOL))
}

/// A line of `plakar pkg list`: `rclone@v0.1.0`. Others, such as a greeting, are nothing.
fn package(line: &str) -> Option<(String, String)> {
    let (name, version) = line.trim().split_once('@')?;
    let fine = |text: &str, more: &[u8]| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    (fine(name, b"-") && fine(version, b".-+") && version.starts_with('v'))
        .then(|| (name.to_owned(), version.to_owned()))
}

/// Where plakar has unpacked an installed package.
///
/// # Errors
/// It is not unpacked.
pub(crate) fn unpacked_folder(plakar: &Plakar, name: &str, version: &str) -> Result<PathBuf> {
    folder_of(&plakar.cache_folder()?.join(UNPACKED), name, version)
}

fn folder_of(unpacked: &Path, name: &str, version: &str) -> Result<PathBuf> {
    // The rest of the folder's name is the system and the architecture.
    let begin = format!("{name}_{version}_");
    let entries = std::fs::read_dir(unpacked)
        .map_err(Error::io(format!("cannot read {}", unpacked.display())))?;
    let folder =
        entries.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with(&begin));
    let missing = || Error::NotFound(format!("{}/{begin}*", unpacked.display()));
    Ok(folder.ok_or_else(missing)?.path())
}

fn read(unpacked: &Path, name: &str, version: &str) -> Result<Integration> {
    let folder = folder_of(unpacked, name, version)?;
    let text = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).map_err(Error::io(format!("cannot read {}", path.display())))
    };
    let wrong = |error| Error::Answer(format!("the manifest of the package {name}: {error}"));
    let manifest: Manifest = serde_norway::from_str(&text("manifest.yaml")?).map_err(wrong)?;
    let mut connectors = Vec::new();
    for connector in manifest.connectors {
        let kind = match connector.kind.as_str() {
            "importer" => ConnectorKind::Importer,
            "exporter" => ConnectorKind::Exporter,
            "storage" => ConnectorKind::Storage,
            _ => continue,
        };
        let inside = Path::new(&connector.validator)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside {
            return Err(Error::Answer(format!("the package {name} names a schema outside of it")));
        }
        let schema =
            if connector.validator.is_empty() { None } else { Some(text(&connector.validator)?) };
        let ManifestConnector { class, subclass, protocols, .. } = connector;
        connectors.push(Connector { kind, class, subclass, protocols, schema });
    }
    let display_name =
        if manifest.display_name.is_empty() { name.to_owned() } else { manifest.display_name };
    Ok(Integration {
        name: name.to_owned(),
        version: version.to_owned(),
        display_name,
        description: manifest.description,
        connectors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_are_read_from_the_list() {
        assert_eq!(package(" rclone@v0.1.0"), Some(("rclone".into(), "v0.1.0".into())));
        for other in ["Welcome to plakar !", "", "a@b", "../x@v1", "x@v1/../y", "@v1", "x@"] {
            assert_eq!(package(other), None, "{other}");
        }
    }

    #[test]
    fn a_connector_goes_with_its_class_and_with_its_subclass_if_both_have_one() {
        let connector = |subclass: &str| Connector {
            kind: ConnectorKind::Importer,
            class: "file-storage".into(),
            subclass: subclass.into(),
            protocols: vec!["x".into()],
            schema: None,
        };
        let connectors = vec![connector(""), connector("ftp"), connector("sftp")];
        let (name, version, display_name, description) =
            ("x".into(), "v1".into(), String::new(), String::new());
        let integrations = [Integration { name, version, display_name, description, connectors }];
        let count = |kind, class, subclass| compatible(&integrations, kind, class, subclass).len();
        assert_eq!(count(ConnectorKind::Importer, "file-storage", ""), 3);
        assert_eq!(count(ConnectorKind::Importer, "file-storage", "ftp"), 2);
        assert_eq!(count(ConnectorKind::Importer, "", ""), 3);
        assert_eq!(count(ConnectorKind::Importer, "", "sftp"), 2);
        assert_eq!(count(ConnectorKind::Importer, "database", ""), 0);
        assert_eq!(count(ConnectorKind::Exporter, "file-storage", ""), 0);
    }

    #[test]
    fn a_package_of_the_same_name_is_not_ours() {
        let with = |protocols: &[&str]| {
            let connectors = vec![Connector {
                kind: ConnectorKind::Storage,
                class: "file-storage".into(),
                subclass: String::new(),
                protocols: protocols.iter().map(|&protocol| protocol.to_owned()).collect(),
                schema: None,
            }];
            [Integration {
                name: "rclone".into(),
                version: "v1.1.0".into(),
                display_name: String::new(),
                description: String::new(),
                connectors,
            }]
        };
        let storage = ConnectorKind::Storage;
        assert!(is_own(&with(&["rclone", "opendrive"]), storage, "rclone:///a"));
        assert!(!is_own(&with(&["rclone"]), storage, "rclone:///a"));
        assert!(!is_own(&with(&["rclone", "opendrive"]), storage, "s3://a"));
        assert!(!is_own(&[], storage, "opendrive://a"));
    }
}
