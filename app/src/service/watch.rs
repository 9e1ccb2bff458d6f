//! Watches a task that runs: it is ended when it gives no sign of life, takes longer than its app
//! allows, or fails on everything.

use std::time::{Duration, Instant};

use super::meter::Meter;
use super::usage_sampler::sample;
use crate::model::{count_text, duration_text};
use crate::scheduler::WatchSettings;
use plakar_driver::{CancellationToken, VitalSigns, Vitals, disk_space};

/// Minimum number of bytes that are a sign of life: what a runtime writes to wake its own threads
/// is less, a single question to a drive is more.
const MIN_MOVED_BYTES: u64 = 512;

/// Minimum share of the time that has to be computed to be a sign of life: a runtime that only
/// waits tidies up now and then.
const MIN_COMPUTED_SHARE: f64 = 0.01;

/// Free space, in bytes, below which a folder for temporary files is taken for full.
const MIN_FREE_BYTES: u64 = 1 << 20;

/// Why a task was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    /// In words, for its verdict.
    pub(super) reason: String,
    /// Whether the same may go well at another time.
    pub(super) retry: bool,
}

/// What watches a task.
pub(super) struct Watch {
    pub(super) settings: WatchSettings,
    /// How long the task may run.
    pub(super) time_limit: Option<Duration>,
    pub(super) meter: Meter,
    pub(super) vitals: Vitals,
}

impl Watch {
    /// Waits until the task has to be ended, which may be never, and gives why.
    pub(super) async fn until_stopped(self) -> Stopped {
        let mut pulse = Pulse::new(Instant::now());
        let mut interval = self.settings.interval;
        if let Some(limit) = self.time_limit {
            interval = interval.min(limit);
        }
        loop {
            tokio::time::sleep(interval).await;
            let (vitals, meter) = (self.vitals.clone(), self.meter.clone());
            // The system's files may let wait.
            let Ok(signs) = tokio::task::spawn_blocking(move || vitals.signs()).await else {
                continue;
            };
            if let Some(stopped) = self.look(&mut pulse, signs.as_ref(), &meter) {
                return stopped;
            }
        }
    }

    fn look(
        &self,
        pulse: &mut Pulse,
        signs: Option<&VitalSigns>,
        meter: &Meter,
    ) -> Option<Stopped> {
        if let Some(stopped) = self.time_limit.and_then(|limit| over(limit, meter.ran())) {
            return Some(stopped);
        }
        let (failures, last) = meter.failures();
        if failures >= self.settings.max_failures_in_a_row {
            let reason =
                format!("it gave up after {failures} failures in a row; the last was: {last}");
            return Some(Stopped { reason, retry: true });
        }
        let silent = pulse.feel(meter.news(), signs, Instant::now());
        let factor = if pulse.sees_processes { 1 } else { self.settings.lines_only_factor };
        let why = || cause(signs, &meter.complaint());
        let time = || duration_text(chrono::TimeDelta::from_std(silent).unwrap_or_default());
        if silent >= self.settings.silence_limit * factor {
            let reason = format!("it gave no sign of life for {} and was ended{}", time(), why());
            return Some(Stopped { reason, retry: true });
        }
        let warned = silent >= self.settings.silence_warning * factor;
        let said =
            if warned { format!("no sign of life for {}{}", time(), why()) } else { String::new() };
        meter.see(|tracker, now| {
            tracker.silence(said);
            if let Some(signs) = signs {
                tracker.read(signs.read, now);
            }
        });
        None
    }
}

/// Why a task is ended that may run so long and ran so long, if it is.
fn over(limit: Duration, ran: Duration) -> Option<Stopped> {
    let minutes = limit.as_secs() / 60;
    let reason = || format!("it ran longer than its limit of {}", count_text(minutes, "minute"));
    // The same would take as long again.
    (ran >= limit).then(|| Stopped { reason: reason(), retry: false })
}

/// Why there is no sign of life, if that can be told.
fn cause(signs: Option<&VitalSigns>, complaint: &str) -> String {
    let stopped: Vec<String> = signs
        .into_iter()
        .flat_map(|signs| &signs.stopped)
        .map(|(name, id)| format!("the process {id} ({name}) is stopped"))
        .collect();
    if !stopped.is_empty() {
        return format!(": {}", stopped.join(", "));
    }
    if !complaint.is_empty() {
        return format!(": plakar said {complaint}");
    }
    let folder = std::env::temp_dir();
    if is_full(&folder) {
        return format!(": the folder for temporary files {} is full", folder.display());
    }
    String::new()
}

fn is_full(folder: &std::path::Path) -> bool {
    disk_space(folder).is_some_and(|space| space.free < MIN_FREE_BYTES)
}

/// Since when a task gives no sign of life.
struct Pulse {
    /// The last sign.
    at: Instant,
    news: u64,
    signs: Option<VitalSigns>,
    /// Whether more than lines is seen.
    sees_processes: bool,
}

impl Pulse {
    fn new(now: Instant) -> Self {
        Self { at: now, news: 0, signs: None, sees_processes: false }
    }

    /// How long it has been silent now.
    fn feel(&mut self, news: u64, signs: Option<&VitalSigns>, now: Instant) -> Duration {
        self.sees_processes = signs.is_some();
        let silent = now.saturating_duration_since(self.at);
        let lives = match (&self.signs, signs) {
            (Some(before), Some(signs)) => {
                // A count that is less is one of other processes.
                before.processes != signs.processes
                    || signs.moved.abs_diff(before.moved) >= MIN_MOVED_BYTES
                    || signs.computed.saturating_sub(before.computed)
                        > silent.mul_f64(MIN_COMPUTED_SHARE)
            }
            (None, None) => false,
            _ => true,
        };
        if !lives && news == self.news {
            return silent;
        }
        (self.at, self.news, self.signs) = (now, news, signs.cloned());
        Duration::ZERO
    }
}

