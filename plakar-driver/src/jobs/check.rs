//! Checking that snapshots can be read whole.

use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::configuration::store::{Store, StoreState};
use crate::error::{Error, Result};
use crate::jobs::check_lines::{CheckLines, PointLines, Told, is_damage};
use crate::jobs::damaged::{DamagedFiles, damaged_files};
use crate::jobs::progress::Progress;
use crate::names::{SnapshotId, SnapshotPath};
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};

/// Maximum number of restore points of one run, which are arguments.
const MAX_POINTS_PER_RUN: usize = 1000;

/// What a check found of a restore point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointCheck {
    /// All of its data was read and is what was backed up.
    Whole,
    /// The store has it no more as it was backed up.
    Damaged {
        /// How many files, or other parts of it; at least one.
        count: u64,
        /// The first of them; the path is empty for what is no file.
        failed: Vec<Failure>,
    },
    /// Who has never seen the store does not find it there: the store's states do not tell of it.
    Missing,
    /// It could not be read, for this reason: nothing is known of damage.
    Unread(String),
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// Of each restore point that it came to, in their order.
    pub points: Vec<(SnapshotId, PointCheck)>,
    /// Why it did not come to all.
    pub broken: Option<Verdict>,
}

/// One run of plakar's check.
pub(crate) struct CheckRun<'a> {
    pub(crate) plakar: &'a Plakar,
    pub(crate) store: &'a Store,
    pub(crate) cancel: &'a CancellationToken,
    /// Whether it begins with an empty cache.
    pub(crate) own_cache: bool,
}

