//! Plain choices of when to run, and the cron expressions that they stand for.

use std::fmt;
use std::str::FromStr;

use super::cron::CronExpression;
use super::invalid::Invalid;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Weekday {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

impl Weekday {
    /// All of them, Sunday first as in cron.
    pub const ALL: [Self; 7] = [
        Self::Sunday,
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
    ];

    /// The English name, lower case.
    pub fn name(self) -> &'static str {
        ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
            [self as usize]
    }
}

/// A time of day. Written and read as `02:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    hour: u32,
    minute: u32,
}

impl TimeOfDay {
    /// A time of day from an hour of 0 to 23 and a minute of 0 to 59.
    ///
    /// # Errors
    ///
    /// The numbers are out of range.
    pub fn new(hour: u32, minute: u32) -> Result<Self, Invalid> {
        if hour > 23 || minute > 59 {
            return Err(Invalid(format!(
                "{hour:02}:{minute:02} is not a valid time of day; write 00:00 to 23:59"
            )));
        }
        Ok(Self { hour, minute })
    }

    /// The hour, 0 to 23.
    pub fn hour(self) -> u32 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(self) -> u32 {
        self.minute
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl FromStr for TimeOfDay {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong =
            || Invalid(format!("\"{text}\" is not a valid time of day; write 00:00 to 23:59"));
        let (hour, minute) = text
            .split_once(':')
            .filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2)
            .ok_or_else(wrong)?;
        let digits = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse().ok())
                .flatten()
                .ok_or_else(wrong)
        };
        Self::new(digits(hour)?, digits(minute)?)
    }
}

/// When to run: a plain choice, or a cron expression. Written and read as text (`daily at 02:30`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// `every 15 minutes`: a divisor of 60.
    Minutes(u32),
    /// `every 6 hours`: a divisor of 24, on the hour.
    Hours(u32),
    /// `daily at 02:30`, `daily at 06:15, 12:15 and 18:15`: all at the same minute, in order.
    /// `twice daily at 06:00` is then and twelve hours later.
    Daily(Vec<TimeOfDay>),
    /// `weekly on sunday at 02:30`, `weekly on monday and friday at 02:30`: days in the order of
    /// [`Weekday::ALL`].
    Weekly(Vec<Weekday>, TimeOfDay),
    /// `monthly on 1 at 02:30`: the 1st to the 28th, which every month has, or the last day
    /// (`None`).
    Monthly(Option<u32>, TimeOfDay),
    /// Anything else that cron can say.
    Cron(String),
}

impl Timing {
    /// Every day at these times, in any order.
    ///
    /// # Errors
    ///
    /// There are none, or not all have the same minute.
    pub fn daily(mut times: Vec<TimeOfDay>) -> Result<Self, Invalid> {
        times.sort_unstable();
        times.dedup();
        let timing = Self::Daily(times);
        timing.check().map(|()| timing)
    }

