//! Text of others' that is shown to the user.

/// Maximum length of a line that is made of such text, in bytes.
const MAX_LINE_BYTES: usize = 1000;

/// Maximum length of a name or a path that is quoted in a line, in bytes: the rest of the line
/// comes after it.
const MAX_QUOTED_BYTES: usize = 300;

/// One line that is fit for a terminal and for a header: what is no plain character is escaped,
/// marks that change the direction of text too, and what is too long is cut.
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_LINE_BYTES));
    for character in cut(text, MAX_LINE_BYTES).chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    if shown.len().max(text.len()) > MAX_LINE_BYTES {
        shown.truncate(cut(&shown, MAX_LINE_BYTES).len());
        shown.push('…');
    }
    shown
}

/// A name or a path in quotes, cut if it is long.
pub fn quoted(name: &str) -> String {
    if name.len() <= MAX_QUOTED_BYTES {
        format!("{name:?}")
    } else {
        format!("{:?}…", cut(name, MAX_QUOTED_BYTES))
    }
}

/// The beginning of a text, `length` bytes at most.
pub fn cut(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        // Behind another one, so that a combining character is what it should be.
        _ => format!("x{character}").escape_debug().nth(1) == Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_plain_characters() {
        assert_eq!(line("it's \"a\\b\" – ü e\u{301} 🦀"), "it's \"a\\b\" – ü e\u{301} 🦀");
        assert_eq!(
            line("a\nb\u{1b}[31m\u{202e}\u{9b}\0\u{2028}"),
            "a\\nb\\u{1b}[31m\\u{202e}\\u{9b}\\0\\u{2028}"
        );
        assert_eq!(line(&"x".repeat(MAX_LINE_BYTES)), "x".repeat(MAX_LINE_BYTES));
        for long in ["é", "x", "\u{202e}"] {
            let long = line(&long.repeat(1 << 20));
            assert!(
                (MAX_LINE_BYTES - 20..MAX_LINE_BYTES + 4).contains(&long.len())
                    && long.ends_with('…'),
                "{}",
                long.len()
            );
        }
    }

    #[test]
    fn what_is_quoted_is_cut() {
        assert_eq!(quoted("a\"\u{202e}"), "\"a\\\"\\u{202e}\"");
        assert_eq!(quoted(&"é".repeat(1 << 20)), format!("\"{}\"…", "é".repeat(150)));
    }
}
