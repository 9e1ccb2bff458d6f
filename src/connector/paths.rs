//! Paths on a remote: relative, with `/` between their parts; "" is the base.

/// The path of a name in a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The folder that a path is in, and the last name of the path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split() {
        for (folder, name, path) in [("", "a", "a"), ("a", "b", "a/b"), ("a/b", "c d", "a/b/c d")] {
            assert_eq!(join(folder, name), path);
            assert_eq!(split(path), (folder, name));
        }
    }
}
