//! Whether a schedule is due, from what has been dealt with and the time: no state, no clock of its
//! own.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::cron::CronExpression;
use super::invalid::Invalid;

/// A slot seen up to this long after its time is on time. Later it counts as missed: the machine
/// was off or asleep, or nobody called `run --due`. Timers may be some minutes late without harm.
pub const GRACE: TimeDelta = TimeDelta::minutes(10);

/// A cron expression in its time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    expression: CronExpression,
    zone: Tz,
}

/// What a schedule asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    No,
    /// Run for this slot, the latest. Older ones that nobody dealt with are left out: a missed run
    /// is caught up once.
    Run {
        /// The slot's time.
        slot: DateTime<Utc>,
        /// Whether it is late, that is, caught up.
        late: bool,
    },
    /// The latest slot was missed, and this schedule does not catch up.
    Missed(DateTime<Utc>),
    /// The clock was set back: what was dealt with lies ahead. Go on from now; a slot that has run
    /// already is known by its time.
    ClockSetBack,
}

impl Calendar {
    /// Reads a cron expression and the name of a time zone (IANA, such as `Europe/Berlin` or
    /// `UTC`).
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and what to write.
    pub fn new(cron: &str, zone: &str) -> Result<Self, Invalid> {
        let expression = CronExpression::parse(cron)?;
        let zone = zone.parse().map_err(|_| {
            let shown: String = zone.chars().filter(|c| !c.is_control()).take(60).collect();
            Invalid(format!("time zone \"{shown}\" is unknown; write an IANA name such as \"Europe/Berlin\" or \"UTC\""))
        })?;
        Ok(Self { expression, zone })
    }

    /// The expression.
    pub fn expression(&self) -> &CronExpression {
        &self.expression
    }

    /// The time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first slot after an instant.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.expression.next_after(self.zone, after)
    }

    /// The slots after an instant, as many as are taken.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next_after(after), |slot| self.next_after(*slot))
    }

    /// The last slot after `after` and not after `until`.
    pub(crate) fn latest(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.expression.latest(self.zone, after, until)
    }

    /// What is due `now`, when every slot up to `handled` has been dealt with.
    pub fn due(&self, handled: DateTime<Utc>, now: DateTime<Utc>, catch_up: bool) -> Due {
        if handled > now {
            return Due::ClockSetBack;
        }
        match self.expression.latest(self.zone, handled, now) {
            None => Due::No,
            Some(slot) if now - slot <= GRACE => Due::Run { slot, late: false },
            Some(slot) if catch_up => Due::Run { slot, late: true },
            Some(slot) => Due::Missed(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn due_once_for_the_latest_slot() {
        let daily = Calendar::new("30 2 * * *", "UTC").unwrap();
        let handled = at("2026-06-01T02:30:00Z");
        let slot = at("2026-06-02T02:30:00Z");
        assert_eq!(daily.due(handled, slot - TimeDelta::milliseconds(1), true), Due::No);
        assert_eq!(daily.due(handled, slot, true), Due::Run { slot, late: false });
        assert_eq!(daily.due(slot, slot, true), Due::No);
        let late = slot + GRACE + TimeDelta::milliseconds(1);
        assert_eq!(daily.due(handled, late, true), Due::Run { slot, late: true });
        assert_eq!(daily.due(handled, late, false), Due::Missed(slot));
        // A week off: one run, for the last of the seven.
        assert_eq!(
            daily.due(handled, at("2026-06-08T12:00:00Z"), true),
            Due::Run { slot: at("2026-06-08T02:30:00Z"), late: true }
        );
    }

    #[test]
    fn a_clock_set_back_is_noticed() {
        let daily = Calendar::new("30 2 * * *", "UTC").unwrap();
        assert_eq!(
            daily.due(at("2030-01-01T02:30:00Z"), at("2026-06-01T00:00:00Z"), true),
            Due::ClockSetBack
        );
    }

    #[test]
    fn slots_in_a_time_zone() {
        let calendar = Calendar::new("0 9 * * 1-5", "America/New_York").unwrap();
        let slots: Vec<_> = calendar.upcoming(at("2026-10-30T00:00:00Z")).take(3).collect();
        // The clocks go back on Sunday 1 November.
        assert_eq!(
            slots,
            [at("2026-10-30T13:00:00Z"), at("2026-11-02T14:00:00Z"), at("2026-11-03T14:00:00Z")]
        );
        let error = Calendar::new("0 9 * * *", "Mars/Olympus\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "time zone \"Mars/Olympus\" is unknown; write an IANA name such as \"Europe/Berlin\" or \"UTC\""
        );
    }
}
