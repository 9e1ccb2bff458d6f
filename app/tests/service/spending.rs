//! What a task asked of a drive, as the drive itself counts it.

use std::time::Duration;

use opendrive_sim::{Calls, Fault, Options, Simulator, What};
use plakar_driver::SnapshotPath;
use source_app::service::{RestorePlace, Service, Work};
use source_app::state::{AppKind, Task, TaskState};

use crate::serving::run;
use crate::world::{World, environment, guard, noise};

/// What the drive has counted when nothing is under way.
async fn settled(simulator: &Simulator) -> Calls {
    for _ in 0..1000 {
        if simulator.calls().in_flight == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    simulator.calls()
}

/// Whether so many calls are those that the drive counted. Each session ends with a logout that
/// nobody waits for: the drive may get it later, or see no more than its connection closed.
fn are(told: u64, calls: &Calls) -> bool {
    let others = calls.total - calls.of("session/logout");
    (others..=others + calls.of("session/login")).contains(&told)
}

/// Holds a task's figures against the drive's.
async fn hold(world: &World, task: &Task, log: &str) -> Calls {
    let calls = settled(&world.simulator).await;
    let answered = |status: u16| calls.by_status.get(&status).copied().unwrap_or(0);
    let figures = task.figures;
    let told = figures.calls.unwrap();
    assert!(are(told, &calls), "{told}: {calls:?}\n{log}");
    assert_eq!(figures.waits, Some(answered(429) + answered(503)), "{calls:?}\n{log}");
    assert_eq!(figures.read, Some(calls.bytes_down), "{calls:?}\n{log}");
    assert!(log.contains(&format!("{told} calls to the drive, ")), "{log}");
    assert!(!log.contains("calls to the drive: "), "{log}");
    calls
}

#[tokio::test]
async fn a_task_tells_what_the_drive_counted() {
    let world = World::new().await;
    let mut variables = environment(&world.user, &world.simulator);
    variables.push(("PLAKAR_OPENDRIVE".into(), support::executable().into()));
    let plakar = plakar_driver::Plakar::new(&crate::plakar::plakar(), guard(), variables).unwrap();
    let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
    for number in 0..30 {
        world.put(&format!("folder {}/{number}.txt", number % 3), &noise(number, 3000));
    }
    world.put("large.bin", &noise(77, 3_000_000));
    let password = world.simulator.password();
    let assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    let app = service.assign(assign).await.unwrap();

    // Some calls are refused, and made again.
    let refusal = |code: u16, endpoint: &str, times: u64| {
        let status =
            What::Status { code, message: "Too many requests".into(), retry_after: Some(1) };
        world.simulator.add_fault(Fault::new(status).endpoint(endpoint).times(times));
    };
    world.simulator.reset_calls();
    refusal(429, "folder/list", 2);
    refusal(429, "download/file", 3);
    refusal(503, "download/file", 1);
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    assert!(world.simulator.unused_faults().is_empty());
    let calls = hold(&world, &backup, &log).await;
    assert!(calls.total > 30 && calls.bytes_down >= 3_090_000, "{calls:?}");
    assert!(backup.figures.waits >= Some(5), "{log}");

    // The next one reads nothing that is unchanged, and is counted by itself.
    world.simulator.reset_calls();
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    let again = hold(&world, &backup, &log).await;
    assert!(again.total > 0, "{again:?}");

    // More than one process of ours: what is restored is read again.
    let newest = service.points(app.id).await.unwrap().swap_remove(0).id;
    world.simulator.reset_calls();
    let restore = Work::Restore {
        snapshot: newest,
        path: SnapshotPath::root(),
        to: RestorePlace::Source,
        second: false,
        replace: true,
    };
    let (restored, log) = run(&service, &app, restore).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    let calls = hold(&world, &restored, &log).await;
    assert!(calls.of("session/login") > 1 && calls.bytes_down > 0, "{calls:?}");

    // The connector's command line, which a comparison lists the drive by.
    world.simulator.reset_calls();
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(compared.state, TaskState::Succeeded, "{log}");
    let calls = hold(&world, &compared, &log).await;
    assert!(calls.of("folder/list") > 3, "{calls:?}");

    // What the store is asked for alone asks nothing of the drive, and nobody says so.
    world.simulator.reset_calls();
    let (maintained, log) = run(&service, &app, Work::Maintenance).await;
    assert_eq!(maintained.figures.calls, None, "{log}");
    // The drive may get the logout of the comparison only now.
    let calls = world.simulator.calls();
    assert_eq!(calls.total, calls.of("session/logout"), "{calls:?}\n{log}");
    let budget = service.budget(app.id).await.unwrap();
    let sum: u64 = [&compared, &restored, &backup].iter().filter_map(|one| one.figures.calls).sum();
    assert!(budget.app.day.calls > Some(sum) && budget.app.day.tasks == 4, "{budget:?}");
    assert!(budget.volume.unwrap().read >= Some(3_090_000));
}

/// Source and store on one drive: two connectors in one run of Plakar.
#[tokio::test]
async fn each_connector_of_a_run_tells_of_its_own_calls() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let mut variables = simulator.env().to_vec();
    variables.push(("PLAKAR_OPENDRIVE_MARK".into(), "a-mark".into()));
    let plakar = crate::plakar::Plakar::new(&variables);
    for (kind, location) in [("store", "opendrive://kloset"), ("source", "opendrive://files")] {
        let (username, password) = (simulator.username(), simulator.password());
        let options = serde_json::json!({ "drive": { "location": location, "username": username, "password": password } });
        let input = options.to_string();
        let made = plakar.run_with_input(&[kind, "import", "-overwrite"], input.as_bytes());
        assert_eq!(made.code, Some(0), "{}", made.text());
    }
    for number in 0..10 {
        simulator.drive().put_file(&format!("files/{number}"), noise(number, 5000), 1_700_000_000);
    }
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    simulator.reset_calls();
    let made = plakar.run(&["at", "@drive", "backup", "-no-progress", "@drive"]);
    assert_eq!(made.code, Some(0), "{}", made.text());
    let told: Vec<[u64; 4]> = made.stderr.lines().filter_map(numbers).collect();
    assert_eq!(told.len(), 2, "{}", made.stderr);
    let sum = |at: usize| told.iter().map(|numbers| numbers[at]).sum::<u64>();
    let calls = settled(&simulator).await;
    // The process that keeps Plakar's cache has a connector of its own, which outlives this run.
    let mut sessions = std::collections::BTreeMap::<String, u64>::new();
    for call in simulator.call_log().into_iter().filter(|call| call.endpoint != "session/logout") {
        *sessions.entry(call.session).or_default() += 1;
    }
    for [calls, ..] in &told {
        // With the login, and the logout if it was sent in time.
        let known = sessions.values().any(|count| (count + 1..=count + 2).contains(calls));
        assert!(known, "{calls}: {sessions:?}");
    }
    assert_eq!((sum(1), sum(3)), (0, calls.bytes_up), "{}", made.stderr);
    assert!((50_000..=calls.bytes_down).contains(&sum(2)), "{}", made.stderr);
    assert!(sum(0) <= calls.total + 2 && calls.bytes_up > 50_000, "{calls:?}");
}

/// Those of a connector's line.
fn numbers(line: &str) -> Option<[u64; 4]> {
    let said = line.strip_prefix("plakar-opendrive: calls to the drive: ")?;
    let said = said.strip_suffix(" [a-mark]")?;
    let numbers = said.split(", ").map(|part| part.rsplit(' ').next()?.parse().ok());
    numbers.collect::<Option<Vec<u64>>>()?.try_into().ok()
}
