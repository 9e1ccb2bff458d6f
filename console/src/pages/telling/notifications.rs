//! Who is told how apps are: shown and tried, not changed. What `notify.toml` starts runs as the
//! console's user, so it is written on the machine alone.

use askama::Template;
use axum::extract::State;

use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::PageError;
use crate::pages::form_data::FormData;
use crate::pages::format::{self, Badge, DisplayTime};
use source_app::model::EventKind;
use source_app::service::{NotifyStatus, ReceiverStatus, Service, TestResult};

/// A receiver as it is shown.
struct ReceiverRow {
    name: String,
    kind: &'static str,
    place: String,
    told: String,
    unknown_apps: String,
    badge: Badge,
    reason: String,
    delivered: Option<DisplayTime>,
    failed: Option<DisplayTime>,
    outstanding: String,
    dropped: u64,
}

#[derive(Template)]
#[template(path = "telling/notifications.html")]
struct NotificationsPage {
    layout: Layout,
    file: String,
    exists: bool,
    fault: Option<String>,
    reminders: String,
    receivers: Vec<ReceiverRow>,
    results: Vec<TestResult>,
}

/// The page.
pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    page(&service, &context, Vec::new()).await
}

/// Sends a test message, to all or to one, and says what became of it.
pub async fn test(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> PageResult {
    let only = Some(posted.get("receiver")).filter(|name| !name.is_empty());
    let results = service.notify_test(only).await;
    let back = "/settings/notifications";
    let results = results.map_err(|error| PageError::from(error).back(back))?;
    page(&service, &context, results).await
}

async fn page(service: &Service, context: &PageContext, results: Vec<TestResult>) -> PageResult {
    let NotifyStatus { file, exists, fault, reminder_days, receivers } =
        service.notify_status().await?;
    render(&NotificationsPage {
        layout: context.layout(Section::None),
        file: file.display().to_string(),
        exists,
        fault,
        reminders: match reminder_days {
            Some(days) => {
                let days = format::count(days.unsigned_abs(), "day", "days");
                format!("What lasts is told again every {days}.")
            }
            None => "What lasts is not told again.".into(),
        },
        receivers: receivers.into_iter().map(ReceiverRow::of).collect(),
        results,
    })
}

impl ReceiverRow {
    fn of(receiver: ReceiverStatus) -> Self {
        let ReceiverStatus { kind, place, apps, unknown_apps, events, record } = receiver;
        let badge = match (record.reason.is_empty(), record.delivered_at) {
            (false, _) => Badge { class: "bad", text: "does not answer" },
            (true, Some(_)) => Badge { class: "good", text: "answers" },
            (true, None) => Badge { class: "idle", text: "not used yet" },
        };
        let of = if apps.is_empty() { "all apps".to_owned() } else { apps.join(", ") };
        let events: Vec<&str> = events.into_iter().map(EventKind::as_str).collect();
        let told = if events.is_empty() { of } else { format!("{of}: {}", events.join(", ")) };
        Self {
            name: record.name,
            kind: kind.as_str(),
            place,
            told,
            unknown_apps: unknown_apps.join(", "),
            badge,
            reason: record.reason,
            delivered: record.delivered_at.map(DisplayTime),
            failed: record.failed_at.map(DisplayTime),
            outstanding: match record.outstanding {
                0 => "nothing".into(),
                count => format::count(count, "message", "messages"),
            },
            dropped: record.dropped,
        }
    }
}
