//! Sources, destinations and stores in Plakar's own configuration.
//!
//! Plakar rewrites all three files on each change, without a lock, and its INI and YAML readers
//! change values. So: one lock of ours, JSON with every value a string on standard input, and what
//! was kept is read back and compared.

use std::collections::BTreeMap;
use std::fs::File;

use crate::configuration::kinds::{Kind, Options, mask};
use crate::configuration::schema::is_secret;
use crate::configuration::shown::parse_shown;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::process::command::Plakar;
use crate::process::lines::Redactor;
use crate::process::references::as_yaml;

impl Plakar {
    /// Adds an entry, or replaces it whole. An empty value is left out: plakar keeps none.
    ///
    /// # Errors
    /// [`Error::Answer`] if plakar did not keep it exactly.
    pub async fn configure(&self, kind: Kind, name: &Name, options: &Options) -> Result<()> {
        let _lock = self.lock_configuration().await?;
        let filled = options.iter().filter(|(_, value)| !value.is_empty());
        self.put(kind, name, &filled.map(|(key, value)| (key.clone(), value.clone())).collect())
            .await
    }

    /// An entry with its secrets, which must not leave the server.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn configured(&self, kind: Kind, name: &Name) -> Result<Options> {
        let shown = self.show(kind, Some(name)).await?;
        shown
            .into_iter()
            .find_map(|(shown, options)| (shown == name.as_str()).then_some(options))
            .ok_or_else(|| missing(kind, name))
    }

    /// All entries of a kind by name, without the values of secrets.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn configurations(&self, kind: Kind) -> Result<BTreeMap<String, Options>> {
        let mut all = self.show(kind, None).await?;
        all.values_mut().for_each(mask);
        Ok(all)
    }

    /// The same with its secrets, which must not leave the server.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn configured_all(&self, kind: Kind) -> Result<BTreeMap<String, Options>> {
        self.show(kind, None).await
    }

    /// Removes an entry. One that is not there is fine.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn unconfigure(&self, kind: Kind, name: &Name) -> Result<()> {
        let _lock = self.lock_configuration().await?;
        self.remove(kind, name).await
    }

    /// What must not be seen in the output of a job with this entry. A secret that is only named is
    /// not in it: the job itself looks it up, and strikes it out.
    pub(crate) async fn secrets(&self, kind: Kind, name: &Name) -> Result<Redactor> {
        Ok(secret_values(&self.configured(kind, name).await?))
    }

    /// An entry for a program that gets no configuration: with the secrets that it only names, and
    /// what must not be seen of it.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Input`] for a secret that is not there.
    pub(crate) async fn resolved(&self, kind: Kind, name: &Name) -> Result<(Options, Redactor)> {
        let mut options = self.configured(kind, name).await?;
        let named = self.look_up_secrets(name.as_str(), &mut options).await?;
        let secrets = secret_values(&options).and(Redactor::new(named));
        Ok((options, secrets))
    }

    async fn put(&self, kind: Kind, name: &Name, options: &Options) -> Result<()> {
        if !options.contains_key("location") {
            return Err(Error::Input("option \"location\" is missing".into()));
        }
        let input =
            as_yaml(&serde_json::json!({ name.as_str(): options }).to_string()).into_bytes();
        self.job([kind.word(), "import", plakar_words::OVERWRITE])
            .keeps_references()
            .input(input)
            .redact(secret_values(options))
            .output()
            .await?;
        let kept = self.configured(kind, name).await?;
        if kept == *options {
            return Ok(());
        }
        let differs = |key: &&String| kept.get(*key) != options.get(*key);
        let key = options.keys().chain(kept.keys()).find(differs).cloned().unwrap_or_default();
        Err(Error::Answer(format!("it did not keep the value of \"{key}\" as it was given")))
    }

    async fn remove(&self, kind: Kind, name: &Name) -> Result<()> {
        if self.show(kind, None).await?.contains_key(name.as_str()) {
            self.job([kind.word(), "rm", name.as_str()]).keeps_references().output().await?;
        }
        Ok(())
    }

    async fn show(&self, kind: Kind, name: Option<&Name>) -> Result<BTreeMap<String, Options>> {
        let mut arguments = vec![kind.word(), "show", plakar_words::JSON, plakar_words::SECRETS];
        arguments.extend(name.map(Name::as_str));
        let text = match self.job(arguments).keeps_references().output().await {
            Err(Error::Refused(reason)) if name.is_some() && reason.contains("not exist") => {
                return Ok(BTreeMap::new());
            }
            text => text?,
        };
        parse_shown(kind, &text)
    }

    /// Held by all of our processes that change the configuration; freed when dropped.
    async fn lock_configuration(&self) -> Result<File> {
        let folder = self.configuration_folder()?;
        let lock = move || {
            make_private(&folder)?;
            let file =
                File::options().create(true).append(true).open(folder.join(".source-app.lock"))?;
            #[cfg(unix)]
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
            Ok(file)
        };
        let locked = tokio::task::spawn_blocking(lock)
            .await
            .map_err(|error| Error::Answer(error.to_string()))?;
        locked.map_err(Error::io("cannot lock Plakar's configuration"))
    }
}

#[cfg(unix)]
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

fn secret_values(options: &Options) -> Redactor {
    let secrets = options.iter().filter(|(key, _)| is_secret(key));
    Redactor::new(secrets.map(|(_, value)| value.clone()))
}

fn missing(kind: Kind, name: &Name) -> Error {
    Error::NotFound(format!("the {} {name}", kind.word()))
}
