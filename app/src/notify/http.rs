//! What all receivers with an address share.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Url};

use crate::loopback::is_loopback;
use crate::model::plain_text;

/// An address that somebody wrote, and how it is reached.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) url: Url,
    client: Client,
}

impl Address {
    /// Takes an address, and the certificate (PEM) of an authority beside those of the system.
    pub(super) fn new(text: &str, authority: Option<&str>) -> Result<Self, String> {
        let url = parse_url(text)?;
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .user_agent(concat!("plakar-opendrive/", env!("CARGO_PKG_VERSION")));
        if url.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = authority {
            let certificate = Certificate::from_pem(pem.as_bytes());
            builder =
                builder.add_root_certificate(certificate.map_err(|_| {
                    "the file of \"authority\" holds no certificate in PEM".to_owned()
                })?);
        }
        let client = builder.build().map_err(|error| format!("no client: {}", said(&error)))?;
        Ok(Self { url, client })
    }

    /// The host alone: the rest of an address is often its secret.
    pub(super) fn host(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.url.host_str().unwrap_or_default())
    }

    pub(super) fn post(&self) -> RequestBuilder {
        self.client.post(self.url.clone())
    }

    pub(super) fn post_to(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }
}

/// Sends it, and holds it to a status of 2xx.
pub(super) async fn answered(request: RequestBuilder) -> Result<String, String> {
    let answer = request.send().await.map_err(|error| said(&error))?;
    let status = answer.status();
    let said = format!("it answered {}", status.as_u16());
    if status.is_success() { Ok(said) } else { Err(said) }
}

/// Why a request failed, without its address.
fn said(error: &reqwest::Error) -> String {
    if error.is_connect() || error.is_request() {
        let mut reason: &dyn std::error::Error = error;
        while let Some(deeper) = reason.source() {
            reason = deeper;
        }
        return plain_text(&format!("it cannot be reached: {reason}"), 200);
    }
    "it did not answer as HTTP does".into()
}

fn parse_url(text: &str) -> Result<Url, String> {
    let wrong =
        |why: &str| format!("{why}; write a whole address, such as https://example.org/hook");
    if text.trim() != text || text.chars().any(|letter| letter.is_control() || letter == ' ') {
        return Err(wrong("it holds a space or a control character"));
    }
    if !text.contains("://") {
        return Err(wrong("the address has no scheme"));
    }
    let url = Url::parse(text)
        .map_err(|error| wrong(&format!("the address cannot be read ({error})")))?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        _ => Err(wrong("its scheme is neither https nor http")),
    }
}
