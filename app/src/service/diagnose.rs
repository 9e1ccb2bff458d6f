//! Diagnostics: what is known of programs, machine and room, for whoever looks for what is wrong.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::blocking::blocking;
use super::error::Result;
use super::handle::Service;
use super::machine::machine;
use super::places::local_folder;
use crate::model::{Diagnosis, DiagnosisGroup, DiagnosisItem, DiagnosisVerdict};
use crate::notify::host;
use crate::state::{StateError, TaskFilter};
use plakar_driver::{
    InstalledPackage, MIN_CHECK_SPACE_BYTES, OwnPackage, disk_space, folder_bytes, temporary_fault,
};

/// Free space that Plakar's cache needs, in bytes: its databases take 142 MiB for the smallest
/// store.
const MIN_CACHE_SPACE_BYTES: u64 = 200 << 20;

/// The version of Plakar that the driver is for.
const PLAKAR_SERIES: &str = "v1.1.";

/// The folders that are looked at.
struct Places {
    temporary: PathBuf,
    cache: Option<PathBuf>,
    state: PathBuf,
    /// Stores that are folders of this machine, by name.
    stores: Vec<(String, PathBuf)>,
}

impl Service {
    /// What is known of programs, machine, room and sizes, with a verdict where one is known. It has
    /// no secret in it; if it is to be redacted, neither a path nor a name.
    ///
    /// # Errors
    /// The database failed. What cannot be read elsewhere is a finding.
    pub async fn diagnose(&self, redact: bool) -> Result<Diagnosis> {
        let mut items = self.programs().await;
        let mut names = vec![host()];
        let user = |name| std::env::var(name).ok();
        names.extend(["USER", "LOGNAME"].into_iter().filter_map(user));
        let (apps, newest) = self
            .state(|state| {
                let newest = TaskFilter { limit: Some(1), ..TaskFilter::default() };
                Ok((state.apps()?, state.tasks(&newest)?.first().map(|task| task.created)))
            })
            .await?;
        names.extend(apps.into_iter().map(|app| app.spec.name));
        let stores = self.store_overviews().await.unwrap_or_else(|error| {
            let fact = DiagnosisItem::fact(DiagnosisGroup::Room, "Stores", "not known");
            let advice = format!("Plakar does not tell which there are: {error}");
            items.push(fact.judged(DiagnosisVerdict::Warning, advice));
            Vec::new()
        });
        names.extend(stores.iter().map(|store| store.name.clone()));
        let stores = stores.into_iter().filter_map(|store| {
            let folder = local_folder(&store.location)?;
            Some((store.name, folder))
        });
        let places = Places {
            temporary: self.plakar.temporary_folder(),
            cache: self.plakar.cache_folder().ok(),
            state: self.directory().to_owned(),
            stores: stores.collect(),
        };
        items.extend(blocking(move || Ok::<_, StateError>(places.look(newest))).await?);
        let diagnosis = Diagnosis::new(Utc::now(), items);
        Ok(if redact { diagnosis.redacted(&names) } else { diagnosis })
    }

    /// Versions, and whether what belongs together is of one make.
    async fn programs(&self) -> Vec<DiagnosisItem> {
        let fact = |name, value: &str| DiagnosisItem::fact(DiagnosisGroup::Programs, name, value);
        let mut items = vec![fact("This program", env!("CARGO_PKG_VERSION"))];
        let program = self.plakar.program().display().to_string();
        items.push(match self.plakar.version().await {
            Ok(version) => plakar_version(&version).of(program),
            Err(error) => {
                let advice = format!("{error}: nothing can be backed up or restored");
                fact("Plakar", "cannot be run").judged(DiagnosisVerdict::Bad, advice).of(program)
            }
        });
        let (own, installed) = (self.plakar.own_package(), self.plakar.installed_package().await);
        items.push(package(own, installed));
        items.push(match self.plakar.connector_program() {
            Ok(program) => fact("Connector", "found").good().of(program.display().to_string()),
            Err(error) => {
                let (verdict, said) = (DiagnosisVerdict::Warning, error.to_string());
                fact("Connector", "not found").judged(verdict, said)
            }
        });
        items
    }
}

/// What `plakar version` said: `plakar/v1.1.4`, or that and more.
fn plakar_version(said: &str) -> DiagnosisItem {
    let fact = DiagnosisItem::fact(DiagnosisGroup::Programs, "Plakar", said);
    if said.contains(PLAKAR_SERIES) {
        return fact.good();
    }
    let advice = "this program is for Plakar 1.1: install that, or name it in the variable PLAKAR";
    fact.judged(DiagnosisVerdict::Warning, advice)
}

