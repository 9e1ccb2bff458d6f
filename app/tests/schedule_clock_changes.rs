//! What is exported comes at each slot of the schedules, also on the nights on which the clocks
//! change.
#![cfg(unix)]

mod common;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use common::{at, schedule_spec, source, start, state};
use serde::Deserialize;
use serde_json::Value;
use source_app::export::{Command, Kubernetes, Systemd, crontab, kubernetes, systemd};
use source_app::model::{Calendar, GRACE};
use source_app::state::{Owner, ScheduleSpec, TaskKind};

/// Whether a list of numbers and runs of them has one in it.
fn has(list: &str, value: u32) -> bool {
    list.split(',').any(|item| {
        let run = item.split_once("..").or_else(|| item.split_once('-'));
        let (first, last) = run.unwrap_or((item, item));
        let number = |text: &str| text.parse::<u32>().unwrap();
        item == "*" || (number(first)..=number(last)).contains(&value)
    })
}

/// Whether cron, or Kubernetes, starts something then by its local time.
fn cron_comes(cron: &str, local: NaiveDateTime) -> bool {
    let fields: Vec<&str> = cron.split(' ').collect();
    let [minute, hour, day, month, weekday] = fields[..] else { panic!("{cron}") };
    has(minute, local.minute())
        && has(hour, local.hour())
        && has(day, local.day())
        && has(month, local.month())
        && has(weekday, local.weekday().num_days_from_sunday())
}

/// Whether systemd does by an event such as `sun *-03-* 03:00:00 Europe/Berlin`. It leaves out the
/// second of two hours of one name, as `systemd-analyze calendar` shows.
fn systemd_comes(event: &str, at: DateTime<Utc>) -> bool {
    let words: Vec<&str> = event.split(' ').collect();
    let (weekdays, date, time, zone) = match words[..] {
        [date, time, zone] => (None, date, time, zone),
        [weekdays, date, time, zone] => (Some(weekdays), date, time, zone),
        _ => panic!("{event}"),
    };
    let zone: Tz = zone.parse().unwrap();
    let local = at.with_timezone(&zone).naive_local();
    if zone.from_local_datetime(&local).earliest().map(|first| first.to_utc()) != Some(at) {
        return false;
    }
    let day = local.format("%a").to_string().to_lowercase();
    let (date, time): (Vec<&str>, Vec<&str>) =
        (date.split('-').collect(), time.split(':').collect());
    weekdays.is_none_or(|weekdays| weekdays.split(',').any(|one| one == day))
        && has(date[1], local.month())
        && has(date[2], local.day())
        && has(time[0], local.hour())
        && has(time[1], local.minute())
}

/// Across daylight saving each run comes once, by whatever runs it.
#[test]
fn every_slot_of_a_year_has_an_event_in_every_form() {
    let zones = [
        chrono_tz::Europe::Berlin,
        chrono_tz::America::New_York,
        chrono_tz::Africa::Cairo,
        chrono_tz::America::Nuuk,
        chrono_tz::Australia::Lord_Howe,
        Tz::UTC,
    ];
    let crons = [
        "30 2 * * *",
        "0 2 * * 0",
        "15 0,23 * * *",
        "45 1,2 * 3,4,10 *",
        "10 2,3 28 * 5",
        "20 * * * *",
        "*/30 * * * *",
    ];
    let (_directory, state) = state();
    let mut apps = Vec::new();
    for (number, (zone, cron)) in
        zones.into_iter().flat_map(|zone| crons.map(|cron| (zone, cron))).enumerate()
    {
        let app = source(&state, &format!("app-{number}"));
        let spec = schedule_spec(Owner::App(app.id), TaskKind::Backup, cron);
        let spec = ScheduleSpec { time_zone: zone.name().into(), ..spec };
        state.add_schedule(&spec, start()).unwrap();
        apps.push((app.spec.name, zone, cron));
    }
    let (all, command) = (state.effective_schedules(None).unwrap(), Command::new("/x"));
    let cluster = Kubernetes { image: "plakar".into(), claim: "home".into(), namespace: None };
    let (from, until) = (at("2026-12-01T00:00:00Z"), at("2027-12-01T00:00:00Z"));
    for (app, zone, cron) in apps {
        let [_, timer] = systemd(&app, &all, &command, &Systemd::default()).unwrap();
        let events: Vec<&str> =
            timer.text.lines().filter_map(|line| line.strip_prefix("OnCalendar=")).collect();
        let jobs = kubernetes(&app, &all, &command, &cluster).unwrap();
        let jobs: Vec<String> = serde_norway::Deserializer::from_str(&jobs.text)
            .map(|one| Value::deserialize(one).unwrap())
            .map(|job| job["spec"]["schedule"].as_str().unwrap().to_owned())
            .collect();
        let lines = |of: Tz| -> Vec<String> {
            let text = crontab(&app, &all, &command, of).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(|line| line.splitn(6, ' ').take(5).collect::<Vec<_>>().join(" ")).collect()
        };
        let (own, elsewhere) = (lines(zone), lines(Tz::UTC));
        let comes = |crons: &[String], local: NaiveDateTime| {
            crons.iter().any(|cron| cron_comes(cron, local))
        };
        let calendar = Calendar::new(cron, zone.name()).unwrap();
        for slot in calendar.upcoming(from).take_while(|slot| *slot < until) {
            let seen = |comes: &dyn Fn(DateTime<Utc>) -> bool| {
                (0..=GRACE.num_minutes()).any(|late| comes(slot + TimeDelta::minutes(late)))
            };
            let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
            for (form, seen) in [
                ("systemd", seen(&|at| events.iter().any(|event| systemd_comes(event, at)))),
                ("Kubernetes", seen(&|at| comes(&jobs, local(at)))),
                ("cron", seen(&|at| comes(&own, local(at)))),
                ("cron of UTC", seen(&|at| comes(&elsewhere, at.naive_utc()))),
            ] {
                assert!(seen, "{form} leaves out {slot} of {cron} in {zone}");
            }
        }
    }
}
