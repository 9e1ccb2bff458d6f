//! Names and short texts that a user gives.

use crate::model::{Invalid, without_password};

/// Maximum length of a short text, in bytes; the message says it too.
const MAX_TEXT_BYTES: usize = 255;

/// # Errors
///
/// The name does not follow the rule.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Invalid> {
    if plakar_driver::Name::is_valid(name) {
        return Ok(());
    }
    let shown: String = name.escape_debug().take(70).collect();
    Err(Invalid(format!(
        "{what} \"{shown}\": write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit"
    )))
}

/// # Errors
///
/// The text is empty (where it may not be), too long, or holds control characters.
pub(super) fn check_text(what: &str, text: &str, may_be_empty: bool) -> Result<(), Invalid> {
    let problem = match text {
        "" if may_be_empty => return Ok(()),
        "" => "is missing",
        text if text.chars().any(plakar_driver::deceives) => {
            "holds a control character or a hidden one"
        }
        text if text.trim() != text => "begins or ends with a space",
        text if text.len() > MAX_TEXT_BYTES => "is longer than 255 bytes",
        _ => return Ok(()),
    };
    Err(Invalid(format!("{what} {problem}; write a short text on one line")))
}

/// As [`check_text`], for a list; tags of Plakar hold no comma.
pub(super) fn check_list(what: &str, list: &[String]) -> Result<(), Invalid> {
    for (index, text) in list.iter().enumerate() {
        check_text(what, text, false)?;
        if text.contains(',') {
            return Err(Invalid(format!(
                "{what} \"{text}\" holds a comma; give several one by one"
            )));
        }
        if list[..index].contains(text) {
            return Err(Invalid(format!("{what} \"{text}\" is given twice; write it once")));
        }
    }
    Ok(())
}

/// # Errors
///
/// The text says no place, or has a password in it. It may be empty.
pub(super) fn check_location(location: &str) -> Result<(), Invalid> {
    check_text("location", location, true)?;
    let has_protocol = location.split_once("://").is_some_and(|(protocol, _)| !protocol.is_empty());
    if !location.is_empty() && !location.starts_with('/') && !has_protocol {
        return Err(Invalid(format!(
            "location \"{}\": write PROTOCOL://PLACE, such as opendrive://Photos, or the absolute path of a folder",
            location.escape_debug().take(70).collect::<String>()
        )));
    }
    if without_password(location) != location {
        return Err(Invalid(
            "location has a password in it, which does not belong there; write it without".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_says_a_place_and_no_password() {
        for good in ["", "/srv/photos", "opendrive://", "opendrive://Photos", "sftp://me@host/a"] {
            assert_eq!(check_location(good), Ok(()), "{good}");
        }
        let fault = |location: &str| check_location(location).unwrap_err().to_string();
        for bad in ["Photos", "photos/2026", "://x"] {
            assert!(fault(bad).contains("write PROTOCOL://PLACE"), "{bad}");
        }
        let told = fault("sftp://me:hunter2@host/a");
        assert!(told.contains("has a password in it") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_text_that_looks_like_another_is_refused() {
        assert_eq!(check_text("store", "größer", false), Ok(()));
        for bad in ["a\nb", "a\u{202e}b", "a\u{200b}", "\u{feff}a"] {
            let error = check_text("store", bad, false).unwrap_err().to_string();
            assert_eq!(
                error,
                "store holds a control character or a hidden one; write a short text on one line"
            );
        }
    }
}
