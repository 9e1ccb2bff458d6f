//! Whether work could be done now.

use std::time::{Duration, Instant};

use super::handle::Service;

/// For how long an answer of plakar's counts: everybody may ask.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// For how long it counts that it gave none.
const BAD_FOR: Duration = Duration::from_secs(5);

impl Service {
    /// Whether the database and plakar can be used; what cannot, in a few words without details.
    ///
    /// # Errors
    /// The words.
    pub async fn ready(&self) -> Result<(), &'static str> {
        let looked = self.state(|state| state.task_counts().map(drop)).await;
        looked.map_err(|_| "the database cannot be used")?;
        // Who asks meanwhile waits for the same answer.
        let mut last = self.last_answer.lock().await;
        let counts =
            last.filter(|(at, good)| at.elapsed() < if *good { GOOD_FOR } else { BAD_FOR });
        let good = match counts {
            Some((_, good)) => good,
            None => {
                let good = self.plakar.version().await.is_ok();
                *last = Some((Instant::now(), good));
                good
            }
        };
        if good { Ok(()) } else { Err("plakar cannot be used") }
    }
}
