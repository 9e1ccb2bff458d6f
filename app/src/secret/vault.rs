//! Secrets in Vault (or OpenBao): engine KV, version 2, by its HTTP API.

use std::fmt;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode, Url};
use serde_json::Value;

use crate::loopback::is_loopback;

/// How long Vault may take.
const VAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Where a secret is in Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultPlace {
    mount: String,
    path: String,
    field: String,
}

impl fmt::Display for VaultPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault:{}/{}#{}", self.mount, self.path, self.field)
    }
}

impl VaultPlace {
    /// Reads `MOUNT/PATH#FIELD`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "write vault: with the mount of a KV engine, a path and a field, such as vault:secret/drive#password".to_owned()
        };
        let (place, field) = text.split_once('#').ok_or_else(wrong)?;
        let (mount, path) = place.split_once('/').ok_or_else(wrong)?;
        let plain = |text: &str| {
            !text.is_empty()
                && !text.chars().any(|letter| letter.is_control() || "?#%\\".contains(letter))
                && !text.split('/').any(|part| part.is_empty() || part == "." || part == "..")
        };
        if !plain(mount) || !plain(path) || field.is_empty() || field.contains('#') {
            return Err(wrong());
        }
        Ok(Self { mount: mount.into(), path: path.into(), field: field.into() })
    }

    /// The field, from the server of `VAULT_ADDR` with the token of `VAULT_TOKEN`.
    pub(super) async fn read(
        &self,
        environment: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<String, String> {
        let variable = |name: &str| {
            let value = environment(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| {
                format!("{self}: the variable {name} is not set; set VAULT_ADDR and VAULT_TOKEN where this program is started")
            })
        };
        let (address, token) = (variable("VAULT_ADDR")?, variable("VAULT_TOKEN")?);
        let place =
            format!("{}/v1/{}/data/{}", address.trim_end_matches('/'), self.mount, self.path);
        let url = Url::parse(&place).ok().filter(|url| ["https", "http"].contains(&url.scheme()));
        let url = url.ok_or_else(|| {
            format!(
                "{self}: VAULT_ADDR is no address; write one such as https://vault.example.org:8200"
            )
        })?;
        let is_here = url.host_str().is_some_and(is_loopback);
        if url.scheme() == "http" && !is_here {
            return Err(format!(
                "{self}: VAULT_ADDR is http:// to another machine, where all can read the secret on its way; write https://"
            ));
        }
        let client = self.client(variable("VAULT_CACERT").ok(), is_here)?;
        let mut request = client.get(url).header("x-vault-token", token);
        if let Ok(namespace) = variable("VAULT_NAMESPACE") {
            request = request.header("x-vault-namespace", namespace);
        }
        let mut answer = request.send().await.map_err(|error| {
            let why =
                if error.is_timeout() { "gives no answer in time" } else { "cannot be reached" };
            format!("{self}: the Vault of VAULT_ADDR {why}")
        })?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN => {
                return Err(format!(
                    "{self}: Vault refuses; VAULT_TOKEN must be one that may read it"
                ));
            }
            StatusCode::NOT_FOUND => {
                return Err(format!(
                    "{self}: Vault has nothing there; write the mount of a KV engine of version 2 and a path in it"
                ));
            }
            status => return Err(format!("{self}: Vault answers {}", status.as_u16())),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|_| format!("{self}: Vault's answer did not come to its end"))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER_BYTES {
                return Err(format!("{self}: Vault's answer is longer than 1 MiB"));
            }
        }
        let body: Value = serde_json::from_slice(&bytes)
            .map_err(|_| format!("{self}: Vault's answer is not JSON"))?;
        match &body["data"]["data"][&self.field] {
            Value::String(secret) => Ok(secret.clone()),
            _ => Err(format!(
                "{self}: the secret has no such field that is text; write another after #"
            )),
        }
    }

    fn client(&self, authority: Option<String>, is_here: bool) -> Result<Client, String> {
        let mut builder = Client::builder().timeout(VAULT_TIMEOUT).redirect(Policy::none());
        if is_here {
            // A proxy would be told the token, and its own machine is another one.
            builder = builder.no_proxy();
        }
        if let Some(path) = authority {
            let pem = std::fs::read(&path)
                .map_err(|error| format!("{self}: VAULT_CACERT: {path} cannot be read: {error}"))?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|_| format!("{self}: VAULT_CACERT: {path} holds no certificate"))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|_| format!("{self}: no client can be made"))
    }
}
