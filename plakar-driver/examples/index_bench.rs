//! How long a large restore point takes to browse and to search, by plakar and by the index:
//! `PLAKAR=… cargo run --release -p plakar-driver --example index_bench`.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

#[path = "common/backup.rs"]
mod backup;
#[path = "common/user.rs"]
mod user;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use backup::back_up;
use plakar_driver::{
    Browser, Browsers, Index, IndexState, NewStore, Order, OrderBy, Plakar, SnapshotId,
    SnapshotPath, Store,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FILES: usize = 100_000;
const PAGE: u64 = 50;

#[tokio::main]
async fn main() -> Outcome {
    user::guard();
    let home = tempfile::Builder::new().prefix("ix").tempdir_in("/tmp")?;
    let plakar = user::user(home.path())?;
    let store = Store::folder(&home.path().join("store"))?;
    plakar.create_store(&store, NewStore::UNENCRYPTED).await?;
    for (title, folder, below) in
        [("a tree of 1,000 folders", "tree", "dir 3/sub 7/leaf 0005"), ("one folder", "flat", "")]
            .map(|(a, b, c)| (a, home.path().join(b), c))
    {
        println!("{FILES} files in {title}");
        if below.is_empty() {
            fill_one(&folder)?
        } else {
            fill_tree(&folder)?
        };
        let begun = Instant::now();
        let id = back_up(&plakar, &store, &folder).await?;
        println!("  backed up in {:.0} s", begun.elapsed().as_secs_f64());
        let root = SnapshotPath::new(folder.to_str().ok_or("a path that is not UTF-8")?)?;
        measure(&plakar, &store, &id, &root, &SnapshotPath::new(&format!("{root}/{below}"))?)
            .await?;
    }
    Ok(())
}

fn fill_tree(folder: &Path) -> Outcome {
    for number in 0..FILES {
        let leaf = folder.join(format!(
            "dir {}/sub {}/leaf {:04}",
            number / 10_000,
            number / 1000 % 10,
            number / 100 % 10
        ));
        std::fs::create_dir_all(&leaf)?;
        std::fs::write(leaf.join(format!("letter {number:06}.txt")), number.to_string())?;
    }
    Ok(())
}

fn fill_one(folder: &Path) -> Outcome {
    std::fs::create_dir(folder)?;
    for number in 0..FILES {
        std::fs::write(folder.join(format!("letter {number:06}.txt")), number.to_string())?;
    }
    Ok(())
}

async fn measure(
    plakar: &Plakar,
    store: &Store,
    id: &SnapshotId,
    root: &SnapshotPath,
    leaf: &SnapshotPath,
) -> Outcome {
    println!("  by plakar");
    let browser = Browsers::with_index_limit(Duration::from_secs(600), 0).of(plakar, store).await?;
    pages(&browser, id, root, leaf, 5).await?;
    println!("  while the index is made");
    let browsers = Browsers::new(Duration::from_secs(600));
    let browser = browsers.of(plakar, store).await?;
    let (begun, mut worst, mut asked) = (Instant::now(), Duration::ZERO, 0);
    let index = loop {
        match browser.index(id).await {
            IndexState::Ready(index) => break index,
            IndexState::Building { .. } => tokio::time::sleep(Duration::from_millis(5)).await,
            IndexState::TooLarge => return Err("too large".into()),
            IndexState::Failed(reason) => return Err(reason.into()),
        }
        let one = Instant::now();
        browser.children(id, leaf, 0, PAGE).await?;
        (worst, asked) = (worst.max(one.elapsed()), asked + 1);
    };
    println!(
        "    made in {:.2} s; meanwhile the worst of {asked} first pages took {:.1} ms",
        begun.elapsed().as_secs_f64(),
        ms(worst)
    );
    println!(
        "    {} entries, {:.1} MB, {} bytes each",
        index.entries(),
        mega(index.bytes()),
        index.bytes() as u64 / index.entries()
    );
    println!("    this process has {}", memory()?);
    println!("  by the index");
    pages(&browser, id, root, leaf, 100).await?;
    sorted(&index, leaf);
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn memory() -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| {
        status
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .replace(char::is_whitespace, "")
    };
    Ok(format!("{}, at most {}", line("VmRSS"), line("VmHWM")))
}

async fn pages(
    browser: &Browser,
    id: &SnapshotId,
    root: &SnapshotPath,
    leaf: &SnapshotPath,
    rounds: u32,
) -> Outcome {
    let total = browser.children(id, leaf, 0, 1).await?.total.unwrap_or_default();
    for offset in [0, total / 2, total - PAGE] {
        let mut times = Vec::new();
        for _ in 0..rounds {
            let begun = Instant::now();
            browser.children(id, leaf, offset, PAGE).await?;
            times.push(begun.elapsed());
        }
        report(&format!("{PAGE} of {total} entries from {offset}"), times, "");
    }
    for (what, text) in [
        ("rare", "letter 077777"),
        ("common", "LETTER"),
        ("glob", "*9?.t*"),
        ("no hit", "none of them"),
    ] {
        let mut times = Vec::new();
        let mut found = None;
        for _ in 0..rounds {
            let begun = Instant::now();
            found = browser.search(id, root, text, 0, PAGE).await?.total;
            times.push(begun.elapsed());
        }
        report(
            &format!("search, {what}: {text}"),
            times,
            &found.map(|total| format!(" ({total} found)")).unwrap_or_default(),
        );
    }
    Ok(())
}

fn sorted(index: &Index, folder: &SnapshotPath) {
    for by in [OrderBy::Name, OrderBy::Size, OrderBy::Modified] {
        let mut times = Vec::new();
        for _ in 0..100 {
            let begun = Instant::now();
            let page = index.children(folder, PAGE / 2, PAGE, Order { by, descending: true });
            assert!(page.is_some_and(|page| page.items.len() as u64 == PAGE));
            times.push(begun.elapsed());
        }
        report(&format!("{PAGE} entries by {by:?}"), times, "");
    }
}

fn report(what: &str, mut times: Vec<Duration>, more: &str) {
    times.sort();
    let worst = times.last().copied().unwrap_or_default();
    println!("    {:9.2} ms (worst {:.2})  {what}{more}", ms(times[times.len() / 2]), ms(worst));
}
