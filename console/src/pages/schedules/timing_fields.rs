//! When a schedule runs, as a form asks for it and as a page says it.

use crate::pages::form_data::FormData;
use source_app::model::{TimeOfDay, Timing, Weekday};

/// Days in the order of a week that begins on Monday.
pub const DAYS: [(&str, &str); 7] = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("0", "Sunday"),
];

/// What the form's fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimingFields {
    /// `minutes`, `hours`, `daily`, `several`, `weekly`, `monthly`, `cron`.
    pub choice: String,
    pub minutes: String,
    pub hours: String,
    pub daily_at: String,
    /// Times of day, separated by commas.
    pub several_at: String,
    /// Numbers as cron has them.
    pub days: Vec<String>,
    pub weekly_at: String,
    /// 1 to 28, or `last`.
    pub month_day: String,
    pub monthly_at: String,
    pub cron: String,
}

impl Default for TimingFields {
    fn default() -> Self {
        Self {
            choice: "daily".into(),
            minutes: "30".into(),
            hours: "6".into(),
            daily_at: "02:30".into(),
            several_at: "06:00, 12:00, 18:00".into(),
            days: vec!["0".into()],
            weekly_at: "02:30".into(),
            month_day: "1".into(),
            monthly_at: "02:30".into(),
            cron: String::new(),
        }
    }
}

impl TimingFields {
    /// The fields for a cron expression.
    pub fn of(cron: &str) -> Self {
        let plain = Self::default();
        let choice = |choice: &str| choice.to_owned();
        match Timing::from_cron(cron) {
            Timing::Minutes(step) => {
                Self { choice: choice("minutes"), minutes: step.to_string(), ..plain }
            }
            Timing::Hours(step) => {
                Self { choice: choice("hours"), hours: step.to_string(), ..plain }
            }
            Timing::Daily(times) => match times.as_slice() {
                [at] => Self { choice: choice("daily"), daily_at: at.to_string(), ..plain },
                times => {
                    let times: Vec<String> = times.iter().map(ToString::to_string).collect();
                    Self { choice: choice("several"), several_at: times.join(", "), ..plain }
                }
            },
            Timing::Weekly(days, at) => {
                let days = days.iter().map(|day| (*day as usize).to_string()).collect();
                Self { choice: choice("weekly"), days, weekly_at: at.to_string(), ..plain }
            }
            Timing::Monthly(day, at) => {
                let month_day = day.map_or_else(|| "last".to_owned(), |day| day.to_string());
                Self { choice: choice("monthly"), month_day, monthly_at: at.to_string(), ..plain }
            }
            _ => Self { choice: choice("cron"), cron: cron.to_owned(), ..plain },
        }
    }

    /// The fields as they were posted.
    pub fn posted(posted: &FormData) -> Self {
        let get = |name| posted.get(name).to_owned();
        Self {
            choice: get("choice"),
            minutes: get("minutes"),
            hours: get("hours"),
            daily_at: get("daily_at"),
            several_at: get("several_at"),
            days: posted.all("day"),
            weekly_at: get("weekly_at"),
            month_day: get("month_day"),
            monthly_at: get("monthly_at"),
            cron: get("cron"),
        }
    }

    /// The cron expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn cron(&self) -> Result<String, String> {
        // The words of `Timing`, so that it says what is wrong.
        let timing = |text: String| {
            text.parse::<Timing>().map(|timing| timing.cron()).map_err(|error| error.to_string())
        };
        match self.choice.as_str() {
            "minutes" => timing(format!("every {} minutes", word(&self.minutes))),
            "hours" => timing(format!("every {} hours", word(&self.hours))),
            "daily" => timing(format!("daily at {}", word(&self.daily_at))),
            "monthly" => timing(format!(
                "monthly on {} at {}",
                word(&self.month_day),
                word(&self.monthly_at)
            )),
            "several" => self.several(),
            "weekly" => self.weekly(),
            "cron" if self.cron.is_empty() => {
                Err("the cron expression is missing; write five fields, such as \"30 2 * * 1-5\""
                    .into())
            }
            "cron" => timing(self.cron.clone()),
            _ => Err("choose when it runs".into()),
        }
    }

    fn several(&self) -> Result<String, String> {
        let times = self
            .several_at
            .split([',', ' '])
            .filter(|text| !text.is_empty())
            .map(str::parse::<TimeOfDay>);
        let timing = times.collect::<Result<_, _>>().and_then(Timing::daily);
        timing.map(|timing| timing.cron()).map_err(|error| error.to_string())
    }

    fn weekly(&self) -> Result<String, String> {
        let chosen = |day: &Weekday| self.has_day(&(*day as usize).to_string());
        let days = Weekday::ALL.into_iter().filter(chosen).collect();
        let timing = word(&self.weekly_at).parse().and_then(|at| Timing::weekly(days, at));
        timing.map(|timing| timing.cron()).map_err(|error| error.to_string())
    }

    /// Whether a day is chosen.
    pub fn has_day(&self, day: &str) -> bool {
        self.days.iter().any(|one| one == day)
    }
}

