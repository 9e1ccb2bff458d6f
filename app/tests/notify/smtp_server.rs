//! Two mail servers: one of our own, with TLS if it is wanted, and Debian's aiosmtpd.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a session came to.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub login: Option<String>,
    pub was_encrypted: bool,
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
}

pub struct SmtpServer {
    pub port: u16,
    /// Its certificate, as PEM, if it has one.
    pub certificate: String,
    got: Arc<Mutex<Vec<Mail>>>,
    serving: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

impl SmtpServer {
    pub async fn start(with_tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = with_tls.then(|| TlsAcceptor::from(Arc::new(config)));
        let got = Arc::default();
        let kept = Arc::clone(&got);
        let serving = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (kept, acceptor) = (Arc::clone(&kept), acceptor.clone());
                tokio::spawn(async move { serve(Box::new(stream), acceptor, &kept).await });
            }
        });
        Self { port, certificate: made.cert.pem(), got, serving }
    }

    pub fn got(&self) -> Vec<Mail> {
        self.got.lock().unwrap().clone()
    }
}

async fn serve(
    stream: Box<dyn Connection>,
    acceptor: Option<TlsAcceptor>,
    kept: &Mutex<Vec<Mail>>,
) {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail::default();
    let _ = stream.write_all(b"220 test\r\n").await;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let said = line.trim_end();
        let answer = match said.split(' ').next().unwrap_or_default() {
            "EHLO" if acceptor.is_some() && !mail.was_encrypted => "250-test\r\n250 STARTTLS",
            "EHLO" => "250-test\r\n250 AUTH PLAIN",
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n").await.unwrap();
                let acceptor = acceptor.clone().unwrap();
                let Ok(secured) = acceptor.accept(stream.into_inner()).await else { return };
                stream = BufReader::new(Box::new(secured));
                mail.was_encrypted = true;
                continue;
            }
            "AUTH" => {
                mail.login = said.split(' ').nth(2).map(str::to_owned);
                "235 welcome"
            }
            "MAIL" => {
                mail.from = said.to_owned();
                "250 ok"
            }
            "RCPT" => {
                mail.to.push(said.to_owned());
                "250 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                loop {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                    if line == ".\r\n" {
                        break;
                    }
                    mail.text += &line;
                }
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken"
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 bye\r\n").await;
                return;
            }
            _ => "500 what?",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

/// Debian's aiosmtpd, which prints what it gets into a file.
pub struct Aiosmtpd {
    pub port: u16,
    output: PathBuf,
    _process: tokio::process::Child,
}

impl Aiosmtpd {
    /// None where it is not installed, but in CI it is.
    pub async fn start(folder: &std::path::Path) -> Option<Self> {
        let has_it = |python: &&str| {
            let mut command = std::process::Command::new(python);
            let tried = command.args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        };
        let given = std::env::var("PYTHON").unwrap_or_default();
        let pythons = [given.as_str(), "/usr/bin/python3", "python3"];
        let Some(python) = pythons.into_iter().filter(|one| !one.is_empty()).find(has_it) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI has aiosmtpd: packaging/prerequisites --install monitoring"
            );
            eprintln!(
                "skipped: no aiosmtpd; packaging/prerequisites monitoring says how to get it"
            );
            return None;
        };
        let port = support::free_port();
        let output = folder.join("aiosmtpd.out");
        let mut command = tokio::process::Command::new(python);
        command
            .args(["-u", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Debugging", "stdout"])
            .args(["-l", &format!("127.0.0.1:{port}")])
            .stdout(std::fs::File::create(&output).unwrap())
            .kill_on_drop(true);
        let process = command.spawn().unwrap();
        let begun = std::time::Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "aiosmtpd does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(Self { port, output, _process: process })
    }

    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }
}
