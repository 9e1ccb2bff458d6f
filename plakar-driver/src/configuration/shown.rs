//! What `plakar source|destination|store show -json` prints.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::configuration::kinds::{Kind, Options};
use crate::error::{Error, Result};

/// The entries in what `show -json` printed, by name. Numbers and truth values become their text.
///
/// # Errors
/// [`Error::Answer`] for a line that is not valid JSON.
pub fn parse_shown(kind: Kind, text: &str) -> Result<BTreeMap<String, Options>> {
    let mut all = BTreeMap::new();
    // A greeting may come first; each entry is one line of its own.
    for line in text.lines().filter(|line| line.starts_with('{')) {
        // Nothing of the line goes into the message: it holds secrets.
        let entry: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(line)
            .map_err(|_| Error::Answer(format!("a {} that is not valid JSON", kind.word())))?;
        for (name, options) in entry {
            let plain =
                |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.insert(name, options.into_iter().map(|(key, value)| (key, plain(value))).collect());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_after_a_greeting_and_a_bad_line_is_not_repeated() {
        let text =
            "Welcome to plakar !\n\n{\"a\":{\"location\":\"x://\",\"port\":22}}\n{\"b\":{}}\n";
        let all = parse_shown(Kind::Source, text).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((all["a"]["location"].as_str(), all["a"]["port"].as_str()), ("x://", "22"));
        let error =
            parse_shown(Kind::Store, "{\"a\":{\"password\":\"hunter2").unwrap_err().to_string();
        assert!(
            error.contains("a store that is not valid JSON") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
