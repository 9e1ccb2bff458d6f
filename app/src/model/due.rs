//! Whether a schedule is due, from what has been dealt with and the time: no state, no clock of its
//! own.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::cron::CronExpression;
use super::invalid::Invalid;
use super::random_delay::RandomDelay;

/// A slot seen up to this long after its run should begin is on time. Later it counts as missed: the machine
/// was off or asleep, or nobody called `run --due`. Timers may be some minutes late without harm.
pub const GRACE: TimeDelta = TimeDelta::minutes(10);

/// A cron expression in its time zone, and how much later than its slots the runs begin.
#[derive(Clone, Debug)]
pub struct Calendar {
    expression: CronExpression,
    zone: Tz,
    delay: RandomDelay,
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
        Ok(Self { expression, zone, delay: RandomDelay::default() })
    }

    /// The same slots, whose runs begin later. Of two that follow each other the first one has to
    /// begin before the slot of the second one.
    #[must_use]
    pub fn delayed(self, delay: RandomDelay) -> Self {
        Self { delay, ..self }
    }

    /// The longest time between a slot and the beginning of its run.
    pub fn longest_delay(&self) -> TimeDelta {
        self.delay.longest()
    }

    /// When the run of a slot begins.
    pub fn begins(&self, slot: DateTime<Utc>) -> DateTime<Utc> {
        slot + self.delay.of(slot)
    }

    /// The first slot whose run begins after an instant; the slot itself may be before it.
    pub fn next_to_begin(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = after - self.delay.longest() - TimeDelta::milliseconds(1);
        self.upcoming(first).find(|slot| self.begins(*slot) > after)
    }

    /// When the run begins whose slot was there already; none if that has begun, too.
    pub fn about_to_begin(
        &self,
        handled: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let slot = self.latest(handled, now)?;
        Some(self.begins(slot)).filter(|begin| *begin > now)
    }

    /// The last slot after `handled` whose run has to have begun.
    fn latest_begun(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let latest = self.latest(handled, now)?;
        if self.begins(latest) <= now {
            return Some(latest);
        }
        let before = self.latest(handled, latest - TimeDelta::milliseconds(1))?;
        Some(before).filter(|slot| self.begins(*slot) <= now)
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
        match self.latest_begun(handled, now) {
            None => Due::No,
            Some(slot) if now - self.begins(slot) <= GRACE => Due::Run { slot, late: false },
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
    fn a_run_begins_after_its_delay_and_is_late_only_after_that() {
        let delay = RandomDelay::new(60, "app/1");
        let daily = Calendar::new("0 2 * * *", "UTC").unwrap().delayed(delay);
        for day in 0..50 {
            let slot = at("2026-06-02T02:00:00Z") + TimeDelta::days(day);
            let (handled, begin) = (slot - TimeDelta::days(1), daily.begins(slot));
            let just_before = begin - TimeDelta::milliseconds(1);
            assert!((slot..slot + TimeDelta::hours(1)).contains(&begin));
            assert_eq!(daily.due(handled, just_before, false), Due::No);
            let about = (begin > slot).then_some(begin);
            assert_eq!(daily.about_to_begin(handled, slot), about);
            assert_eq!(daily.next_to_begin(just_before), Some(slot));
            assert_eq!(daily.next_to_begin(begin), Some(slot + TimeDelta::days(1)));
            // However long after the slot, it is no missed one.
            let on_time = Due::Run { slot, late: false };
            assert_eq!(daily.due(handled, begin, false), on_time);
            assert_eq!(daily.due(handled, begin + GRACE, false), on_time);
            let late = begin + GRACE + TimeDelta::seconds(1);
            assert_eq!(daily.due(handled, late, false), Due::Missed(slot));
            assert_eq!(daily.due(slot, late, false), Due::No);
        }
        // A slot of before whose time has come does not wait for the next one's delay.
        let hourly = Calendar::new("0 * * * *", "UTC").unwrap().delayed(RandomDelay::new(30, "x"));
        let slots: Vec<_> = hourly.upcoming(at("2026-06-01T00:30:00Z")).take(100).collect();
        let waits = slots.windows(2).find(|pair| hourly.begins(pair[1]) > pair[1]).unwrap();
        let handled = waits[0] - TimeDelta::minutes(1);
        assert_eq!(hourly.due(handled, waits[1], true), Due::Run { slot: waits[0], late: true });
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