/// Whether Plakar has the package that came with this program.
fn package(
    own: plakar_driver::Result<Option<OwnPackage>>,
    installed: plakar_driver::Result<Option<InstalledPackage>>,
) -> DiagnosisItem {
    let name = "Plakar's package";
    let fact = |value: &str| DiagnosisItem::fact(DiagnosisGroup::Programs, name, value);
    let (own, fault) = match own {
        Ok(own) => (own, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let add = match &own {
        Some(own) => format!("add it: {}", own.script.display()),
        None => "add it: make install, or plakar pkg add FILE".to_owned(),
    };
    let installed = match installed {
        Ok(Some(installed)) => installed,
        Ok(None) => return fact("not installed").judged(DiagnosisVerdict::Bad, add),
        Err(error) => return fact("not known").judged(DiagnosisVerdict::Bad, error.to_string()),
    };
    let InstalledPackage { version, same } = installed;
    let item = match (&own, same) {
        (Some(own), _) if own.version != version => {
            let value = format!("{version}; {} came with this program", own.version);
            fact(&value).judged(DiagnosisVerdict::Warning, add)
        }
        (_, Some(true)) => fact(&format!("{version}, the one that came with this program")).good(),
        (_, Some(false)) => {
            let value = format!("{version}, made of another build than this program");
            fact(&value).judged(DiagnosisVerdict::Warning, add)
        }
        (_, None) => fact(&version),
    };
    match fault {
        Some(fault) if item.advice.is_empty() => item.judged(DiagnosisVerdict::Warning, fault),
        _ => item,
    }
}

impl Places {
    /// The machine, what is free, and what is taken.
    fn look(&self, newest: Option<DateTime<Utc>>) -> Vec<DiagnosisItem> {
        let mut items = machine(newest);
        items.extend(self.room());
        items.extend(self.sizes());
        items
    }

    fn room(&self) -> Vec<DiagnosisItem> {
        let shown = |folder: &Path| folder.display().to_string();
        let temporary = &self.temporary;
        let (name, min) = ("Temporary files", MIN_CHECK_SPACE_BYTES);
        let fault = temporary_fault(temporary);
        let mut items =
            vec![DiagnosisItem::room(name, space(temporary), min, fault).of(shown(temporary))];
        if let Some(cache) = &self.cache {
            let (name, min) = ("Plakar's cache", MIN_CACHE_SPACE_BYTES);
            items.push(DiagnosisItem::room(name, space(cache), min, None).of(shown(cache)));
        }
        items.push(DiagnosisItem::state_room(space(&self.state)).of(shown(&self.state)));
        for (name, folder) in &self.stores {
            let away = (!folder.is_dir()).then(|| {
                "the folder is not there: mount its disk, or look at the store's page".to_owned()
            });
            let room = away.is_none().then(|| space(folder)).flatten();
            let item = DiagnosisItem::store_room(name, room, away);
            items.push(item.of(shown(folder)));
        }
        items
    }

    fn sizes(&self) -> Vec<DiagnosisItem> {
        let size = |name: &str, folder: &Path| {
            let item = match folder_bytes(folder) {
                Ok(bytes) => DiagnosisItem::size(name, bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    DiagnosisItem::size(name, 0)
                }
                Err(error) => {
                    let value = format!("cannot be read: {error}");
                    DiagnosisItem::fact(DiagnosisGroup::Sizes, name, value)
                }
            };
            item.of(folder.display().to_string())
        };
        let cache = self.cache.iter().map(|cache| size("Plakar's cache", cache));
        cache.chain([size("State and logs", &self.state)]).collect()
    }
}

/// What is free where a folder is or will be made, and what fits there, in bytes.
fn space(folder: &Path) -> Option<(u64, u64)> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    disk_space(there).map(|space| (space.free, space.total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(version: &str) -> plakar_driver::Result<Option<OwnPackage>> {
        let script = PathBuf::from("/usr/share/plakar-opendrive/add-to-plakar");
        Ok(Some(OwnPackage { version: version.into(), script }))
    }

    fn has(version: &str, same: Option<bool>) -> plakar_driver::Result<Option<InstalledPackage>> {
        Ok(Some(InstalledPackage { version: version.into(), same }))
    }

    #[test]
    fn the_package_is_the_one_that_came_with_the_program_or_it_is_said() {
        use DiagnosisVerdict::{Bad, Good, Warning};
        let add = "add it: /usr/share/plakar-opendrive/add-to-plakar";
        let unread = || Err(plakar_driver::Error::Refused("plakar is ill".into()));
        for (own, installed, verdict, value, advice) in [
            (own("v1"), has("v1", Some(true)), Some(Good), "the one that came with", ""),
            (own("v2"), has("v1", Some(false)), Some(Warning), "v1; v2 came with", add),
            (own("v2"), has("v1", Some(true)), Some(Warning), "v1; v2 came with", add),
            (own("v1"), has("v1", Some(false)), Some(Warning), "of another build", add),
            (own("v1"), has("v1", None), None, "v1", ""),
            (own("v1"), Ok(None), Some(Bad), "not installed", add),
            (Ok(None), Ok(None), Some(Bad), "not installed", "add it: make install, or"),
            (own("v1"), unread(), Some(Bad), "not known", "plakar is ill"),
        ] {
            let item = package(own, installed);
            assert_eq!(item.verdict, verdict, "{item:?}");
            assert!(item.value.contains(value) && item.advice.starts_with(advice), "{item:?}");
        }
    }

    #[test]
    fn another_plakar_than_1_1_is_told() {
        assert_eq!(plakar_version("plakar/v1.1.4").verdict, Some(DiagnosisVerdict::Good));
        assert_eq!(plakar_version("plakar/v1.0.6").verdict, Some(DiagnosisVerdict::Warning));
    }

    #[test]
    fn a_store_whose_folder_is_gone_and_one_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let places = Places {
            temporary: folder.path().to_owned(),
            cache: Some(gone.clone()),
            state: folder.path().to_owned(),
            stores: vec![("away".into(), gone), ("here".into(), folder.path().to_owned())],
        };
        let items = places.look(None);
        let item = |name: &str| items.iter().find(|item| item.name == name).unwrap();
        assert_eq!(item("Store away").verdict, Some(DiagnosisVerdict::Bad));
        assert!(item("Store away").advice.contains("is not there"));
        assert!(item("Store here").value.contains(" free of "));
        // Not made yet: its disk is that of the folder above.
        assert!(item("Plakar's cache").value.contains(" free of "));
        assert_eq!(items.last().unwrap().bytes, Some(0));
    }
}
