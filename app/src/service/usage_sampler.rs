//! Measures what Plakar takes of processors and memory while a task runs.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use super::meter::Meter;
use crate::model::UsageRecorder;
use plakar_driver::{VitalSigns, Vitals};

/// How much shorter than the others the first interval is: a task may take a second only.
const FIRST_PART: u32 = 8;

/// Measures until it is dropped, at last in this interval; where processes are not seen nothing is
/// measured.
pub(super) async fn sample(vitals: &Vitals, meter: &Meter, longest: Duration) -> Infallible {
    let (mut sampler, mut interval) = (None, longest / FIRST_PART);
    loop {
        tokio::time::sleep(interval).await;
        let looked = vitals.clone();
        // The system's files may let wait.
        let signs = tokio::task::spawn_blocking(move || looked.signs()).await.ok().flatten();
        let at = meter.ran();
        match (&mut sampler, signs) {
            // Nothing has run yet: what ran since then began within the interval.
            (None, None) => {}
            (None, Some(signs)) => {
                let mut begun = Sampler::new(at.saturating_sub(interval));
                begun.take(at, &signs, meter);
                sampler = Some(begun);
            }
            // Between two commands of Plakar's nothing is taken.
            (Some(sampler), signs) => sampler.take(at, &signs.unwrap_or_default(), meter),
        }
        interval = longest.min(interval * 2);
    }
}

struct Sampler {
    recorder: UsageRecorder,
    /// How long each process had computed.
    computed: HashMap<u32, Duration>,
}

impl Sampler {
    fn new(from: Duration) -> Self {
        Self { recorder: UsageRecorder::new(from), computed: HashMap::new() }
    }

    fn take(&mut self, at: Duration, signs: &VitalSigns, meter: &Meter) {
        let computed = self.since(signs);
        if let Some(usage) = self.recorder.take(at, computed, signs.resident) {
            meter.usage(usage);
        }
    }

    /// How long they have computed since they were looked at before: of a new one all of it, of one
    /// that has ended nothing more is known.
    fn since(&mut self, signs: &VitalSigns) -> Duration {
        let now: HashMap<u32, Duration> =
            signs.processes.iter().copied().zip(signs.times.iter().copied()).collect();
        let before = |process: &u32| self.computed.get(process).copied().unwrap_or_default();
        let since = now.iter().map(|(process, time)| time.saturating_sub(before(process))).sum();
        self.computed = now;
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_takes_nothing_back() {
        let signs = |times: &[(u32, u64)]| VitalSigns {
            processes: times.iter().map(|(process, _)| *process).collect(),
            times: times.iter().map(|(_, time)| Duration::from_secs(*time)).collect(),
            ..VitalSigns::default()
        };
        let mut sampler = Sampler::new(Duration::ZERO);
        for (times, since) in
            [(&[(7, 2), (8, 1)][..], 3), (&[(7, 3), (8, 1)], 1), (&[(7, 4)], 1), (&[(9, 1)], 1)]
        {
            assert_eq!(sampler.since(&signs(times)), Duration::from_secs(since), "{times:?}");
        }
    }
}
