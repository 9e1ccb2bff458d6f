//! The recovery sheet: what somebody needs who has a store, an empty machine, and nothing else.
//!
//! No secret is on it: it says what unlocks the store, and the commands ask for it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::{Error, Result};
use super::handle::Service;
use super::named_secrets::name_of;
use super::places::{local_folder, plain_name, without_password};
use super::references::store_of;
use super::settle_store::PASSPHRASE;
use super::state_copy::copies_of;
use crate::state::{App, AppId};
use plakar_driver::packages::{self, ConnectorKind};
use plakar_driver::schema::is_secret;
use plakar_driver::{Kind, Options};

/// How to get an app's data back without this program and its state.
#[derive(Clone, Debug, Serialize)]
pub struct RecoverySheet {
    /// The app's name.
    pub app: String,
    /// Its resource.
    pub resource: String,
    /// The mark of its restore points.
    pub mark: String,
    /// When this was written.
    pub written: DateTime<Utc>,
    /// Where the store is, without a password.
    pub place: String,
    /// Its id; nothing if it could not be opened now.
    pub repository: Option<String>,
    /// Why it could not be opened now.
    pub unreadable: Option<String>,
    /// Whether it is encrypted; nothing if it could not be opened now.
    pub encrypted: Option<bool>,
    /// What unlocks it; never the secret itself.
    pub unlock: String,
    /// How many restore points it has of the app.
    pub points: u64,
    /// When the newest was begun.
    pub newest: Option<DateTime<Utc>>,
    /// The version of Plakar that can open it.
    pub plakar: String,
    /// The package that the store needs, with its version.
    pub package: Option<String>,
    /// The version of this program.
    pub version: &'static str,
    /// Where copies of this program's state lie, if they do.
    pub copies: Option<String>,
    /// What to do, in this order.
    pub steps: Vec<RecoveryStep>,
}

/// A step of a recovery sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecoveryStep {
    /// What it does.
    pub title: &'static str,
    /// What is to be known.
    pub text: String,
    /// What is to be run, in a shell of the kind of `bash`.
    pub commands: Vec<String>,
}

/// What is known of a store without opening it.
struct Configured {
    name: String,
    location: String,
    options: Options,
    package: Option<String>,
}

impl Service {
    /// The recovery sheet of a source.
    ///
    /// # Errors
    /// There is no such source, or Plakar cannot be run.
    pub async fn recovery(&self, id: AppId) -> Result<RecoverySheet> {
        let app = self.source(id).await?;
        let store = store_of(&app)?;
        let known = self.configured_store(&app).await?;
        let opened = async {
            let browser = self.browsers.of(&self.plakar, &store).await?;
            let points = browser.restore_points(Some(&app.key)).await?;
            Ok::<_, plakar_driver::Error>((browser.repository().await?, points))
        };
        // A sheet without the id is better than none.
        let (repository, points, unreadable) = match opened.await {
            Ok((repository, points)) => (Some(repository), points, None),
            Err(error) => (None, Vec::new(), Some(error.to_string())),
        };
        let encrypted = repository.as_ref().map(|repository| repository.encrypted);
        let plakar = repository.as_ref().map(|repository| repository.plakar.clone());
        let asks = encrypted.unwrap_or_else(|| known.has_passphrase());
        Ok(RecoverySheet {
            resource: app.spec.resource.name.clone(),
            mark: app.key.clone(),
            written: Utc::now(),
            place: without_password(&known.location),
            unlock: known.unlock(encrypted),
            points: points.len() as u64,
            newest: points.first().map(|point| point.taken),
            plakar: plakar
                .filter(|version| !version.is_empty())
                .unwrap_or_else(|| "1.1".to_owned()),
            package: known.package.clone(),
            version: env!("CARGO_PKG_VERSION"),
            copies: local_folder(&known.location)
                .map(|path| copies_of(&path).display().to_string()),
            steps: steps(&app, &known, asks)?,
            repository: repository.map(|repository| repository.id),
            unreadable,
            encrypted,
            app: app.spec.name,
        })
    }

