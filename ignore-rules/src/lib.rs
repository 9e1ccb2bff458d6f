//! What Plakar leaves out by `-ignore`.
//!
//! Plakar takes every record and drops those whose path a pattern matches (kloset v1.1.3,
//! snapshot/backup.go and exclude/); it says nothing of them. A pattern that matches the base drops
//! everything, and the backup passes for a good one. So the same is worked out here, as go-git's
//! `gitignore` does it, which Plakar uses: patterns count from the root of the drive.
//!
//! The connector says so where nothing is left, and the source app shows beforehand what a pattern
//! leaves out. A test of the source app's driver compares this with what the real Plakar does.

/// The patterns of a run.
#[derive(Debug, Default)]
pub struct IgnoreRules(Vec<IgnorePattern>);

/// One pattern.
#[derive(Debug)]
pub struct IgnorePattern {
    parts: Vec<String>,
    /// It begins with `!`: what it matches is taken in again.
    includes: bool,
    /// It ends with a slash.
    folders_only: bool,
}

impl IgnoreRules {
    /// Of lines as Plakar takes them: empty ones and those that begin with `#` say nothing.
    pub fn new(lines: &[String]) -> Self {
        Self(lines.iter().filter_map(|line| IgnorePattern::parse(line)).collect())
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether Plakar drops the record of an absolute path: the last pattern that matches decides.
    pub fn excludes(&self, path: &str, is_folder: bool) -> bool {
        path != "/" && self.excludes_parts(&parts(path), is_folder)
    }

    /// The same of the [`parts`] of a path that is not the root.
    pub fn excludes_parts(&self, parts: &[&str], is_folder: bool) -> bool {
        self.0
            .iter()
            .rev()
            .find(|pattern| pattern.matches(parts, is_folder))
            .is_some_and(|pattern| !pattern.includes)
    }
}

/// The names that an absolute path is made of.
pub fn parts(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

impl IgnorePattern {
    /// The pattern of a line; `None` of an empty line and of one that begins with `#`.
    pub fn parse(line: &str) -> Option<Self> {
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

    /// Whether it begins with `!`: what it matches is taken in again.
    pub fn includes(&self) -> bool {
        self.includes
    }

    /// Why it never matches anything, if it is written so: Plakar takes such a pattern in silence.
    pub fn fault(&self) -> Option<&'static str> {
        if self.parts.iter().all(String::is_empty) {
            return Some("it names nothing");
        }
        let star = |part: &String| part.contains("**") && part != "**";
        if self.parts.len() > 1 && self.parts.iter().any(star) {
            return Some("a \"**\" has to stand alone between slashes");
        }
        if !self.parts.iter().all(|part| is_well_formed(part)) {
            return Some("a bracket is not closed, is empty, or a backslash ends a name");
        }
        let names = self.parts.iter().any(|part| !part.is_empty() && part != "**");
        (self.parts.len() > 1 && !names).then_some("it names nothing")
    }

    /// Whether it matches the [`parts`] of a path.
    pub fn matches(&self, path: &[&str], is_folder: bool) -> bool {
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

/// Whether a part of a pattern can match anything.
fn is_well_formed(part: &str) -> bool {
    let letters: Vec<char> = part.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        at += match letters[at] {
            '\\' if at + 1 == letters.len() => return false,
            '\\' => 2,
            '[' => match class_length(&letters[at + 1..]) {
                Some(length) => length + 1,
                None => return false,
            },
            _ => 1,
        };
    }
    true
}

/// The length of what follows a `[`, its `]` too.
fn class_length(rest: &[char]) -> Option<usize> {
    let mut at = usize::from(rest.first() == Some(&'^'));
    let mut first = true;
    while first || rest.get(at) != Some(&']') {
        first = false;
        at = class_character(rest, at)?;
        if rest.get(at) == Some(&'-') {
            at = class_character(rest, at + 1)?;
        }
    }
    Some(at + 1)
}

/// What follows a character of a class.
fn class_character(rest: &[char], at: usize) -> Option<usize> {
    match rest.get(at)? {
        '\\' => rest.get(at + 1).map(|_| at + 2),
        '-' | ']' => None,
        _ => Some(at + 1),
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

    #[test]
    fn a_pattern_that_can_match_nothing_is_told() {
        for bad in ["[a", "a/[b", "a\\", "a**b/c", "/", "/**", "[]a]", "[-a]", "!", "a/[b-]"] {
            let fault = IgnorePattern::parse(bad).unwrap().fault();
            assert!(fault.is_some(), "{bad}");
        }
        for good in ["*", "**", "a**b", "[a-c].txt", "[^\\]]x", "\\[a", "/a/**", "**/a/", "sp\\ "] {
            let pattern = IgnorePattern::parse(good).unwrap();
            assert_eq!(pattern.fault(), None, "{good}");
        }
        assert!(IgnorePattern::parse("# a").is_none() && IgnorePattern::parse("  ").is_none());
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
