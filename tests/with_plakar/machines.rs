//! Three machines and two stores, one of them on the drive and one on a disk, in any order of
//! commands, with a drive that fails and processes that are killed: what any machine lists, a
//! machine that comes anew lists too, finds whole, and restores byte for byte.
//!
//! `MACHINES_STEPS` is the number of commands, `MACHINES_SEED` repeats a walk, `MACHINES_WALKS` is
//! how many there are, each with the next seed. `make soak` makes long ones.
//!
//! Maintenance removes packfiles within the walk: the grace period is a second (`MACHINES_GRACE`;
//! that of Plakar is seven days). It may be as short as that, because no command overlaps another
//! one here; for commands that do, it is what keeps maintenance from what they have not told of
//! yet. What the walk needs is that a machine looks at a store (`ls`) before it writes there.
//! Plakar 1.1.4 begins to write from the last state that it had read *before* the command; without
//! that look two machines' states branch off each other, and a machine that comes anew reads a
//! removal before what it removes. That is so with Plakar's own stores, without any fault and
//! whatever the grace period is: see `findings/plakar-maintenance-undone-for-new-machines.sh`.
//! `MACHINES_LOOK=no` shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use opendrive_sim::{Fault, Options, Simulator, What};

use crate::kills::{Draws, HANG, plugins_of};
use support::drive_store::tree;
use support::plakar::Plakar;
use support::{noise, wait_for};

/// How many commands there are between two looks at everything.
const BETWEEN: u64 = 8;

type Tree = BTreeMap<String, Vec<u8>>;

struct World {
    simulator: Simulator,
    machines: [Plakar; 3],
    /// That on the disk, and that on the drive.
    stores: [String; 2],
    draws: Draws,
    /// What each snapshot must give, by the beginning of its id.
    contents: BTreeMap<String, Tree>,
    /// What was done, for the message of a failure.
    done: Vec<String>,
    /// How many packfiles maintenance removed, and how many bytes were restored and compared.
    removed: u64,
    compared: u64,
    /// The disk that all machines have.
    shared: tempfile::TempDir,
}

impl World {
    fn new(seed: u64) -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let shared = tempfile::Builder::new().prefix("pk").tempdir_in("/tmp").unwrap();
        let machines = [(); 3].map(|()| machine(&simulator, shared.path()));
        let stores = ["@disk".to_owned(), "@drive".to_owned()];
        for store in &stores {
            machines[0].ok(&["at", store, "create", "-plaintext"]);
        }
        Self {
            simulator,
            machines,
            stores,
            draws: Draws::new(seed),
            contents: BTreeMap::new(),
            done: Vec::new(),
            removed: 0,
            compared: 0,
            shared,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.draws.below(limit as u64) as usize
    }

    /// One command of one machine, with or without a drive that fails meanwhile.
    fn step(&mut self) {
        let (who, which, command, trouble) =
            (self.below(3), self.below(2), self.below(10), self.below(4));
        let store = self.stores[which].clone();
        let other = self.stores[1 - which].clone();
        if command > 7 {
            // A state that could not be put comes within the grace period, which is short here.
            self.machines.iter().for_each(|machine| drop(self.listed(machine, &store)));
        }
        if std::env::var("MACHINES_LOOK").map_or(true, |look| look != "no") {
            self.stores.iter().for_each(|store| drop(self.listed(&self.machines[who], store)));
        }
        let call = 1 + self.below(25) as u64;
        let fault = match trouble {
            0 => Some(Fault::new(What::LoseAnswer).skip(call).times(2)),
            1 => Some(
                Fault::new(What::Status {
                    code: 403,
                    message: "Access denied".into(),
                    retry_after: None,
                })
                .endpoint("upload/create_file")
                .skip(call % 6)
                .always(),
            ),
            _ => None,
        };
        self.simulator.set_faults(fault.into_iter().collect());
        let files = self.machines[who].home().join("files");
        let arguments: Vec<String> = match command {
            0..=3 => {
                self.change(&files);
                vec![
                    "-quiet".into(),
                    "at".into(),
                    store.clone(),
                    "backup".into(),
                    "-no-progress".into(),
                    files.to_str().unwrap().into(),
                ]
            }
            4 => vec!["at".into(), store.clone(), "sync".into(), "to".into(), other],
            5 => vec!["at".into(), store.clone(), "sync".into(), "from".into(), other],
            6 | 7 => {
                let listed: Vec<String> =
                    self.listed(&self.machines[who], &store).into_iter().collect();
                if listed.len() < 2 {
                    return;
                }
                let chosen = listed[self.below(listed.len())].clone();
                vec!["at".into(), store.clone(), "rm".into(), "-apply".into(), chosen]
            }
            _ => {
                self.unlock(which);
                vec!["at".into(), store.clone(), "maintenance".into()]
            }
        };
        let kill = command < 6 && trouble == 2;
        self.done.push(format!(
            "machine {who}, trouble {trouble} at call {call}: {}",
            arguments.join(" ")
        ));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let before = tree(&files);
        if kill {
            self.killed(who, &arguments, call);
        } else {
            let outcome = self.machines[who].run(&arguments);
            self.done.last_mut().unwrap().push_str(&format!(
                " -> {:?}{}",
                outcome.code,
                outcome.text().lines().last().map_or_else(String::new, |line| format!(", {line}"))
            ));
            let text = outcome.text();
            let removed = text
                .split_once(" packfiles were removed")
                .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
            self.removed += removed.unwrap_or(0);
            if let Some(line) =
                text.lines().find(|line| command < 4 && line.contains("backup completed"))
            {
                self.contents.insert(line.split(':').next().unwrap().trim().to_owned(), before);
            }
        }
        self.simulator.set_faults(Vec::new());
    }

