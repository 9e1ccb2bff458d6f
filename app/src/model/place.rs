//! Places as texts say them, fit to be shown.

/// `sftp://user:password@host/path` is shown as `sftp://user@host/path`.
pub fn without_password(location: &str) -> String {
    let parts = location.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@')?;
        Some(format!("{scheme}://{}@{host}{path}", user.split(':').next().unwrap_or_default()))
    });
    parts.unwrap_or_else(|| location.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_shown_without_its_password() {
        for (location, shown) in [
            ("sftp://me:p@:ss@host:22/a@b:c", "sftp://me@host:22/a@b:c"),
            ("sftp://me@host", "sftp://me@host"),
            ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
            ("/var/backups", "/var/backups"),
        ] {
            assert_eq!(without_password(location), shown);
        }
    }
}
