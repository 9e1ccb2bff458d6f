//! A state with a service on it, and a clock that the test turns.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use plakar_driver::Plakar;
use source_app::service::{ReceiverStatus, Service};
use source_app::state::{App, State, TaskKind, TaskState};

use crate::common;

pub struct Site {
    pub state: State,
    pub place: PathBuf,
    pub directory: tempfile::TempDir,
}

impl Site {
    /// A state whose `notify.toml` has this.
    pub fn new(notify: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        let state = State::open_at(&place, common::start()).unwrap();
        let site = Self { state, place, directory };
        site.write(notify);
        site
    }

    pub fn write(&self, notify: &str) {
        write_private(&self.place.join("notify.toml"), notify);
    }

    /// As one process has it.
    pub fn service(&self) -> Service {
        let plakar = Plakar::new(Path::new("/bin/false"), vec!["/bin/false".into()], Vec::new());
        Service::open(&self.place, plakar.unwrap()).unwrap()
    }

    /// A backup that its schedules made due.
    pub fn ran(&self, app: &App, how: TaskState, now: DateTime<Utc>) {
        for one in self.state.effective_schedules(Some(app.id)).unwrap() {
            self.state.set_handled(app.id, one.schedule.id, now).unwrap();
        }
        common::run(&self.state, app, TaskKind::Backup, how, now);
    }

    /// A process looks, tells and ends.
    pub async fn look(&self, now: DateTime<Utc>) {
        let service = self.service();
        service.look_after(now).await;
        service.wait().await;
    }

    pub async fn status(&self, receiver: &str) -> ReceiverStatus {
        let status = self.service().notify_status().await.unwrap();
        assert_eq!(status.fault, None);
        status.receivers.into_iter().find(|one| one.record.name == receiver).unwrap()
    }
}

pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
