//! Random faults that a patient client survives, and how many there were.

use std::collections::BTreeMap;

use fastrand::Rng;
use opendrive_sim::{Fault, Simulator, What};

/// How many faults of each kind have fired.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, u64>);

/// A plan for a round: each kind with a good chance, at a rate that ten tries of a call do not meet
/// all. `damaged` is a file that is damaged on its way once: only a download of a whole file has a
/// hash to compare.
pub fn plan(rng: &mut Rng, damaged: Option<&str>) -> Vec<Fault> {
    let status =
        |code, retry_after| What::Status { code, message: "The soak says no".into(), retry_after };
    let retry_after = rng.bool().then_some(1);
    let kinds = [
        (0.03, status(429, retry_after)),
        (0.03, status(500, None)),
        (0.03, status(503, None)),
        (0.05, What::Delay { ms: rng.u64(20..1_500) }),
        (0.15, What::CutBody { after: rng.u64(0..200_000) }),
        (0.02, What::Reset),
        (0.02, What::LoseAnswer),
        (0.005, What::ExpireSessions),
        (0.03, What::CorruptUpload),
        (0.2, What::LagNames { seconds: 0.5 + 3.0 * rng.f64() }),
    ];
    let chosen: Vec<_> = kinds.into_iter().filter(|_| rng.f64() < 0.6).collect();
    let mut faults: Vec<Fault> =
        chosen.into_iter().map(|(rate, what)| Fault::new(what).chance(rate, rng.u64(..))).collect();
    if let Some(path) = damaged.filter(|_| rng.bool()) {
        faults.push(Fault::new(What::CorruptBody).item(&format!("/{path}")));
    }
    faults
}

impl Tally {
    /// Ends the faults of a simulator and counts those that fired.
    pub fn end(&mut self, simulator: &Simulator) {
        for (fault, fired) in simulator.faults() {
            let name = match &fault.what {
                What::Status { code, .. } => format!("status {code}"),
                what => format!("{what:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
            };
            *self.0.entry(name).or_default() += fired;
        }
        simulator.set_faults(Vec::new());
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<String> =
            self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        write!(f, "{} faults ({})", self.total(), kinds.join(", "))
    }
}
