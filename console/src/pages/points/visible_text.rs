//! Names and texts of a snapshot, as pages show them: nothing in them hides, reorders or looks like
//! something else.

use plakar_driver::deceives;

/// A text whose hidden characters are shown as escapes: `p::name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibleText {
    /// Its parts.
    pub parts: Vec<VisiblePart>,
    /// All of it in ASCII, if it has anything else or an escape: two names may look the same and
    /// are not.
    pub title: Option<String>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePart {
    /// As it is shown.
    pub text: String,
    /// Whether it stands for a character that cannot be seen.
    pub escape: bool,
}

/// Characters that cannot be seen, or look like a space. Those of [`deceives`], and fillers, other
/// spaces and tags.
fn hidden(letter: char) -> bool {
    deceives(letter)
        || (letter.is_whitespace() && letter != ' ')
        || matches!(
            letter,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(letter, '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(letter, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn parts(text: &str, escape: impl Fn(usize, char) -> Option<String>) -> Vec<VisiblePart> {
    let mut parts: Vec<VisiblePart> = Vec::new();
    for (at, letter) in text.char_indices() {
        match (escape(at, letter), parts.last_mut()) {
            (Some(text), _) => parts.push(VisiblePart { text, escape: true }),
            (None, Some(last)) if !last.escape => last.text.push(letter),
            (None, _) => parts.push(VisiblePart { text: letter.into(), escape: false }),
        }
    }
    parts
}

impl VisibleText {
    /// The name of a file, or a path.
    pub fn name(name: &str) -> Self {
        let (begin, end) =
            (name.len() - name.trim_start_matches(' ').len(), name.trim_end_matches(' ').len());
        let escape = |at: usize, letter: char| match letter {
            ' ' if at < begin || at >= end => Some("\u{2423}".to_owned()),
            letter if hidden(letter) => Some(letter.escape_default().to_string()),
            _ => None,
        };
        let parts = parts(name, escape);
        let plain = name.is_ascii() && parts.iter().all(|part| !part.escape);
        Self { title: (!plain).then(|| format!("exactly: {}", name.escape_default())), parts }
    }

    /// The content of a file: lines and tabs are as they are.
    pub fn text(text: &str) -> Self {
        let escape = |_, letter: char| {
            (!matches!(letter, '\n' | '\t' | '\u{a0}' | '\u{3000}') && hidden(letter))
                .then(|| letter.escape_default().to_string())
        };
        Self { parts: parts(&text.replace("\r\n", "\n"), escape), title: None }
    }

    /// The same without marks, for a title.
    pub fn plain(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }

    /// How many characters are shown as escapes.
    pub fn escapes(&self) -> usize {
        self.parts.iter().filter(|part| part.escape).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for (name, plain) in [
            ("plain.txt", "plain.txt"),
            ("in\u{202e}gpj.exe", "in\\u{202e}gpj.exe"),
            ("new\nline", "new\\nline"),
            ("\u{200b}a", "\\u{200b}a"),
            ("a\u{a0}b c", "a\\u{a0}b c"),
            (" a  ", "\u{2423}a\u{2423}\u{2423}"),
            ("  ", "\u{2423}\u{2423}"),
            ("é🦀", "é🦀"),
        ] {
            assert_eq!(VisibleText::name(name).plain(), plain);
        }
    }

    #[test]
    fn names_that_look_the_same_differ_in_their_titles() {
        let lookalikes = [
            "paypal",
            "p\u{430}ypal",
            "caf\u{e9}",
            "cafe\u{301}",
            "a\\nb",
            "a\nb",
            "\\\u{6e}",
            "x\u{fe0f}",
            "x",
        ];
        let seen: Vec<_> = lookalikes.iter().map(|name| VisibleText::name(name)).collect();
        for (index, shown) in seen.iter().enumerate() {
            assert!(!seen[..index].contains(shown), "{shown:?}");
        }
        assert_eq!(seen[0].title, None);
        assert_eq!(seen[1].title.as_deref(), Some("exactly: p\\u{430}ypal"));
    }

    #[test]
    fn text_keeps_its_lines() {
        assert_eq!(
            VisibleText::text("a\r\n\tb\u{202e}\u{1b}[2J").plain(),
            "a\n\tb\\u{202e}\\u{1b}[2J"
        );
    }
}
