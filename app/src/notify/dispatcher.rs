//! Sends what waits: each receiver in a task of its own, one message after the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::configuration::NotifyConfiguration;
use super::event::Event;
use super::ping::PingKind;
use super::receiver::Receiver;
use crate::state::{Delivery, Result, State, TaskKind};

/// How long messages are sent to one receiver in a row; what waits still goes at the next look.
const MAX_ROUND: Duration = Duration::from_secs(60);

/// How often one message is tried before the next one is, too: after some three hours.
const MAX_ATTEMPTS_ALONE: u32 = 8;

/// When a message is tried again that a receiver did not take.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// After the first time; each further one waits twice as long.
    pub first_retry: TimeDelta,
    /// Maximum wait.
    pub max_retry_wait: TimeDelta,
    /// How often a ping is tried.
    pub ping_attempts: u32,
    /// The wait between them.
    pub ping_retry: Duration,
    /// How long a message on its way may take still when the process is asked to end.
    pub end_timeout: Duration,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            first_retry: TimeDelta::minutes(1),
            max_retry_wait: TimeDelta::hours(1),
            ping_attempts: 3,
            ping_retry: Duration::from_secs(2),
            end_timeout: Duration::from_secs(3),
        }
    }
}

/// Sends what waits. Clones are one dispatcher.
#[derive(Clone)]
pub struct Dispatcher {
    inner: Arc<Inner>,
}

struct Inner {
    state: State,
    settings: DispatchSettings,
    running: TaskTracker,
    stop: CancellationToken,
    /// Receivers that are worked on in this process.
    busy: Mutex<HashSet<String>>,
    /// Pings that are still to go, by receiver: one after the other. A receiver that is here is
    /// worked on.
    pings: Mutex<HashMap<String, VecDeque<Ping>>>,
}

struct Ping {
    receiver: Receiver,
    kind: PingKind,
    text: String,
}

impl Dispatcher {
    /// Of a state; what it starts is tracked there, and ends soon after `stop`.
    pub fn new(
        state: State,
        settings: DispatchSettings,
        running: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let inner = Inner {
            state,
            settings,
            running,
            stop,
            busy: Mutex::default(),
            pings: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where `notify.toml` is looked for.
    pub fn directory(&self) -> PathBuf {
        self.inner.state.directory().to_owned()
    }

    /// Sends what waits for these receivers and whose time has come, in the background. `now` tells
    /// the time.
    pub fn send(&self, configuration: &NotifyConfiguration, now: DateTime<Utc>) {
        for receiver in &configuration.receivers {
            let mut busy = self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
            if !busy.insert(receiver.name.clone()) {
                continue;
            }
            drop(busy);
            let (inner, receiver) = (Arc::clone(&self.inner), receiver.clone());
            self.inner.running.spawn(async move {
                inner.send_all(&receiver, now).await;
                let mut busy = inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
                busy.remove(&receiver.name);
            });
        }
    }

    /// Calls those that want to know of a task's beginning or end, in the background. Late is
    /// worse than never here, so a call is not kept.
    pub fn ping(
        &self,
        configuration: &NotifyConfiguration,
        app: &str,
        task: TaskKind,
        kind: PingKind,
        text: &str,
    ) {
        let pinged = configuration.receivers.iter().filter(|one| one.is_pinged(app, task));
        for receiver in pinged.cloned() {
            let (name, text) = (receiver.name.clone(), text.to_owned());
            let mut pings = self.inner.pings.lock().unwrap_or_else(PoisonError::into_inner);
            let is_worked_on = pings.contains_key(&name);
            pings.entry(name.clone()).or_default().push_back(Ping { receiver, kind, text });
            drop(pings);
            if !is_worked_on {
                let inner = Arc::clone(&self.inner);
                self.inner.running.spawn(async move {
                    while let Some(ping) = inner.next_ping(&name) {
                        inner.ping(&ping).await;
                    }
                });
            }
        }
    }
}

/// How long nobody else sends a message that is on its way.
fn lease_of(receiver: &Receiver) -> TimeDelta {
    TimeDelta::from_std(receiver.timeout * 2).unwrap_or(TimeDelta::minutes(10))
}

impl Inner {
    async fn send_all(self: &Arc<Self>, receiver: &Receiver, now: DateTime<Utc>) {
        let begun = Instant::now();
        let lease = lease_of(receiver);
        while !self.stop.is_cancelled() && begun.elapsed() < MAX_ROUND {
            let now = now + TimeDelta::from_std(begun.elapsed()).unwrap_or_default();
            let name = receiver.name.clone();
            let taken = self.state(move |state| state.take_delivery(&name, lease, now)).await;
            let delivery = match taken {
                Ok(Some(delivery)) => delivery,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "messages could not be looked for");
                    return;
                }
            };
            let (message, attempts) = (delivery.message, delivery.attempts);
            if self.deliver(receiver, delivery, now).await {
                continue;
            }
            if attempts < MAX_ATTEMPTS_ALONE || !self.takes_the_next(receiver, message, now).await {
                return;
            }
        }
    }

