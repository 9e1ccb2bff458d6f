//! Maintenance of a store: what nothing needs any more is freed.

use tokio_util::sync::CancellationToken;

use crate::configuration::store::Store;
use crate::error::Result;
use crate::jobs::progress::{Progress, ProgressReader};
use crate::outcome::Verdict;
use crate::process::command::{NO_TIMEOUT, Plakar};

impl Plakar {
    /// Frees the space of a store that nothing needs any more, within plakar's own grace and
    /// locks.
    ///
    /// # Errors
    /// None of its own: all is a [`Verdict`].
    pub async fn maintenance(
        &self,
        store: &Store,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Verdict> {
        let done = async {
            let job = self
                .job(["at".to_owned(), store.reference(), "maintenance".to_owned()])
                .timeout(NO_TIMEOUT)
                .cancelled_by(cancel)
                .redact(store.secrets(self).await?);
            let mut reader = ProgressReader::of("maintenance");
            let ended = job.lines(&mut |line| news(reader.read(line))).await?;
            ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
            ended.success().map(|()| Verdict::Succeeded)
        };
        Ok(done.await.unwrap_or_else(Verdict::of))
    }
}
