//! Callers who go away in the middle of a change, and a Plakar that does not answer for once.

use std::path::PathBuf;
use std::time::Duration;

use plakar_driver::{Kind, NewStore, Options, Store};
use source_app::service::{AccountChange, Assign, Edit, Problem, RestorePlace, Service, Work};
use source_app::state::{AppKind, ChangeFilter, TaskFilter, TaskState};
use tokio::task::JoinHandle;

use crate::serving::run;
use crate::world::{World, name, options, path};

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
        let caller = self.at_the_command(call).await;
        caller.abort();
        assert!(caller.await.is_err_and(|error| error.is_cancelled()));
        std::fs::write(&self.go, "").unwrap();
        support::within(LIMIT, self.service.wait()).await;
    }

    /// Has something done while plakar is at the command, and gives how the call ended.
    async fn meanwhile<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
        done: impl Future<Output = ()>,
    ) -> T {
        let caller = self.at_the_command(call).await;
        done.await;
        std::fs::write(&self.go, "").unwrap();
        support::within(LIMIT, caller).await.unwrap()
    }

    async fn at_the_command<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        for mark in [&self.begun, &self.go] {
            let _ = std::fs::remove_file(mark);
        }
        let caller = tokio::spawn(call);
        support::until(LIMIT, "plakar to begin", || self.begun.exists()).await;
        caller
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

/// Entries of Plakar's configuration are written whole, and a test of a login takes its time.
#[tokio::test]
async fn nothing_is_written_over_what_was_changed_meanwhile() {
    let world = World::new().await;
    let (service, password) = (world.service(), world.simulator.password().to_owned());
    let mine = service.assign(world.untested("mine", "opendrive://Spare")).await.unwrap();
    let docs = world.assign(AppKind::Source, "docs", "opendrive://", &password);
    let docs = service.assign(docs).await.unwrap();
    let kept = async |kind, entry: &str| world.plakar.configured(kind, &name(entry)).await.unwrap();
    let change = |secret: &str, skip_test| AccountChange {
        protocol: "opendrive".into(),
        username: world.simulator.username().to_owned(),
        secret: secret.into(),
        skip_test,
    };

    // The account gets another password while an edit is tested, which keeps the old one.
    let held = Held::at(&world, "ping");
    let moved = [("location", "opendrive://Other"), ("username", world.simulator.username())];
    let edit = Edit { options: Some(options(&moved)), ..Edit::default() };
    let (editing, id, revision) = (held.service.clone(), mine.id, mine.revision);
    let call = async move { editing.edit(id, revision, edit).await };
    let done = async { drop(service.change_account(change("another", true)).await.unwrap()) };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    let now = kept(Kind::Destination, "mine").await;
    assert_eq!(
        (now["password"].as_str(), now["location"].as_str()),
        ("another", "opendrive://Spare")
    );
    assert_eq!(service.app(id).await.unwrap(), mine);

    // An app is moved while a password is tested.
    let changing = held.service.clone();
    let good = change(&password, false);
    let call = async move { changing.change_account(good).await };
    let moved = options(&[
        ("location", "opendrive://Third"),
        ("username", world.simulator.username()),
        ("password", "another"),
    ]);
    let done =
        async { world.plakar.configure(Kind::Destination, &name("mine"), &moved).await.unwrap() };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    assert_eq!(kept(Kind::Destination, "mine").await, moved);
    assert_eq!(kept(Kind::Source, "docs").await["password"], "another");

    // A source of the account is added while a password is tested: it would keep the old one.
    let (changing, good) = (held.service.clone(), change(&password, false));
    let call = async move { changing.change_account(good).await };
    let added = options(&[
        ("location", "opendrive://New"),
        ("username", world.simulator.username()),
        ("password", "another"),
    ]);
    let done = async { world.plakar.configure(Kind::Source, &name("new"), &added).await.unwrap() };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    assert_eq!(kept(Kind::Source, "new").await, added);
    assert_eq!(kept(Kind::Source, "docs").await["password"], "another");

    // A store gets another passphrase while one is tried in a configuration apart.
    let held = Held::at(&world, "import");
    let vault = world.user.path("vault");
    let place = options(&[("location", &vault)]);
    world.plakar.configure(Kind::Store, &name("vault"), &place).await.unwrap();
    let edit = Edit {
        store_options: options(&[("passphrase", "mine")]),
        skip_test: true,
        ..Edit::default()
    };
    let (editing, id, revision) = (held.service.clone(), docs.id, docs.revision);
    let call = async move { editing.edit(id, revision, edit).await };
    let theirs = options(&[("location", &vault), ("passphrase", "theirs")]);
    let done =
        async { world.plakar.configure(Kind::Store, &name("vault"), &theirs).await.unwrap() };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    assert_eq!(kept(Kind::Store, "vault").await, theirs);
    assert_eq!(service.app(id).await.unwrap(), docs);

    // The same while a source is assigned to it.
    let assign = Assign {
        store_options: options(&[("passphrase", "mine")]),
        create_store: false,
        unencrypted: false,
        skip_test: true,
        ..world.assign(AppKind::Source, "more", "opendrive://More", &password)
    };
    let assigning = held.service.clone();
    let call = async move { assigning.assign(assign).await };
    let others = options(&[("location", &vault), ("passphrase", "others")]);
    let done =
        async { world.plakar.configure(Kind::Store, &name("vault"), &others).await.unwrap() };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    assert_eq!(kept(Kind::Store, "vault").await, others);
    let missing = service.app_named(AppKind::Source, "more").await.unwrap_err();
    assert_eq!(missing.problem(), Problem::NotFound, "{missing}");

    // And while one is opened to be adopted from.
    let (sealed, entry) = (world.user.path("sealed"), name("sealed"));
    let passphrase = "correct horse battery staple, 7 times";
    let good = options(&[("location", &sealed), ("passphrase", passphrase)]);
    world.plakar.configure(Kind::Store, &entry, &good).await.unwrap();
    world.plakar.create_store(&Store::named(entry.clone()), NewStore::ENCRYPTED).await.unwrap();
    let without = options(&[("location", &sealed)]);
    world.plakar.configure(Kind::Store, &entry, &without).await.unwrap();
    let (opening, given) = (held.service.clone(), options(&[("passphrase", passphrase)]));
    let call = async move { opening.open_store("sealed", &given).await };
    let theirs = options(&[("location", &sealed), ("passphrase", "theirs")]);
    let done = async { world.plakar.configure(Kind::Store, &entry, &theirs).await.unwrap() };
    let refused = held.meanwhile(call, done).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict, "{refused}");
    assert_eq!(kept(Kind::Store, "sealed").await, theirs);
    service.stop().await;
}

