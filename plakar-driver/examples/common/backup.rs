//! A backup of a folder.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plakar_driver::{
    BackupJob, Browsers, CancellationToken, Kind, Name, Options, Plakar, SnapshotId, Store,
};

/// Backs a folder up into a store; gives the snapshot.
pub async fn back_up(
    plakar: &Plakar,
    store: &Store,
    folder: &Path,
) -> Result<SnapshotId, Box<dyn Error>> {
    let source = Name::new("source")?;
    let options = Options::from([("location".to_owned(), folder.display().to_string())]);
    plakar.configure(Kind::Source, &source, &options).await?;
    let text = || "1".to_owned();
    let job = BackupJob {
        store: store.clone(),
        source,
        app: text(),
        name: text(),
        job: text(),
        environment: text(),
        classes: Vec::new(),
        labels: Vec::new(),
        scope: Default::default(),
        concurrency: None,
    };
    let (browsers, cancel) = (Browsers::new(Duration::from_secs(60)), CancellationToken::new());
    let made = plakar.backup(&browsers, &job, &mut |_| (), &cancel).await?;
    Ok(made.snapshot.ok_or_else(|| format!("{:?}", made.verdict))?)
}