    /// Whether a receiver takes the message after one that it has refused many times. It is not away
    /// then, but refuses that one for what is in it, and that one is given up.
    async fn takes_the_next(
        self: &Arc<Self>,
        receiver: &Receiver,
        refused: i64,
        now: DateTime<Utc>,
    ) -> bool {
        let lease = lease_of(receiver);
        let name = receiver.name.clone();
        let next = move |state: &State| state.take_delivery_after(&name, refused, lease, now);
        let Ok(Some(next)) = self.state(next).await else { return false };
        if !self.deliver(receiver, next, now).await {
            return false;
        }
        tracing::warn!(receiver = receiver.name, "it takes others: the message is given up");
        let name = receiver.name.clone();
        self.state(move |state| state.give_up_delivery(&name, refused)).await.is_ok()
    }

    /// Whether the next one may go.
    async fn deliver(
        self: &Arc<Self>,
        receiver: &Receiver,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> bool {
        let (name, message, attempts) =
            (receiver.name.clone(), delivery.message, delivery.attempts);
        let told = match serde_json::from_value::<Event>(delivery.body) {
            Ok(event) => self.or_stopped(receiver.tell(&event)).await,
            // Of another version of this program: nobody could send it.
            Err(_) => Some(Ok(String::new())),
        };
        let result = match told {
            Some(Ok(_)) => self.state(move |state| state.delivered(&name, message, now)).await,
            Some(Err(reason)) => {
                tracing::warn!(receiver = receiver.name, reason, "a message did not arrive");
                let next = now + self.wait_after(attempts);
                let noted =
                    move |state: &State| state.not_delivered(&name, message, &reason, next, now);
                if let Err(error) = self.state(noted).await {
                    tracing::error!(%error, "how a message went is not written down");
                }
                return false;
            }
            // Its lease ends; the next process sends it.
            None => return false,
        };
        if let Err(error) = result {
            tracing::error!(%error, "that a message arrived is not written down");
            return false;
        }
        true
    }

    fn wait_after(&self, attempts: u32) -> TimeDelta {
        let doublings = attempts.min(20);
        let wait = self.settings.first_retry.checked_mul(1 << doublings);
        wait.unwrap_or(self.settings.max_retry_wait).min(self.settings.max_retry_wait)
    }

    /// The next ping of a receiver; without one, nobody works on it any more.
    fn next_ping(&self, receiver: &str) -> Option<Ping> {
        let mut pings = self.pings.lock().unwrap_or_else(PoisonError::into_inner);
        let next = pings.get_mut(receiver).and_then(VecDeque::pop_front);
        if next.is_none() {
            pings.remove(receiver);
        }
        next
    }

    async fn ping(self: &Arc<Self>, Ping { receiver, kind, text }: &Ping) {
        let mut failed = None;
        for attempt in 0..self.settings.ping_attempts {
            if attempt > 0 {
                tokio::time::sleep(self.settings.ping_retry).await;
            }
            match self.or_stopped(receiver.ping(*kind, text)).await {
                Some(Ok(_)) => {
                    failed = None;
                    break;
                }
                Some(Err(reason)) => failed = Some(reason),
                None => return,
            }
        }
        if let Some(reason) = &failed {
            tracing::warn!(receiver = receiver.name, reason, "a ping did not arrive");
        }
        let (name, now) = (receiver.name.clone(), Utc::now());
        let noted = move |state: &State| state.note_receiver(&name, failed.as_deref(), now);
        if let Err(error) = self.state(noted).await {
            tracing::error!(%error, "how a ping went is not written down");
        }
    }

    /// The end of something, unless the process ends first.
    async fn or_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(self.settings.end_timeout).await;
        };
        tokio::select! {
            done = work => Some(done),
            () = stopped => None,
        }
    }

    async fn state<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.state.clone();
        match tokio::task::spawn_blocking(move || work(&state)).await {
            Ok(result) => result,
            Err(error) => Err(crate::state::StateError::Busy(format!(
                "the work on the state broke off: {error}"
            ))),
        }
    }
}
