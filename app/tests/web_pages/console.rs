//! The console on a state of its own, asked without a server in front.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use source_app::plakar::Plakar;
use source_app::service::Service;
use source_app::state::State;
use tower::ServiceExt;

use crate::html::Html;

pub struct Console {
    pub service: Service,
    pub state: State,
    router: Router,
    _directory: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Console {
    /// With a Plakar that no page may need.
    pub fn without_plakar() -> Self {
        Self::new(Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap())
    }

    pub fn new(plakar: Plakar) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        let service = Service::open(&place, plakar).unwrap();
        let state = State::open(&place).unwrap();
        Self { router: source_app::web::router(service.clone()), service, state, _directory: directory }
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 32 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A page that has to be there, and sound.
    pub async fn page(&self, path: &str) -> Html {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.html(path)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let kind = "application/x-www-form-urlencoded";
        self.ask(Request::post(path).header("content-type", kind).body(Body::from(body.join("&"))).unwrap()).await
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
        assert!(self.headers["content-type"].as_bytes().starts_with(b"text/html"), "{what}: {:?}", self.headers);
        Html::sound(&self.text, what)
    }
}