    async fn configured_store(&self, app: &App) -> Result<Configured> {
        let Some(name) = store_of(app)?.name().cloned() else {
            let location = app.spec.store.clone().unwrap_or_default();
            let (name, options) = (plain_name(&app.spec.name), Options::new());
            return Ok(Configured { name, location, options, package: None });
        };
        let mut options = self.plakar.configured(Kind::Store, &name).await?;
        let location = options.remove("location").unwrap_or_default();
        let installed = packages::installed(&self.plakar).await?;
        let package = packages::for_location(&installed, ConnectorKind::Storage, &location)
            .map(|(integration, _)| format!("{} {}", integration.name, integration.version));
        Ok(Configured { name: name.to_string(), location, options, package })
    }
}

impl Configured {
    fn has_passphrase(&self) -> bool {
        self.options.contains_key(PASSPHRASE) || self.options.contains_key("passphrase_cmd")
    }

    /// What unlocks the store, for a reader who has to find it.
    fn unlock(&self, encrypted: Option<bool>) -> String {
        let named = self.options.get(PASSPHRASE).and_then(|value| name_of(value));
        let named =
            named.map(|name| format!("On this machine it is looked up at each run: {name}"));
        let kept = if let Some(named) = &named {
            named.as_str()
        } else if self.options.contains_key(PASSPHRASE) {
            "On this machine Plakar keeps it in clear text in stores.yml of its configuration folder (~/.config/plakar), which only its \
             user can read"
        } else if self.options.contains_key("passphrase_cmd") {
            "On this machine a command prints it: passphrase_cmd of the store in Plakar's configuration"
        } else {
            "On this machine it is in no file of Plakar's: the variable PLAKAR_PASSPHRASE has it"
        };
        match encrypted {
            Some(false) => "Nothing: the store is not encrypted. Whoever can read its files can read all that is backed up.".to_owned(),
            None if !self.has_passphrase() => "It is not known now whether the store is encrypted: it could not be opened. If it is, its passphrase unlocks it.".to_owned(),
            _ => format!(
                "The passphrase that was given when the store was made. {kept}. Keep it in another place too, and not with this sheet: \
                 without it nobody can read the store."
            ),
        }
    }
}

fn quoted(text: &str) -> Result<String> {
    let quoted = shlex::try_quote(text);
    let quoted = quoted.map_err(|_| Error::Input("the store's place has a NUL in it".into()))?;
    Ok(quoted.into_owned())
}

