//! A task's log: what failed and what Plakar said, line by line, and how far it is.

use std::io::Write;
use std::time::Instant;

use crate::scheduler::Job;
use crate::state::LogWriter;
use plakar_driver::Progress;

/// Writes a task's log. A log that can't be written does not stop the task.
pub(super) struct TaskLog<'a> {
    job: &'a Job,
    file: Option<LogWriter>,
    begun: Instant,
    phase: &'static str,
    done: u64,
    failed: u64,
    exit: Option<i32>,
}

impl<'a> TaskLog<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        let file =
            job.log().map_err(|error| tracing::warn!(task = job.task.id, %error, "no log")).ok();
        Self { job, file, begun: Instant::now(), phase: "", done: 0, failed: 0, exit: None }
    }

    /// Plakar's exit status, of the last run of it.
    pub(super) fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// Begins to count anew, for another part of the work.
    pub(super) fn phase(&mut self, phase: &'static str) {
        if self.phase != phase {
            (self.phase, self.done, self.failed) = (phase, 0, 0);
            self.say(phase);
        }
    }

    /// A line of ours.
    pub(super) fn say(&mut self, text: &str) {
        let at = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S");
        // Names have anything in them: nothing of a line must look like another, or move a
        // terminal's cursor.
        let plain: String = text
            .chars()
            .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
            .collect();
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{at} {plain}")
        {
            tracing::warn!(task = self.job.task.id, %error, "the log is not written any more");
            self.file = None;
        }
    }

    /// News of Plakar's.
    pub(super) fn news(&mut self, news: &Progress) {
        let path = match news {
            Progress::Done(path) => {
                self.done += 1;
                path
            }
            Progress::Failed(what) => {
                self.failed += 1;
                self.say(&format!("failed: {what}"));
                what
            }
            Progress::Said(line) => return self.say(line),
            Progress::Exited(code) => {
                self.exit = Some(*code);
                return self.say(&format!("plakar ended with the exit status {code}"));
            }
        };
        let failed =
            if self.failed == 0 { String::new() } else { format!(", {} failed", self.failed) };
        let seconds = self.begun.elapsed().as_secs();
        self.job
            .progress(format!("{} {} done{failed}, {seconds} s: {path}", self.phase, self.done));
    }

    /// How many entries have been compared.
    pub(super) fn compared(&mut self, entries: u64) {
        self.job.progress(format!(
            "{} {entries} compared, {} s",
            self.phase,
            self.begun.elapsed().as_secs()
        ));
    }
}
