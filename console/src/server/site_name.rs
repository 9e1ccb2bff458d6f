//! The name of the machine, or of the console, that a browser's tab and the pages' head show: who
//! has two of them must know which one this is.

use std::sync::Arc;

use super::hosts::HostName;

/// It is in each request's extensions.
#[derive(Clone, Debug)]
pub struct SiteName(Arc<str>);

impl SiteName {
    /// The first of the names that the console was told, or the machine's.
    pub(super) fn of(names: &[String]) -> Self {
        let told = names.first().and_then(|name| HostName::parse(name).ok()).map(|name| name.host);
        Self(told.or_else(machine).unwrap_or_else(|| "this machine".to_owned()).into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(unix)]
fn machine() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn machine() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_name_comes_before_the_machines() {
        let names = ["backup.example.org:8443".to_owned(), "other.example.org".to_owned()];
        assert_eq!(SiteName::of(&names).as_str(), "backup.example.org");
        assert!(!SiteName::of(&[]).as_str().is_empty());
    }
}
