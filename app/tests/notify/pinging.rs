//! Calls at the start and the end of backups.

use std::time::Duration;

use source_app::service::Work;
use source_app::state::{State, TaskState};
use support::within;

use crate::common::source;
use crate::http_server::HttpServer;
use crate::site::Site;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_backup_calls_at_its_start_and_at_its_end() {
    within(LIMIT, async {
        let (server, other) = (HttpServer::start().await, HttpServer::start().await);
        let text = format!(
            "[[ping]]\nname = \"mine\"\nurl = \"http://{}/ping/uuid/?x=1\"\napps = [\"documents\"]\n\
             [[ping]]\nname = \"others\"\nurl = \"{}\"\napps = [\"photos\"]\n",
            server.address,
            other.url()
        );
        let site = Site::new(&text);
        // Its source is nowhere: it fails at once.
        let app = source(&site.state, "documents");
        let service = site.service();
        let task = service.start(app.id, &Work::Backup).await.unwrap();
        service.wait().await;
        assert_eq!(service.task(task.id).await.unwrap().state, TaskState::Failed);
        let paths: Vec<String> = server.received().into_iter().map(|one| one.path).collect();
        assert_eq!(paths, ["/ping/uuid/start?x=1", "/ping/uuid/fail?x=1"]);
        let body = String::from_utf8(server.received()[1].body.clone()).unwrap();
        assert_eq!(body, service.task(task.id).await.unwrap().verdict);
        assert!(other.received().is_empty());
        // A test of the connection is no backup.
        service.start(app.id, &Work::Test).await.unwrap();
        service.wait().await;
        assert_eq!(server.received().len(), 2);
        // A test message changes nothing there.
        assert!(service.notify_test(Some("mine")).await.unwrap()[0].arrived);
        assert_eq!(server.received()[2].path, "/ping/uuid/log?x=1");
    })
    .await;
}

#[tokio::test]
async fn a_dead_receiver_changes_no_task() {
    within(LIMIT, async {
        let text = "[[ping]]\nname = \"dead\"\nurl = \"http://127.0.0.1:1/\"\n\
             [[webhook]]\nname = \"dead-too\"\nurl = \"http://127.0.0.1:1/\"\n";
        let verdict = async |notify: Option<&str>| {
            let site = Site::new(notify.unwrap_or(""));
            let app = source(&site.state, "documents");
            let service = site.service();
            let task = service.start(app.id, &Work::Backup).await.unwrap().id;
            service.wait().await;
            let task = State::open(&site.place).unwrap().task(task).unwrap();
            (task.state, task.verdict, task.errors)
        };
        let told = verdict(Some(text)).await;
        assert_eq!(told, verdict(None).await);
        // Nor does a file that nobody can read.
        assert_eq!(told, verdict(Some("nonsense")).await);
    })
    .await;
}
