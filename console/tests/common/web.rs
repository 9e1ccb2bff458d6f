//! A console's server on loopback, and a browser that is signed in.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use plakar_driver::CancellationToken;
use reqwest::{Client, RequestBuilder, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use web_console::server::{Limits, Listen, Server};

/// A server that ends with this.
pub struct Site {
    pub server: Arc<Server>,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<()>,
}

impl Site {
    pub async fn of(router: Router) -> Self {
        Self::with(router, Listen::loopback(0), Limits::default()).await
    }

    pub async fn with(router: Router, listen: Listen, limits: Limits) -> Self {
        let server = Arc::new(Server::bind_with(listen, limits).await.unwrap());
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let (server, shutdown) = (Arc::clone(&server), shutdown.clone());
            async move { server.serve(router, shutdown).await }
        });
        Self { server, shutdown, serving }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Sends lines as they are and gives the whole answer.
    pub async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        let mut answer = Vec::new();
        // Who is refused half-way may find the connection closed; the answer is there all the same.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = timeout(Duration::from_secs(60), stream.read_to_end(&mut answer))
            .await
            .expect("the server hangs up");
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Follows no redirect and uses no proxy.
pub fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// A browser that is signed in.
pub struct SignedIn {
    pub client: Client,
    pub base: String,
    pub cookie: String,
    pub csrf: String,
}

/// Signs in as a browser does at the first address: the code is posted, the cookie kept, and the
/// token read from a page.
pub async fn sign_in(client: &Client, server: &Server) -> SignedIn {
    let entry = server.new_login_url();
    let (page, code) = entry.split_once('#').unwrap();
    let answer = client.post(page).form(&[("code", code)]).send().await.unwrap();
    assert_eq!(answer.status(), 303, "the code is good");
    let cookie = set_cookie(&answer).split(';').next().unwrap().to_owned();
    let base = page.strip_suffix("/enter").unwrap().to_owned();
    let page = client
        .get(format!("{base}/logout"))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let csrf =
        page.split(r#"name="csrf" value=""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    SignedIn { client: client.clone(), base, cookie, csrf }
}

pub fn set_cookie(answer: &Response) -> &str {
    answer.headers()["set-cookie"].to_str().unwrap()
}

impl SignedIn {
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// A change without a token yet.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// A change as our own script makes it.
    pub fn post_json(&self, path: &str, body: &serde_json::Value) -> RequestBuilder {
        self.post(path).header("x-csrf-token", &self.csrf).json(body)
    }
}
