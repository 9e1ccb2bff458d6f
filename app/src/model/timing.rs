//! Plain choices of when to run, and the cron expressions that they stand for.

use std::fmt;
use std::str::FromStr;

use super::cron::Expression;
use super::invalid::Invalid;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub const ALL: [Self; 7] = [Self::Sunday, Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday];

    /// The English name, lower case.
    pub fn name(self) -> &'static str {
        ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"][self as usize]
    }
}

/// A time of day, hour and minute.
pub type TimeOfDay = (u32, u32);

/// When to run: a plain choice, or a cron expression. Written and read as text (`daily at 02:30`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// `every 15 minutes`: a divisor of 60.
    Minutes(u32),
    /// `every 6 hours`: a divisor of 24, on the hour.
    Hours(u32),
    /// `twice daily at 06:00`: then, and twelve hours later.
    TwiceDaily(TimeOfDay),
    /// `daily at 02:30`.
    Daily(TimeOfDay),
    /// `weekly on sunday at 02:30`.
    Weekly(Weekday, TimeOfDay),
    /// `monthly on 1 at 02:30`: the 1st to the 28th, which every month has, or the last day (`None`).
    Monthly(Option<u32>, TimeOfDay),
    /// Anything else that cron can say.
    Cron(String),
}

impl Timing {
    /// The cron expression.
    pub fn cron(&self) -> String {
        match self {
            Self::Minutes(1) => "* * * * *".into(),
            Self::Minutes(step) => format!("*/{step} * * * *"),
            Self::Hours(1) => "0 * * * *".into(),
            Self::Hours(step) => format!("0 */{step} * * *"),
            Self::TwiceDaily((hour, minute)) => format!("{minute} {hour},{} * * *", hour + 12),
            Self::Daily((hour, minute)) => format!("{minute} {hour} * * *"),
            Self::Weekly(day, (hour, minute)) => format!("{minute} {hour} * * {}", *day as usize),
            Self::Monthly(Some(day), (hour, minute)) => format!("{minute} {hour} {day} * *"),
            Self::Monthly(None, (hour, minute)) => format!("{minute} {hour} L * *"),
            Self::Cron(text) => text.clone(),
        }
    }

    /// The plain choice that a cron expression stands for, or else the expression itself.
    pub fn from_cron(cron: &str) -> Self {
        Self::plain(cron).filter(|timing| timing.check().is_ok() && timing.cron() == cron).unwrap_or_else(|| Self::Cron(cron.into()))
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
        match (hour, day, weekday) {
            (step, "*", "*") if step.starts_with("*/") => Some(Self::Hours(number(&step[2..])?)),
            (twice, "*", "*") if twice.contains(',') => Some(Self::TwiceDaily((number(twice.split(',').next()?)?, minute))),
            (hour, "*", "*") => Some(Self::Daily((number(hour)?, minute))),
            (hour, "*", weekday) => Some(Self::Weekly(*Weekday::ALL.get(number(weekday)? as usize)?, (number(hour)?, minute))),
            (hour, "L", "*") => Some(Self::Monthly(None, (number(hour)?, minute))),
            (hour, day, "*") => Some(Self::Monthly(Some(number(day)?), (number(hour)?, minute))),
            _ => None,
        }
    }

    /// # Errors
    ///
    /// The numbers are out of range, or the cron expression is not one.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Minutes(step) if *step == 0 || *step > 30 || 60 % step != 0 => {
                Err(Invalid(format!("every {step} minutes: not a whole part of an hour; write 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30")))
            }
            Self::Hours(step) if *step == 0 || *step > 12 || 24 % step != 0 => {
                Err(Invalid(format!("every {step} hours: not a whole part of a day; write 1, 2, 3, 4, 6, 8 or 12")))
            }
            Self::TwiceDaily((hour, _)) if *hour > 11 => {
                Err(Invalid(format!("twice daily at {hour} o'clock: give the earlier of both times, 00:00 to 11:59")))
            }
            Self::Monthly(Some(day), _) if !(1..=28).contains(day) => {
                Err(Invalid(format!("monthly on {day}: not every month has that day; write 1 to 28, or last")))
            }
            Self::Minutes(_) | Self::Hours(_) => Ok(()),
            Self::TwiceDaily(time) | Self::Daily(time) | Self::Weekly(_, time) | Self::Monthly(_, time) => check_time(*time),
            Self::Cron(text) => Expression::parse(text).map(drop),
        }
    }
}

