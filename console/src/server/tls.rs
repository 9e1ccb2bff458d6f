//! TLS 1.2 and 1.3 from the user's files, which a renewal may replace at any time.

use std::fs::Metadata;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{Result, ServerError};
use super::listen::TlsFiles;

/// The certificate that is shown, read again when its files change.
pub(super) struct Certificate {
    files: TlsFiles,
    /// What the files were before they were read.
    begun: [FileStamp; 2],
    shown: RwLock<TlsAcceptor>,
}

/// By what a file that was replaced or written to is known.
type FileStamp = Option<(SystemTime, u64)>;

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// As [`acceptor`].
    pub(super) fn read(files: &TlsFiles) -> Result<Self> {
        let begun = stamps(files);
        Ok(Self { files: files.clone(), begun, shown: RwLock::new(acceptor(files)?) })
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files in this interval, for ever. While they cannot be used, as in the middle
    /// of a renewal, the old certificate is shown.
    pub(super) async fn renew(&self, interval: Duration) {
        let (mut shown, mut refused) = (self.begun, None);
        loop {
            tokio::time::sleep(interval).await;
            let stamps = stamps(&self.files);
            if stamps == shown {
                refused = None;
                continue;
            }
            match acceptor(&self.files) {
                Ok(fresh) => {
                    *self.shown.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                    (shown, refused) = (stamps, None);
                    tracing::info!("the certificate was read again");
                }
                // It is read again the next time: its mode or its owner, which the stamps do not
                // tell, may be what is still to be set. The same reason is said once.
                Err(error) => {
                    let why = Some(error.to_string());
                    if why != refused {
                        tracing::warn!(%error, "the new certificate cannot be used, the old one is shown");
                        refused = why;
                    }
                }
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> [FileStamp; 2] {
    let stamp = |metadata: Metadata| Some((metadata.modified().ok()?, metadata.len()));
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).ok().and_then(stamp))
}

/// Reads the files.
///
/// # Errors
///
/// One cannot be read, holds something else, or the two do not belong together.
fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
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
