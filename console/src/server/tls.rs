//! TLS 1.2 and 1.3 from the user's files.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{Result, ServerError};
use super::listen::TlsFiles;

/// Reads the files.
///
/// # Errors
///
/// One cannot be read, holds something else, or the two do not belong together.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let (certificate, key) = (&files.certificate, &files.key);
    let unreadable = |path: &Path, what: &str, option: &str, error: PemError| match error {
        PemError::Io(error) => ServerError::file(path)(error),
        _ => ServerError::Invalid(format!(
            "{option} {}: no {what} in it; name a PEM file",
            path.display()
        )),
    };
    let no_chain = |error| unreadable(certificate, "certificate", "--tls-certificate", error);
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(no_chain)?;
    if chain.is_empty() {
        return Err(no_chain(PemError::NoItemsFound));
    }
    check_mode(key)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unreadable(key, "private key", "--tls-key", error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map(|config| config.with_no_client_auth());
    let mut config =
        config.and_then(|config| config.with_single_cert(chain, private)).map_err(|error| {
            ServerError::Invalid(format!(
                "--tls-certificate {} and --tls-key {}: {error}",
                certificate.display(),
                key.display()
            ))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Refuses a key that everybody can read. Its owner and group are the business of who renews
/// certificates, and so are links.
fn check_mode(key: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let mode = std::fs::metadata(key).map_err(ServerError::file(key))?.mode() & 0o777;
        if mode & 0o007 != 0 {
            let shown = key.display();
            return Err(ServerError::Invalid(format!(
                "--tls-key {shown} is open to every user (mode {mode:o}); run: chmod o= {shown}"
            )));
        }
    }
    #[cfg(not(unix))]
    let _ = key;
    Ok(())
}
