//! The certificate authority made at start, and the TLS of dev.opendrive.com.

use std::io::{self, Write};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// The host that rclone's backend has built in.
pub(crate) const HOST: &str = "dev.opendrive.com";

pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// PEM of the authority; the file goes away with this.
    pub(crate) ca_file: NamedTempFile,
}

impl Identity {
    pub(crate) fn create(http2: bool) -> io::Result<Self> {
        let ca_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "OpenDrive simulator");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_certificate = ca.self_signed(&ca_key).map_err(io::Error::other)?;
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut leaf = CertificateParams::new([HOST.to_owned()]).map_err(io::Error::other)?;
        leaf.distinguished_name.push(DnType::CommonName, HOST);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = leaf.signed_by(&key, &issuer).map_err(io::Error::other)?;

        let mut ca_file = tempfile::Builder::new().prefix("opendrive-sim-ca-").suffix(".pem").tempfile()?;
        ca_file.write_all(ca_certificate.pem().as_bytes())?;

        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
            .map_err(io::Error::other)?;
        config.alpn_protocols = if http2 { vec![b"h2".into(), b"http/1.1".into()] } else { vec![b"http/1.1".into()] };
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_file })
    }
}
