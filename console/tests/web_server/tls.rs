//! TLS, and what may be listened on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, version,
};
use web_console::server::{Limits, Listen, PasswordHash, Server, TlsFiles, hash_password};

use crate::{Counted, status};

struct Files {
    directory: TempDir,
    tls: TlsFiles,
}

fn files() -> Files {
    let directory = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".into(), "backup.example.org".into()]).unwrap();
    let tls = TlsFiles {
        certificate: directory.path().join("certificate.pem"),
        key: directory.path().join("key.pem"),
    };
    std::fs::write(&tls.certificate, cert.pem()).unwrap();
    std::fs::write(&tls.key, signing_key.serialize_pem()).unwrap();
    close(&tls.key, 0o600);
    Files { directory, tls }
}

fn close(path: &Path, mode: u32) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn listen(files: &Files) -> Listen {
    Listen {
        tls: Some(files.tls.clone()),
        names: vec!["backup.example.org".into()],
        ..Listen::loopback(0)
    }
}

async fn ask(
    site: &Counted,
    files: &Files,
    versions: &[&'static SupportedProtocolVersion],
    request: &str,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.tls.certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap();
    let connector =
        TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(site.address()).await?;
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn over_tls() {
    let files = files();
    let site = Counted::with(listen(&files), Limits::default()).await;
    let port = site.address().port();
    let get =
        |host: &str| format!("GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for versions in [&[&version::TLS12][..], &[&version::TLS13]] {
        let answer = ask(&site, &files, versions, &get(&format!("backup.example.org:{port}")))
            .await
            .unwrap();
        assert_eq!(status(&answer), 200);
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
    let both = [&version::TLS12, &version::TLS13];
    let answer = ask(&site, &files, &both, &get(&format!("localhost:{port}"))).await.unwrap();
    assert!(
        status(&answer) == 200 && !answer.contains("strict-transport"),
        "other ports of localhost are not ours: {answer}"
    );
    let answer = ask(&site, &files, &both, &get("evil.example")).await.unwrap();
    assert_eq!(status(&answer), 421);

    let entry = site.server.first_url();
    let (page, code) = entry.split_once("#").unwrap();
    assert_eq!(page, format!("https://backup.example.org:{port}/enter"));
    let body = format!("code={code}");
    let post = format!(
        "POST /enter HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let foreign = post.replace("Origin: https", "Origin: http");
    assert_eq!(
        status(&ask(&site, &files, &both, &foreign).await.unwrap()),
        403,
        "a plain page is another"
    );
    let answer = ask(&site, &files, &both, &post).await.unwrap();
    assert_eq!(status(&answer), 303);
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.starts_with(&format!("__Host-plakar-opendrive-{port}=")), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure; Path=/"), "{cookie}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_half_a_renewal_is_not() {
    let (old, new) = (files(), files());
    let limits = Limits { certificate_interval: Duration::from_millis(20), ..Limits::default() };
    let site = Counted::with(listen(&old), limits).await;
    let request = format!(
        "GET /login HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        site.address().port()
    );
    let both = [&version::TLS12, &version::TLS13];
    // Whoever trusts one certificate alone connects when that one is shown.
    let first = files_like(&old);
    assert_eq!(status(&ask(&site, &first, &both, &request).await.unwrap()), 200);
    // The new certificate is there, its key is not yet.
    std::fs::copy(&new.tls.certificate, &old.tls.certificate).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(status(&ask(&site, &first, &both, &request).await.unwrap()), 200);
    std::fs::copy(&new.tls.key, &old.tls.key).unwrap();
    let renewed = async {
        while ask(&site, &new, &both, &request).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), renewed).await.unwrap();
    assert!(ask(&site, &first, &both, &request).await.is_err(), "the old one is shown still");
}

#[cfg(unix)]
#[tokio::test]
async fn a_renewed_key_is_taken_when_only_its_mode_was_wrong() {
    let (old, new) = (files(), files());
    let limits = Limits { certificate_interval: Duration::from_millis(20), ..Limits::default() };
    let site = Counted::with(listen(&old), limits).await;
    let request = format!(
        "GET /login HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        site.address().port()
    );
    let both = [&version::TLS12, &version::TLS13];
    let first = files_like(&old);
    // As a renewal does that writes a key and closes it to others afterwards.
    close(&old.tls.key, 0o644);
    std::fs::write(&old.tls.certificate, std::fs::read(&new.tls.certificate).unwrap()).unwrap();
    std::fs::write(&old.tls.key, std::fs::read(&new.tls.key).unwrap()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(status(&ask(&site, &first, &both, &request).await.unwrap()), 200);
    close(&old.tls.key, 0o600);
    let renewed = async {
        while ask(&site, &new, &both, &request).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), renewed).await.unwrap();
}

/// A copy that stays when the files change.
fn files_like(files: &Files) -> Files {
    let directory = tempfile::tempdir().unwrap();
    let tls = TlsFiles {
        certificate: directory.path().join("certificate.pem"),
        key: directory.path().join("key.pem"),
    };
    std::fs::copy(&files.tls.certificate, &tls.certificate).unwrap();
    std::fs::copy(&files.tls.key, &tls.key).unwrap();
    Files { directory, tls }
}

#[tokio::test]
async fn who_speaks_no_tls_holds_nothing_up() {
    let files = files();
    let site = Counted::with(
        listen(&files),
        // Those who speak it have to be done within it, too.
        Limits { handshake_timeout: Duration::from_secs(2), ..Limits::default() },
    )
    .await;
    let mut silent = TcpStream::connect(site.address()).await.unwrap();
    let mut plain = TcpStream::connect(site.address()).await.unwrap();
    plain.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "nothing is said in plain");
    let get = format!(
        "GET /login HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        site.address().port()
    );
    assert_eq!(
        status(&ask(&site, &files, &[&version::TLS13], &get).await.unwrap()),
        200,
        "meanwhile others come in"
    );
    let mut byte = [0];
    let read = timeout(Duration::from_secs(60), silent.read(&mut byte))
        .await
        .expect("the silent one is given up");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn beyond_loopback_the_server_does_not_start_without_tls_and_password() {
    let files = files();
    let password = PasswordHash::parse(&hash_password("correct horse battery").unwrap()).unwrap();
    let open = |tls: Option<TlsFiles>, password: Option<PasswordHash>| Listen {
        address: ([0, 0, 0, 0], 0).into(),
        tls,
        password,
        names: Vec::new(),
    };
    for listen in
        [open(None, None), open(Some(files.tls.clone()), None), open(None, Some(password))]
    {
        let error = Server::bind(listen).await.err().expect("refused").to_string();
        assert!(
            error.starts_with("--listen 0.0.0.0:0 can be reached from other machines: add ")
                && error.contains("--name"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = Server::bind(Listen::loopback(taken.local_addr().unwrap().port()))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with("cannot listen on 127.0.0.1:")
            && error.ends_with("choose another address or port with --listen"),
        "{error}"
    );
}

#[tokio::test]
async fn tls_files_that_do_not_do_get_one_line() {
    let (files, other) = (files(), self::files());
    let refused = async |certificate: &Path, key: &Path| {
        let tls = TlsFiles { certificate: certificate.into(), key: key.into() };
        let error = Server::bind(Listen { tls: Some(tls), ..Listen::loopback(0) })
            .await
            .err()
            .expect("refused")
            .to_string();
        assert!(error.lines().count() == 1 && !error.contains("BEGIN"), "{error}");
        error
    };
    let (certificate, key) = (&files.tls.certificate, &files.tls.key);
    let missing = files.directory.path().join("missing");
    assert!(refused(&missing, key).await.contains("missing: No such file"));
    assert!(refused(certificate, &missing).await.contains("missing: No such file"));
    assert!(refused(key, key).await.ends_with("key.pem: no certificate in it; name a PEM file"));
    close(certificate, 0o600);
    assert!(
        refused(certificate, certificate)
            .await
            .ends_with("certificate.pem: no private key in it; name a PEM file")
    );
    assert!(refused(certificate, &other.tls.key).await.contains("--tls-key"));
    #[cfg(unix)]
    {
        close(key, 0o644);
        let error = refused(certificate, key).await;
        assert!(error.contains("is open to every user (mode 644); run: chmod o= "), "{error}");
        close(key, 0o640);
        Server::bind(listen(&files)).await.unwrap();
    }
}
