//! A console that takes tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plakar_driver::Plakar;
use reqwest::{Client, RequestBuilder};
use source_app::service::{Service, TokenSpec};
use source_app::state::{State, TokenAccess};
use web_console::StateTokens;

use crate::web::{Site, client};

/// A console with a state of its own, whose plakar is this program.
pub struct Console {
    pub site: Site,
    pub service: Service,
    pub state: State,
    pub client: Client,
    pub place: PathBuf,
    _directory: tempfile::TempDir,
}

impl Console {
    pub async fn new() -> Self {
        Self::with("/bin/false").await
    }

    pub async fn with(plakar: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        // In place of the guard: it takes what it is told and runs nothing.
        let guard = vec![plakar.into()];
        let plakar = Plakar::new(Path::new("/bin/false"), guard, Vec::new()).unwrap();
        let service = Service::open(&place, plakar).unwrap();
        let site = Site::of(web_console::router(service.clone())).await;
        site.server.accept_tokens(Arc::new(StateTokens(service.clone())));
        let state = State::open(&place).unwrap();
        Self { site, service, state, client: client(), place, _directory: directory }
    }

    pub async fn token(&self, name: &str, access: TokenAccess) -> String {
        let spec = TokenSpec { name: name.into(), access };
        self.service.add_token(spec).await.unwrap().token
    }

    pub fn ask(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.site.url(path))
    }

    /// Status and body.
    pub async fn answer(&self, request: RequestBuilder) -> (u16, String) {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}
