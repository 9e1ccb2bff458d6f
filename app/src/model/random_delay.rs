//! How much later than its time a run begins, so that not all begin at once.
//!
//! The delay is random for whoever looks at several runs or several apps, and yet always the same for
//! one run of one app: several processes and a restart come to the same time, and a page can show it.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::words::count_text;

/// A delay of up to so many minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RandomDelay {
    minutes: u32,
    seed: u64,
}

impl RandomDelay {
    /// Up to so many minutes, by what tells the runs of one app and schedule from those of another.
    pub fn new(minutes: u32, of: &str) -> Self {
        Self { minutes, seed: hash(of.as_bytes()) }
    }

    /// The longest that it may be.
    pub fn longest(self) -> TimeDelta {
        TimeDelta::minutes(self.minutes.into())
    }

    /// That of the run of this slot, in whole seconds.
    pub fn of(self, slot: DateTime<Utc>) -> TimeDelta {
        if self.minutes == 0 {
            return TimeDelta::zero();
        }
        let mut bytes = self.seed.to_be_bytes().to_vec();
        bytes.extend(slot.timestamp().to_be_bytes());
        let seconds = hash(&bytes) % (u64::from(self.minutes) * 60);
        TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default())
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// `, up to 30 minutes later at random`; nothing without a delay.
pub fn delay_text(minutes: u32) -> String {
    match minutes {
        0 => String::new(),
        minutes => format!(", up to {} later at random", count_text(minutes.into(), "minute")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> impl Iterator<Item = DateTime<Utc>> {
        let first: DateTime<Utc> = "2026-06-01T02:00:00Z".parse().unwrap();
        (0..1000).map(move |day| first + TimeDelta::days(day))
    }

    #[test]
    fn a_delay_is_the_same_each_time_and_spread_over_its_minutes() {
        let delay = RandomDelay::new(30, "key/7");
        let delays: Vec<i64> = slots().map(|slot| delay.of(slot).num_seconds()).collect();
        let again = RandomDelay::new(30, "key/7");
        assert!(slots().zip(&delays).all(|(slot, was)| again.of(slot).num_seconds() == *was));
        assert!(delays.iter().all(|seconds| (0..1800).contains(seconds)));
        let in_part = |part: i64| delays.iter().filter(|one| **one / 300 == part).count();
        assert!((0..6).all(|part| in_part(part) > 100), "{delays:?}");
        // Another app, or another schedule of it, has its own.
        let other = RandomDelay::new(30, "key/8");
        let same =
            slots().zip(&delays).filter(|(slot, was)| other.of(*slot).num_seconds() == **was);
        assert!(same.count() < 20);
        assert_eq!(RandomDelay::default().of(slots().next().unwrap()), TimeDelta::zero());
    }

    #[test]
    fn a_delay_is_told_in_words() {
        assert_eq!(delay_text(0), "");
        assert_eq!(delay_text(30), ", up to 30 minutes later at random");
    }
}
