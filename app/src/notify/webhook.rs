//! A POST of JSON, signed with HMAC-SHA256 if there is a secret.

use reqwest::header::{AUTHORIZATION, HeaderValue};
use ring::hmac;

use super::event::Event;
use super::http::{Address, answered};
use crate::secret::SecretReference;

/// An address that takes JSON.
#[derive(Clone, Debug)]
pub(super) struct WebhookReceiver {
    pub(super) address: Address,
    pub(super) secret: Option<SecretReference>,
    /// The header `Authorization` as a whole, for receivers that know no signature.
    pub(super) authorization: Option<SecretReference>,
}

impl WebhookReceiver {
    pub(super) fn host(&self) -> String {
        self.address.host()
    }

    pub(super) async fn send(&self, event: &Event) -> Result<String, String> {
        let body = serde_json::to_vec(event).map_err(|error| error.to_string())?;
        let mut request = self
            .address
            .post()
            .header("content-type", "application/json")
            .header("x-event", event.event.as_str())
            .header("x-event-id", &event.id);
        if let Some(secret) = &self.secret {
            request = request.header("x-signature", signature(&secret.resolve().await?, &body));
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, header(&authorization.resolve().await?)?);
        }
        answered(request.body(body)).await
    }
}

/// A value that no log shows.
fn header(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "authorization: it has a character that no header can have".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// `sha256=` and the HMAC of a body in hexadecimal digits.
fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
