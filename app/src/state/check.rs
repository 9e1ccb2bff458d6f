//! Names and short texts that a user gives.

use crate::model::Invalid;

/// # Errors
///
/// The name does not follow the rule.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Invalid> {
    let (first, rest) = (|byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit(), b"._-");
    let mut bytes = name.bytes();
    if name.len() <= 63 && bytes.next().is_some_and(first) && bytes.all(|byte| first(byte) || rest.contains(&byte)) {
        return Ok(());
    }
    let shown: String = name.escape_debug().take(70).collect();
    Err(Invalid(format!("{what} \"{shown}\": write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit")))
}

/// # Errors
///
/// The text is empty (where it may not be), too long, or holds control characters.
pub(super) fn check_text(what: &str, text: &str, may_be_empty: bool) -> Result<(), Invalid> {
    let problem = match text {
        "" if may_be_empty => return Ok(()),
        "" => "is missing",
        text if text.chars().any(char::is_control) => "holds a control character",
        text if text.trim() != text => "begins or ends with a space",
        text if text.len() > 255 => "is longer than 255 bytes",
        _ => return Ok(()),
    };
    Err(Invalid(format!("{what} {problem}; write a short text on one line")))
}

/// As [`check_text`], for a list; tags of Plakar hold no comma.
pub(super) fn check_list(what: &str, list: &[String]) -> Result<(), Invalid> {
    for (index, text) in list.iter().enumerate() {
        check_text(what, text, false)?;
        if text.contains(',') {
            return Err(Invalid(format!("{what} \"{text}\" holds a comma; give several one by one")));
        }
        if list[..index].contains(text) {
            return Err(Invalid(format!("{what} \"{text}\" is given twice; write it once")));
        }
    }
    Ok(())
}
