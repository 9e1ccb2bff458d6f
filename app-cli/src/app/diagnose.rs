//! `app diagnose`.

use source_app::model::{Diagnosis, DiagnosisGroup, DiagnosisItem, DiagnosisVerdict};

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, shown};

/// Show what is known of this machine and its programs: versions, memory, free space, sizes
///
/// It tells whether Plakar's package is the one that came with this program, and whether enough is
/// free for temporary files, Plakar's cache, the state and each store in a folder. There is no
/// secret in it. The exit status is 0 if all is well, 6 if there is a warning, and 1 if something
/// fails because of what was found.
#[derive(Debug, clap::Args)]
pub(super) struct Diagnose {
    /// Leave paths and the names of user, machine, apps and stores out, to attach it to a report
    #[arg(long)]
    redact: bool,
    /// Print one JSON object: at, verdict, redacted and items, each with group, name, value, bytes,
    /// place, verdict and advice
    #[arg(long)]
    json: bool,
}

impl Diagnose {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let diagnosis = opened.service.diagnose(self.redact).await?;
        if self.json {
            out.json(&diagnosis)?;
        } else {
            lines(&diagnosis).iter().try_for_each(|line| out.line(line))?;
        }
        Ok(match diagnosis.verdict {
            DiagnosisVerdict::Good => Exit::Done,
            DiagnosisVerdict::Warning => Exit::Incomplete,
            DiagnosisVerdict::Bad => Exit::Failed,
        })
    }
}

fn lines(diagnosis: &Diagnosis) -> Vec<String> {
    let of = |group: DiagnosisGroup| {
        let heading = coloured(ASIDE, group.as_str());
        std::iter::once(heading).chain(diagnosis.of(group).flat_map(item_lines))
    };
    DiagnosisGroup::ALL.into_iter().flat_map(of).collect()
}

/// What was found, and what to do about it.
fn item_lines(item: &DiagnosisItem) -> Vec<String> {
    let mut parts = vec![format!("  {:<18}", shown(&item.name)), shown(&item.value)];
    parts.extend(item.verdict.map(verdict));
    parts.extend(item.place.as_deref().map(|place| coloured(ASIDE, &shown(place))));
    let advice = (!item.advice.is_empty()).then(|| format!("    {}", shown(&item.advice)));
    std::iter::once(parts.join("  ")).chain(advice).collect()
}

fn verdict(verdict: DiagnosisVerdict) -> String {
    match verdict {
        DiagnosisVerdict::Good => coloured(GOOD, verdict.as_str()),
        DiagnosisVerdict::Warning | DiagnosisVerdict::Bad => coloured(BAD, verdict.as_str()),
    }
}
