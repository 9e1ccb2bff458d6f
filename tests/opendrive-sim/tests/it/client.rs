//! A small client of the API: one connection for each call, through the proxy and TLS.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opendrive_sim::{Behaviour, Simulator};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

const HOST: &str = "dev.opendrive.com";

/// What came back.
#[derive(Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: Vec<u8>,
    /// Whether the connection broke in the middle of the body.
    pub broken: bool,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A text of the answer's JSON.
    pub fn text(&self, key: &str) -> String {
        self.json()[key]
            .as_str()
            .unwrap_or_else(|| panic!("no text {key} in {}", self.json()))
            .to_owned()
    }

    /// Checks the error object; gives its message.
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.json()["error"]["code"], status);
        self.json()["error"]["message"].as_str().expect("a message").to_owned()
    }

    pub fn ok(self) -> Self {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

/// An answer of which the head has come. The body comes no further than it is read.
pub struct Begun {
    response: Response<Incoming>,
    /// Without it the connection may end.
    _sender: Box<dyn Send>,
}

impl Begun {
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The next bytes of the body; none at its end, and where the connection breaks.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            let frame = self.response.body_mut().frame().await?.ok()?;
            if let Ok(bytes) = frame.into_data() {
                return Some(bytes);
            }
        }
    }

    /// The whole of it.
    pub async fn read(self) -> Reply {
        let (head, mut body) = self.response.into_parts();
        let mut reply =
            Reply { status: head.status.as_u16(), headers: head.headers, ..Reply::default() };
        while let Some(frame) = body.frame().await {
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(data)) => reply.body.extend_from_slice(&data),
                Ok(Err(_)) => {}
                Err(_) => {
                    reply.broken = true;
                    break;
                }
            }
        }
        reply
    }
}

/// A logged-in client.
#[derive(Clone)]
pub struct Client {
    address: std::net::SocketAddr,
    tls: TlsConnector,
    /// The address that it comes from.
    pub from: std::net::IpAddr,
    pub session: String,
}

impl Client {
    pub fn new(simulator: &Simulator, http2: bool) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = std::fs::read(simulator.ca_file()).expect("the CA file");
        roots.add(CertificateDer::from_pem_slice(&ca).expect("PEM")).expect("a certificate");
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("protocol versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = if http2 { vec![b"h2".into()] } else { vec![b"http/1.1".into()] };
        let from = std::net::Ipv4Addr::LOCALHOST.into();
        Self {
            address: simulator.address(),
            tls: TlsConnector::from(Arc::new(config)),
            from,
            session: String::new(),
        }
    }

    /// A client over HTTP/1.1, logged in.
    pub async fn login(simulator: &Simulator) -> Self {
        Self::login_with(simulator, false).await
    }

    pub async fn login_with(simulator: &Simulator, http2: bool) -> Self {
        let mut client = Self::new(simulator, http2);
        client.login_again(simulator).await;
        client
    }

