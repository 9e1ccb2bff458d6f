//! What a probe prints: a table as it goes on, or JSON at the end.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use anstyle::Style;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::rclone::probe::{ObservedAnswer, Probe, ProbeFinding, ProbeQuestion, Verdict};
use terminal::exit::{Exit, Failure};
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, count, shown, time, unless_left};

/// The form of the JSON. It grows when a field is taken away or means something else.
const JSON_FORMAT: u32 = 1;

/// What was found, question by question.
#[derive(Serialize)]
pub(super) struct ProbeReport<'a> {
    format: u32,
    /// Ours.
    version: &'static str,
    /// RFC 3339.
    started: String,
    /// What the drive calls the kind of account, if it tells.
    account: Option<String>,
    /// Whether all questions were come to.
    complete: bool,
    points: Vec<ProbeRow>,
    calls: u64,
    /// The traffic, both ways, in bytes.
    bytes: u64,
    seconds: f64,
    scratch: ScratchFolder,
    #[serde(skip)]
    start: Instant,
    /// Where the table goes.
    #[serde(skip)]
    out: Option<&'a mut Output>,
    /// Says at a terminal what is going on.
    #[serde(skip)]
    bar: ProgressBar,
    /// Calls and the fields of their answers that the table has already.
    #[serde(skip)]
    shown: HashSet<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct ScratchFolder {
    folder: String,
    removed: bool,
}

#[derive(Serialize)]
struct ProbeRow {
    point: u32,
    question: String,
    assumption: String,
    /// `holds`, `differs`, `noted`, `unclear` or `left_out`.
    verdict: &'static str,
    found: String,
    max_bytes: u64,
    calls: u64,
    bytes: u64,
    seconds: f64,
    answers: Vec<ProbeAnswerRow>,
}

#[derive(Serialize)]
struct ProbeAnswerRow {
    call: String,
    about: String,
    times: u64,
    status: u16,
    form: String,
    fields: Vec<String>,
    code: Option<i64>,
    error: Option<String>,
    retry_after: bool,
    seen: Option<String>,
    milliseconds: u64,
}

const LEFT_OUT: &str = "left_out";

impl<'a> ProbeReport<'a> {
    pub(super) fn new(probe: &Probe, out: Option<&'a mut Output>) -> io::Result<Self> {
        let mut report = Self {
            format: JSON_FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            started: time(SystemTime::now()),
            account: (!probe.plan.is_empty()).then(|| probe.plan.clone()),
            complete: false,
            points: Vec::new(),
            calls: 0,
            bytes: 0,
            seconds: 0.0,
            scratch: ScratchFolder { folder: probe.folder.clone(), removed: false },
            start: Instant::now(),
            out,
            bar: ProgressBar::new_spinner(),
            shown: HashSet::new(),
        };
        report.bar.enable_steady_tick(Duration::from_millis(200));
        let account = report
            .account
            .as_ref()
            .map(|plan| format!(", account {}", shown(plan)))
            .unwrap_or_default();
        let head = format!("plakar-opendrive {}, {}{account}", report.version, report.started);
        report.print(&[head])?;
        Ok(report)
    }

    /// A question is being asked.
    pub(super) fn begin(&self, point: &ProbeQuestion) {
        self.bar.set_message(format!("{}  {}", point.number, shown(&point.question)));
    }

    /// A question was asked.
    pub(super) fn add(
        &mut self,
        point: &ProbeQuestion,
        found: ProbeFinding,
        took: Duration,
    ) -> io::Result<()> {
        self.calls += found.calls;
        self.bytes += found.bytes;
        let answers = found.answers.into_iter().map(ProbeAnswerRow::new).collect();
        let verdict = match found.verdict {
            Verdict::Holds => "holds",
            Verdict::Differs => "differs",
            Verdict::Noted => "noted",
            Verdict::Unclear => "unclear",
        };
        let row = ProbeRow {
            calls: found.calls,
            bytes: found.bytes,
            seconds: seconds(took),
            answers,
            ..ProbeRow::new(point, verdict, found.found)
        };
        self.push(row)
    }

    /// A question is not asked, because nobody has agreed to its traffic.
    pub(super) fn leave_out(&mut self, point: &ProbeQuestion) -> io::Result<()> {
        let found =
            format!("it may need {} of traffic: add --yes to ask it", megabytes(point.max_bytes));
        self.push(ProbeRow::new(point, LEFT_OUT, found))
    }

    fn push(&mut self, row: ProbeRow) -> io::Result<()> {
        let lines = row.lines(&mut self.shown);
        let printed = self.print(&lines);
        self.points.push(row);
        printed
    }