impl Plakar {
    /// Reads all data of snapshots and compares its digests; what several have is read once. With
    /// an empty cache: what plakar remembers of a store on this machine may be gone from the store.
    ///
    /// What is found damaged is read once more before it counts: plakar calls damaged what the
    /// store does not answer.
    pub async fn check(
        &self,
        browsers: &Browsers,
        store: &Store,
        points: &[SnapshotId],
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> CheckResult {
        let run = CheckRun { plakar: self, store, cancel, own_cache: true };
        let mut found = Vec::new();
        let checked = async {
            for points in points.chunks(MAX_POINTS_PER_RUN) {
                let told = run.looked(points, news).await?;
                for (id, told) in points.iter().zip(told) {
                    let told = match told {
                        Told::Undecided => {
                            let one = run.looked(std::slice::from_ref(id), news).await?;
                            one.into_iter().next().unwrap_or(Told::Undecided)
                        }
                        told => told,
                    };
                    found.push((id.clone(), run.found(browsers, id, told, news).await?));
                }
            }
            Ok(())
        };
        let broken = checked.await.err().map(Verdict::of);
        CheckResult { points: found, broken }
    }
}

impl CheckRun<'_> {
    /// What the lines on a restore point mean, once what looks damaged was read again.
    async fn found(
        &self,
        browsers: &Browsers,
        id: &SnapshotId,
        told: Told,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<PointCheck> {
        match told {
            Told::Whole => Ok(PointCheck::Whole),
            Told::Missing => self.missing().await,
            Told::Damaged(lines) => self.damaged(browsers, id, &lines, news).await,
            Told::Unread(reason) if is_damage(&reason) => self.unopened(id, reason, news).await,
            Told::Unread(reason) => Ok(PointCheck::Unread(reason)),
            Told::Undecided => Ok(PointCheck::Unread("plakar said nothing of it".into())),
        }
    }

    /// What plakar tells of these restore points. What it does not find is looked for once more, all of
    /// it in one run: plakar leaves out without a word what it cannot open (kloset v1.1.3,
    /// locate/snapshots.go), also where the store did not answer once.
    async fn looked(
        &self,
        points: &[SnapshotId],
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Vec<Told>> {
        let mut told = self.told(points, None, news).await?;
        let found = points.iter().zip(&told);
        let missing: Vec<SnapshotId> =
            found.filter(|(_, told)| **told == Told::Missing).map(|(id, _)| id.clone()).collect();
        if missing.is_empty() {
            return Ok(told);
        }
        let line = "what was not found is looked for once more before it counts as missing";
        news(Progress::Noted(line.into()));
        let again = self.told(&missing, None, news).await?;
        let places = told.iter_mut().filter(|told| **told == Told::Missing);
        for (place, again) in places.zip(again) {
            *place = again;
        }
        Ok(told)
    }

    /// What plakar tells of these restore points, or of a path in one.
    pub(crate) async fn told(
        &self,
        points: &[SnapshotId],
        path: Option<&SnapshotPath>,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Vec<Told>> {
        let mut arguments = vec!["at".to_owned(), self.store.reference(), "check".to_owned()];
        arguments.extend(
            points.iter().map(|id| path.map_or_else(|| id.to_string(), |path| path.of(id))),
        );
        let mut lines = CheckLines::of(points);
        let job = self.plakar.job(arguments);
        let job = if self.own_cache { job.own_cache() } else { job };
        let job = job
            .timeout(NO_TIMEOUT)
            .cancelled_by(self.cancel)
            .redact(self.store.secrets(self.plakar).await?);
        let ended = job.lines(&mut |line| news(lines.read(line))).await?;
        ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
        let reason = ended.reason();
        let code = match ended.how {
            // A damaged state: who has never seen the store reads nothing of it.
            Err(Error::Refused(reason)) if is_damage(&reason) => {
                return Ok(vec![Told::Unread(reason); points.len()]);
            }
            how => how?,
        };
        match crate::process::job_end::refused(code, reason.clone()) {
            Error::Refused(_) => Ok(lines.told(points, code, &reason)),
            _ if code == 0 => Ok(lines.told(points, code, &reason)),
            broken => Err(broken),
        }
    }

    /// A store that cannot be opened has lost nothing.
    async fn missing(&self) -> Result<PointCheck> {
        Ok(match self.plakar.store_state(self.store).await? {
            StoreState::Ready => PointCheck::Missing,
            StoreState::Unavailable(reason) | StoreState::BadPassphrase(reason) => {
                PointCheck::Unread(reason)
            }
        })
    }

    /// A restore point that cannot be opened, when it is looked at once more.
    async fn unopened(
        &self,
        id: &SnapshotId,
        reason: String,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<PointCheck> {
        news(Progress::Noted("it is read once more before it counts as damaged".into()));
        let again = self.told(std::slice::from_ref(id), None, news).await?;
        Ok(match again.into_iter().next() {
            Some(Told::Unread(again)) if is_damage(&again) => PointCheck::Damaged {
                count: 1,
                failed: vec![Failure {
                    path: String::new(),
                    reason: format!("it cannot be opened: {again}"),
                }],
            },
            Some(Told::Unread(again)) => PointCheck::Unread(again),
            _ => unsteady(&reason),
        })
    }

    /// The files that are damaged, when the first of them is read once more.
    async fn damaged(
        &self,
        browsers: &Browsers,
        id: &SnapshotId,
        lines: &PointLines,
        news: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<PointCheck> {
        let files = tokio::select! {
            files = self.files(browsers, id, lines) => files,
            () = self.cancel.cancelled() => return Err(Error::Cancelled),
        };
        let first = files.failed.iter().find_map(|failed| SnapshotPath::new(&failed.path).ok());
        news(Progress::Noted("it is read once more before it counts as damaged".into()));
        let again = self.told(std::slice::from_ref(id), first.as_ref(), news).await?;
        Ok(match again.into_iter().next() {
            Some(Told::Damaged(_)) => {
                PointCheck::Damaged { count: files.count.max(1), failed: files.failed }
            }
            Some(Told::Unread(reason)) if is_damage(&reason) => {
                PointCheck::Damaged { count: files.count.max(1), failed: files.failed }
            }
            Some(Told::Unread(reason)) => PointCheck::Unread(reason),
            _ => unsteady(lines.reason()),
        })
    }

    /// By path. Where the names cannot be read either, what plakar said.
    async fn files(
        &self,
        browsers: &Browsers,
        id: &SnapshotId,
        lines: &PointLines,
    ) -> DamagedFiles {
        let found = async {
            let browser = browsers.of(self.plakar, self.store).await?;
            damaged_files(&browser, id, lines).await
        };
        match found.await {
            Ok(mut files) if files.count > 0 => {
                let other = |told: &&Failure| !files.failed.iter().any(|has| has.path == told.path);
                let more: Vec<_> = lines.paths.iter().filter(other).cloned().collect();
                files.count += more.len() as u64;
                files.failed.extend(more);
                files
            }
            _ => {
                let digest = |digest: &String| Failure {
                    path: String::new(),
                    reason: format!("the object {digest} of it: {}", lines.reason()),
                };
                let mut failed = lines.paths.clone();
                if failed.is_empty() {
                    failed.extend(lines.digests.iter().map(digest));
                }
                if failed.is_empty() {
                    let reason = "plakar's check failed, and does not say where".into();
                    failed.push(Failure { path: String::new(), reason });
                }
                DamagedFiles { count: failed.len() as u64, failed }
            }
        }
    }
}

fn unsteady(reason: &str) -> PointCheck {
    PointCheck::Unread(format!(
        "it could not be read at first ({reason}), and was whole when it was read once more: check it again"
    ))
}
