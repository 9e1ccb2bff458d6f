//! The form of a schedule.

use askama::Template;
use axum::extract::{Path, State};
use chrono::Utc;

use super::preview::SchedulePreview;
use super::row::owner_page;
use super::timing_fields::{DAYS, TimingFields};
use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::forms::Field;
use source_app::model::local_zone;
use source_app::service::{Error, Service};
use source_app::state::{AppId, Owner, PolicyId, ScheduleId, ScheduleSpec, TaskKind};

#[derive(Template)]
#[template(path = "schedules/form.html")]
struct SchedulePage {
    layout: Layout,
    /// Of an app or a policy, by name and page.
    owner: (String, String),
    title: String,
    action: String,
    cancel: String,
    revision: Option<i64>,
    kind: Field,
    when: TimingFields,
    zone: Field,
    random_delay: Field,
    catch_up: Field,
    enabled: Field,
    preview: SchedulePreview,
    /// Whether faults are shown: not before anything was entered.
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "schedules/preview.html")]
struct PreviewFragment {
    preview: SchedulePreview,
}

impl SchedulePage {
    fn minutes(&self) -> &'static [&'static str] {
        &["1", "2", "3", "4", "5", "6", "10", "12", "15", "20", "30"]
    }

    fn hours(&self) -> &'static [&'static str] {
        &["1", "2", "3", "4", "6", "8", "12"]
    }

    fn days(&self) -> &'static [(&'static str, &'static str)] {
        &DAYS
    }

    fn month_days(&self) -> Vec<(String, String)> {
        (1..=28)
            .map(|day| (day.to_string(), day.to_string()))
            .chain([("last".to_owned(), "the last day".to_owned())])
            .collect()
    }

    fn is(&self, choice: &str) -> bool {
        self.when.choice == choice
    }
}

/// What is in a form: its schedule's, or what was posted.
struct ScheduleFields {
    kind: String,
    when: TimingFields,
    zone: String,
    /// In minutes, as it was entered.
    random_delay: String,
    catch_up: bool,
    enabled: bool,
}

impl ScheduleFields {
    fn new() -> Self {
        Self {
            kind: "backup".into(),
            when: TimingFields::default(),
            zone: local_zone(),
            random_delay: String::new(),
            catch_up: true,
            enabled: true,
        }
    }

    fn of(spec: &ScheduleSpec) -> Self {
        Self {
            kind: spec.kind.to_string(),
            when: TimingFields::of(&spec.cron),
            zone: spec.time_zone.clone(),
            random_delay: match spec.random_delay_minutes {
                0 => String::new(),
                minutes => minutes.to_string(),
            },
            catch_up: spec.catch_up,
            enabled: spec.enabled,
        }
    }

    fn posted(posted: &FormData) -> Self {
        Self {
            kind: posted.get("kind").to_owned(),
            when: TimingFields::posted(posted),
            zone: posted.get("time_zone").to_owned(),
            random_delay: posted.get("random_delay").to_owned(),
            catch_up: posted.ticked("catch_up"),
            enabled: posted.ticked("enabled"),
        }
    }

    fn minutes(&self) -> Result<u32, String> {
        match self.random_delay.as_str() {
            "" => Ok(0),
            text => text.parse().map_err(|_| {
                format!("random delay: \"{text}\" is not a number of minutes; write a whole number")
            }),
        }
    }

    fn spec(&self, owner: Owner) -> Result<ScheduleSpec, Error> {
        let kind: TaskKind = self.kind.parse()?;
        let cron = self.when.cron().map_err(Error::Input)?;
        let spec = ScheduleSpec {
            owner,
            kind,
            cron,
            time_zone: self.zone.clone(),
            enabled: self.enabled,
            catch_up: self.catch_up,
            random_delay_minutes: self.minutes().map_err(Error::Input)?,
        };
        spec.check()?;
        Ok(spec)
    }
}

/// Which schedule a form is for.
enum ScheduleTarget {
    New(Owner),
    /// By its id, revision and owner.
    Old(ScheduleId, i64, Owner),
}

impl ScheduleTarget {
    fn owner(&self) -> Owner {
        match self {
            Self::New(owner) | Self::Old(_, _, owner) => *owner,
        }
    }
}