    /// Sums up.
    pub(super) fn finish(&mut self, complete: bool, removed: bool) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.complete = complete;
        self.scratch.removed = removed;
        self.seconds = seconds(self.start.elapsed());
        let counts: Vec<String> = ["holds", "differs", "noted", "unclear", LEFT_OUT]
            .iter()
            .map(|verdict| {
                (self.points.iter().filter(|row| row.verdict == *verdict).count(), verdict)
            })
            .filter(|(number, _)| *number > 0)
            .map(|(number, verdict)| format!("{number} {}", in_words(verdict)))
            .collect();
        let calls = count(self.calls, "call");
        let end = if complete { "" } else { "not all questions were asked; " };
        let folder = if removed { "is removed" } else { "could not be removed" };
        let text = format!(
            "{end}{}{}{calls}, {} in {:.0} s; the scratch folder {} {folder}",
            counts.join(", "),
            if counts.is_empty() { "" } else { "; " },
            megabytes(self.bytes),
            self.seconds,
            self.scratch.folder
        );
        self.print(&[text])
    }

    /// How the command ends, if nothing has interrupted it.
    pub(super) fn exit(&self) -> Exit {
        let any = |verdict: &str| self.points.iter().any(|row| row.verdict == verdict);
        if any("differs") {
            Exit::Failed
        } else if any("unclear") || !self.scratch.removed {
            Exit::Incomplete
        } else {
            Exit::Done
        }
    }

    /// The whole as JSON; strings are exact.
    pub(super) fn json(&self) -> Result<serde_json::Value, Failure> {
        Ok(serde_json::to_value(self).map_err(io::Error::from)?)
    }

    fn print(&mut self, lines: &[String]) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        // The bar makes room for them.
        let printed = self.bar.suspend(|| {
            lines.iter().try_for_each(|line| out.line(line))?;
            out.flush()
        });
        // How it ends is told to whoever reads no more, too.
        unless_left(printed)
    }
}

impl ProbeRow {
    fn new(point: &ProbeQuestion, verdict: &'static str, found: String) -> Self {
        Self {
            point: point.number,
            question: point.question.clone(),
            assumption: point.assumption.clone(),
            verdict,
            found,
            max_bytes: point.max_bytes,
            calls: 0,
            bytes: 0,
            seconds: 0.0,
            answers: Vec::new(),
        }
    }

    fn lines(&self, known: &mut HashSet<(String, Vec<String>)>) -> Vec<String> {
        let style = match self.verdict {
            "holds" => GOOD,
            "differs" => BAD,
            "unclear" => Style::new().bold(),
            _ => ASIDE,
        };
        let verdict = coloured(style, &format!("{:<8}", in_words(self.verdict)));
        let mut lines = vec![format!("{verdict}  {:>2}  {}", self.point, shown(&self.question))];
        lines.push(format!("{:14}assumed  {}", "", shown(&self.assumption)));
        lines.push(format!("{:14}found    {}", "", shown(&self.found)));
        lines.extend(
            self.answers
                .iter()
                .map(|answer| format!("{:14}{}", "", coloured(ASIDE, &shown(&answer.line(known))))),
        );
        lines
    }
}

impl ProbeAnswerRow {
    fn new(answer: ObservedAnswer) -> Self {
        let ObservedAnswer {
            call,
            about,
            times,
            status,
            form,
            fields,
            code,
            error,
            retry_after,
            seen,
            ms,
        } = answer;
        Self {
            call,
            about,
            times,
            status,
            form,
            fields,
            code,
            error,
            retry_after,
            seen,
            milliseconds: ms,
        }
    }

    /// One line; the fields only where this call has not had them before.
    fn line(&self, known: &mut HashSet<(String, Vec<String>)>) -> String {
        let mut parts = vec![format!("{}  {}", self.status, self.call)];
        if !self.about.is_empty() {
            parts.push(self.about.clone());
        }
        if self.times > 1 {
            parts.push(format!("{} times", self.times));
        }
        if self.form != "json" {
            parts.push(self.form.clone());
        }
        if let Some(code) = self.code.filter(|code| *code != i64::from(self.status)) {
            parts.push(format!("code {code}"));
        }
        if let Some(error) = &self.error {
            parts.push(format!("{error:?}"));
        }
        if self.retry_after {
            parts.push("Retry-After".to_owned());
        }
        if let Some(seen) = &self.seen {
            parts.push(seen.clone());
        }
        if !self.fields.is_empty() && known.insert((self.call.clone(), self.fields.clone())) {
            parts.push(format!("[{}]", self.fields.join(" ")));
        }
        parts.join(", ")
    }
}

/// A verdict as the table has it.
fn in_words(verdict: &str) -> String {
    verdict.replace('_', " ")
}

/// A number of bytes as a contract with a provider counts them.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}
