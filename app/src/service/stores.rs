//! The stores of Plakar's configuration, and making one.

use super::error::Result;
use super::handle::Service;
use super::references::store;
use plakar_driver::{Kind, Name, StoreState};

/// A store of Plakar's configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreChoice {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
}

/// `sftp://user:password@host/path` is shown as `sftp://user@host/path`.
fn without_password(location: &str) -> String {
    let parts = location.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@')?;
        Some(format!("{scheme}://{}@{host}{path}", user.split(':').next().unwrap_or_default()))
    });
    parts.unwrap_or_else(|| location.to_owned())
}

impl Service {
    /// The stores of Plakar's configuration.
    ///
    /// # Errors
    /// Plakar can't be run.
    pub async fn stores(&self) -> Result<Vec<StoreChoice>> {
        let all = self.plakar.configurations(Kind::Store).await?;
        let choice = |(name, mut options): (String, plakar_driver::Options)| StoreChoice {
            name,
            location: without_password(&options.remove("location").unwrap_or_default()),
        };
        Ok(all.into_iter().map(choice).collect())
    }

    /// Makes a store at an app's place if there is none. One in a folder is not encrypted: a
    /// passphrase needs a store with a name.
    ///
    /// # Errors
    /// The place can't be used, or there is a store whose passphrase is missing.
    pub async fn ensure_store(&self, text: &str) -> Result<()> {
        let store = store(text)?;
        match self.plakar.store_state(&store).await? {
            StoreState::Ready => Ok(()),
            StoreState::BadPassphrase(reason) => {
                Err(plakar_driver::Error::Passphrase(reason).into())
            }
            StoreState::Unavailable(_) => {
                Ok(self.plakar.create_store(&store, self.has_passphrase(text).await?).await?)
            }
        }
    }

    async fn has_passphrase(&self, text: &str) -> Result<bool> {
        if text.starts_with('/') {
            return Ok(false);
        }
        let options =
            self.plakar.configured(Kind::Store, &Name::new(text.trim_start_matches('@'))?).await?;
        Ok(options.keys().any(|key| key == "passphrase" || key == "passphrase_cmd"))
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_location_is_shown_without_its_password() {
        for (location, shown) in [
            ("sftp://me:p@:ss@host:22/a@b:c", "sftp://me@host:22/a@b:c"),
            ("sftp://me@host", "sftp://me@host"),
            ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
            ("/var/backups", "/var/backups"),
        ] {
            assert_eq!(without_password(location), shown);
        }
    }
}
