//! How rclone writes a remote in one text.

use std::collections::BTreeMap;

/// Options of a remote by rclone's names.
pub(super) type Options = BTreeMap<String, String>;

/// A remote with a colon, `drive:folder` or `:memory,option=value:folder`, in its parts.
pub(super) struct RemoteReference<'a> {
    /// The name of a section, or a colon and the name of a backend.
    pub name: &'a str,
    /// The options that are written out.
    pub options: Options,
    /// What is behind the colon.
    pub path: &'a str,
}

impl<'a> RemoteReference<'a> {
    /// `None` for a local path, and for what rclone would not understand either.
    pub fn parse(remote: &'a str) -> Option<Self> {
        let start = usize::from(remote.starts_with(':'));
        let end = start + remote[start..].find([':', ',', '/', '\\'])?;
        let (name, mut rest) = remote.split_at(end);
        let drive_letter = cfg!(windows) && name.len() == 1;
        if end == start || drive_letter {
            return None;
        }
        let mut options = Options::new();
        while let Some(parameter) = rest.strip_prefix(',') {
            let (key, after) = parameter.split_at(parameter.find(['=', ':', ','])?);
            let (value, after) =
                after.strip_prefix('=').map_or(Some(("true".to_owned(), after)), take_value)?;
            options.insert(key.to_owned(), value);
            rest = after;
        }
        Some(Self { name, options, path: rest.strip_prefix(':')? })
    }

    /// The section that it names, if it does not say itself what it is.
    pub fn section(&self) -> Option<&'a str> {
        (!self.name.starts_with(':')).then_some(self.name)
    }
}

/// A value at the beginning of a text, in quotes that are doubled within or without, and the rest.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quote) = text.chars().next().filter(|first| ['\'', '"'].contains(first)) else {
        let (value, rest) = text.split_at(text.find([':', ','])?);
        return Some((value.to_owned(), rest));
    };
    let (mut value, mut rest) = (String::new(), &text[1..]);
    loop {
        let (before, after) = rest.split_once(quote)?;
        value.push_str(before);
        let Some(more) = after.strip_prefix(quote) else { return Some((value, after)) };
        value.push(quote);
        rest = more;
    }
}