/// What to do on an empty machine.
fn steps(app: &App, known: &Configured, asks: bool) -> Result<Vec<RecoveryStep>> {
    let (name, tag) = (format!("@{}", known.name), format!("app:{}", app.key));
    let mut add =
        format!("plakar store add {} {}", known.name, quoted(&without_password(&known.location))?);
    let mut secrets = Vec::new();
    for (key, value) in &known.options {
        match key.as_str() {
            PASSPHRASE | "passphrase_cmd" => {}
            key if is_secret(key) => secrets.push(key),
            key => add += &format!(" {}", quoted(&format!("{key}={value}"))?),
        }
    }
    let mut commands = vec![add];
    for key in &secrets {
        commands.push(format!(
            "read -rs SECRET && plakar store set {} {key}=\"$SECRET\"; unset SECRET",
            known.name
        ));
    }
    let where_it_is = match (local_folder(&known.location), secrets.as_slice()) {
        (Some(_), _) => {
            "If the disk with the store has another path on this machine, write that path."
                .to_owned()
        }
        (None, []) => String::new(),
        (None, secrets) => format!(
            "What begins with `read` waits for the {} of the drive: type it and press Enter; nothing is shown. Plakar keeps it in its \
             configuration; for a moment other users of this machine could see it among the processes.",
            secrets.join(", ")
        ),
    };
    let mut install =
        "Plakar comes from https://plakar.io; a version from 1.1 on opens the store.".to_owned();
    if let Some(package) = &known.package {
        install += &format!(
            " The store needs the package {package}: add its file by `plakar pkg add`, as its documentation says."
        );
    }
    let step =
        |title, text: &str, commands| RecoveryStep { title, text: text.to_owned(), commands };
    let mut steps = vec![
        step("Install Plakar", &install, Vec::new()),
        step("Tell Plakar where the store is", &where_it_is, commands),
    ];
    if asks {
        steps.push(step(
            "Unlock it for this shell",
            "Type the passphrase and press Enter; it is not shown. (For bash or zsh. Without this Plakar asks at each command.)",
            vec!["read -rs PLAKAR_PASSPHRASE && export PLAKAR_PASSPHRASE".to_owned()],
        ));
    }
    steps.push(step(
        "See which restore points there are",
        "The newest comes first; the second column is the beginning of its id.",
        vec![format!("plakar at {name} ls -tag {tag}")],
    ));
    steps.push(step(
        "Restore the newest into a new folder",
        "For another one write its id at the end instead of the tag: ID, or ID:/a/folder/in/it.",
        vec![format!("plakar at {name} restore -tag {tag} -to \"$HOME/restored\"")],
    ));
    steps.push(step(
        "Read all of it again",
        "Plakar can end a restore without a word of what it left out. This reads all data of the store's copy; compare the number of files too.",
        vec![format!("plakar at {name} check -latest -tag {tag}")],
    ));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(location: &str, options: &[(&str, &str)]) -> Configured {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Configured {
            name: "vault".into(),
            location: location.into(),
            options: options.collect(),
            package: None,
        }
    }

    fn app() -> App {
        let folder = tempfile::tempdir().unwrap();
        let state = crate::state::State::open(&folder.path().join("state")).unwrap();
        let spec = crate::state::AppSpec {
            store: Some("vault".into()),
            ..crate::state::AppSpec::plain_source("docs")
        };
        state.add_app(&spec, Utc::now()).unwrap()
    }

    #[test]
    fn the_commands_ask_for_secrets_and_have_none() {
        let secrets = [
            ("username", "it's me"),
            ("password", "hunter2"),
            ("passphrase", "hunter2"),
            ("transfers", "4"),
        ];
        let known = known("opendrive://Back ups", &secrets);
        let steps = steps(&app(), &known, true).unwrap();
        let commands: Vec<&str> =
            steps.iter().flat_map(|step| &step.commands).map(String::as_str).collect();
        assert_eq!(
            commands[..3],
            [
                r#"plakar store add vault 'opendrive://Back ups' 'transfers=4' "username=it's me""#,
                r#"read -rs SECRET && plakar store set vault password="$SECRET"; unset SECRET"#,
                "read -rs PLAKAR_PASSPHRASE && export PLAKAR_PASSPHRASE",
            ]
        );
        let all = format!("{steps:?}{}{}", known.unlock(Some(true)), known.unlock(None));
        assert!(!all.contains("hunter2"), "{all}");
    }

    #[test]
    fn what_unlocks_a_store_is_said_as_it_is() {
        let by_file = known("/srv/vault", &[("passphrase", "x")]);
        assert!(by_file.unlock(Some(true)).contains("clear text in stores.yml"));
        assert!(by_file.unlock(Some(false)).starts_with("Nothing: the store is not encrypted"));
        let named = known("/srv/vault", &[("passphrase", "secret-reference:file:/etc/passphrase")]);
        assert!(named.unlock(Some(true)).contains("looked up at each run: file:/etc/passphrase."));
        let by_command = known("/srv/vault", &[("passphrase_cmd", "echo hunter2")]);
        assert!(by_command.unlock(Some(true)).contains("passphrase_cmd"));
        assert!(!by_command.unlock(Some(true)).contains("hunter2"));
        assert!(known("/srv/vault", &[]).unlock(Some(true)).contains("PLAKAR_PASSPHRASE"));
        assert!(known("/srv/vault", &[]).unlock(None).contains("not known now"));
    }
}
