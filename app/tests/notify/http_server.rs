//! A receiver of POSTs that keeps what it got.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ring::hmac;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it is signed with this secret, as its user would verify it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let Some(digits) = self.headers["x-signature"].strip_prefix("sha256=") else {
            return false;
        };
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let tag: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, &self.body, &tag).is_ok()
    }
}

/// How a server answers.
#[derive(Clone, Copy)]
struct Answers {
    status: u16,
    /// What has this in it gets a 400.
    refused: Option<&'static str>,
}

pub struct HttpServer {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Answers>>,
    serving: JoinHandle<()>,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl HttpServer {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// At an address where nobody was before.
    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(Answers { status: 200, refused: None }));
        let received = Arc::default();
        let (kept, told) = (Arc::clone(&received), Arc::clone(&answers));
        let serving = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (kept, told) = (Arc::clone(&kept), Arc::clone(&told));
                tokio::spawn(async move { serve(stream, &kept, &told).await });
            }
        });
        Self { address, received, answers, serving }
    }

    /// From now on; 0 is no answer at all.
    pub fn answer(&self, status: u16) {
        self.answers.lock().unwrap().status = status;
    }

    /// Answers what has these words in it with 400.
    pub fn refuse(&self, words: &'static str) {
        self.answers.lock().unwrap().refused = Some(words);
    }

    /// What it got and took, in order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The events that it took.
    pub fn events(&self) -> Vec<String> {
        let event = |one: &Received| one.json()["event"].as_str().unwrap().to_owned();
        self.received().iter().map(event).collect()
    }
}

async fn serve(stream: TcpStream, kept: &Mutex<Vec<Received>>, told: &Mutex<Answers>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let twice = headers.insert(name.to_lowercase(), value.to_owned());
        assert_eq!(twice, None, "{name} is there twice");
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let Answers { mut status, refused } = *told.lock().unwrap();
    if refused.is_some_and(|words| String::from_utf8_lossy(&body).contains(words)) {
        status = 400;
    }
    if status == 0 {
        std::future::pending::<()>().await;
    }
    if status < 300 {
        kept.lock().unwrap().push(Received { path, headers, body });
    }
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}
