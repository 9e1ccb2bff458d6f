//! Every kind of remote against real servers, with the real Plakar: `make test-remotes` builds what it needs. The table of what
//! each did is docs/remotes.md.

#![allow(clippy::print_stdout)] // Its output is for people.

mod behaviours;
mod page;
mod relay;
mod remotes;
mod servers;
mod tree;
mod trial;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;

use behaviours::BEHAVIOURS;
use page::Row;
use remotes::{KINDS, Kind};
use trial::{Trial, Verdict};

/// Tries remotes, and writes what they did
#[derive(Parser)]
struct Cli {
    /// Try those only of these backends, or whose name has one of these in it: "ftp,moto"; the page is not written then
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many are tried at once
    #[arg(long, default_value_t = 2)]
    abreast: usize,
}

fn main() -> ExitCode {
    let Cli { only, abreast } = Cli::parse();
    let kinds: Vec<Kind> = KINDS
        .into_iter()
        .filter(|kind| only.is_empty() || only.iter().any(|only| kind.is_meant_by(only)))
        .collect();
    // Made once, before it is needed by several at once.
    support::plakar::package();
    let rows = try_all(&kinds, abreast);
    let failed = rows
        .iter()
        .flatten()
        .flat_map(|row| &row.verdicts)
        .filter(|verdict| matches!(verdict, Verdict::Failed(_)))
        .count();
    let skipped = rows.iter().filter(|row| row.is_none()).count();
    println!(
        "remotes: {} tried, {failed} behaviours failed, {skipped} skipped",
        rows.len() - skipped
    );
    let complete = only.is_empty() && skipped == 0;
    if complete && failed == 0 && !write(&rows.into_iter().flatten().collect::<Vec<_>>()) {
        return ExitCode::FAILURE;
    }
    let allowed = skipped == 0 || std::env::var_os("CI").is_none();
    if failed == 0 && allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes the page; false where it must not change, because nobody would see it.
fn write(rows: &[Row]) -> bool {
    let path = support::root().join("docs/remotes.md");
    let page = page::page(rows);
    if std::fs::read_to_string(&path).is_ok_and(|there| there == page) {
        return true;
    }
    if std::env::var_os("CI").is_some() {
        println!(
            "docs/remotes.md is another one now: run `make test-remotes` and look at it:\n{page}"
        );
        return false;
    }
    println!("docs/remotes.md is written anew: look at what has changed");
    std::fs::write(path, page).expect("the page");
    true
}

/// A row for each kind; none where it could not be tried here.
fn try_all(kinds: &[Kind], abreast: usize) -> Vec<Option<Row>> {
    let next = AtomicUsize::new(0);
    let rows: Vec<Mutex<Option<Row>>> = kinds.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..abreast.max(1) {
            scope.spawn(|| {
                while let Some(kind) = kinds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = kinds
                        .iter()
                        .position(|other| other.name() == kind.name())
                        .expect("it is one of them");
                    *rows[at].lock().expect("nobody panics with it") = try_one(*kind);
                }
            });
        }
    });
    rows.into_iter().map(|row| row.into_inner().expect("nobody panics with it")).collect()
}

fn try_one(kind: Kind) -> Option<Row> {
    let start = Instant::now();
    let remote = match kind.start() {
        Ok(remote) => remote,
        Err(problem) => {
            println!("{}: skipped: {problem}", kind.name());
            return None;
        }
    };
    let mut trial = Trial::new(remote);
    let mut verdicts = Vec::new();
    for (name, behaviour) in BEHAVIOURS {
        let begun = Instant::now();
        // A command that had to succeed and did not panics.
        let verdict =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| behaviour(&mut trial)));
        let verdict = match verdict {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(problem)) => Verdict::Failed(problem),
            Err(cause) => Verdict::Failed(
                cause.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned()),
            ),
        };
        println!("{}: {name}: {verdict:?} ({:.1} s)", kind.name(), begun.elapsed().as_secs_f64());
        verdicts.push(verdict);
    }
    for remark in &trial.remarks {
        println!("{}: said: {remark}", kind.name());
    }
    println!("{}: {:.1} s", kind.name(), start.elapsed().as_secs_f64());
    let programs: Vec<&str> = kind.programs.iter().map(|program| program.name()).collect();
    Some(Row {
        backend: kind.backend,
        server: programs.join(" and "),
        verdicts,
        remarks: trial.remarks,
    })
}
