//! The console behind its server, and a browser that is signed in.

use std::path::Path;

use plakar_driver::Plakar;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use source_app::service::Service;
use source_app::state::State;

use crate::html::Html;
use crate::web::{SignedIn, Site, client, sign_in};

pub struct Console {
    pub service: Service,
    pub state: State,
    browser: SignedIn,
    _site: Site,
    _directory: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Console {
    /// With a Plakar that no page may need.
    pub async fn without_plakar() -> Self {
        Self::new(Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap()).await
    }

    pub async fn new(plakar: Plakar) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        let service = Service::open(&place, plakar).unwrap();
        let state = State::open(&place).unwrap();
        let site = Site::of(web_console::router(service.clone())).await;
        let browser = sign_in(&client(), &site.server).await;
        Self { service, state, browser, _site: site, _directory: directory }
    }

    async fn ask(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(self.browser.get(path)).await
    }

    /// A page that has to be there, and sound.
    pub async fn page(&self, path: &str) -> Html {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.html(path)
    }

    /// Posts a form of ours: with the token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.retain(|(name, _)| *name != "csrf");
        fields.push(("csrf", &self.browser.csrf));
        self.ask(self.browser.post(path).form(&fields)).await
    }

    /// Sends JSON as our own script does, and gives the answer.
    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> serde_json::Value {
        self.browser.post_json(path, body).send().await.unwrap().json().await.unwrap()
    }

    /// Posts what must be accepted, and gives where it leads.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        answer.headers["location"].to_str().unwrap().to_owned()
    }
}

impl Answer {
    /// The page in it, checked.
    pub fn html(&self, what: &str) -> Html {
        assert!(
            self.headers["content-type"].as_bytes().starts_with(b"text/html"),
            "{what}: {:?}",
            self.headers
        );
        Html::sound(&self.text, what)
    }
}