async fn made(
    mut layout: Layout,
    service: &Service,
    target: &ScheduleTarget,
    filled: &ScheduleFields,
) -> Result<SchedulePage, PageError> {
    let owner = match target.owner() {
        Owner::App(id) => (service.app(id).await?.spec.name, format!("/apps/{id}")),
        Owner::Policy(id) => {
            (format!("policy {}", service.policy(id).await?.spec.name), format!("/policies/{id}"))
        }
    };
    let above = match target.owner() {
        Owner::App(_) => ("Resources", "/resources"),
        Owner::Policy(_) => ("Policies", "/policies"),
    };
    let above = [above, (&owner.0, &owner.1), ("Schedules", &owner_page(target.owner()))];
    let owned = |(text, href): (&str, &str)| (text.to_owned(), href.to_owned());
    layout.crumbs = above.map(owned).to_vec();
    let (title, action, revision) = match target {
        ScheduleTarget::New(of) => (
            "Add a schedule".to_owned(),
            format!("{}/schedules/new", owner_page(*of).trim_end_matches("/schedules")),
            None,
        ),
        ScheduleTarget::Old(id, revision, _) => {
            ("Edit the schedule".to_owned(), format!("/schedules/{id}"), Some(*revision))
        }
    };
    let kinds = [
        ("backup", "Backup"),
        ("check", "Check: read restore points as a whole, the longest unchecked first"),
        ("prune", "Prune: remove what the retention does not keep; its days are UTC days"),
        ("maintenance", "Maintenance: free what no restore point in the store needs any more"),
        ("drill", "Drill: restore some files and compare them"),
        ("compare", "Compare: the drive with the newest restore point, without reading its files"),
        ("sync", "Second copy: copy restore points to the second store, and read them back there"),
    ];
    let kinds = kinds.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    let preview = SchedulePreview::new(&filled.when, &filled.zone, Utc::now());
    let zone = Field::text("time_zone", "Time zone", &filled.zone)
        .required()
        .help("An IANA name; a new schedule begins with that of the console's machine. Summer time is kept in mind: a time that does not come is made up for, one that comes twice counts once.")
        .suggest(chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    Ok(SchedulePage {
        layout,
        title,
        action,
        cancel: owner_page(target.owner()),
        owner,
        revision,
        kind: Field::select("kind", "What it does", kinds, &filled.kind),
        when: filled.when.clone(),
        zone: zone.fault(preview.zone_fault.clone()),
        random_delay: Field::number(
            "random_delay",
            "Begin up to so many minutes later, at random",
            &filled.random_delay,
            Some(1440),
        )
        .help("So that not all begin at once. Each run of an app has its own delay, which its page shows. At most half of the time between two runs."),
        catch_up: Field::checkbox(
            "catch_up",
            "Catch up, once, when a run was missed",
            filled.catch_up,
        )
        .help("For example when this machine was off."),
        enabled: Field::checkbox("enabled", "Enabled", filled.enabled),
        preview,
        faults: Vec::new(),
    })
}

/// The form again, or the page that shows the schedule.
async fn saved(
    context: PageContext,
    service: &Service,
    target: ScheduleTarget,
    posted: &FormData,
) -> PageResult {
    let section =
        if matches!(target.owner(), Owner::Policy(_)) { Section::Policies } else { Section::None };
    let filled = ScheduleFields::posted(posted);
    if !posted.get("preview").is_empty() {
        return render(&made(context.layout(section), service, &target, &filled).await?);
    }
    let saved = match (&target, filled.spec(target.owner())) {
        (_, Err(error)) => Err(error),
        (ScheduleTarget::New(_), Ok(spec)) => service.add_schedule(spec).await,
        (ScheduleTarget::Old(id, revision, _), Ok(spec)) => {
            service.edit_schedule(*id, *revision, spec).await
        }
    };
    match saved {
        Ok(_) => Ok(redirect(&owner_page(target.owner()), "saved")),
        Err(error) => {
            let mut form = made(context.layout(section), service, &target, &filled).await?;
            form.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&form, &error)
        }
    }
}

pub async fn new_of_app(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
) -> PageResult {
    render(
        &made(
            context.layout(Section::None),
            &service,
            &ScheduleTarget::New(Owner::App(id)),
            &ScheduleFields::new(),
        )
        .await?,
    )
}

pub async fn add_to_app(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    posted: FormData,
) -> PageResult {
    saved(context, &service, ScheduleTarget::New(Owner::App(id)), &posted).await
}

pub async fn new_of_policy(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<PolicyId>,
) -> PageResult {
    render(
        &made(
            context.layout(Section::Policies),
            &service,
            &ScheduleTarget::New(Owner::Policy(id)),
            &ScheduleFields::new(),
        )
        .await?,
    )
}

pub async fn add_to_policy(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<PolicyId>,
    posted: FormData,
) -> PageResult {
    saved(context, &service, ScheduleTarget::New(Owner::Policy(id)), &posted).await
}

pub async fn edit(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<ScheduleId>,
) -> PageResult {
    let schedule = service.schedule(id).await?;
    let section = if matches!(schedule.spec.owner, Owner::Policy(_)) {
        Section::Policies
    } else {
        Section::None
    };
    let target = ScheduleTarget::Old(id, schedule.revision, schedule.spec.owner);
    render(
        &made(context.layout(section), &service, &target, &ScheduleFields::of(&schedule.spec))
            .await?,
    )
}

pub async fn save(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<ScheduleId>,
    posted: FormData,
) -> PageResult {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let owner = service.schedule(id).await?.spec.owner;
    saved(context, &service, ScheduleTarget::Old(id, revision, owner), &posted).await
}

/// The next runs of what a form holds, for the script that shows them.
pub async fn preview(posted: FormData) -> PageResult {
    render(&PreviewFragment {
        preview: SchedulePreview::new(
            &TimingFields::posted(&posted),
            posted.get("time_zone"),
            Utc::now(),
        ),
    })
}
