//! Lines for a user's crontab.

use chrono_tz::Tz;

use super::command::Command;
use super::plan::Plan;
use crate::model::Invalid;
use crate::state::EffectiveSchedule;

/// The crontab lines of an app, for a machine whose cron works in `zone` (cron knows but one). A
/// schedule in another zone is asked every quarter of an hour, and `--due` knows when its time has
/// come.
///
/// # Errors
///
/// The app has no enabled schedule, or the command cannot be written down.
pub fn crontab(
    app: &str,
    schedules: &[EffectiveSchedule],
    command: &Command,
    zone: Tz,
) -> Result<String, Invalid> {
    let plan = Plan::new(app, schedules)?;
    let quote = |word| {
        shlex::try_quote(word)
            .map_err(|_| Invalid("a zero byte in the command; leave it out".into()))
    };
    let mut words = Vec::new();
    if let Some(secrets) = &command.secrets {
        words.push(format!("set -a; . {}; set +a;", quote(&secrets.path)?));
    }
    for (name, value) in command.environment()? {
        words.push(format!("{name}={}", quote(value)?));
    }
    words.push(quote(command.path()?)?.into_owned());
    for argument in command.arguments(&plan.app)? {
        words.push(quote(argument)?.into_owned());
    }
    // Cron ends the command at a percent sign, quoted or not, and takes the backslash away itself.
    let line = words.join(" ").replace('%', "\\%");
    let mut crons: Vec<String> = Vec::new();
    let (times, after_gaps) = (plan.times(), plan.after_gaps(Some(zone)));
    let mut notes = vec![
        format!(
            "The schedules of {}, by plakar-opendrive, for a cron in the time zone {zone}",
            plan.app
        ),
        "Enable them: run `crontab -e` and add these lines".to_owned(),
    ];
    notes.extend(command.about_secrets()?);
    if times.iter().any(|(_, of)| *of != zone) {
        notes.push(
            "Cron knows one time zone: what is in another is asked every quarter of an hour, and runs when it is due"
                .to_owned(),
        );
    }
    if !after_gaps.is_empty() {
        notes.push(
            "The last lines are for the nights on which the clocks pass over the time of a schedule"
                .to_owned(),
        );
    }
    let times =
        times.into_iter().map(|(times, of)| if of == zone { times } else { times.in_any_zone() });
    for times in times.chain(after_gaps.into_iter().map(|(times, _)| times)) {
        let cron = times.cron();
        if !crons.contains(&cron) {
            crons.push(cron);
        }
    }
    let lines: String = crons.iter().map(|cron| format!("{cron} {line}\n")).collect();
    let notes: String = notes.iter().map(|note| format!("# {note}\n")).collect();
    Ok(format!("{notes}{lines}"))
}
