//! What a prune of an app would do, and the token that stands for it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::references::store_of;
use crate::model::Retention;
use crate::state::{App, Pruning, StateError};
use plakar_driver::{Browsers, Plakar, PlannedPoint, PruneRule, SnapshotId};

/// Why that one stays.
const BASELINE: &str = "the newest that the change alarm has compared, which always stays";

/// What a prune of an app would do now.
#[derive(Clone, Debug, Serialize)]
pub struct PrunePlan {
    /// What is kept, by the app and its policies.
    pub retention: Retention,
    /// Every restore point, the newest first.
    pub points: Vec<PrunePoint>,
    /// Stands for this plan and no other: nothing goes without it.
    pub token: String,
}

/// A restore point in a plan.
#[derive(Clone, Debug, Serialize)]
pub struct PrunePoint {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub id: SnapshotId,
    /// When it was taken.
    pub taken: DateTime<Utc>,
    /// It stays.
    pub keep: bool,
    /// By which rule, in words.
    pub rule: String,
    /// Whether it is pinned.
    pub pinned: bool,
}

fn as_text<S: Serializer>(id: &SnapshotId, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

impl PrunePlan {
    /// How many restore points stay.
    pub fn kept(&self) -> usize {
        self.points.iter().filter(|point| point.keep).count()
    }

    /// How many go.
    pub fn removed(&self) -> usize {
        self.points.len() - self.kept()
    }
}

/// A plan, with what the driver needs to carry it out.
pub(super) struct MadePlan {
    pub(super) plan: PrunePlan,
    pub(super) points: Vec<PlannedPoint>,
}

/// Makes the plan of an app.
///
/// # Errors
/// The app has no retention; its store cannot be opened.
pub(super) async fn make_plan(
    plakar: &Plakar,
    browsers: &Browsers,
    app: &App,
    retention: Retention,
    pruning: &Pruning,
) -> Result<MadePlan> {
    if retention.is_empty() {
        return Err(Error::Input(format!(
            "the app {} has no retention; set one on the app or by a policy",
            app.spec.name
        )));
    }
    let store = store_of(app)?;
    let Pruning { pinned, damaged, baseline } = pruning;
    // What came after it may be the work of a program that encrypts files: nobody has compared it.
    let stay = pinned.iter().chain(baseline).cloned().collect();
    let points = plakar.prune_plan(browsers, &store, &app.key, retention, &stay, damaged).await?;
    let shown = |point: &PlannedPoint| {
        let pinned = pinned.contains(point.id.as_str());
        let rule = match &point.rule {
            PruneRule::Pinned if !pinned => BASELINE.to_owned(),
            rule => rule.to_string(),
        };
        let is_damaged = damaged.contains(point.id.as_str());
        PrunePoint {
            id: point.id.clone(),
            taken: point.taken,
            keep: point.keep,
            rule: if is_damaged { format!("damaged; {rule}") } else { rule },
            pinned,
        }
    };
    let plan = PrunePlan {
        retention,
        points: points.iter().map(shown).collect(),
        token: token(app, retention, &points),
    };
    Ok(MadePlan { plan, points })
}

/// A digest of all that a plan says.
fn token(app: &App, retention: Retention, points: &[PlannedPoint]) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{} {retention}\n", app.key));
    for PlannedPoint { id, taken, keep, .. } in points {
        let taken = taken.to_rfc3339_opts(SecondsFormat::Nanos, true);
        digest.update(format!("{id} {taken} {keep}\n"));
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a token stands for a plan.
///
/// # Errors
/// It was given for another one.
pub(super) fn accept(plan: &PrunePlan, token: &str) -> Result<()> {
    if plan.token == token {
        return Ok(());
    }
    Err(StateError::Conflict("the plan has changed; look at it again".into()).into())
}