    /// Every week on these days, in any order; every day if these are all.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn weekly(mut days: Vec<Weekday>, at: TimeOfDay) -> Result<Self, Invalid> {
        days.sort_unstable();
        days.dedup();
        let timing = if days.len() == Weekday::ALL.len() {
            Self::Daily(vec![at])
        } else {
            Self::Weekly(days, at)
        };
        timing.check().map(|()| timing)
    }

    /// The cron expression.
    pub fn cron(&self) -> String {
        match self {
            Self::Minutes(1) => "* * * * *".into(),
            Self::Minutes(step) => format!("*/{step} * * * *"),
            Self::Hours(1) => "0 * * * *".into(),
            Self::Hours(step) => format!("0 */{step} * * *"),
            Self::Daily(times) => {
                let minute = times.first().map_or(0, |at| at.minute);
                format!("{minute} {} * * *", comma_list(times.iter().map(|at| at.hour)))
            }
            Self::Weekly(days, TimeOfDay { hour, minute }) => {
                format!("{minute} {hour} * * {}", comma_list(days.iter().map(|day| *day as u32)))
            }
            Self::Monthly(Some(day), TimeOfDay { hour, minute }) => {
                format!("{minute} {hour} {day} * *")
            }
            Self::Monthly(None, TimeOfDay { hour, minute }) => format!("{minute} {hour} L * *"),
            Self::Cron(text) => text.clone(),
        }
    }

    /// The plain choice that a cron expression stands for, or else the expression itself.
    pub fn from_cron(cron: &str) -> Self {
        Self::plain(cron)
            .filter(|timing| timing.check().is_ok() && timing.cron() == cron)
            .unwrap_or_else(|| Self::Cron(cron.into()))
    }

    fn plain(cron: &str) -> Option<Self> {
        let fields: Vec<&str> = cron.split(' ').collect();
        let [minute, hour, day, "*", weekday] = fields[..] else { return None };
        let number = |field: &str| field.parse::<u32>().ok();
        if let ("*", "*", "*") = (hour, day, weekday) {
            return match minute.strip_prefix("*/") {
                Some(step) => Some(Self::Minutes(number(step)?)),
                None if minute == "*" => Some(Self::Minutes(1)),
                None => (minute == "0").then_some(Self::Hours(1)),
            };
        }
        let minute = number(minute)?;
        let at = |hour: &str| TimeOfDay::new(number(hour)?, minute).ok();
        match (hour, day, weekday) {
            (step, "*", "*") if step.starts_with("*/") => Some(Self::Hours(number(&step[2..])?)),
            (hours, "*", "*") => {
                Some(Self::Daily(hours.split(',').map(at).collect::<Option<_>>()?))
            }
            (hour, "*", days) => {
                let day = |day: &str| Weekday::ALL.get(number(day)? as usize).copied();
                Some(Self::Weekly(days.split(',').map(day).collect::<Option<_>>()?, at(hour)?))
            }
            (hour, "L", "*") => Some(Self::Monthly(None, at(hour)?)),
            (hour, day, "*") => Some(Self::Monthly(Some(number(day)?), at(hour)?)),
            _ => None,
        }
    }

    /// # Errors
    ///
    /// The numbers are out of range, the times or days are none or not in order, or the cron
    /// expression is not one.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Minutes(step) if *step == 0 || *step > 30 || 60 % step != 0 => {
                Err(Invalid(format!("every {step} minutes: not a whole part of an hour; write 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30")))
            }
            Self::Hours(step) if *step == 0 || *step > 12 || 24 % step != 0 => {
                Err(Invalid(format!("every {step} hours: not a whole part of a day; write 1, 2, 3, 4, 6, 8 or 12")))
            }
            Self::Daily(times) if times.is_empty() => Err(Invalid("the times are missing; write some, such as \"06:00, 18:00\"".into())),
            Self::Daily(times) if times.iter().any(|at| at.minute != times[0].minute) => Err(Invalid(
                "the times of one schedule have the same minute, such as \"06:15, 18:15\"; make another schedule for the others".into(),
            )),
            Self::Weekly(days, _) if days.is_empty() => Err(Invalid("choose one day of the week or more".into())),
            Self::Daily(times) if !times.is_sorted_by(|a, b| a < b) => Err(Invalid("the times are not in order".into())),
            Self::Weekly(days, _) if !days.is_sorted_by(|a, b| a < b) => Err(Invalid("the days are not in order".into())),
            Self::Monthly(Some(day), _) if !(1..=28).contains(day) => {
                Err(Invalid(format!("monthly on {day}: not every month has that day; write 1 to 28, or last")))
            }
            Self::Minutes(_) | Self::Hours(_) | Self::Daily(_) | Self::Weekly(..) | Self::Monthly(..) => Ok(()),
            Self::Cron(text) => CronExpression::parse(text).map(drop),
        }
    }
}

