//! Maintenance of a store: what nothing needs any more is marked, and removed when its grace is over.

use tokio_util::sync::CancellationToken;

use crate::configuration::store::Store;
use crate::error::Error;
use crate::jobs::progress::Progress;
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::lines::{Line, Stream};

/// What a maintenance did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Packfiles that nothing needs any more, marked now.
    pub marked: u64,
    /// How long they stay, as plakar writes it, such as `7d`; if any were marked.
    pub grace: Option<String>,
    /// Packfiles that were removed: their space is free.
    pub removed: u64,
}

/// A maintenance that has ended.
#[derive(Clone, Debug)]
pub struct MaintenanceResult {
    /// How.
    pub verdict: Verdict,
    /// What was done, if it came to its end.
    pub done: Maintained,
}

/// Reads plakar's lines (plakar v1.1.4, subcommands/maintenance).
#[derive(Default)]
struct MaintenanceLines {
    done: Maintained,
    marked: bool,
    removed: bool,
    failed: Vec<Failure>,
}

impl MaintenanceLines {
    fn read(&mut self, line: &Line) -> Progress {
        let told = line.text.strip_prefix("maintenance: ").unwrap_or_default();
        if line.stream == Stream::Error && told.contains("ailed") {
            let reason = told.to_owned();
            self.failed.push(Failure { path: String::new(), reason: reason.clone() });
            return Progress::Failed(reason);
        }
        if let Some(rest) = told.strip_prefix("Coloured ") {
            let count = rest.split(' ').next().and_then(|count| count.parse().ok());
            self.marked = count.is_some();
            self.done.marked = count.unwrap_or_default();
        }
        let scheduled = "Coloured packfiles are scheduled to be removed in ";
        if let Some(grace) = line.text.strip_prefix(scheduled) {
            self.done.grace = Some(grace.trim().to_owned());
        }
        let removed = told.strip_suffix(" packfiles were removed");
        if let Some(count) = removed.and_then(|told| told.rsplit(' ').next()?.parse().ok()) {
            (self.removed, self.done.removed) = (true, count);
        }
        Progress::Said(line.text.clone())
    }
}

impl Plakar {
    /// Marks what nothing in a store needs any more, and removes what was marked longer ago than
    /// plakar's grace of seven days. Plakar lets no backup in meanwhile.
    pub async fn maintenance(
        &self,
        store: &Store,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> MaintenanceResult {
        let mut lines = MaintenanceLines::default();
        let done = async {
            let job = self
                .job(["at".to_owned(), store.reference(), "maintenance".to_owned()])
                .timeout(NO_TIMEOUT)
                .cancelled_by(cancel)
                .redact(store.secrets(self).await?);
            let ended = job.lines(&mut |line| news(lines.read(line))).await?;
            ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
            let reason = ended.reason();
            ended.success()?;
            if !(lines.marked && lines.removed) {
                return Err(Error::Answer(format!("it does not say what it did: {reason}")));
            }
            Ok(())
        };
        let verdict = match done.await {
            Err(error) => Verdict::of(error),
            Ok(()) if lines.failed.is_empty() => Verdict::Succeeded,
            Ok(()) => Verdict::Errors {
                count: lines.failed.len() as u64,
                failed: std::mem::take(&mut lines.failed),
            },
        };
        MaintenanceResult { verdict, done: lines.done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_and_removed_is_read() {
        let mut lines = MaintenanceLines::default();
        for text in [
            "maintenance: Coloured 3 packfiles (1 orphaned) for deletion",
            "Coloured packfiles are scheduled to be removed in 7d",
            "maintenance: 12 blobs and 2 packfiles were removed",
        ] {
            lines.read(&Line { stream: Stream::Out, text: text.into() });
        }
        let done = Maintained { marked: 3, grace: Some("7d".into()), removed: 2 };
        assert_eq!((lines.done, lines.marked, lines.removed), (done, true, true));
    }

    #[test]
    fn a_packfile_that_stays_is_an_error() {
        let mut lines = MaintenanceLines::default();
        let text = "maintenance: Sweep pass failed to delete packfile 00, skipping it";
        let news = lines.read(&Line { stream: Stream::Error, text: text.into() });
        assert!(matches!(news, Progress::Failed(_)), "{news:?}");
        assert_eq!(lines.failed.len(), 1);
    }
}
