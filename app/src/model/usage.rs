//! Processor and memory of a task over its run: a bounded number of points, whatever it takes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Maximum number of points that are kept of a task: when there would be more, two become one.
pub const MAX_USAGE_POINTS: usize = 120;

/// What Plakar and all that it started for a task took, over a part of its run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePoint {
    /// When that part ended, in seconds since the task began.
    pub seconds: f64,
    /// How much of a processor they took on average, in per cent of one; two that compute all the
    /// time are 200.
    pub processor: f64,
    /// The most memory that they held, in bytes; what several share counts for each.
    pub memory: u64,
}

/// Processor and memory of a task over its run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskUsage {
    /// From the beginning to the end, 120 at most.
    pub points: Vec<UsagePoint>,
}

impl TaskUsage {
    /// The most that they took of a processor and of memory.
    pub fn most(&self) -> Option<(f64, u64)> {
        let processor = self.points.iter().map(|point| point.processor).reduce(f64::max)?;
        Some((processor, self.points.iter().map(|point| point.memory).max()?))
    }
}

/// Takes measurements and makes points of them.
#[derive(Clone, Debug)]
pub struct UsageRecorder {
    usage: TaskUsage,
    /// How many measurements a point is made of.
    stride: u32,
    /// Those that are no point yet.
    open: OpenPoint,
    /// Until when there are points, since the task began.
    until: Duration,
}

/// Measurements that are no point yet.
#[derive(Clone, Copy, Debug, Default)]
struct OpenPoint {
    count: u32,
    computed: Duration,
    memory: u64,
}

impl UsageRecorder {
    /// Without measurements; the first part of the run begins so long after its beginning.
    pub fn new(from: Duration) -> Self {
        Self { usage: TaskUsage::default(), stride: 1, open: OpenPoint::default(), until: from }
    }

    /// Takes a measurement at a time since the task began: how long processors have computed since
    /// the one before, and how many bytes are held. Gives all points if there is a new one.
    pub fn take(&mut self, at: Duration, computed: Duration, memory: u64) -> Option<&TaskUsage> {
        self.open.count += 1;
        self.open.computed += computed;
        self.open.memory = self.open.memory.max(memory);
        if self.open.count < self.stride || at <= self.until {
            return None;
        }
        let passed = (at - self.until).as_secs_f64();
        let OpenPoint { computed, memory, .. } = std::mem::take(&mut self.open);
        let processor = tenths(100.0 * computed.as_secs_f64() / passed);
        self.usage.points.push(UsagePoint { seconds: tenths(at.as_secs_f64()), processor, memory });
        self.until = at;
        if self.usage.points.len() > MAX_USAGE_POINTS {
            self.halve();
        }
        Some(&self.usage)
    }

    /// Makes one of two, and of those that come.
    fn halve(&mut self) {
        let mut before = 0.0;
        let both = |pair: &[UsagePoint]| {
            let mut work = 0.0;
            let begin = before;
            for point in pair {
                work += point.processor * (point.seconds - before);
                before = point.seconds;
            }
            let passed = before - begin;
            let processor = if passed > 0.0 { tenths(work / passed) } else { 0.0 };
            let memory = pair.iter().map(|point| point.memory).max().unwrap_or_default();
            UsagePoint { seconds: before, processor, memory }
        };
        self.usage.points = self.usage.points.chunks(2).map(both).collect();
        self.stride = self.stride.saturating_mul(2);
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_point_is_what_was_computed_of_the_time_that_passed() {
        let mut recorder = UsageRecorder::new(SECOND);
        assert_eq!(recorder.take(SECOND, SECOND, 7), None, "no time has passed");
        let usage = recorder.take(3 * SECOND, 2 * SECOND, 5).unwrap().clone();
        assert_eq!(usage.points, [UsagePoint { seconds: 3.0, processor: 150.0, memory: 7 }]);
        let usage = recorder.take(5 * SECOND, SECOND / 2, 5).unwrap();
        assert_eq!(usage.points[1], UsagePoint { seconds: 5.0, processor: 25.0, memory: 5 });
        assert_eq!(usage.most(), Some((150.0, 7)));
        assert_eq!(TaskUsage::default().most(), None);
    }

    #[test]
    fn a_long_run_has_no_more_points_than_a_short_one_and_its_peak() {
        let mut recorder = UsageRecorder::new(Duration::ZERO);
        let (mut longest, mut last) = (0, TaskUsage::default());
        for second in 1..=36_000_u32 {
            // One second of all has a peak.
            let memory = if second == 20_000 { 1 << 30 } else { 100 };
            let taken = recorder.take(second * SECOND, SECOND / 2, memory);
            if let Some(usage) = taken {
                longest = longest.max(usage.points.len());
                last = usage.clone();
            }
        }
        assert!(longest <= MAX_USAGE_POINTS, "{longest}");
        assert!(last.points.len() > MAX_USAGE_POINTS / 3, "{}", last.points.len());
        assert_eq!(last.most(), Some((50.0, 1 << 30)));
        assert!(last.points.iter().all(|point| point.processor == 50.0), "{last:?}");
        assert!(last.points.is_sorted_by(|a, b| a.seconds < b.seconds));
        assert!(last.points.last().unwrap().seconds > 35_000.0);
        let text = serde_json::to_string(&last).unwrap();
        assert!(text.len() < 10_000, "{} bytes", text.len());
    }
}
