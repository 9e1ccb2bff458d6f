//! A console behind its server, and a browser that is signed in.

use std::path::Path;
use std::time::Duration;

use plakar_driver::{Kind, Plakar};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use source_app::model::{Protection, Retention};
use source_app::service::{Assign, Service, Work};
use source_app::state::{App, AppKind, AppSpec, Resource, State, Task};

use crate::html::Html;
use crate::web::{SignedIn, Site, client, sign_in};
use crate::world::{World, name, options};

pub struct Console {
    pub service: Service,
    pub state: State,
    browser: SignedIn,
    _site: Site,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Console {
    pub async fn new(directory: &Path, plakar: Plakar) -> Self {
        let service = Service::open(directory, plakar).unwrap();
        let state = State::open(directory).unwrap();
        let site = Site::of(web_console::router(service.clone())).await;
        let browser = sign_in(&client(), &site.server).await;
        Self { service, state, browser, _site: site }
    }

    /// With a Plakar that no page may need.
    pub async fn without_plakar(directory: &Path) -> Self {
        Self::new(directory, Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap())
            .await
    }

    /// Of a world, with its plakar.
    pub async fn of(world: &World) -> Self {
        Self::new(&world.user.home().join("state"), world.plakar.clone()).await
    }

    /// As the connection gives it: an error if it breaks off.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        let answer = self.browser.get(path).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer { status, headers, bytes: answer.bytes().await?.to_vec() })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A page that has to be there, and sound.
    pub async fn page(&self, path: &str) -> Html {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        Html::sound(&answer.text(), path)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrf", &self.browser.csrf));
        let answer = self.browser.post(path).form(&fields).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Answer { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
    }

    /// Posts what must be accepted, and gives where it leads.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
        answer.location()
    }

    /// Posts what must be refused, and gives the page that says so.
    pub async fn refused(&self, path: &str, status: u16, fields: &[(&str, &str)]) -> Html {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        Html::sound(&answer.text(), path)
    }

    /// A source in the state, which cannot be backed up.
    pub fn source(&self, called: &str, environment: &str, classes: &[&str]) -> App {
        let spec = AppSpec {
            kind: AppKind::Source,
            name: called.into(),
            resource: resource("drive"),
            environment: environment.into(),
            data_classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            integration: "rclone".into(),
            protocol: "opendrive".into(),
            entry: called.into(),
            store: Some("/nowhere".into()),
            second_store: None,
            copy_range: Default::default(),
            retention: Retention::default(),
            protection: Protection::default(),
            backup: Default::default(),
        };
        self.state.add_app(&spec, chrono::Utc::now()).unwrap()
    }

    /// An app of the world's drive; its configuration is that of the drive.
    pub async fn assign(&self, world: &World, kind: AppKind, called: &str, of: &str) -> App {
        let options = [
            ("location", "opendrive://"),
            ("username", world.simulator.username()),
            ("password", world.simulator.password()),
        ];
        let assign = Assign {
            kind,
            name: called.into(),
            resource: resource(of),
            environment: if kind == AppKind::Source { "production".into() } else { String::new() },
            data_classes: if kind == AppKind::Source { vec!["PII".into()] } else { Vec::new() },
            integration: None,
            protocol: None,
            options: crate::world::options(&options),
            entry: None,
            mark: None,
            store: (kind == AppKind::Source).then(|| world.user.path("store")),
            store_options: Default::default(),
            create_store: false,
            unencrypted: false,
            uncompressed: false,
            second_store: None,
            copy_range: Default::default(),
            skip_test: true,
            retention: Retention::default(),
            protection: Protection::default(),
            backup: Default::default(),
        };
        self.service.assign(assign).await.unwrap()
    }

    /// A source that is a folder of this machine: it takes names that no drive takes.
    pub async fn local(&self, world: &World, called: &str, folder: &Path) -> App {
        let app = self.assign(world, AppKind::Source, called, "drive").await;
        world
            .plakar
            .configure(
                Kind::Source,
                &name(called),
                &options(&[("location", folder.to_str().unwrap())]),
            )
            .await
            .unwrap();
        app
    }

    /// Runs a task to its end.
    pub async fn run(&self, app: &App, work: Work) -> Task {
        let begun = self.service.start(app.id, &work).await.unwrap();
        self.ended(begun.id).await
    }

    pub async fn ended(&self, id: i64) -> Task {
        let wait = async {
            loop {
                let task = self.service.task(id).await.unwrap();
                if task.state.is_final() {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
    }
}

fn resource(called: &str) -> Resource {
    Resource { name: called.into(), class: "file-storage".into(), subclass: String::new() }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> String {
        self.header("location").to_owned()
    }
}
