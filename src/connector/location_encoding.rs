//! The path of a location, as a person writes it and as Plakar encodes it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What Go's `net/url` encodes in a path.
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// What it encodes in a host, which a location with two slashes begins with.
const ENCODED_IN_HOST: &AsciiSet = &ENCODED_IN_PATH
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'[')
    .remove(b']')
    .remove(b'<')
    .remove(b'>')
    .remove(b'"');

/// The path of a location without what means nothing in it.
pub(super) fn normalized(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The path that Plakar has encoded, if it can have encoded this one; `None` also if encoding
/// changes nothing.
pub(super) fn percent_decoded(path: &str) -> Option<String> {
    let host = if path.starts_with('/') { 0 } else { path.find('/').unwrap_or(path.len()) };
    let (host, below) = path.split_at(host);
    let decode = |text, encoded| {
        let decoded = percent_decode_str(text).decode_utf8().ok()?;
        // Only what is encoded as Go does it is Plakar's.
        (utf8_percent_encode(&decoded, encoded).to_string() == text).then_some(decoded)
    };
    let decoded = decode(host, ENCODED_IN_HOST)?.into_owned() + &decode(below, ENCODED_IN_PATH)?;
    (decoded != path && !decoded.contains('\0')).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_plakar_can_have_encoded_is_decoded() {
        for (path, expected) in [
            ("/My%20Pictures", "/My Pictures"),
            ("My/a%20b", "My/a b"),
            ("/It%27s%20%28new%29%21", "/It's (new)!"),
            ("/100%25%20sure%3F%23", "/100% sure?#"),
            ("/caf%C3%A9", "/café"),
            ("/a%2520b", "/a%20b"),
            ("/line%0Abreak", "/line\nbreak"),
            ("Really!(it)/a%20b", "Really!(it)/a b"),
            ("/%E2%80%9B", "/‛"),
        ] {
            assert_eq!(percent_decoded(path).as_deref(), Some(expected), "{path}");
        }
        for path in [
            "",
            "/",
            "/Documents/a",
            "/My Pictures",
            "/a%20b c",
            "/a%2fb",
            "/a%2Fb",
            "/a%C3b",
            "/caf%c3%a9",
            "/100%",
            "/100%2",
            "/%zz",
            "/a%41",
            "/%2E%2E",
            "/a%00b",
            "/é%20b",
            "/it's%20new",
            "/new!/a%20b",
            "/a%+1",
            "/%é",
            "/a?b%20c",
        ] {
            assert_eq!(percent_decoded(path), None, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_plakar_encodes_is_decoded(path in "/[^\0]{0,20}") {
            let sent = utf8_percent_encode(&path, ENCODED_IN_PATH).to_string();
            assert_eq!(percent_decoded(&sent), (sent != path).then_some(path));
        }

        #[test]
        fn anything_may_be_a_location(path in "[%0-9A-Fa-c/é ‛]{0,20}") {
            if let Some(folder) = percent_decoded(&path) {
                let host = path.find('/').unwrap_or(path.len());
                assert!(utf8_percent_encode(&folder, ENCODED_IN_PATH).to_string() == path || host > 0, "{path:?} {folder:?}");
            }
        }
    }
}
