//! Mail by SMTP, over TLS; without it only to this machine.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::event::Event;
use crate::model::plain_text;
use crate::secret::SecretReference;

/// How a connection to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said; a server without it is refused.
    StartTls,
    /// None: for this machine only.
    Plain,
}

/// A mailbox or several, and the server that takes mail for them.
#[derive(Clone, Debug)]
pub(super) struct MailReceiver {
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) security: MailSecurity,
    pub(super) login: Option<(String, SecretReference)>,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    /// The certificate (PEM) of an authority beside those of the system.
    pub(super) authority: Option<String>,
}

impl MailReceiver {
    pub(super) fn place(&self) -> String {
        let to: Vec<String> = self.to.iter().map(|to| to.email.to_string()).collect();
        format!("{} by {}:{}", to.join(", "), self.server, self.port)
    }

    pub(super) async fn send(&self, event: &Event, timeout: Duration) -> Result<String, String> {
        let message = self.message(event)?;
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.server.as_str())
                .port(self.port)
                .tls(self.tls()?)
                .timeout(Some(timeout));
        if let Some((user, password)) = &self.login {
            transport =
                transport.credentials(Credentials::new(user.clone(), password.resolve().await?));
        }
        match transport.build().send(message).await {
            Ok(answer) => Ok(format!("the server took it ({})", answer.code())),
            Err(error) => Err(said(&error)),
        }
    }

    fn tls(&self) -> Result<Tls, String> {
        if self.security == MailSecurity::Plain {
            return Ok(Tls::None);
        }
        let mut builder = TlsParameters::builder(self.server.clone());
        if let Some(pem) = &self.authority {
            let certificate = Certificate::from_pem(pem.as_bytes())
                .map_err(|_| "the file of \"authority\" holds no certificate in PEM".to_owned())?;
            builder = builder.add_root_certificate(certificate);
        }
        let parameters = builder.build_rustls().map_err(|error| said(&error))?;
        Ok(match self.security {
            MailSecurity::Tls => Tls::Wrapper(parameters),
            _ => Tls::Required(parameters),
        })
    }

    fn message(&self, event: &Event) -> Result<Message, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("the mail cannot be made: {error}");
        let machine = |name: &'static str, value: &str| {
            HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
        };
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{}@plakar-opendrive>", event.id)))
            // Nobody's out-of-office answers that.
            .raw_header(machine("Auto-Submitted", "auto-generated"))
            .subject(event.title())
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        message.body(event.text()).map_err(|error| wrong(&error))
    }
}

/// Why it was not taken, in one line.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    let mut all = error.to_string();
    while let Some(deeper) = reason.source() {
        if !all.contains(&deeper.to_string()) {
            all = format!("{all}: {deeper}");
        }
        reason = deeper;
    }
    plain_text(&all, 200)
}