#[tokio::test]
async fn what_failed_is_told_also_if_a_later_entry_ends_the_restore() {
    let world = World::new().await;
    for file in ["letters/one.txt", "letters/two.txt", "notes.txt"] {
        world.put(file, b"7 bytes");
    }
    let folder = world.user.home().join("several");
    // Of the folder a file is lost on the way, and the file beside it is not restored at all.
    let harm = format!(
        "case \"$*\" in *letters*) plakar \"$@\"; code=$?; rm {}/letters/one.txt; exit $code;; *) echo 'plakar: broken' >&2; exit 1;; esac",
        folder.display()
    );
    let plakar = world.meddled("restore", &harm);
    let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
    let password = world.simulator.password();
    let app = world.assign(AppKind::Source, "mine", "opendrive://", password);
    let app = service.assign(app).await.unwrap();
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    let snapshot = service.points(app.id).await.unwrap()[0].id.clone();
    let work = Work::RestoreSeveral {
        snapshot,
        paths: vec![path("/letters"), path("/notes.txt")],
        to: RestorePlace::Folder(folder),
        second: false,
        replace: false,
    };
    let (restore, log) = run(&service, &app, work).await;
    assert_eq!(
        (restore.state, restore.verdict.as_str()),
        (
            TaskState::Failed,
            "/notes.txt: broken; 1 of 2 were restored, with 1 entry that failed; the log lists them"
        ),
        "{log}"
    );
    assert!(log.contains("failed: /letters/one.txt it is missing"), "{log}");
    service.stop().await;
}
