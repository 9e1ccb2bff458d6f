//! What is made of the news of a task that runs: how far it is.

use std::collections::VecDeque;
use std::time::Duration;

use super::progress::TaskProgress;
use super::words::plain_text;

/// How many of the last paths are kept.
const MAX_KEPT_PATHS: usize = 5;

/// Maximum length of a kept path, in letters.
const MAX_PATH_LETTERS: usize = 300;

/// What an entry counts besides its bytes: an empty file takes its time too.
const ENTRY_BYTES: u128 = 64 << 10;

/// Over how long the rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(30);

/// Before this much time, and this much of the work, nothing is said of the time that is left.
const MIN_ESTIMATE_TIME: Duration = Duration::from_secs(10);
const MIN_ESTIMATE_SHARE: f64 = 0.02;

/// What a phase is expected to have: estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Files and folders.
    pub entries: Option<u64>,
    /// Bytes of all files.
    pub bytes: Option<u64>,
}

/// Counts the news of one run of a task. Times are since its beginning.
#[derive(Debug, Default)]
pub struct ProgressTracker {
    /// The phases that are known beforehand, and what share of the work each is.
    steps: Vec<(&'static str, u32)>,
    phase: &'static str,
    phase_began: Duration,
    expected: Expected,
    entries: u64,
    failed: u64,
    bytes: Option<u64>,
    failures_in_a_row: u64,
    paths: VecDeque<String>,
    notice: String,
    silence: String,
    /// When so many bytes had been read.
    read: VecDeque<(Duration, u64)>,
    percent: Option<u8>,
}

impl ProgressTracker {
    /// The phases that will come, with what share of the work each is.
    pub fn steps(&mut self, steps: &[(&'static str, u32)]) {
        self.steps = steps.to_vec();
    }

    /// Begins to count anew, for another part of the work. Tells whether it is another one.
    pub fn phase(&mut self, phase: &'static str, now: Duration) -> bool {
        if self.phase == phase {
            return false;
        }
        let Self { steps, read, percent, .. } = std::mem::take(self);
        *self = Self { steps, read, percent, phase, phase_began: now, ..Self::default() };
        true
    }

    /// What this phase will have, if something is known.
    pub fn expect(&mut self, expected: Expected) {
        self.expected = expected;
    }

    /// An entry is done.
    pub fn done(&mut self, path: &str) {
        self.entries += 1;
        self.failures_in_a_row = 0;
        self.notice.clear();
        self.keep(path);
    }

    /// An entry is done, and could not be saved, read or written.
    pub fn failed(&mut self, what: &str) {
        self.entries += 1;
        self.failed += 1;
        self.failures_in_a_row += 1;
        self.keep(what);
    }

    /// So many entries are done, of which no names are known.
    pub fn counted(&mut self, entries: u64) {
        self.entries = self.entries.max(entries);
    }

    /// One of the entries that are done has so many bytes.
    pub fn sized(&mut self, bytes: u64) {
        self.bytes = Some(self.bytes.unwrap_or(0).saturating_add(bytes));
    }

    /// What holds it up.
    pub fn notice(&mut self, text: &str) {
        self.notice = plain_text(text, MAX_PATH_LETTERS);
    }

    /// That it gives no sign of life; empty if it does.
    pub fn silence(&mut self, text: String) {
        self.silence = text;
    }

    /// So many bytes have been read in all.
    pub fn read(&mut self, bytes: u64, now: Duration) {
        // A process that has ended took its count along.
        if self.read.back().is_some_and(|(_, before)| *before > bytes) {
            self.read.clear();
        }
        self.read.push_back((now, bytes));
        while self.read.front().is_some_and(|(at, _)| now.saturating_sub(*at) > RATE_WINDOW)
            && self.read.len() > 2
        {
            self.read.pop_front();
        }
    }

    /// How many entries failed since the last one that did not.
    pub fn failures_in_a_row(&self) -> u64 {
        self.failures_in_a_row
    }

    /// How many entries are done in this phase, those that failed included.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// How far it is.
    pub fn progress(&mut self, now: Duration) -> TaskProgress {
        let share = self.share();
        let step = self.steps.iter().position(|(phase, _)| *phase == self.phase);
        let percent = share.map(|share| (share * 100.0).floor().clamp(0.0, 99.0) as u8);
        self.percent = self.percent.max(percent);
        let ran = now.saturating_sub(self.phase_began);
        let estimate = |share: f64| ran.mul_f64((1.0 - share) / share).as_secs();
        let sure = |share: &f64| ran >= MIN_ESTIMATE_TIME && *share >= MIN_ESTIMATE_SHARE;
        TaskProgress {
            phase: self.phase.to_owned(),
            step: step.map_or(0, |step| step as u32 + 1),
            steps: step.map_or(0, |_| self.steps.len() as u32),
            entries: self.entries,
            expected_entries: self.expected.entries,
            failed: self.failed,
            bytes: self.bytes,
            expected_bytes: self.expected.bytes,
            // There is more than was expected: how much more nobody knows.
            percent: self.percent.filter(|_| !self.is_beyond_expected()),
            bytes_per_second: self.rate(),
            // Of the last phase, or of the only one: of the others nothing is known.
            seconds_left: self
                .share_of_phase()
                .filter(|_| step.is_none_or(|step| step + 1 == self.steps.len()))
                .filter(|_| self.silence.is_empty())
                .filter(sure)
                .map(estimate),
            paths: self.paths.iter().cloned().collect(),
            notice: self.notice.clone(),
            silence: self.silence.clone(),
            ..TaskProgress::default()
        }
        .in_words()
    }

    fn keep(&mut self, path: &str) {
        self.paths.truncate(MAX_KEPT_PATHS - 1);
        self.paths.push_front(plain_text(path, MAX_PATH_LETTERS));
    }

    /// Whether this phase has more than was expected of it.
    fn is_beyond_expected(&self) -> bool {
        let beyond = |done: Option<u64>, expected: Option<u64>| {
            done.zip(expected).is_some_and(|(done, expected)| done > expected)
        };
        beyond(Some(self.entries), self.expected.entries) || beyond(self.bytes, self.expected.bytes)
    }

    /// How much of this phase is done, under 1.
    fn share_of_phase(&self) -> Option<f64> {
        let expected = self.expected.entries.filter(|expected| *expected >= self.entries)?;
        let weight =
            |entries: u64, bytes: u64| u128::from(entries) * ENTRY_BYTES + u128::from(bytes);
        let (done, all) = match (self.bytes, self.expected.bytes) {
            (Some(bytes), Some(all)) => {
                (weight(self.entries, bytes.min(all)), weight(expected, all))
            }
            _ => (weight(self.entries, 0), weight(expected, 0)),
        };
        (all > 0).then(|| (done as f64 / all as f64).min(0.999))
    }

    /// How much of the whole is done, under 1.
    fn share(&self) -> Option<f64> {
        let Some(step) = self.steps.iter().position(|(phase, _)| *phase == self.phase) else {
            return self.share_of_phase().filter(|_| self.steps.is_empty());
        };
        let sum =
            |steps: &[(&str, u32)]| steps.iter().map(|(_, share)| f64::from(*share)).sum::<f64>();
        let (before, whole) = (sum(&self.steps[..step]), sum(&self.steps));
        let here = self.share_of_phase().unwrap_or(0.0) * f64::from(self.steps[step].1);
        (step > 0 || self.expected.entries.is_some()).then(|| (before + here) / whole)
    }

    fn rate(&self) -> Option<u64> {
        let ((from, before), (to, after)) = (self.read.front()?, self.read.back()?);
        let seconds = to.saturating_sub(*from).as_secs_f64();
        (seconds >= 1.0).then(|| ((after - before) as f64 / seconds) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEPS: [(&str, u32); 3] = [("restoring", 50), ("reading again", 40), ("comparing", 10)];

    #[derive(Clone, Debug)]
    enum News {
        Phase(usize),
        Expect(Option<u64>, Option<u64>),
        Done,
        Failed,
        Sized(u64),
        Counted(u64),
        Read(u64),
    }

    fn news() -> impl Strategy<Value = News> {
        prop_oneof![
            1 => (0..4_usize).prop_map(News::Phase),
            1 => (prop::option::of(0..40_u64), prop::option::of(any::<u64>()))
                .prop_map(|(entries, bytes)| News::Expect(entries, bytes)),
            8 => Just(News::Done),
            2 => Just(News::Failed),
            4 => any::<u64>().prop_map(News::Sized),
            1 => (0..50_u64).prop_map(News::Counted),
            2 => any::<u64>().prop_map(News::Read),
        ]
    }

    proptest! {
        #[test]
        fn it_never_goes_backwards_and_is_never_whole_before_the_end(
            with_steps: bool, all in prop::collection::vec(news(), 0..200)
        ) {
            let mut tracker = ProgressTracker::default();
            if with_steps {
                tracker.steps(&STEPS);
            }
            let (mut last, mut now) = (None, Duration::ZERO);
            for one in all {
                now += Duration::from_millis(700);
                match one {
                    News::Phase(number) => {
                        let phase = STEPS.get(number).map_or("something else", |step| step.0);
                        tracker.phase(phase, now);
                    }
                    News::Expect(entries, bytes) => tracker.expect(Expected { entries, bytes }),
                    News::Done => tracker.done("/a"),
                    News::Failed => tracker.failed("/b: gone"),
                    News::Sized(bytes) => tracker.sized(bytes),
                    News::Counted(entries) => tracker.counted(entries),
                    News::Read(bytes) => tracker.read(bytes, now),
                }
                let progress = tracker.progress(now);
                // None is shown while there is more than was expected.
                let percent = progress.percent.or(last);
                prop_assert!(percent >= last, "{last:?} then {progress:?}");
                prop_assert!(progress.percent.is_none_or(|percent| percent < 100));
                prop_assert!(progress.paths.len() <= MAX_KEPT_PATHS);
                prop_assert!(!progress.line().contains("100 %"));
                last = percent;
            }
        }
    }

    #[test]
    fn what_is_known_makes_the_percentage() {
        let mut tracker = ProgressTracker::default();
        tracker.phase("backing up", Duration::ZERO);
        tracker.done("/a");
        // Nothing is known to compare with.
        assert_eq!(tracker.progress(Duration::from_secs(1)).percent, None);
        tracker.expect(Expected { entries: Some(4), bytes: Some(4 << 20) });
        assert_eq!(tracker.progress(Duration::from_secs(1)).percent, Some(25));
        // One that has nearly all the bytes.
        tracker.done("/b");
        tracker.sized(3 << 20);
        assert_eq!(tracker.progress(Duration::from_secs(1)).percent, Some(73));
        tracker.read(0, Duration::from_secs(1));
        tracker.read(40 << 20, Duration::from_secs(11));
        let progress = tracker.progress(Duration::from_secs(20));
        assert_eq!(
            (progress.bytes_per_second, progress.seconds_left),
            (Some(4 << 20), Some(7)),
            "{progress:?}"
        );
        // More than there were: nothing is said of what is left, nor of a share.
        (0..5).for_each(|_| tracker.done("/c"));
        let progress = tracker.progress(Duration::from_secs(30));
        assert_eq!((progress.percent, progress.seconds_left), (None, None));
    }

    #[test]
    fn there_is_no_share_of_more_than_was_expected() {
        let mut tracker = ProgressTracker::default();
        tracker.phase("backing up", Duration::ZERO);
        tracker.expect(Expected { entries: Some(2), bytes: None });
        let mut percent = Vec::new();
        for path in ["/a", "/b", "/c"] {
            tracker.done(path);
            percent.push(tracker.progress(Duration::from_secs(9)).percent);
        }
        assert_eq!(percent, [Some(50), Some(99), None]);
    }

    #[test]
    fn failures_in_a_row_are_counted_until_something_goes_well() {
        let mut tracker = ProgressTracker::default();
        (0..3).for_each(|_| tracker.failed("/a: 503"));
        tracker.notice("the drive answers 503");
        assert_eq!(tracker.failures_in_a_row(), 3);
        tracker.done("/b");
        let progress = tracker.progress(Duration::ZERO);
        assert_eq!((tracker.failures_in_a_row(), progress.failed), (0, 3));
        assert!(progress.notice.is_empty() && progress.paths[0] == "/b");
    }
}
