//! What a command said last, as a reason that people can read.

use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::Regex;

/// Maximum number of last lines that are kept, for the reason of a failure.
const MAX_LAST_LINES: usize = 20;

/// Maximum length of what is told of a fault inside, in letters.
const MAX_FAULT_LETTERS: usize = 200;

/// Begins the line that Go prints of a fault inside a program; hundreds of others follow it.
const FAULTS: [&str; 3] = ["panic: ", "fatal error: ", "runtime: out of memory"];

/// Lines that are no reason: where in a program something happened.
static TRACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?x) ^goroutine\ \d+ | \.go:\d+(\ \+0x[0-9a-f]+)?$ | ^created\ by\  | ^exit\ status\ \d+$ | ^\[signal\  | ^\w[\w./*()\-\[\]]*\(.*\)$").ok()
});

/// What gRPC puts before a reason, once for each process that it passed.
static GRPC: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"rpc error: code = (\w+) desc = ").ok());

/// What plakar puts before a connector's own reason (plakar v1.1.4, backup.go).
static STEPS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^failed to create an? (importer|exporter)( for .+?)?: ").ok());

/// The last lines of a command.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    lines: VecDeque<String>,
    /// The fault inside that ended it.
    fault: Option<String>,
}

impl LastWords {
    /// Takes its next line.
    pub(crate) fn take(&mut self, line: &str) {
        if self.fault.is_none() && FAULTS.iter().any(|fault| line.starts_with(fault)) {
            self.fault = Some(line.trim().chars().take(MAX_FAULT_LETTERS).collect());
        }
        self.lines.truncate(MAX_LAST_LINES - 1);
        self.lines.push_front(line.to_owned());
    }

    /// Why it failed, by its last words.
    pub(crate) fn reason(&self) -> String {
        let said = |prefix: &str| {
            let reason = self.lines.iter().find_map(|line| line.strip_prefix(prefix));
            reason.map(|reason| plain(reason.trim())).filter(|reason| !reason.is_empty())
        };
        let fault = || {
            let fault = self.fault.as_deref()?;
            Some(format!("plakar or a connector of it broke off with a fault inside ({fault})"))
        };
        let is_trace = |line: &str| TRACE.as_ref().is_some_and(|trace| trace.is_match(line.trim()));
        let last = || {
            let lines = self.lines.iter().filter(|line| !is_trace(line));
            lines
                .map(|line| plain(line.trim()))
                .find(|line| !["", "plakar:"].contains(&line.as_str()))
        };
        let reason = said("plakar: ").or_else(|| said("error: ")).or_else(fault).or_else(last);
        reason.unwrap_or_else(|| "plakar gave no reason".to_owned())
    }
}

/// A reason of plakar's without what only its authors can read.
fn plain(reason: &str) -> String {
    if reason.contains("inappropriate ioctl for device") {
        return "the store is encrypted, and plakar would ask for its passphrase at a terminal; set it in Plakar's configuration of the store".into();
    }
    let gone =
        ["error reading from server: EOF", "transport is closing", "connection reset by peer"];
    let reason = STEPS.as_ref().map_or(reason.into(), |steps| steps.replace(reason, ""));
    if let Some(grpc) = GRPC.as_ref() {
        let ended = grpc.captures_iter(&reason).any(|found| &found[1] == "Unavailable")
            && gone.iter().any(|words| reason.contains(words));
        let text = grpc.replace_all(&reason, "").trim().to_owned();
        if ended {
            return format!("the connector ended in the middle of it ({text})");
        }
        return text;
    }
    reason.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(lines: &[&str]) -> String {
        let mut words = LastWords::default();
        lines.iter().for_each(|line| words.take(line));
        words.reason()
    }

    /// A trace of Go's, as plakar 1.1.4 prints it.
    const TRACE_LINES: [&str; 9] = [
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1b2f3c4]",
        "",
        "goroutine 1 [running]:",
        "github.com/PlakarKorp/kloset/snapshot.(*Snapshot).Export(0xc0003c8000, {0x2b5d1a0, 0xc0008de0c0}, {0x7ffd2f4b1e1f, 0x1}, 0xc00014f9d8)",
        "\t/src/modules/github.com/!plakar!korp/kloset@v1.1.3/snapshot/export.go:81 +0x4ab",
        "main.main()",
        "\t/src/plakar/main.go:52 +0x1d",
        "created by main.entryPoint in goroutine 1",
        "exit status 2",
    ];

    #[test]
    fn a_fault_inside_is_told_by_its_first_line() {
        let panic = "panic: runtime error: invalid memory address or nil pointer dereference";
        let said = "plakar or a connector of it broke off with a fault inside (panic: runtime error: invalid memory address or nil pointer dereference)";
        assert_eq!(reason(&[&["a: OK ✓ /a", panic][..], &TRACE_LINES].concat()), said);
        // However long the trace is.
        let mut long = vec![panic];
        (0..50).for_each(|_| long.extend(TRACE_LINES));
        assert_eq!(reason(&long), said);
        // Its beginning was lost.
        assert_eq!(reason(&TRACE_LINES), "plakar gave no reason");
        assert_eq!(
            reason(&[&["warn: the store is slow"][..], &TRACE_LINES].concat()),
            "warn: the store is slow"
        );
        // Plakar lived on, and knows more.
        assert_eq!(
            reason(
                &[&[panic][..], &TRACE_LINES, &["plakar: failed to create the importer"]].concat()
            ),
            "failed to create the importer"
        );
    }

    #[test]
    fn what_processes_put_before_a_reason_is_cut() {
        for (line, said) in [
            (
                "plakar: failed to import: rpc error: code = Unknown desc = rpc error: code = Internal desc = the folder is gone",
                "failed to import: the folder is gone",
            ),
            (
                "plakar: rpc error: code = Unavailable desc = error reading from server: EOF",
                "the connector ended in the middle of it (error reading from server: EOF)",
            ),
            ("error: rpc error: code = Unavailable desc = the drive is away", "the drive is away"),
            (
                "plakar: failed to create an importer for opendrive://my drive: rpc error: code = Unauthenticated desc = the drive refuses it: no",
                "the drive refuses it: no",
            ),
            ("plakar: failed to create the importer", "failed to create the importer"),
            (
                "plakar: failed to read passphrase: inappropriate ioctl for device",
                "the store is encrypted, and plakar would ask for its passphrase at a terminal; set it in Plakar's configuration of the store",
            ),
            ("plakar: ", "plakar gave no reason"),
            ("", "plakar gave no reason"),
        ] {
            assert_eq!(reason(&[line]), said, "{line}");
        }
    }
}