    pub async fn login_again(&mut self, simulator: &Simulator) {
        let account = json!({"username": simulator.username(), "passwd": simulator.password()});
        self.session = self.post("session/login.json", account).await.ok().text("SessionID");
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, None, "", Bytes::new()).await.expect("an answer")
    }

    /// A POST of JSON with the session added.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.try_post(path, body).await.expect("an answer")
    }

    pub async fn try_post(&self, path: &str, body: Value) -> Result<Reply, hyper::Error> {
        self.send_json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.try_put(path, body).await.expect("an answer")
    }

    pub async fn try_put(&self, path: &str, body: Value) -> Result<Reply, hyper::Error> {
        self.send_json("PUT", path, body).await
    }

    async fn send_json(
        &self,
        method: &str,
        path: &str,
        mut body: Value,
    ) -> Result<Reply, hyper::Error> {
        if !self.session.is_empty() {
            body["session_id"] = self.session.clone().into();
        }
        self.request(method, path, None, "application/json", body.to_string().into()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path, None, "", Bytes::new()).await.expect("an answer")
    }

    pub async fn list(&self, folder: &str) -> Reply {
        self.get(&format!("folder/list.json/{}/{folder}", self.session)).await
    }

    pub async fn by_name(&self, folder: &str, name: &str) -> Value {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("folder/itembyname.json/{}/{folder}?name={name}", self.session);
        self.get(&path).await.ok().json()
    }

    pub async fn info(&self, file: &str) -> Reply {
        self.get(&format!("file/info.json/{file}?session_id={}", self.session)).await
    }

    pub async fn download(&self, file: &str, range: Option<&str>) -> Reply {
        let path = self.download_path(file);
        self.request("GET", &path, range, "", Bytes::new()).await.expect("an answer")
    }

    pub async fn begin_download(&self, file: &str) -> Begun {
        let path = self.download_path(file);
        self.begin("GET", &path, None, "", Bytes::new()).await.expect("an answer")
    }

    fn download_path(&self, file: &str) -> String {
        format!("download/file.json/{file}?session_id={}", self.session)
    }

    pub async fn delete_file(&self, files: &str) -> Reply {
        self.delete(&format!("file.json/{}/{files}", self.session)).await
    }

    pub async fn make_folder(&self, parent: &str, name: &str) -> Reply {
        self.post(
            "folder.json",
            json!({"folder_name": name, "folder_sub_parent": parent, "folder_is_public": 0}),
        )
        .await
    }

    pub async fn create_file(&self, folder: &str, name: &str) -> Reply {
        self.post("upload/create_file.json", json!({"folder_id": folder, "file_name": name})).await
    }

    /// As a client that knows size, and hash, before it begins.
    pub async fn create_sized(&self, folder: &str, name: &str, size: usize, hash: &str) -> Reply {
        let body =
            json!({"folder_id": folder, "file_name": name, "file_size": size, "file_hash": hash});
        self.post("upload/create_file.json", body).await
    }

    pub async fn open_upload(&self, file: &str, size: usize) -> Reply {
        self.post("upload/open_file_upload.json", json!({"file_id": file, "file_size": size})).await
    }

    pub async fn chunk(&self, file: &str, location: &str, offset: usize, data: &[u8]) -> Reply {
        self.chunk_of_size(file, location, offset, data.len(), data).await
    }

    /// The call that names all but the bytes in its address.
    pub async fn chunk2(&self, file: &str, location: &str, offset: usize, data: &[u8]) -> Reply {
        let size = data.len();
        let session = &self.session;
        let path = format!(
            "upload/upload_file_chunk2.json/{session}/{file}?temp_location={location}&chunk_offset={offset}&chunk_size={size}"
        );
        let head =
            b"--B\r\nContent-Disposition: form-data; name=\"file_data\"; filename=\"f\"\r\n\r\n";
        let body = [&head[..], data, b"\r\n--B--\r\n"].concat();
        self.request("POST", &path, None, "multipart/form-data; boundary=B", body.into())
            .await
            .expect("an answer")
    }

    pub async fn chunk_of_size(
        &self,
        file: &str,
        location: &str,
        offset: usize,
        size: usize,
        data: &[u8],
    ) -> Reply {
        self.send_form(self.form(file, location, offset, size, data)).await.expect("an answer")
    }

    fn form(&self, file: &str, location: &str, offset: usize, size: usize, data: &[u8]) -> Vec<u8> {
        let (offset, size) = (offset.to_string(), size.to_string());
        let fields = [
            ("chunk_offset", offset.as_str()),
            ("chunk_size", &size),
            ("file_id", file),
            ("session_id", &self.session),
            ("temp_location", location),
        ];
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!(
                    "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .bytes(),
            );
        }
        body.extend(
            b"--B\r\nContent-Disposition: form-data; name=\"file_data\"; filename=\"f\"\r\n",
        );
        body.extend(b"Content-Type: application/octet-stream\r\n\r\n");
        body.extend(data);
        body.extend(b"\r\n--B--\r\n");
        body
    }

    /// A chunk whose answer may not come.
    pub async fn try_chunk(
        &self,
        file: &str,
        location: &str,
        offset: usize,
        data: &[u8],
    ) -> Result<Reply, hyper::Error> {
        self.send_form(self.form(file, location, offset, data.len(), data)).await
    }

    async fn send_form(&self, body: Vec<u8>) -> Result<Reply, hyper::Error> {
        self.request(
            "POST",
            "upload/upload_file_chunk.json",
            None,
            "multipart/form-data; boundary=B",
            body.into(),
        )
        .await
    }

    pub async fn close_upload(&self, file: &str, location: &str, size: usize) -> Reply {
        let body = json!({"file_id": file, "file_size": size, "temp_location": location});
        self.post("upload/close_file_upload.json", body).await
    }

    /// A whole upload in chunks; gives the file's id and the answer to its end.
    pub async fn upload(
        &self,
        folder: &str,
        name: &str,
        data: &[u8],
        chunk_size: usize,
    ) -> (String, Reply) {
        let file = self.create_file(folder, name).await.ok().text("FileId");
        let location = self.open_upload(&file, data.len()).await.ok().text("TempLocation");
        let mut offset = 0;
        for chunk in data.chunks(chunk_size) {
            let reply = self.chunk(&file, &location, offset, chunk).await.ok();
            assert_eq!(reply.json()["TotalWritten"], chunk.len());
            offset += chunk.len();
        }
        let reply = self.close_upload(&file, &location, data.len()).await;
        (file, reply)
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        range: Option<&str>,
        content_type: &str,
        body: Bytes,
    ) -> Result<Reply, hyper::Error> {
        Ok(self.begin(method, path, range, content_type, body).await?.read().await)
    }

    async fn begin(
        &self,
        method: &str,
        path: &str,
        range: Option<&str>,
        content_type: &str,
        body: Bytes,
    ) -> Result<Begun, hyper::Error> {
        let mut request = Request::builder().method(method);
        for (name, value) in [("content-type", content_type), ("range", range.unwrap_or_default())]
        {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let tls = self.connect().await;
        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(tls);
        let body = Full::new(body);
        if is_h2 {
            let request =
                request.uri(format!("https://{HOST}/api/v1/{path}")).body(body).expect("a request");
            let mut builder = http2::Builder::new(TokioExecutor::new());
            let builder = builder
                .initial_stream_window_size(4 << 20)
                .initial_connection_window_size(64 << 20);
            let (mut sender, connection) = builder.handshake(io).await?;
            tokio::spawn(connection);
            let response = sender.send_request(request).await?;
            Ok(Begun { response, _sender: Box::new(sender) })
        } else {
            let request = request
                .uri(format!("/api/v1/{path}"))
                .header("host", HOST)
                .body(body)
                .expect("a request");
            let (mut sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            let response = sender.send_request(request).await?;
            Ok(Begun { response, _sender: Box::new(sender) })
        }
    }

    async fn connect(&self) -> tokio_rustls::client::TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((self.from, 0).into()).expect("an address");
        let mut stream = socket.connect(self.address).await.expect("the proxy");
        stream.set_nodelay(true).expect("no delay");
        let answer = connect_to(&mut stream, &format!("{HOST}:443")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let name = ServerName::try_from(HOST).expect("a name");
        self.tls.connect(name, stream).await.expect("TLS")
    }
}

/// Asks the proxy for a tunnel; gives the head of its answer.
pub async fn connect_to(stream: &mut TcpStream, target: &str) -> String {
    stream
        .write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
        .await
        .expect("a write");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the proxy's answer"));
    }
    String::from_utf8(head).expect("UTF-8")
}

/// Waits until something is so, unless it never is.
pub async fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..6000 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came");
}

pub fn start() -> Simulator {
    Simulator::start(opendrive_sim::Options::default()).expect("a simulator")
}

/// A simulator that behaves in another way than by default.
pub fn start_with(change: impl FnOnce(&mut Behaviour)) -> Simulator {
    let simulator = start();
    simulator.change_behaviour(change);
    simulator
}

/// Lower-case hex digits of the MD5.
pub fn md5(data: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}
