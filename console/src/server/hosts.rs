//! The names under which the server may be asked. A page of anybody's can have its own name point
//! at this address, and its browser then takes both for one site: only the name tells them apart.

use std::net::{IpAddr, SocketAddr};

use super::error::{Result, ServerError};

/// A host name, perhaps with a port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostName {
    pub host: String,
    pub port: Option<u16>,
}

impl HostName {
    /// Reads a name of the option `--name`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            ServerError::Invalid(format!(
                "--name {text:?}: write a host name such as backup.example.org, or backup.example.org:8443, and nothing else"
            ))
        })
    }

    /// Reads what stands in `Host`, or behind the scheme of an origin.
    fn read(text: &str) -> Option<Self> {
        // The colons of an address of version 6 are in brackets.
        let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text[end..].find(':') {
            Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
            None => (text, None),
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
            None => None,
        };
        let name = Self { host: host.to_ascii_lowercase(), port };
        (name.ip().is_some() || name.host.split('.').all(is_label)).then_some(name)
    }

    fn ip(&self) -> Option<IpAddr> {
        let host = &self.host;
        let ip: IpAddr = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
            .parse()
            .ok()?;
        // Brackets are for addresses of version 6, and those must have them.
        (ip.is_ipv6() == host.starts_with('[')).then(|| ip.to_canonical())
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-')
}

fn usual_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// The names that are allowed.
#[derive(Debug)]
pub(super) struct AllowedHosts {
    scheme: &'static str,
    port: u16,
    names: Vec<HostName>,
}

/// A host that a request named and that is ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KnownHost {
    name: HostName,
    /// Whether it is one of `--name`, where a proxy may stand in front with TLS.
    configured: bool,
}

impl AllowedHosts {
    pub fn new(tls: bool, port: u16, names: &[String]) -> Self {
        let names = names.iter().filter_map(|name| HostName::parse(name).ok()).collect();
        Self { scheme: if tls { "https" } else { "http" }, port, names }
    }

    /// Takes what a request has in `Host`, if it is ours. `local` is the address at which its
    /// connection arrived.
    pub fn find(&self, text: &str, local: SocketAddr) -> Option<KnownHost> {
        let name = HostName::read(text)?;
        // An address cannot be pointed elsewhere as a name can: who asks for the one that it
        // reached has reached it.
        let here = local.ip().to_canonical();
        let is_here = match name.ip() {
            Some(ip) => ip == here || ip.is_loopback() && here.is_loopback(),
            None => name.host == "localhost" && here.is_loopback(),
        };
        if is_here && name.port.unwrap_or(usual_port(self.scheme)) == self.port {
            return Some(KnownHost { name, configured: false });
        }
        let is_named = |known: &&HostName| {
            known.host == name.host
                && match (known.port, name.port) {
                    (Some(known), Some(port)) => known == port,
                    // The browser leaves out the usual port, of a proxy in front too.
                    (Some(known), None) => known == usual_port(self.scheme) || known == 443,
                    (None, Some(port)) => port == self.port,
                    (None, None) => true,
                }
        };
        self.names.iter().find(is_named)?;
        Some(KnownHost { name, configured: true })
    }

    /// Whether an `Origin` is the very page that `Host` names.
    pub fn is_origin(&self, origin: &str, host: &KnownHost) -> bool {
        let Some((scheme, rest)) = origin.split_once("://") else { return false };
        if scheme != self.scheme && !(host.configured && scheme == "https") {
            return false;
        }
        let port = |name: &HostName| name.port.unwrap_or(usual_port(scheme));
        HostName::read(rest)
            .is_some_and(|name| name.host == host.name.host && port(&name) == port(&host.name))
    }
}

