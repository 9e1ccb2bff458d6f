//! What Plakar leaves out by `-ignore`.
//!
//! Plakar takes every record and drops those whose path a pattern matches (kloset v1.1.3,
//! snapshot/backup.go and exclude/); it says nothing of them. A pattern that matches the base drops
//! everything, and the backup passes for a good one. So the same is worked out here, as go-git's
//! `gitignore` does it, which Plakar uses: patterns count from the root of the drive.

/// The patterns of a run.
#[derive(Debug, Default)]
pub(super) struct IgnoreRules(Vec<IgnorePattern>);

#[derive(Debug)]
struct IgnorePattern {
    parts: Vec<String>,
    /// It begins with `!`: what it matches is taken in again.
    includes: bool,
    /// It ends with a slash.
    folders_only: bool,
}

impl IgnoreRules {
    pub(super) fn new(lines: &[String]) -> Self {
        Self(lines.iter().filter_map(|line| IgnorePattern::parse(line)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether Plakar drops the record of an absolute path: the last pattern that matches decides.
    pub(super) fn excludes(&self, path: &str, is_folder: bool) -> bool {
        if path == "/" {
            return false;
        }
        let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        self.0
            .iter()
            .rev()
            .find(|pattern| pattern.matches(&parts, is_folder))
            .is_some_and(|pattern| !pattern.includes)
    }
}

impl IgnorePattern {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim_end_matches('\r');
        let trimmed = line.trim_end_matches(' ');
        let unescaped = trimmed
            .strip_suffix('\\')
            .filter(|_| trimmed.len() < line.len())
            .map(|start| format!("{start} "));
        let line = unescaped.as_deref().unwrap_or(trimmed);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let line = if line.starts_with("\\#") { &line[1..] } else { line };
        let (includes, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (folders_only, line) =
            line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        Some(Self { parts: line.split('/').map(str::to_owned).collect(), includes, folders_only })
    }

    fn matches(&self, path: &[&str], is_folder: bool) -> bool {
        match &self.parts[..] {
            [name] => path
                .iter()
                .position(|part| glob(name, part))
                .is_some_and(|at| !self.folders_only || is_folder || at + 1 < path.len()),
            parts => self.matches_parts(parts, path, is_folder),
        }
    }

    fn matches_parts(&self, parts: &[String], mut path: &[&str], is_folder: bool) -> bool {
        let (mut matched, mut anywhere) = (false, false);
        for (at, part) in parts.iter().enumerate() {
            match part.as_str() {
                "" => anywhere = false,
                "**" if at + 1 == parts.len() => break,
                "**" => anywhere = true,
                part if part.contains("**") || path.is_empty() => return false,
                part if anywhere => {
                    anywhere = false;
                    match path.iter().position(|name| glob(part, name)) {
                        Some(at) => (matched, path) = (true, &path[at + 1..]),
                        None => (matched, path) = (false, &[]),
                    }
                }
                part if glob(part, path[0]) => (matched, path) = (true, &path[1..]),
                _ => return false,
            }
        }
        matched && !(self.folders_only && !is_folder && path.is_empty())
    }
}

/// Whether a name matches a pattern of Go's `filepath.Match`, which has no slash in it; a malformed
/// one matches nothing.
fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to go on when a star has to take one character more.
    let (mut at, mut here, mut star) = (0, 0, None);
    loop {
        let next = match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
                continue;
            }
            None if here == name.len() => return true,
            None => None,
            Some(_) => one(&pattern[at..], name.get(here).copied()).map(|length| at + length),
        };
        match (next, star) {
            (Some(next), _) => (at, here) = (next, here + 1),
            (None, Some((place, taken))) if taken < name.len() => {
                star = Some((place, taken + 1));
                (at, here) = (place + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// How much of a pattern one character matches; `None` if it does not.
fn one(pattern: &[char], character: Option<char>) -> Option<usize> {
    let character = character?;
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == character).then_some(2),
        ['[', rest @ ..] => {
            let negated = rest.first() == Some(&'^');
            let mut at = usize::from(negated);
            let (mut found, mut first) = (false, true);
            let single = |at: &mut usize| {
                let escaped = rest.get(*at) == Some(&'\\');
                *at += usize::from(escaped);
                let character = rest
                    .get(*at)
                    .copied()
                    .filter(|character| escaped || !matches!(character, '-' | ']'));
                *at += 1;
                character
            };
            while first || rest.get(at) != Some(&']') {
                first = false;
                let low = single(&mut at)?;
                let mut high = low;
                if rest.get(at) == Some(&'-') {
                    at += 1;
                    high = single(&mut at)?;
                }
                found |= (low..=high).contains(&character);
            }
            (found != negated).then_some(at + 2)
        }
        [plain, ..] => (*plain == character).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verdicts of kloset v1.1.3's `exclude.RuleSet`.
    #[test]
    fn patterns_are_those_of_plakar() {
        let drops = |patterns: &[&str], path: &str, is_folder| {
            IgnoreRules::new(
                &patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>(),
            )
            .excludes(path, is_folder)
        };
        for (patterns, path, is_folder, expected) in CASES {
            assert_eq!(
                drops(patterns, path, *is_folder),
                *expected,
                "{patterns:?} {path:?} {is_folder}"
            );
        }
    }

    proptest::proptest! {
        /// Patterns and names are others' to choose.
        #[test]
        fn any_pattern_is_taken(pattern in r"[a!#*?\[\]^\\/ é-]{0,12}", path in "/[a*\\]é/-]{0,12}") {
            let _ = IgnoreRules::new(&[pattern]).excludes(&path, true);
        }
    }

    const CASES: &[(&[&str], &str, bool, bool)] = &[
        (&["Documents"], "/Documents/a.txt", false, true),
        (&["Documents"], "/", true, false),
        (&["/Documents"], "/Documents/deep", true, true),
        (&["/Documents"], "/", true, false),
        (&["documents"], "/Documents/deep", true, false),
        (&["Documents/"], "/Documents/é.txt", false, true),
        (&["Documents/"], "/", true, false),
        (&["/Documents/"], "/Documents/deep", true, true),
        (&["/Documents/"], "/", true, false),
        (&["*"], "/Documents", true, true),
        (&["*"], "/", true, false),
        (&["**"], "/Documents/*.txt", false, true),
        (&["**"], "/", true, false),
        (&["/*"], "/Documents", true, true),
        (&["/*"], "/", true, false),
        (&["/Documents/*"], "/Documents/].txt", false, true),
        (&["/Documents/*"], "/", true, false),
        (&["Documents/*"], "/Documents/#x", false, true),
        (&["Documents/*"], "/Documents", true, false),
        (&["Documents/**"], "/Documents/deep", true, true),
        (&["Documents/**"], "/", true, false),
        (&["**/Documents"], "/Documents/a.txt", false, true),
        (&["**/Documents"], "/", true, false),
        (&["**/deep"], "/Documents/deep/a.txt", false, true),
        (&["**/deep"], "/Documents/sp ", false, false),
        (&["**/deep/**"], "/Documents/deep", true, true),
        (&["**/deep/**"], "/Documents/x", false, false),
        (&["/deep"], "/Documents/deep", true, false),
        (&["deep/"], "/Documents/deep/a.txt", false, true),
        (&["deep/"], "/Documents/sp ", false, false),
        (&["*.txt"], "/Documents/é.txt", false, true),
        (&["*.txt"], "/Documents", true, false),
        (&["*.txt", "!a.txt"], "/Documents/].txt", false, true),
        (&["*.txt", "!a.txt"], "/Documents/#x", false, false),
        (&["!a.txt", "*.txt"], "/Documents/*.txt", false, true),
        (&["!a.txt", "*.txt"], "/Documents/sp ", false, false),
        (&["# x"], "/Documents/deep", true, false),
        (&["\\#x"], "/Documents/#x", false, true),
        (&["\\#x"], "/Documents/deep/a.txt", false, false),
        (&["  "], "/Documents/deep", true, false),
        (&["a.txt  "], "/Documents/deep/a.txt", false, true),
        (&["a.txt  "], "/Documents/*.txt", false, false),
        (&["sp\\ "], "/Documents/deep", true, false),
        (&["[a-c].txt"], "/Documents/a.txt", false, true),
        (&["[a-c].txt"], "/Documents/deep", true, false),
        (&["[^a-c].txt"], "/Documents/].txt", false, true),
        (&["[^a-c].txt"], "/Documents/x", false, false),
        (&["[a"], "/Documents/deep", true, false),
        (&["?.txt"], "/Documents/deep/a.txt", false, true),
        (&["?.txt"], "/Documents/x", false, false),
        (&["\\*.txt"], "/Documents/*.txt", false, true),
        (&["\\*.txt"], "/", true, false),
        (&["Doc*/*/a.txt"], "/Documents/deep/a.txt", false, true),
        (&["Doc*/*/a.txt"], "/Documents/é.txt", false, false),
        (&["a**b/c"], "/Documents/deep", true, false),
        (&["/"], "/Documents/deep", true, false),
        (&["/Documents", "!/Documents/deep"], "/Documents/*.txt", false, true),
        (&["/Documents", "!/Documents/deep"], "/", true, false),
        (&["x/"], "/Documents/deep", true, false),
        (&["[]a].txt"], "/Documents/deep", true, false),
        (&["[\\]].txt"], "/Documents/].txt", false, true),
        (&["[\\]].txt"], "/Documents/sp ", false, false),
        (&["*a*t*"], "/Documents/a.txt", false, true),
        (&["*a*t*"], "/Documents/x", false, false),
        (&["Documents/**/a.txt"], "/Documents/deep/a.txt", false, true),
        (&["Documents/**/a.txt"], "/Documents/sp ", false, false),
        (&["/**"], "/Documents/deep", true, false),
        (&[""], "/Documents/deep", true, false),
    ];
}