    /// Removes the locks that finished commands of Plakar 1.1.4 leave for ten minutes. Nothing runs
    /// meanwhile.
    fn unlock(&self, which: usize) {
        if which == 0 {
            let locks = self.shared.path().join("locks");
            for name in tree(&locks).keys() {
                drop(std::fs::remove_file(locks.join(name)));
            }
            return;
        }
        let drive = self.simulator.drive();
        for path in drive.tree().keys().filter(|path| path.starts_with("kloset/locks/")) {
            drive.remove(path);
        }
    }

    /// Kills Plakar, and its plugins with it, when the drive has got so many calls.
    fn killed(&self, who: usize, arguments: &[&str], call: u64) {
        self.simulator.reset_calls();
        let mut child = self.machines[who]
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..6000 {
            if child.try_wait().unwrap().is_some() || self.simulator.calls().total >= call {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let plugins = plugins_of(&child, "storage");
        let _ = child.kill();
        let _ = child.wait();
        // The plugins take back what was under way, and no command overlaps that: maintenance would
        // sweep what one of them still puts.
        wait_for(HANG, "the end of the plugins", || {
            plugins.iter().all(|plugin| !plugin.exists()).then_some(())
        });
        for _ in 0..1000 {
            if self.simulator.calls().in_flight == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Changes the files of a machine a little: some content is shared among machines, some is new,
    /// some goes.
    fn change(&mut self, files: &Path) {
        for _ in 0..3 {
            let (number, content, size) =
                (self.below(12), self.below(30) as u64, [0, 100, 20_000, 300_000][self.below(4)]);
            let path = files.join(format!("folder{}/file{number}", number % 3));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, noise(content, size)).unwrap();
        }
        let gone = files.join(format!("folder0/file{}", 3 * self.below(4)));
        if tree(files).len() > 2 {
            drop(std::fs::remove_file(gone));
        }
    }

    fn listed(&self, machine: &Plakar, store: &str) -> BTreeSet<String> {
        let text = machine.ok(&["at", store, "ls", "-uuid"]);
        text.lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .filter(|word| word.len() == 64)
            .map(str::to_owned)
            .collect()
    }

    /// Looks at both stores as every machine, and as one that has not seen them before.
    fn look(&mut self) {
        let story = || format!("MACHINES_SEED={}\n{}", self.draws.seed, self.done.join("\n"));
        let mut compared = 0;
        for store in &self.stores {
            // What a machine lists is there for others from then on: a state that it could not put
            // comes first.
            let known: Vec<BTreeSet<String>> =
                self.machines.iter().map(|known| self.listed(known, store)).collect();
            let anew = machine(&self.simulator, self.shared.path());
            let found = self.listed(&anew, store);
            for (number, here) in known.into_iter().enumerate() {
                // Another machine may have put a late removal since this one listed.
                let here = if here.is_subset(&found) {
                    here
                } else {
                    self.listed(&self.machines[number], store)
                };
                assert!(
                    here.is_subset(&found),
                    "machine {number} lists more of {store}: {here:?}, anew {found:?}\n{}",
                    story()
                );
            }
            if found.is_empty() {
                continue;
            }
            let outcome = anew.run(&["-quiet", "at", store, "check"]);
            assert_eq!(outcome.code, Some(0), "{store}: {}\n{}", outcome.text(), story());
            for id in &found {
                let Some(wanted) = self
                    .contents
                    .iter()
                    .find_map(|(short, tree)| id.starts_with(short).then_some(tree))
                else {
                    continue;
                };
                let restored = anew.path(&format!("restored-{}", &id[..8]));
                anew.ok(&["at", store, "restore", "-to", &restored, id]);
                let given = tree(Path::new(&restored));
                let sizes = |tree: &Tree| {
                    tree.iter()
                        .map(|(path, bytes)| format!("{path} {}", bytes.len()))
                        .collect::<Vec<_>>()
                };
                assert!(
                    given == *wanted,
                    "{store}: {id} differs: {:?}, wanted {:?}\n{}",
                    sizes(&given),
                    sizes(wanted),
                    story()
                );
                compared += given.values().map(|bytes| bytes.len() as u64).sum::<u64>();
            }
        }
        self.compared += compared;
    }
}

/// A machine that has seen nothing yet. Both stores are ours: Plakar's own for local folders lets a
/// state be replaced.
fn machine(simulator: &Simulator, shared: &Path) -> Plakar {
    let grace = std::env::var("MACHINES_GRACE").unwrap_or_else(|_| "1s".to_owned());
    let grace = [("PLAKAR_GRACEPERIOD".to_owned(), grace)];
    let machine = Plakar::new(&simulator.env().into_iter().chain(grace).collect::<Vec<_>>());
    let config = serde_json::json!({
        "drive": {"location": "opendrive://kloset", "username": simulator.username(), "password": simulator.password()},
        "disk": {"location": format!("rclone://{}", shared.display()), "rclone_type": "local"},
    });
    let outcome = machine.run_with_input(&["store", "import"], config.to_string().as_bytes());
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    std::fs::create_dir(machine.home().join("files")).unwrap();
    machine
}

#[test]
fn what_one_machine_lists_every_machine_restores() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let (now, steps) = (
        std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into(),
        number("MACHINES_STEPS", 24),
    );
    let first = number("MACHINES_SEED", now);
    for seed in (first..).take(number("MACHINES_WALKS", 1) as usize) {
        let (mut world, start) = (World::new(seed), std::time::Instant::now());
        for step in 1..=steps {
            world.step();
            if step % BETWEEN == 0 {
                world.look();
            }
        }
        world.look();
        let (removed, compared, time) =
            (world.removed, world.compared as f64 / 1e6, start.elapsed().as_secs());
        eprintln!(
            "a walk of {steps} commands, seed {seed}: {removed} packfiles removed, {compared:.1} MB restored and compared, 0 lost; {time} s"
        );
    }
}

/// As in containers, whose caches are not kept. One file comes back after all that had it was
/// removed.
#[test]
fn what_is_written_without_a_cache_is_whole_for_a_new_machine() {
    let world = World::new(0);
    let machine = &world.machines[0];
    let files = machine.home().join("files");
    let caches = std::cell::Cell::new(0);
    for (which, store) in world.stores.iter().enumerate() {
        let anew = |arguments: &[&str]| {
            caches.set(caches.get() + 1);
            let cache = machine.path(&format!("cache{}", caches.get()));
            // Else its first words are about security updates.
            machine.ok(&["-cachedir", &cache, "-disable-security-check"]);
            world.unlock(which);
            machine.ok(&[&["-cachedir", &cache, "at", store], arguments].concat())
        };
        let back_up = |content| {
            std::fs::write(files.join("file"), noise(content, 20_000)).unwrap();
            let text = anew(&["backup", "-no-progress", files.to_str().unwrap()]);
            let line = text
                .lines()
                .find(|line| line.contains(": backup completed without errors"))
                .unwrap_or_else(|| panic!("{text}"));
            line.split(':').next().unwrap().to_owned()
        };
        for id in [1, 2, 3].map(back_up) {
            anew(&["rm", "-apply", &id]);
        }
        anew(&["maintenance"]);
        std::thread::sleep(Duration::from_millis(1100));
        let kept = [1, 2, 3].map(back_up);
        let text = anew(&["maintenance"]);
        assert!(
            text.contains("packfiles were removed")
                && !text.contains("and 0 packfiles were removed"),
            "{text}"
        );
        for _ in 0..2 {
            // Each in a cache of its own.
            kept.iter().for_each(|id| {
                assert!(
                    anew(&["check", id]).contains(&format!("{id}: check completed without errors"))
                )
            });
        }
    }
}
