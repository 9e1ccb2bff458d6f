//! How the scheduler behaves.

use std::time::Duration;

use chrono::TimeDelta;

/// How the scheduler behaves. The defaults are meant for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tasks that this process runs side by side.
    pub parallel: usize,
    /// Whether backups and prunes into one store wait for each other.
    pub one_writer_per_store: bool,
    /// How often a scheduled task is run in all, the first time included.
    pub attempts: u32,
    /// Before the second attempt; each further one waits twice as long.
    pub first_retry: TimeDelta,
    /// Maximum wait before an attempt.
    pub max_retry_wait: TimeDelta,
    /// Before a locked store is tried again. Plakar's locks are left behind for up to ten minutes.
    pub lock_retry: TimeDelta,
    /// How long a locked store is waited for before it is an error.
    pub lock_timeout: TimeDelta,
    /// Maximum sleep of the loop: a suspended machine wakes up with its timers behind.
    pub max_sleep: Duration,
    /// How often a running task says that it lives and looks whether somebody cancelled it.
    pub heartbeat: Duration,
    /// Finished tasks kept for each app.
    pub keep_tasks: u32,
    /// How long finished tasks are kept.
    pub keep_for: TimeDelta,
    /// How a task that runs is watched.
    pub watch: WatchSettings,
}

/// When it is said that a running task gives no sign of life, and when it is given up. A sign is a
/// line of Plakar's, bytes that it or a connector reads or writes, or the work of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// How often it is looked.
    pub interval: Duration,
    /// How often processor and memory are measured.
    pub sample_interval: Duration,
    /// After so long without a sign it is said on the task.
    pub silence_warning: Duration,
    /// After so long it is ended, as failed.
    pub silence_limit: Duration,
    /// Where only lines can be seen, both are so many times as long: one large file gives none for
    /// hours.
    pub lines_only_factor: u32,
    /// After so many entries in a row that failed a backup or a restore is given up.
    pub max_failures_in_a_row: u64,
    /// How long a task that was told to end may take for it before it is left to itself.
    pub end_timeout: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            sample_interval: Duration::from_secs(2),
            silence_warning: Duration::from_secs(10 * 60),
            silence_limit: Duration::from_secs(60 * 60),
            lines_only_factor: 12,
            max_failures_in_a_row: 1000,
            end_timeout: Duration::from_secs(180),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallel: 2,
            one_writer_per_store: false,
            attempts: 3,
            first_retry: TimeDelta::minutes(5),
            max_retry_wait: TimeDelta::hours(1),
            lock_retry: TimeDelta::minutes(3),
            lock_timeout: TimeDelta::hours(6),
            max_sleep: Duration::from_secs(15),
            heartbeat: Duration::from_secs(1),
            keep_tasks: 500,
            keep_for: TimeDelta::days(365),
            watch: WatchSettings::default(),
        }
    }
}

impl Settings {
    /// The wait before attempt number `attempt` (2 is the first retry).
    pub fn backoff(&self, attempt: u32) -> TimeDelta {
        let doublings = attempt.saturating_sub(2).min(20);
        self.first_retry
            .checked_mul(1 << doublings)
            .unwrap_or(self.max_retry_wait)
            .min(self.max_retry_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let settings = Settings::default();
        let minutes: Vec<i64> =
            (2..9).map(|attempt| settings.backoff(attempt).num_minutes()).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(settings.backoff(u32::MAX).num_minutes(), 60);
    }
}