fn comma_list(numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

/// `06:00`, `06:00 and 18:00`, `06:00, 12:00 and 18:00`.
fn word_list(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(1) => write!(f, "every minute"),
            Self::Minutes(step) => write!(f, "every {step} minutes"),
            Self::Hours(1) => write!(f, "every hour"),
            Self::Hours(step) => write!(f, "every {step} hours"),
            Self::Daily(times) => match times[..] {
                [early, late] if late.hour == early.hour + 12 && late.minute == early.minute => {
                    write!(f, "twice daily at {early}")
                }
                _ => write!(
                    f,
                    "daily at {}",
                    word_list(times.iter().map(ToString::to_string).collect())
                ),
            },
            Self::Weekly(days, at) => {
                write!(
                    f,
                    "weekly on {} at {at}",
                    word_list(days.iter().map(|day| day.name().to_owned()).collect())
                )
            }
            Self::Monthly(Some(day), at) => write!(f, "monthly on {day} at {at}"),
            Self::Monthly(None, at) => write!(f, "monthly on last at {at}"),
            Self::Cron(text) => f.write_str(text),
        }
    }
}

impl FromStr for Timing {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let words: Vec<&str> = text.split(' ').collect();
        let number = |word: &str| {
            word.parse::<u32>().map_err(|_| {
                Invalid(format!(
                    "\"{text}\": \"{word}\" is not a number; write for example \"every 15 minutes\""
                ))
            })
        };
        let timing = match &words[..] {
            ["every", "minute"] => Self::Minutes(1),
            ["every", "hour"] => Self::Hours(1),
            ["every", step, "minute" | "minutes"] => Self::Minutes(number(step)?),
            ["every", step, "hour" | "hours"] => Self::Hours(number(step)?),
            ["twice", "daily", "at", at] => twice_daily(at.parse()?)?,
            ["daily", "at", times @ ..] if !times.is_empty() => {
                Self::daily(listed(times, str::parse)?)?
            }
            ["weekly", "on", days @ .., "at", at] if !days.is_empty() => {
                Self::weekly(listed(days, weekday)?, at.parse()?)?
            }
            ["monthly", "on", "last", "at", at] => Self::Monthly(None, at.parse()?),
            ["monthly", "on", day, "at", at] => Self::Monthly(Some(number(day)?), at.parse()?),
            ["every" | "twice" | "daily" | "weekly" | "monthly", ..] => {
                return Err(Invalid(format!(
                    "\"{text}\" is not understood; write \"every 15 minutes\", \"every 6 hours\", \"twice daily at 06:00\", \
                     \"daily at 02:30\", \"weekly on sunday at 02:30\", \"monthly on 1 at 02:30\" or a cron expression"
                )));
            }
            _ => Self::from_cron(CronExpression::parse(&text.to_uppercase())?.as_str()),
        };
        timing.check()?;
        Ok(timing)
    }
}

/// The items of a list such as `06:00, 12:00 and 18:00`.
fn listed<T>(words: &[&str], read: impl Fn(&str) -> Result<T, Invalid>) -> Result<Vec<T>, Invalid> {
    let items = words
        .iter()
        .flat_map(|word| word.split(','))
        .filter(|item| !item.is_empty() && *item != "and");
    items.map(read).collect()
}

/// At a time before noon, and twelve hours later.
fn twice_daily(early: TimeOfDay) -> Result<Timing, Invalid> {
    let TimeOfDay { hour, minute } = early;
    if hour > 11 {
        return Err(Invalid(format!(
            "twice daily at {hour} o'clock: give the earlier of both times, 00:00 to 11:59"
        )));
    }
    Timing::daily(vec![early, TimeOfDay { hour: hour + 12, minute }])
}

fn weekday(text: &str) -> Result<Weekday, Invalid> {
    Weekday::ALL.into_iter().find(|day| day.name() == text || day.name()[..3] == *text).ok_or_else(
        || Invalid(format!("\"{text}\" is not a valid day of the week; write monday to sunday")),
    )
}

#[cfg(test)]
#[path = "timing_tests.rs"]
mod tests;
