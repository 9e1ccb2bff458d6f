//! Who is told, of what, and how.

use std::time::Duration;

use serde::Serialize;

use super::command::CommandReceiver;
use super::event::Event;
use super::mail::MailReceiver;
use super::ntfy::NtfyReceiver;
use super::ping::{PingKind, PingReceiver};
use super::webhook::WebhookReceiver;
use crate::model::EventKind;
use crate::state::TaskKind;

/// Somebody or something that is told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Of these apps; of all if there are none.
    pub apps: Vec<String>,
    /// These events; all if there are none.
    pub events: Vec<EventKind>,
    /// How long one try may take.
    pub timeout: Duration,
    pub(super) way: Way,
}

#[derive(Clone, Debug)]
pub(super) enum Way {
    Webhook(WebhookReceiver),
    Ping(PingReceiver),
    Ntfy(NtfyReceiver),
    Mail(MailReceiver),
    Command(CommandReceiver),
}

/// By what a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverKind {
    /// A POST of JSON.
    Webhook,
    /// A call at the start and at the end of each backup.
    Ping,
    /// A push message by a server of ntfy.
    Ntfy,
    /// Mail.
    Mail,
    /// A command of this machine.
    Command,
}

impl ReceiverKind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Ping => "ping",
            Self::Ntfy => "ntfy",
            Self::Mail => "mail",
            Self::Command => "command",
        }
    }
}

impl Receiver {
    /// By what it is told.
    pub fn kind(&self) -> ReceiverKind {
        match &self.way {
            Way::Webhook(_) => ReceiverKind::Webhook,
            Way::Ping(_) => ReceiverKind::Ping,
            Way::Ntfy(_) => ReceiverKind::Ntfy,
            Way::Mail(_) => ReceiverKind::Mail,
            Way::Command(_) => ReceiverKind::Command,
        }
    }

    /// Where it is, without what is secret: of an address the host, of a command the program.
    pub fn place(&self) -> String {
        match &self.way {
            Way::Webhook(webhook) => webhook.host(),
            Way::Ping(ping) => ping.host(),
            Way::Ntfy(ntfy) => ntfy.host(),
            Way::Mail(mail) => mail.place(),
            Way::Command(command) => command.program(),
        }
    }

    /// Whether it wants to know this of this app. Pings say how tasks go, not how apps are.
    pub fn wants(&self, app: &str, event: EventKind) -> bool {
        !matches!(self.way, Way::Ping(_))
            && self.is_of(app)
            && (self.events.is_empty() || self.events.contains(&event))
    }

    /// Whether it is called when tasks of this kind of this app begin and end.
    pub fn is_pinged(&self, app: &str, kind: TaskKind) -> bool {
        matches!(&self.way, Way::Ping(ping) if ping.tasks.contains(&kind)) && self.is_of(app)
    }

    fn is_of(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|one| one == app)
    }

    /// Tells it, once. Gives what it said.
    ///
    /// # Errors
    ///
    /// One line: why it may not have got it. No secret is in it.
    pub async fn tell(&self, event: &Event) -> Result<String, String> {
        let told = async {
            match &self.way {
                Way::Webhook(webhook) => webhook.send(event).await,
                Way::Ping(ping) => ping.send(PingKind::Log, &event.text()).await,
                Way::Ntfy(ntfy) => ntfy.send(event).await,
                Way::Mail(mail) => mail.send(event, self.timeout).await,
                Way::Command(command) => command.run(event).await,
            }
        };
        self.in_time(told).await
    }

    /// Calls it, if it is one that is called.
    ///
    /// # Errors
    ///
    /// As for [`Receiver::tell`].
    pub async fn ping(&self, kind: PingKind, text: &str) -> Result<String, String> {
        match &self.way {
            Way::Ping(ping) => self.in_time(ping.send(kind, text)).await,
            _ => Err("it is not called".into()),
        }
    }

    async fn in_time(
        &self,
        told: impl Future<Output = Result<String, String>>,
    ) -> Result<String, String> {
        tokio::time::timeout(self.timeout, told)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", self.timeout.as_secs_f64())))
    }
}
