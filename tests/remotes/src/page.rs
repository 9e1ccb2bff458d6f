//! docs/remotes.md, made of what the remotes did.

use crate::behaviours::BEHAVIOURS;
use crate::trial::Verdict;

/// A remote's line.
pub struct Row {
    /// rclone's backend.
    pub backend: &'static str,
    /// What served it.
    pub server: String,
    /// A verdict for each behaviour.
    pub verdicts: Vec<Verdict>,
    /// What the product said besides.
    pub remarks: Vec<String>,
}

const HEAD: &str = include_str!("../head.md");
const TAIL: &str = include_str!("../tail.md");

/// The page.
pub fn page(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    let names: Vec<&str> = BEHAVIOURS.iter().map(|(name, _)| *name).collect();
    page.push_str(&format!("| remote | server | {} |\n", names.join(" | ")));
    page.push_str(&format!("|---|---|{}\n", "---|".repeat(names.len())));
    let mut notes: Vec<String> = Vec::new();
    for row in rows {
        page.push_str(&format!("| {} | {} |", row.backend, row.server));
        for verdict in &row.verdicts {
            let cell = match verdict {
                Verdict::Yes => "yes".to_owned(),
                Verdict::Cannot(reason) => {
                    format!("yes, but [{}](#notes)", number(&mut notes, reason))
                }
                Verdict::Failed(reason) => format!("**failed**: {}", one_line(reason)),
            };
            page.push_str(&format!(" {cell} |"));
        }
        page.push('\n');
    }
    page.push_str("\n## Notes\n\n");
    for (at, note) in notes.iter().enumerate() {
        page.push_str(&format!("{}. {}\n", at + 1, one_line(note)));
    }
    page.push_str("\n## What the product said besides\n\n");
    for row in rows.iter().filter(|row| !row.remarks.is_empty()) {
        for remark in &row.remarks {
            page.push_str(&format!("- {}, {}: {}\n", row.backend, row.server, one_line(remark)));
        }
    }
    page.push_str(TAIL);
    page
}

fn number(notes: &mut Vec<String>, note: &str) -> usize {
    let at = notes.iter().position(|known| known == note).unwrap_or_else(|| {
        notes.push(note.to_owned());
        notes.len() - 1
    });
    at + 1
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    line.chars().take(600).collect()
}
