//! Callers who go away in the middle of a change, and a Plakar that does not answer for once.

use std::path::PathBuf;
use std::time::Duration;

use plakar_driver::{Kind, Options};
use source_app::service::{AccountChange, Assign, Edit, Problem, Service, Work};
use source_app::state::{AppKind, ChangeFilter, TaskFilter};

use crate::world::{World, name, options};

/// Ends what hangs; each step takes a second or two.
const LIMIT: Duration = Duration::from_secs(60);

/// A service whose plakar stops in the middle of one of its commands until it may go on.
struct Held {
    begun: PathBuf,
    go: PathBuf,
    service: Service,
}

impl Held {
    fn at(world: &World, command: &str) -> Self {
        let (begun, go) = (world.user.home().join("begun"), world.user.home().join("go"));
        let waits = format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.05; done",
            begun.display(),
            go.display()
        );
        let plakar = world.meddled(command, &waits);
        let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
        Self { begun, go, service }
    }

    /// Has a caller go away while plakar is at the command; then that goes on, and all comes to its
    /// end.
    async fn abandoned<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) {
        for mark in [&self.begun, &self.go] {
            let _ = std::fs::remove_file(mark);
        }
        let caller = tokio::spawn(call);
        support::until(LIMIT, "plakar to begin", || self.begun.exists()).await;
        caller.abort();
        assert!(caller.await.is_err_and(|error| error.is_cancelled()));
        std::fs::write(&self.go, "").unwrap();
        support::within(LIMIT, self.service.wait()).await;
    }
}

impl World {
    /// A destination that is saved without a test.
    fn untested(&self, called: &str, location: &str) -> Assign {
        let password = self.simulator.password();
        let assign = self.assign(AppKind::Destination, called, location, password);
        Assign { skip_test: true, ..assign }
    }
}

#[tokio::test]
async fn a_change_comes_to_its_end_when_its_caller_goes_away() {
    let world = World::new().await;
    let kept = async |kind, entry: &str| world.plakar.configured(kind, &name(entry)).await.unwrap();

    let held = Held::at(&world, "import");
    let (service, wish) = (held.service.clone(), world.untested("mine", "opendrive://Spare"));
    held.abandoned(async move { service.assign(wish).await }).await;
    let app = held.service.app_named(AppKind::Destination, "mine").await.unwrap();
    assert_eq!(kept(Kind::Destination, "mine").await["location"], "opendrive://Spare");

    let edit = Edit {
        options: Some(world.untested("mine", "opendrive://Other").options),
        skip_test: true,
        ..Edit::default()
    };
    let (service, id, revision) = (held.service.clone(), app.id, app.revision);
    held.abandoned(async move { service.edit(id, revision, edit).await }).await;
    assert_eq!(held.service.app(id).await.unwrap().revision, revision + 1);
    assert_eq!(kept(Kind::Destination, "mine").await["location"], "opendrive://Other");

    let change = AccountChange {
        protocol: "opendrive".into(),
        username: world.simulator.username().to_owned(),
        secret: "another".into(),
        skip_test: true,
    };
    let service = held.service.clone();
    held.abandoned(async move { service.change_account(change).await }).await;
    for (kind, entry) in
        [(Kind::Source, "drive"), (Kind::Destination, "drive"), (Kind::Destination, "mine")]
    {
        assert_eq!(kept(kind, entry).await["password"], "another", "{entry}");
    }
    // It is recorded as it was done.
    let changes = held.service.setting_changes(ChangeFilter::default()).await.unwrap();
    assert!(changes[0].fields.iter().any(|one| one.field == "destination mine.password"));

    let several =
        vec![world.untested("one", "opendrive://A"), world.untested("two", "opendrive://B")];
    let service = held.service.clone();
    held.abandoned(async move { service.assign_all(several, false).await }).await;
    for called in ["one", "two"] {
        held.service.app_named(AppKind::Destination, called).await.unwrap();
        assert!(!kept(Kind::Destination, called).await.is_empty());
    }

    let held = Held::at(&world, "rm");
    let service = held.service.clone();
    held.abandoned(async move { service.remove(id).await }).await;
    assert!(held.service.app(id).await.is_err());
    let left = world.plakar.configurations(Kind::Destination).await.unwrap();
    assert!(!left.contains_key("mine"), "{left:?}");
}

#[tokio::test]
async fn a_task_whose_caller_goes_away_while_it_begins_is_run() {
    let world = World::new().await;
    let service = world.service();
    let app = service.assign(world.untested("mine", "opendrive://Spare")).await.unwrap();
    let other = rusqlite::Connection::open(service.directory().join("state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (starting, id) = (service.clone(), app.id);
    let caller = tokio::spawn(async move { starting.start(id, &Work::Test).await });
    // The beginning has the connection, and waits for the other one.
    let read = || service.tasks(TaskFilter::default());
    let waits =
        async { while tokio::time::timeout(Duration::from_secs(1), read()).await.is_ok() {} };
    support::within(LIMIT, waits).await;
    caller.abort();
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    other.execute_batch("COMMIT").unwrap();
    let ends = async {
        loop {
            let tasks = read().await.unwrap();
            if let [task] = &tasks[..]
                && task.state.is_final()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    support::within(LIMIT, ends).await;
    // Else it could not be removed as long as this process lives.
    service.remove(app.id).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn what_plakar_does_not_tell_is_not_taken_for_nothing() {
    let world = World::new().await;
    let away = world.user.home().join("away");
    let once = format!(
        "if [ -e {0} ]; then rm {0}; echo 'it is out of order' >&2; exit 1; fi",
        away.display()
    );
    let service =
        Service::open(&world.user.home().join("state"), world.meddled("show", &once)).unwrap();
    let folder = world.user.path("target");
    let given = options(&[("location", &folder), ("web_password", "hunter2")]);
    let assign = Assign {
        integration: Some("plakar".into()),
        protocol: Some("fs".into()),
        options: given.clone(),
        ..world.untested("here", "")
    };
    let app = service.assign(assign).await.unwrap();
    let edit = || Edit {
        options: Some(Options::from([("location".to_owned(), folder.clone())])),
        skip_test: true,
        ..Edit::default()
    };
    std::fs::write(&away, "").unwrap();
    let refused = service.edit(app.id, app.revision, edit()).await.unwrap_err();
    assert!(!away.exists() && refused.problem() == Problem::Refused, "{refused}");
    let kept = async || world.plakar.configured(Kind::Destination, &name("here")).await.unwrap();
    assert_eq!(kept().await, given);
    assert_eq!(service.app(app.id).await.unwrap(), app);
    // When it answers again, the secret stays.
    service.edit(app.id, app.revision, edit()).await.unwrap();
    assert_eq!(kept().await, given);
    service.stop().await;
}
