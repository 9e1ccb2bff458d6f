//! What is entered into the form of a policy.

use crate::pages::form_data::FormData;
use crate::pages::forms::{Field, retention_fields};
use source_app::model::{Promise, PromisePeriod, Retention};
use source_app::service::{Error, PolicyDraft, PolicyTimes};
use source_app::state::{MatchMode, PolicySpec};

/// The names of what the form shows of when something runs, in the order of [`PolicyTimes::shown`].
const SHOWN: [&str; 3] = ["backup_at_shown", "check_at_shown", "prune_at_shown"];

/// What stands in the form, usable or not.
pub(super) struct DraftFields {
    /// As far as it can be told.
    pub(super) spec: PolicySpec,
    pub(super) times: PolicyTimes,
    /// As it was entered.
    pub(super) at_least: String,
    pub(super) period: String,
    pub(super) retention: Vec<Field>,
    /// What cannot be told.
    fault: Option<Error>,
}

impl DraftFields {
    /// Of a policy.
    pub(super) fn of(spec: PolicySpec, times: PolicyTimes) -> Self {
        let promise = spec.promise;
        Self {
            at_least: promise.map(|promise| promise.backups.to_string()).unwrap_or_default(),
            period: promise.map_or(PromisePeriod::Day, |promise| promise.period).as_str().into(),
            retention: retention_fields(spec.retention),
            spec,
            times,
            fault: None,
        }
    }

    /// Of a policy that is to be made.
    pub(super) fn new() -> Self {
        let zone = source_app::model::local_zone();
        let none = || Some(String::new());
        let times = PolicyTimes {
            backup_at: none(),
            check_at: none(),
            prune_at: none(),
            time_zone: Some(zone.clone()),
            zone_was: Some(zone),
            shown: Default::default(),
        };
        let spec = PolicySpec {
            name: String::new(),
            environments: Vec::new(),
            data_classes: Vec::new(),
            classes: MatchMode::Any,
            labels: Vec::new(),
            retention: Retention::default(),
            promise: None,
            check_after_backup: false,
            enabled: true,
        };
        Self::of(spec, times)
    }

    /// What was posted. A form without times leaves the schedules as they are.
    pub(super) fn posted(posted: &FormData) -> Self {
        let (retention, fields) = posted.retention();
        let mut fault = fields.iter().find_map(|field| field.error.clone()).map(Error::Input);
        let mut or_fault = |error: Error| {
            fault.get_or_insert(error);
        };
        let classes = posted.get("classes").parse().map_err(|error| or_fault(Error::from(error)));
        let promise = promise(posted).map_err(&mut or_fault);
        let text = |name: &str| posted.raw(name).map(|text| text.trim().to_owned());
        let spec = PolicySpec {
            name: posted.get("name").to_owned(),
            environments: posted.several("environment"),
            data_classes: posted.several("data_class"),
            classes: classes.unwrap_or(MatchMode::Any),
            labels: posted.several("label"),
            retention,
            promise: promise.unwrap_or(None),
            check_after_backup: posted.ticked("check_after_backup"),
            enabled: posted.ticked("enabled"),
        };
        let times = PolicyTimes {
            backup_at: text("backup_at"),
            check_at: text("check_at"),
            prune_at: text("prune_at"),
            time_zone: text("time_zone"),
            zone_was: text("zone_was"),
            shown: SHOWN.map(text),
        };
        Self {
            spec,
            times,
            at_least: posted.get("at_least").to_owned(),
            period: posted.get("period").to_owned(),
            retention: fields,
            fault,
        }
    }

    /// The draft.
    ///
    /// # Errors
    /// Something cannot be used as it was entered.
    pub(super) fn draft(&self) -> Result<PolicyDraft, Error> {
        match &self.fault {
            Some(fault) => Err(Error::Input(fault.to_string())),
            None => Ok(PolicyDraft { spec: self.spec.clone(), times: self.times.clone() }),
        }
    }

    /// What the form shows of when something runs, to be told from what it is once it is saved.
    pub(super) fn shown_times(&self) -> Vec<(&'static str, String)> {
        let shown = SHOWN.into_iter().zip(&self.times.shown);
        shown.filter_map(|(name, text)| Some((name, text.clone()?))).collect()
    }

    /// The fields of what is promised.
    pub(super) fn promise_fields(&self) -> [Field; 3] {
        let periods = PromisePeriod::ALL.map(|period| {
            let text = format!("in each {}", period.as_str());
            (period.as_str().to_owned(), text)
        });
        [
            Field::number("at_least", "At least so many backups", &self.at_least, Some(1000))
                .help("Nothing entered: nothing is promised. An app with fewer in the last full day, week or month of UTC is at risk."),
            Field::select("period", "In which time", periods.to_vec(), &self.period),
            Field::checkbox(
                "check_after_backup",
                "Check each backup when it is made",
                self.spec.check_after_backup,
            ),
        ]
    }

    /// The fields of when something runs; none of a kind of which there are several schedules.
    pub(super) fn time_fields(&self) -> Vec<Field> {
        let PolicyTimes { backup_at, check_at, prune_at, time_zone, .. } = &self.times;
        let field = |name: &str, label: &str, value: &Option<String>, examples: [&str; 3]| {
            let field = Field::text(name, label, value.as_deref()?).suggest(examples);
            Some(field)
        };
        let fields = [
            field(
                "backup_at",
                "Backup",
                backup_at,
                ["daily at 02:30", "twice daily at 06:00", "every 6 hours"],
            ),
            field(
                "check_at",
                "Check",
                check_at,
                ["weekly on sunday at 05:00", "daily at 05:00", "monthly on 1 at 05:00"],
            ),
            field(
                "prune_at",
                "Prune",
                prune_at,
                ["weekly on sunday at 04:00", "daily at 04:00", "monthly on 1 at 04:00"],
            ),
        ];
        let mut fields: Vec<Field> = fields
            .into_iter()
            .flatten()
            .map(|field| field.help("In words as those suggested, or five fields of cron; nothing entered: no schedule."))
            .collect();
        let zone = time_zone.as_deref().unwrap_or_default();
        fields.push(
            Field::text("time_zone", "Time zone", zone)
                .required()
                .suggest(chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
                .help("An IANA name."),
        );
        fields
    }
}

fn promise(posted: &FormData) -> Result<Option<Promise>, Error> {
    let backups: u32 = posted.number("at_least").map_err(Error::Input)?;
    if backups == 0 {
        return Ok(None);
    }
    Ok(Some(Promise { backups, period: posted.get("period").parse()? }))
}