/// Runs some work until it has ended, or until it has to be ended: then it is cancelled, and after
/// a while left. Gives why, too.
pub(super) async fn watched<T>(
    watch: Watch,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> (Option<T>, Option<Stopped>) {
    let (timeout, interval) = (watch.settings.end_timeout, watch.settings.sample_interval);
    let (vitals, meter) = (watch.vitals.clone(), watch.meter.clone());
    tokio::pin!(work);
    let stopped = tokio::select! {
        ended = &mut work => return (Some(ended), None),
        never = sample(&vitals, &meter, interval) => match never {},
        stopped = watch.until_stopped() => stopped,
    };
    cancel.cancel();
    let ended = tokio::time::timeout(timeout, work).await.ok();
    (ended, Some(stopped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{Job, Scheduler, Settings, SystemClock};
    use crate::state::{AppSpec, Cause, NewTask, State, TaskKind};

    fn signs(moved: u64, computed: u64, processes: &[u32]) -> VitalSigns {
        VitalSigns {
            moved,
            computed: Duration::from_millis(computed),
            processes: processes.to_vec(),
            ..VitalSigns::default()
        }
    }

    /// A task that runs, in a state of its own.
    fn job() -> (tempfile::TempDir, Job) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        let spec = AppSpec::plain_source("mine");
        let app = state.add_app(&spec, chrono::Utc::now()).unwrap().id;
        let scheduler = Scheduler::new(state, SystemClock, Settings::default());
        let (kind, cause) = (TaskKind::Backup, Cause::Manual);
        let job = scheduler.begin(&NewTask { app, kind, cause, input: serde_json::json!({}) });
        (folder, job.unwrap())
    }

    /// Has some work watched that may take so long, and that hears when it shall end, or does not.
    async fn ends(limit: Duration, hears: bool) -> (Option<&'static str>, Option<Stopped>) {
        let (_folder, job) = job();
        let settings =
            WatchSettings { end_timeout: Duration::from_millis(50), ..Default::default() };
        let meter = Meter::new(&job);
        let watch = Watch { settings, time_limit: Some(limit), meter, vitals: Vitals::default() };
        let cancel = job.cancel.clone();
        let work = async {
            tokio::select! {
                () = cancel.cancelled(), if hears => "cancelled",
                () = tokio::time::sleep(Duration::from_secs(5)), if limit > Duration::from_secs(1) => "well",
                () = std::future::pending() => "never",
            }
        };
        watched(watch, &job.cancel, work).await
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_cancelled_and_then_left() {
        let limit = Duration::from_millis(20);
        let stopped = over(limit, limit);
        assert_eq!(ends(limit, true).await, (Some("cancelled"), stopped.clone()));
        assert_eq!(ends(limit, false).await, (None, stopped));
        tokio::time::pause();
        assert_eq!(ends(Duration::from_secs(60), true).await, (Some("well"), None));
    }

    #[test]
    fn a_time_limit_is_told_in_minutes() {
        let (limit, minute) = (Duration::from_secs(90 * 60), Duration::from_secs(60));
        assert_eq!(over(limit, 89 * minute), None);
        let reason = "it ran longer than its limit of 90 minutes".to_owned();
        assert_eq!(over(limit, 90 * minute), Some(Stopped { reason, retry: false }));
        assert!(over(minute, minute).unwrap().reason.ends_with("limit of 1 minute"));
    }

    #[test]
    fn what_is_a_sign_of_life_and_what_is_none() {
        let begun = Instant::now();
        let at = |minutes: u64| begun + Duration::from_secs(60 * minutes);
        let minutes = |silent: Duration| silent.as_secs() / 60;
        let mut pulse = Pulse::new(begun);
        let first = signs(1000, 0, &[7, 8]);
        assert_eq!(minutes(pulse.feel(0, Some(&first), at(1))), 0);
        // What a runtime does by itself: some bytes, a hundredth of a processor's time.
        for minute in 2..60 {
            let idle = signs(1000 + minute, minute * 20, &[7, 8]);
            assert_eq!(minutes(pulse.feel(0, Some(&idle), at(minute))), minute - 1);
        }
        // One question to a drive.
        assert_eq!(minutes(pulse.feel(0, Some(&signs(1700, 1200, &[7, 8])), at(60))), 0);
        assert_eq!(minutes(pulse.feel(0, Some(&signs(1700, 1200, &[7, 8])), at(61))), 1);
        // Work of a processor, another process, a line.
        assert_eq!(minutes(pulse.feel(0, Some(&signs(1700, 9000, &[7, 8])), at(62))), 0);
        assert_eq!(minutes(pulse.feel(0, Some(&signs(1700, 9000, &[7])), at(70))), 0);
        assert_eq!(minutes(pulse.feel(1, Some(&signs(1700, 9000, &[7])), at(80))), 0);
        assert_eq!(minutes(pulse.feel(1, Some(&signs(1700, 9000, &[7])), at(95))), 15);
        // Where only lines are seen.
        assert_eq!(minutes(pulse.feel(1, None, at(96))), 0);
        assert_eq!(minutes(pulse.feel(1, None, at(97))), 1);
        assert!(!pulse.sees_processes);
        assert_eq!(minutes(pulse.feel(2, None, at(98))), 0);
    }
}
