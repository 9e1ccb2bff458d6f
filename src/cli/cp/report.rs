//! What is said while files are copied, and at the end.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{count, size};
use terminal::text;

/// The bar, and what became of each file. The bar is drawn on a terminal only.
pub(super) struct CopyReport {
    bar: ProgressBar,
    start: Instant,
    state: Mutex<CopyReportState>,
}

#[derive(Default)]
struct CopyReportState {
    summary: CopySummary,
    failed: HashSet<String>,
}

/// What was copied.
#[derive(Clone, Default, Serialize)]
pub(super) struct CopySummary {
    /// Files that are at their target now.
    pub(super) files: u64,
    /// Bytes of files that were read to be copied.
    pub(super) bytes: u64,
    /// How many of the files were there already.
    pub(super) unchanged: u64,
    failed: Vec<FailedFile>,
    /// Links and special files.
    left_out: Vec<String>,
}

#[derive(Clone, Serialize)]
struct FailedFile {
    path: String,
    error: String,
}

impl CopyReport {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = "{bar:25} {binary_bytes:>10} of {binary_total_bytes} {binary_bytes_per_sec:>12}  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, start: Instant::now(), state: Mutex::default() }
    }

    /// A file is found, of so many bytes if that is known.
    pub(super) fn found(&self, path: &str, size: Option<u64>) {
        self.bar.inc_length(size.unwrap_or(0));
        self.bar.set_message(text::line(path));
    }

    /// So many bytes have passed.
    pub(super) fn passed(&self, bytes: u64) {
        self.bar.inc(bytes);
        self.state().summary.bytes += bytes;
    }

    /// A file need not be copied.
    pub(super) fn unchanged(&self, size: u64) {
        self.bar.inc(size);
        self.state().summary.unchanged += 1;
    }

    /// So many files were found on a destination as they should be.
    pub(super) fn kept(&self, files: u64) {
        self.state().summary.unchanged += files;
    }

    /// A file is at its target.
    pub(super) fn stored(&self) {
        self.state().summary.files += 1;
    }

    /// A file or a folder failed; only the first reason of each path is told.
    pub(super) fn failed(&self, path: &str, error: &str) {
        let path = path.trim_start_matches('/');
        let error = text::line(error);
        let mut state = self.state();
        if state.failed.insert(path.to_owned()) {
            self.tell(&format!("{}: {error}", text::quoted(path)));
            state.summary.failed.push(FailedFile { path: path.to_owned(), error });
        }
    }

    /// Something that a drive has no notion of.
    pub(super) fn left_out(&self, path: &str, what: &str) {
        self.tell(&format!("{}: left out, because it is {what}", text::quoted(path)));
        self.state().summary.left_out.push(path.to_owned());
    }

    /// Something that is to be known although it is no failure.
    pub(super) fn note(&self, line: &str) {
        self.tell(line);
    }

    /// Takes the bar away and sums up.
    pub(super) fn finish(&self) -> Exit {
        self.bar.finish_and_clear();
        let state = self.state();
        let CopySummary { files, bytes, unchanged, failed, .. } = &state.summary;
        let mut line =
            format!("{} in {:.1} s", count(*files, "file"), self.start.elapsed().as_secs_f64());
        if *unchanged > 0 {
            line += &format!(", {unchanged} of them there already");
        }
        line += &format!("; {} read", size(*bytes));
        if failed.is_empty() {
            if *files > 0 {
                say(&line);
            }
            return Exit::Done;
        }
        say(&format!("{line}; {} failed", failed.len()));
        Exit::Incomplete
    }

    /// What was copied so far.
    pub(super) fn summary(&self) -> CopySummary {
        self.state().summary.clone()
    }

    fn tell(&self, line: &str) {
        self.bar.suspend(|| say(&text::line(line)));
    }

    fn state(&self) -> MutexGuard<'_, CopyReportState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