impl KnownHost {
    /// Whether it is a name that other servers of this machine share, on other ports.
    pub fn is_localhost(&self) -> bool {
        self.name.host == "localhost"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(tls: bool, port: u16) -> AllowedHosts {
        AllowedHosts::new(tls, port, &["backup.example.org".into(), "Nas.Local:8443".into()])
    }

    fn allowed(hosts: &AllowedHosts, text: &str, local: &str) -> bool {
        hosts.find(text, local.parse().unwrap()).is_some()
    }

    #[test]
    fn the_own_names_and_no_others() {
        let hosts = hosts(false, 1234);
        let good = [
            "127.0.0.1:1234",
            "localhost:1234",
            "LOCALHOST:1234",
            "[::1]:1234",
            "backup.example.org",
            "Backup.Example.org:1234",
            "nas.local:8443",
        ];
        for text in good {
            assert!(allowed(&hosts, text, "127.0.0.1:1234"), "{text}");
        }
        let bad = [
            "",
            "127.0.0.1",
            "127.0.0.1:1235",
            "localhost",
            "localhost:",
            "localhost.:1234",
            "localhost:01234x",
            "evil.example:1234",
            "[::1]",
            "::1:1234",
            "127.0.0.1.evil.example:1234",
            "evil@127.0.0.1:1234",
            "127.0.0.1:1234@evil",
            "backup.example.org:99",
            "xbackup.example.org",
            "backup.example.org.evil",
            "nas.local",
            "nas.local:1234",
            "192.0.2.1:1234",
            "0.0.0.0:1234",
            "2130706433:1234",
            "0x7f.1:1234",
            "127.1:1234",
            "127.0.0.1:1234, evil",
            "127.0.0.1:1234/",
            "[127.0.0.1]:1234",
            "localhost:99999",
            "a b",
        ];
        for text in bad {
            assert!(!allowed(&hosts, text, "127.0.0.1:1234"), "{text}");
        }
    }

    #[test]
    fn beyond_loopback_the_address_that_was_reached() {
        let hosts = hosts(true, 443);
        assert!(allowed(&hosts, "192.0.2.1", "192.0.2.1:443"));
        assert!(allowed(&hosts, "192.0.2.1:443", "[::ffff:192.0.2.1]:443"));
        assert!(allowed(&hosts, "[2001:db8::1]", "[2001:db8::1]:443"));
        assert!(!allowed(&hosts, "192.0.2.1", "192.0.2.2:443"));
        // From outside, "localhost" is somebody else's.
        assert!(!allowed(&hosts, "localhost", "192.0.2.1:443"));
        assert!(!allowed(&hosts, "127.0.0.1", "192.0.2.1:443"));
    }

    #[test]
    fn an_origin_is_the_same_host_scheme_and_port() {
        let hosts = hosts(false, 1234);
        let find = |text| hosts.find(text, "127.0.0.1:1234".parse().unwrap()).unwrap();
        assert!(hosts.is_origin("http://127.0.0.1:1234", &find("127.0.0.1:1234")));
        for origin in [
            "null",
            "",
            "http://127.0.0.1",
            "http://localhost:1234",
            "https://127.0.0.1:1234",
            "http://127.0.0.1:3000",
            "http://127.0.0.1:1234/",
            "file://",
        ] {
            assert!(!hosts.is_origin(origin, &find("127.0.0.1:1234")), "{origin}");
        }
        // A proxy with TLS in front.
        assert!(hosts.is_origin("https://backup.example.org", &find("backup.example.org")));
        assert!(
            hosts.is_origin("http://backup.example.org:1234", &find("backup.example.org:1234"))
        );
        assert!(!hosts.is_origin("https://evil.example.org", &find("backup.example.org")));
    }

    #[test]
    fn a_name_is_a_name() {
        for name in ["a", "backup.example.org", "b:81", "192.0.2.1", "[2001:db8::1]:81", "my_nas"] {
            HostName::parse(name).unwrap();
        }
        for name in [
            "",
            "https://a",
            "a/b",
            "a b",
            "*",
            "*.example.org",
            "a:",
            "a:x",
            ".",
            "a..b",
            "-a",
            "a@b",
            "a:99999",
            "a:+1",
            "a:1:2",
            "[a]",
            "a]:1",
        ] {
            let error = HostName::parse(name).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("--name {name:?}: write a host name such as")),
                "{error}"
            );
        }
    }
}
