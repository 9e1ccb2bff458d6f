//! Who is told how apps are: shown, and tried.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::{Error, Result};
use super::handle::Service;
use crate::model::EventKind;
use crate::notify::{Event, FILE, NotifyConfiguration, Receiver, ReceiverKind};
use crate::state::ReceiverRecord;

/// How often it is looked where no schedules run.
const LOOK_INTERVAL: Duration = Duration::from_secs(15);

/// Who is told, and what is known of each.
#[derive(Clone, Debug, Serialize)]
pub struct NotifyStatus {
    /// The file that says it.
    pub file: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// Why it cannot be used: nobody is told then.
    pub fault: Option<String>,
    /// After so many days it is said again that something lasts; never without.
    pub reminder_days: Option<i64>,
    /// Each receiver.
    pub receivers: Vec<ReceiverStatus>,
}

/// A receiver, without what is secret.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiverStatus {
    /// By what it is told.
    pub kind: ReceiverKind,
    /// Where it is: the host of an address, the mailboxes, the program.
    pub place: String,
    /// Of these apps; of all if there are none.
    pub apps: Vec<String>,
    /// Those of them that are no apps.
    pub unknown_apps: Vec<String>,
    /// These events; all if there are none.
    pub events: Vec<EventKind>,
    /// What is known of it.
    #[serde(flatten)]
    pub record: ReceiverRecord,
}

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The receiver.
    pub receiver: String,
    /// By what it was told.
    pub kind: ReceiverKind,
    /// Whether it took the message.
    pub arrived: bool,
    /// What it said, or why it may not have got it.
    pub words: String,
}

impl Service {
    /// Who is told how apps are, and what is known of each.
    ///
    /// # Errors
    /// The database failed.
    pub async fn notify_status(&self) -> Result<NotifyStatus> {
        let directory = self.directory().to_owned();
        let file = directory.join(FILE);
        let (read, records, apps) = self
            .state(move |state| {
                Ok((NotifyConfiguration::read(&directory), state.receivers()?, state.apps()?))
            })
            .await?;
        let (configuration, exists, fault) = match read {
            Ok(None) => (NotifyConfiguration::default(), false, None),
            Ok(Some(configuration)) => (configuration, true, None),
            Err(fault) => (NotifyConfiguration::default(), true, Some(fault)),
        };
        let status = |receiver: &Receiver| {
            let known = records.iter().find(|record| record.name == receiver.name).cloned();
            let is_unknown = |name: &&String| !apps.iter().any(|app| app.spec.name == **name);
            ReceiverStatus {
                kind: receiver.kind(),
                place: receiver.place(),
                apps: receiver.apps.clone(),
                unknown_apps: receiver.apps.iter().filter(is_unknown).cloned().collect(),
                events: receiver.events.clone(),
                record: known.unwrap_or_else(|| ReceiverRecord {
                    name: receiver.name.clone(),
                    ..ReceiverRecord::default()
                }),
            }
        };
        Ok(NotifyStatus {
            file,
            exists,
            fault,
            reminder_days: configuration.remind_after.map(|after| after.num_days()),
            receivers: configuration.receivers.iter().map(status).collect(),
        })
    }

    /// Sends a test message to each receiver, or to one, all at once.
    ///
    /// # Errors
    /// `notify.toml` cannot be used, or has no such receiver.
    pub async fn notify_test(&self, only: Option<&str>) -> Result<Vec<TestResult>> {
        let directory = self.directory().to_owned();
        let file = directory.join(FILE);
        let read = self.state(move |_| Ok(NotifyConfiguration::read(&directory))).await?;
        let configuration = read.map_err(Error::Input)?.ok_or_else(|| {
            Error::NotFound(format!(
                "{} is not there, so nobody is told; write it first (docs/console.md says how)",
                file.display()
            ))
        })?;
        let mut receivers = configuration.receivers;
        if let Some(name) = only {
            receivers.retain(|receiver| receiver.name == name);
            if receivers.is_empty() {
                let name: String = name.escape_debug().take(70).collect();
                return Err(Error::NotFound(format!(
                    "there is no receiver \"{name}\"; `plakar-opendrive app notify status` shows all"
                )));
            }
        }
        let event = Event::test(Utc::now()).map_err(Error::Internal)?;
        let test = async |receiver: &Receiver| {
            let told = receiver.tell(&event).await;
            let (arrived, words) = match told {
                Ok(words) => (true, words),
                Err(words) => (false, words),
            };
            TestResult { receiver: receiver.name.clone(), kind: receiver.kind(), arrived, words }
        };
        let results = futures::future::join_all(receivers.iter().map(test)).await;
        let noted = results.clone();
        self.state(move |state| {
            for TestResult { receiver, arrived, words, .. } in &noted {
                let failed = (!arrived).then_some(words.as_str());
                state.note_receiver(receiver, failed, Utc::now())?;
            }
            Ok(())
        })
        .await?;
        Ok(results)
    }

    /// Judges all apps as they are at this time, and sends what there is to tell in the background.
    pub async fn look_after(&self, now: DateTime<Utc>) {
        self.runner.teller().look(None, now).await;
    }

    /// Does so again and again until [`Service::stop`], where no schedules run.
    pub async fn watch_apps(&self) {
        while !self.stop.is_cancelled() {
            // Of a task that this process has given up no other one can tell, and here no schedules do.
            self.scheduler.give_up().await;
            self.look_after(Utc::now()).await;
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }
}