fn check_time((hour, minute): TimeOfDay) -> Result<(), Invalid> {
    if hour > 23 || minute > 59 {
        return Err(Invalid(format!("{hour:02}:{minute:02} is no time of day; write 00:00 to 23:59")));
    }
    Ok(())
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(1) => write!(f, "every minute"),
            Self::Minutes(step) => write!(f, "every {step} minutes"),
            Self::Hours(1) => write!(f, "every hour"),
            Self::Hours(step) => write!(f, "every {step} hours"),
            Self::TwiceDaily((hour, minute)) => write!(f, "twice daily at {hour:02}:{minute:02}"),
            Self::Daily((hour, minute)) => write!(f, "daily at {hour:02}:{minute:02}"),
            Self::Weekly(day, (hour, minute)) => write!(f, "weekly on {} at {hour:02}:{minute:02}", day.name()),
            Self::Monthly(Some(day), (hour, minute)) => write!(f, "monthly on {day} at {hour:02}:{minute:02}"),
            Self::Monthly(None, (hour, minute)) => write!(f, "monthly on last at {hour:02}:{minute:02}"),
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
            word.parse::<u32>()
                .map_err(|_| Invalid(format!("\"{text}\": \"{word}\" is not a number; write for example \"every 15 minutes\"")))
        };
        let timing = match words[..] {
            ["every", "minute"] => Self::Minutes(1),
            ["every", "hour"] => Self::Hours(1),
            ["every", step, "minute" | "minutes"] => Self::Minutes(number(step)?),
            ["every", step, "hour" | "hours"] => Self::Hours(number(step)?),
            ["twice", "daily", "at", at] => Self::TwiceDaily(time(at)?),
            ["daily", "at", at] => Self::Daily(time(at)?),
            ["weekly", "on", day, "at", at] => Self::Weekly(weekday(day)?, time(at)?),
            ["monthly", "on", "last", "at", at] => Self::Monthly(None, time(at)?),
            ["monthly", "on", day, "at", at] => Self::Monthly(Some(number(day)?), time(at)?),
            ["every" | "twice" | "daily" | "weekly" | "monthly", ..] => {
                return Err(Invalid(format!(
                    "\"{text}\" is not understood; write \"every 15 minutes\", \"every 6 hours\", \"twice daily at 06:00\", \
                     \"daily at 02:30\", \"weekly on sunday at 02:30\", \"monthly on 1 at 02:30\" or a cron expression"
                )));
            }
            _ => Self::from_cron(Expression::parse(&text.to_uppercase())?.as_str()),
        };
        timing.check()?;
        Ok(timing)
    }
}

fn time(text: &str) -> Result<TimeOfDay, Invalid> {
    let wrong = || Invalid(format!("\"{text}\" is no time of day; write 00:00 to 23:59"));
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2).ok_or_else(wrong)?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten().ok_or_else(wrong);
    Ok((digits(hour)?, digits(minute)?))
}

fn weekday(text: &str) -> Result<Weekday, Invalid> {
    Weekday::ALL
        .into_iter()
        .find(|day| day.name() == text || day.name()[..3] == *text)
        .ok_or_else(|| Invalid(format!("\"{text}\" is no day of the week; write monday to sunday")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_timing() -> impl Strategy<Value = Timing> {
        let time = (0u32..24, 0u32..60);
        prop_oneof![
            prop::sample::select(vec![1u32, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]).prop_map(Timing::Minutes),
            prop::sample::select(vec![1u32, 2, 3, 4, 6, 8, 12]).prop_map(Timing::Hours),
            (0u32..12, 0u32..60).prop_map(Timing::TwiceDaily),
            time.clone().prop_map(Timing::Daily),
            (0usize..7, time.clone()).prop_map(|(day, time)| Timing::Weekly(Weekday::ALL[day], time)),
            (prop::option::of(1u32..29), time).prop_map(|(day, time)| Timing::Monthly(day, time)),
        ]
    }

    proptest! {
        #[test]
        fn a_plain_choice_comes_back_from_cron_and_from_text(timing in any_timing()) {
            prop_assert_eq!(timing.check(), Ok(()));
            prop_assert!(Expression::parse(&timing.cron()).is_ok());
            prop_assert_eq!(&Timing::from_cron(&timing.cron()), &timing);
            prop_assert_eq!(timing.to_string().parse::<Timing>(), Ok(timing));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9*/,L# -]{0,20}") {
            if let Ok(timing) = text.parse::<Timing>() {
                prop_assert!(timing.check().is_ok());
            }
            Timing::from_cron(&text);
        }
    }

    #[test]
    fn what_is_no_plain_choice_stays_cron() {
        for cron in ["*/7 * * * *", "5 */5 * * *", "5 */6 * * *", "0 2 30 * *", "0 2 1 1 *", "0 1,5 * * *", "0 2 1 * 1", "02 2 * * *"] {
            assert_eq!(Timing::from_cron(cron), Timing::Cron(cron.into()), "{cron}");
        }
        assert_eq!("30 2 * * mon-fri".parse(), Ok(Timing::Cron("30 2 * * MON-FRI".into())));
        assert_eq!(" Weekly  on Sun at 2:05 ".parse(), Ok(Timing::Weekly(Weekday::Sunday, (2, 5))));
    }

    #[test]
    fn bad_choices_get_one_clear_line() {
        for (text, word) in [
            ("every 7 minutes", "not a whole part of an hour"),
            ("every 0 minutes", "not a whole part of an hour"),
            ("every 5 hours", "not a whole part of a day"),
            ("every x hours", "\"x\" is not a number"),
            ("daily at 24:00", "no time of day"),
            ("daily at 2", "no time of day"),
            ("daily at +2:00", "no time of day"),
            ("twice daily at 13:00", "the earlier of both times"),
            ("weekly on someday at 02:00", "no day of the week"),
            ("monthly on 31 at 02:00", "not every month has that day"),
            ("daily", "is not understood"),
            ("often", "not five fields"),
        ] {
            let error = text.parse::<Timing>().unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
