//! The certificate authority made at start, and the TLS of dev.opendrive.com.

use std::io::{self, Write};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::options::Certificate;

/// The host that rclone's backend has built in.
pub(crate) const HOST: &str = "dev.opendrive.com";

pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// PEM of the authority; the file goes away with this.
    pub(crate) ca_file: NamedTempFile,
}

impl Identity {
    pub(crate) fn create(http2: bool, certificate: Certificate) -> io::Result<Self> {
        let (mut issuer, ca_pem) = authority()?;
        if certificate == Certificate::Untrusted {
            issuer = authority()?.0;
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let host =
            if certificate == Certificate::OtherHost { "elsewhere.example.com" } else { HOST };
        let mut leaf = CertificateParams::new([host.to_owned()]).map_err(io::Error::other)?;
        leaf.distinguished_name.push(DnType::CommonName, host);
        if certificate == Certificate::Expired {
            (leaf.not_before, leaf.not_after) =
                (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = leaf.signed_by(&key, &issuer).map_err(io::Error::other)?;

        let mut ca_file =
            tempfile::Builder::new().prefix("opendrive-sim-ca-").suffix(".pem").tempfile()?;
        ca_file.write_all(ca_pem.as_bytes())?;

        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(io::Error::other)?;
        config.alpn_protocols =
            if http2 { vec![b"h2".into(), b"http/1.1".into()] } else { vec![b"http/1.1".into()] };
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_file })
    }
}

/// A new authority, and its certificate as PEM.
fn authority() -> io::Result<(Issuer<'static, KeyPair>, String)> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "OpenDrive simulator");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    Ok((Issuer::new(params, key), certificate.pem()))
}
