//! How far apart the slots of schedules lie: by that one tells whether a backup is old.

use chrono::{DateTime, TimeDelta, Utc};

use super::due::Calendar;
use super::invalid::Invalid;
use super::words::count_text;

/// Slots that are closer count as so far apart: a backup takes its time too.
const MIN_GAP: TimeDelta = TimeDelta::hours(1);

/// The longest time between two slots that follow each other, of all calendars together: for each
/// pattern over a stretch in which it comes round. `None` without calendars.
pub(crate) fn longest_gap(calendars: &[Calendar], from: DateTime<Utc>) -> Option<TimeDelta> {
    let next = |after| calendars.iter().filter_map(|one| one.next_after(after)).min();
    let until = from + calendars.iter().map(comes_round).max()?;
    let mut slot = next(from)?;
    let mut longest = MIN_GAP;
    loop {
        // All up to the last one within reach are closer to each other than what is known.
        let reach = slot + longest;
        slot = calendars.iter().filter_map(|one| one.latest(slot, reach)).max().unwrap_or(slot);
        let Some(following) = next(slot) else { return Some(longest) };
        longest = longest.max(following - slot);
        if following > until {
            return Some(longest);
        }
        slot = following;
    }
}

/// Maximum delay of a run, in minutes: a day.
const MAX_RANDOM_DELAY_MINUTES: u32 = 24 * 60;

/// How many slots are gone through for the shortest time between two.
const MAX_SLOTS: usize = 2000;

/// The shortest time between two slots that follow each other, over a stretch in which the pattern
/// comes round. `None` if there is but one.
fn shortest_gap(calendar: &Calendar) -> Option<TimeDelta> {
    let from = DateTime::UNIX_EPOCH + TimeDelta::days(365 * 56);
    let until = from + comes_round(calendar);
    let slots: Vec<_> =
        calendar.upcoming(from).take_while(|slot| *slot <= until).take(MAX_SLOTS).collect();
    slots.windows(2).map(|pair| pair[1] - pair[0]).min()
}

/// Whether the runs of a schedule may be so many minutes late: at most half of the time to the next
/// one, so that they neither meet nor make a backup look too old.
///
/// # Errors
/// They may not: the most that they may.
pub(crate) fn check_delay(calendar: &Calendar, minutes: u32) -> Result<(), Invalid> {
    if minutes == 0 {
        return Ok(());
    }
    let gap = shortest_gap(calendar);
    let most = gap.map_or(MAX_RANDOM_DELAY_MINUTES.into(), |gap| gap.num_minutes() / 2);
    let most = most.min(MAX_RANDOM_DELAY_MINUTES.into());
    if i64::from(minutes) <= most {
        return Ok(());
    }
    let why = match gap.filter(|gap| gap.num_minutes() / 2 == most) {
        Some(gap) => format!(
            "more than half of the {} between two runs",
            count_text(gap.num_minutes().unsigned_abs(), "minute")
        ),
        None => "more than a day".to_owned(),
    };
    Err(Invalid(format!("random delay: {minutes} minutes are {why}; write 0 to {most}")))
}

/// How long a pattern takes to come round, the days of its months roughly.
fn comes_round(calendar: &Calendar) -> TimeDelta {
    let expression = calendar.expression().as_str();
    let fields: Vec<&str> = expression.split(' ').collect();
    match fields[..] {
        [_, _, "*", "*", "*"] | ["@hourly" | "@daily" | "@midnight"] => TimeDelta::days(3),
        [_, _, _, "*", _] | ["@weekly" | "@monthly"] => TimeDelta::days(70),
        _ => TimeDelta::days(800),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(crons: &[&str]) -> Option<i64> {
        let calendars: Vec<_> =
            crons.iter().map(|cron| Calendar::new(cron, "Europe/Berlin").unwrap()).collect();
        let gap = longest_gap(&calendars, "2026-05-13T12:34:56Z".parse().unwrap());
        gap.map(|gap| gap.num_hours())
    }

    #[test]
    fn the_longest_gap_is_that_of_all_schedules_together() {
        assert_eq!(gap(&[]), None);
        for (crons, hours) in [
            (&["30 2 * * *"][..], 24),
            (&["0 */6 * * *"], 6),
            (&["* * * * *"], 1),
            (&["@hourly"], 1),
            (&["0 2 * * 1-5"], 72),
            (&["*/5 9-17 * * 1-5"], 63),
            (&["0 2 * * 0", "0 2 * * 3"], 96),
            (&["0 2 * * 0", "0 14 * * *"], 24),
            (&["0 2 1 * *"], 31 * 24),
            (&["0 0 1 1 *"], 366 * 24),
            (&["0 12 * 1-6 *"], 185 * 24 + 1),
            (&["0 12 29 2 *"], (4 * 365 + 1) * 24),
        ] {
            assert_eq!(gap(crons), Some(hours), "{crons:?}");
        }
    }

    #[test]
    fn a_delay_is_at_most_half_of_the_time_to_the_next_run() {
        for (cron, most) in [
            ("* * * * *", 0),
            ("*/10 * * * *", 5),
            ("0 * * * *", 30),
            ("0 2,3 * * *", 30),
            ("30 2 * * *", 720),
            ("0 2 * * 0", 1440),
            ("0 0 1 1 *", 1440),
        ] {
            let calendar = Calendar::new(cron, "Europe/Berlin").unwrap();
            assert!(check_delay(&calendar, most).is_ok(), "{cron}");
            assert!(check_delay(&calendar, most + 1).is_err(), "{cron}");
        }
        let fault = |cron: &str, minutes| {
            check_delay(&Calendar::new(cron, "UTC").unwrap(), minutes).unwrap_err().to_string()
        };
        assert_eq!(
            fault("0 * * * *", 31),
            "random delay: 31 minutes are more than half of the 60 minutes between two runs; write 0 to 30"
        );
        assert_eq!(
            fault("0 2 * * 0", 2000),
            "random delay: 2000 minutes are more than a day; write 0 to 1440"
        );
    }

    #[test]
    fn it_is_what_going_through_all_slots_gives() {
        let from: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
        for cron in ["17 3,4,19 * * 1,2,6", "0 0-6 2-28/5 * *", "*/20 8-9 * * *", "5 5 31 * *"] {
            let calendar = Calendar::new(cron, "UTC").unwrap();
            let until = from + TimeDelta::days(70);
            let mut slots: Vec<_> = calendar.upcoming(from).take_while(|at| *at <= until).collect();
            slots.extend(calendar.next_after(until));
            let each = slots.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert_eq!(longest_gap(&[calendar], from), Some(each.max(MIN_GAP)), "{cron}");
        }
    }
}