/// One word, or what cannot be a part of a plain choice.
fn word(text: &str) -> &str {
    if text.is_empty() || text.contains(char::is_whitespace) { "?" } else { text }
}

/// A cron expression in words, where it has some: `weekly on Monday and Friday at 02:30`.
pub fn describe(cron: &str) -> String {
    let list = |mut all: Vec<String>| {
        let last = all.pop().unwrap_or_default();
        if all.is_empty() { last } else { format!("{} and {last}", all.join(", ")) }
    };
    match Timing::from_cron(cron) {
        Timing::Monthly(None, at) => format!("monthly on the last day at {at}"),
        Timing::Monthly(Some(day), at) => format!("monthly on day {day} at {at}"),
        Timing::Cron(text) => format!("cron {text}"),
        Timing::Daily(times) => {
            format!("daily at {}", list(times.iter().map(ToString::to_string).collect()))
        }
        Timing::Weekly(days, at) => {
            let names = DAYS.iter().filter(|(number, _)| {
                days.iter().any(|day| (*day as usize).to_string() == *number)
            });
            format!(
                "weekly on {} at {at}",
                list(names.map(|(_, name)| (*name).to_owned()).collect())
            )
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_gives_comes_back_to_it() {
        for (cron, choice, words) in [
            ("*/15 * * * *", "minutes", "every 15 minutes"),
            ("0 * * * *", "hours", "every hour"),
            ("0 */6 * * *", "hours", "every 6 hours"),
            ("30 2 * * *", "daily", "daily at 02:30"),
            ("0 6,18 * * *", "several", "daily at 06:00 and 18:00"),
            ("15 6,12,18 * * *", "several", "daily at 06:15, 12:15 and 18:15"),
            ("30 2 * * 0", "weekly", "weekly on Sunday at 02:30"),
            ("30 2 * * 0,1,5", "weekly", "weekly on Monday, Friday and Sunday at 02:30"),
            ("30 2 1 * *", "monthly", "monthly on day 1 at 02:30"),
            ("30 2 L * *", "monthly", "monthly on the last day at 02:30"),
            ("30 2 * * 1-5", "cron", "cron 30 2 * * 1-5"),
            ("30 2 1 1 *", "cron", "cron 30 2 1 1 *"),
        ] {
            let when = TimingFields::of(cron);
            assert_eq!(
                (when.choice.as_str(), when.cron().as_deref(), describe(cron).as_str()),
                (choice, Ok(cron), words)
            );
        }
    }

    #[test]
    fn what_cannot_be_used_gets_one_clear_line() {
        let plain = TimingFields::default();
        for (when, words) in [
            (
                TimingFields {
                    choice: "several".into(),
                    several_at: "6:00, 18:30".into(),
                    ..plain.clone()
                },
                "the same minute",
            ),
            (
                TimingFields {
                    choice: "several".into(),
                    several_at: "25:00".into(),
                    ..plain.clone()
                },
                "not a valid time of day",
            ),
            (
                TimingFields { choice: "several".into(), several_at: ",".into(), ..plain.clone() },
                "the times are missing",
            ),
            (
                TimingFields { choice: "weekly".into(), days: vec!["9".into()], ..plain.clone() },
                "one day of the week",
            ),
            (
                TimingFields { choice: "daily".into(), daily_at: "".into(), ..plain.clone() },
                "not a valid time of day",
            ),
            (
                TimingFields {
                    choice: "daily".into(),
                    daily_at: "02:30 on".into(),
                    ..plain.clone()
                },
                "not a valid time of day",
            ),
            (
                TimingFields { choice: "minutes".into(), minutes: "7".into(), ..plain.clone() },
                "whole part of an hour",
            ),
            (
                TimingFields { choice: "cron".into(), cron: "* * *".into(), ..plain.clone() },
                "not five fields",
            ),
            (TimingFields { choice: "".into(), ..plain.clone() }, "choose when"),
        ] {
            let error = when.cron().unwrap_err();
            assert!(error.contains(words) && !error.contains('\n'), "{error}");
        }
    }
}
