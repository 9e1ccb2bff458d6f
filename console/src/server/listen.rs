//! Where to listen, and what that demands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::error::{Result, ServerError};
use super::hosts::HostName;
use super::password::PasswordHash;

/// Where to listen and under which conditions.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// The certificate to show; without it the connection is plain.
    pub tls: Option<TlsFiles>,
    /// What to ask for, besides the one-time codes of [`super::Server::new_login_url`].
    pub password: Option<PasswordHash>,
    /// Further names that may stand in `Host`: `backup.example.org`, or with a port.
    pub names: Vec<String>,
}

/// A certificate and its key, both PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and the authority's.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Listen {
    /// Loopback, for this machine alone.
    pub fn loopback(port: u16) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            tls: None,
            password: None,
            names: Vec::new(),
        }
    }

    /// Whether this may be listened on.
    ///
    /// # Errors
    ///
    /// The address can be reached from other machines and TLS or the password is missing, or a name
    /// is none.
    pub fn check(&self) -> Result<()> {
        for name in &self.names {
            HostName::parse(name)?;
        }
        if self.address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        let missing = match (&self.tls, &self.password) {
            (Some(_), Some(_)) => return Ok(()),
            (None, Some(_)) => "--tls-certificate and --tls-key",
            (Some(_), None) => "--password-file",
            (None, None) => "--tls-certificate, --tls-key and --password-file",
        };
        let address = self.address;
        Err(ServerError::Invalid(format!(
            "--listen {address} can be reached from other machines: add {missing} (and --name for the name in the browser), or listen on 127.0.0.1"
        )))
    }

    /// The beginning of the address to open in a browser, given where the server listens now.
    pub(super) fn base_url(&self, bound: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        // A certificate is good for a name; without TLS a name is that of a proxy in front.
        if let (Some(_), Some(name)) = (&self.tls, self.names.first()) {
            let has_port = HostName::parse(name).is_ok_and(|name| name.port.is_some());
            let port = if has_port || bound.port() == 443 {
                String::new()
            } else {
                format!(":{}", bound.port())
            };
            return format!("{scheme}://{name}{port}");
        }
        let ip = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("{scheme}://{}", SocketAddr::new(ip, bound.port()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(address: &str, tls: bool, password: bool) -> Listen {
        Listen {
            address: address.parse().unwrap(),
            tls: tls.then(|| TlsFiles { certificate: "c".into(), key: "k".into() }),
            password: password.then(PasswordHash::example),
            names: Vec::new(),
        }
    }

    #[test]
    fn beyond_loopback_demands_tls_and_a_password() {
        for address in ["127.0.0.1:0", "127.8.0.1:80", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            listen(address, false, false).check().unwrap();
        }
        for address in
            ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:192.0.2.1]:80", "[fe80::1]:80"]
        {
            listen(address, true, true).check().unwrap();
            let refused =
                |tls, password| listen(address, tls, password).check().unwrap_err().to_string();
            let begin = format!(
                "--listen {} can be reached from other machines: add ",
                address.parse::<SocketAddr>().unwrap()
            );
            let end = " (and --name for the name in the browser), or listen on 127.0.0.1";
            assert_eq!(
                refused(false, false),
                format!("{begin}--tls-certificate, --tls-key and --password-file{end}")
            );
            assert_eq!(refused(true, false), format!("{begin}--password-file{end}"));
            assert_eq!(
                refused(false, true),
                format!("{begin}--tls-certificate and --tls-key{end}")
            );
        }
    }

    #[test]
    fn the_address_for_the_browser() {
        let url = |listen: &Listen, bound: &str| listen.base_url(bound.parse().unwrap());
        let mut plain = listen("127.0.0.1:0", false, false);
        assert_eq!(url(&plain, "127.0.0.1:81"), "http://127.0.0.1:81");
        assert_eq!(url(&plain, "[::1]:81"), "http://[::1]:81");
        plain.names = vec!["proxy.example.org".into()];
        assert_eq!(url(&plain, "127.0.0.1:81"), "http://127.0.0.1:81");
        let mut open = listen("0.0.0.0:0", true, true);
        assert_eq!(url(&open, "0.0.0.0:81"), "https://127.0.0.1:81");
        assert_eq!(url(&open, "[::]:81"), "https://[::1]:81");
        open.names = vec!["backup.example.org".into()];
        assert_eq!(url(&open, "0.0.0.0:8443"), "https://backup.example.org:8443");
        assert_eq!(url(&open, "0.0.0.0:443"), "https://backup.example.org");
        open.names = vec!["backup.example.org:9000".into()];
        assert_eq!(url(&open, "0.0.0.0:8443"), "https://backup.example.org:9000");
    }
}
