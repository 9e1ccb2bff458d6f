//! How long it takes to see that a backup changed nothing: by reading all of both restore points,
//! and by their digests. `PLAKAR=… cargo run --release -p plakar-driver --example alarm_bench`.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

#[path = "common/backup.rs"]
mod backup;
#[path = "common/user.rs"]
mod user;

use std::error::Error;
use std::time::{Duration, Instant};

use backup::back_up;
use plakar_driver::{Browsers, CancellationToken, NewStore, Store};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FILES: usize = 100_000;
const IDLE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Outcome {
    user::guard();
    let home = tempfile::Builder::new().prefix("al").tempdir_in("/tmp")?;
    let plakar = user::user(home.path())?;
    let store = Store::folder(&home.path().join("store"))?;
    plakar.create_store(&store, NewStore::UNENCRYPTED).await?;
    let folder = home.path().join("files");
    for number in 0..FILES {
        let leaf = folder.join(format!("{}/{:02}", number / 10_000, number / 100 % 100));
        std::fs::create_dir_all(&leaf)?;
        std::fs::write(leaf.join(format!("letter {number:06}.txt")), number.to_string())?;
    }
    for _ in 0..2 {
        back_up(&plakar, &store, &folder).await?;
    }
    println!("{FILES} files, backed up twice without a change");
    for _ in 0..3 {
        // Each as in a process of its own: nothing is read yet.
        let browser = Browsers::new(IDLE).of(&plakar, &store).await?;
        let points = browser.restore_points(None).await?;
        let cancel = CancellationToken::new();
        let begun = Instant::now();
        for point in &points {
            browser.whole_index(&point.id, &cancel).await?.ok_or("too large")?;
        }
        println!("  all of both read:   {:8.1} ms", ms(begun));
        let browser = Browsers::new(IDLE).of(&plakar, &store).await?;
        let begun = Instant::now();
        let points = browser.restore_points(None).await?;
        let same = points[0].tree.is_some() && points[0].tree == points[1].tree;
        println!("  digests compared:   {:8.1} ms, equal: {same}", ms(begun));
    }
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
