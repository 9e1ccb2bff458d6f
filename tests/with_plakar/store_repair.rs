//! `plakar-opendrive store check` and `store repair`: what another machine would see of a store,
//! and mending it.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opendrive_sim::Fault;
use support::drive_store::{DriveStore, make_files, tree};
use support::plakar::{Plakar, own, own_command, plakar};
use support::user::{drain, nobody_reads, wait};
use support::{executable, noise, platform, wait_for};

use crate::scripts::write_script;

/// Nothing that is waited for here takes longer, unless it hangs.
pub const HANG: Duration = Duration::from_secs(120);

/// Runs our command line; gives its status and all that it said.
fn ours(user: &Plakar, arguments: &[&str]) -> (Option<i32>, String) {
    let output = own(user, arguments);
    (
        output.status.code(),
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    )
}

/// Does the same with a Plakar that runs some lines of shell first.
fn ours_after(user: &Plakar, lines: &str, arguments: &[&str]) -> (Option<i32>, String) {
    end(start(user, &plakar_after(user, lines), arguments))
}

/// A Plakar that runs some lines of shell first.
pub fn plakar_after(user: &Plakar, lines: &str) -> PathBuf {
    let program = user.home().join("plakar-after");
    let script = format!("#!/bin/sh\n{lines}\nexec {} \"$@\"\n", plakar().display());
    write_script(&program, &script);
    program
}

/// Starts our command line in a process group of its own, as a terminal does, with this Plakar.
pub fn start(user: &Plakar, program: &Path, arguments: &[&str]) -> Child {
    let like = user.command(&[]);
    Command::new(executable())
        .args(arguments)
        .env_clear()
        .envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PLAKAR", program)
        .current_dir(user.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Waits for its end; gives its status and all that it said.
pub fn end(mut child: Child) -> (Option<i32>, String) {
    let (stdout, stderr) =
        (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let status = wait(&mut child, HANG).expect("it ends");
    let said = [stdout, stderr].map(|said| said.join().unwrap()).concat();
    (status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Whether a Plakar of a user is at a check.
fn checks(user: &Plakar) -> bool {
    user.processes().iter().any(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words[0].ends_with(b"plakar") && words.contains(&b"check".as_slice())
    })
}

/// A store that is well, with two restore points. Gives the names of the packfiles in which the
/// second is.
fn with_two_restore_points(world: &DriveStore) -> Vec<String> {
    let user = &world.plakar;
    user.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = user.home().join("files");
    make_files(&files, 5, 1000);
    let packfiles = || -> BTreeSet<String> {
        let paths = world.simulator.drive().tree().into_keys();
        paths.filter_map(|path| Some(path.strip_prefix("kloset/packfiles/")?.to_owned())).collect()
    };
    user.backup("@drive", files.to_str().unwrap());
    let first = packfiles();
    std::fs::write(files.join("new"), "more").unwrap();
    user.backup("@drive", files.to_str().unwrap());
    let second: Vec<String> = packfiles().difference(&first).cloned().collect();
    assert!(!second.is_empty());
    second
}

/// The drive refuses to give a packfile, once.
fn refused(packfile: &str) -> Fault {
    Fault::refused(403, "Access denied").endpoint("download/file").item(packfile)
}

/// A store on a drive with a circle of states, as Plakar makes it on a store that lets one state
/// replace another. The user's Plakar has seen it come about. Gives the whole ids of the snapshot
/// that was removed and of that which is there.
fn with_a_circle(world: &DriveStore, files: &Path) -> (String, String) {
    let user = &world.plakar;
    let (first, copy) = (user.path("first"), user.path("copy"));
    for store in [&first, &copy] {
        user.ok(&["at", store, "create", "-plaintext"]);
    }
    let files = files.to_str().unwrap();
    let removed = user.backup(&first, files);
    user.ok(&["at", &first, "sync", "to", &copy]);
    std::fs::write(Path::new(files).join("new"), "more").unwrap();
    let kept = user.backup(&first, files);
    user.ok(&["at", &first, "sync", "to", &copy]);
    let listed = user.ok(&["at", &copy, "ls", "-uuid"]);
    let whole = |short: &str| {
        listed
            .split_whitespace()
            .find(|word| word.len() == 64 && word.starts_with(short))
            .unwrap()
            .to_owned()
    };
    user.ok(&["at", &copy, "rm", "-apply", &removed]);
    user.ok(&["at", &first, "sync", "to", &copy]);
    for (path, bytes) in tree(Path::new(&copy)) {
        world.simulator.drive().put_file(&format!("kloset/{path}"), bytes, 1_600_000_000);
    }
    (whole(&removed), whole(&kept))
}

#[test]
fn states_in_a_circle_are_found_and_mended() {
    let world = DriveStore::new();
    let user = &world.plakar;
    let files = user.home().join("files");
    make_files(&files, 20, 20_000);
    let (removed, kept) = with_a_circle(&world, &files);
    assert!(user.ok(&["at", "@drive", "ls", "-uuid"]).contains(&kept));
    assert!(!world.another_machine().ok(&["at", "@drive", "ls", "-uuid"]).contains(&kept));
    let before = world.simulator.drive().tree();

    let (code, said) = ours(user, &["store", "check", "@drive"]);
    assert!(
        code == Some(1) && said.contains("0 restore points on every machine, of 3 states"),
        "{said}"
    );
    assert!(said.contains(&format!("{} is seen by only this machine", &kept[..8])), "{said}");
    assert!(said.contains("`plakar-opendrive store repair @drive`"), "{said}");
    // As in `store check | head -1`: whoever reads no more of it still learns how the store is.
    for arguments in [&["store", "check", "@drive"][..], &["store", "check", "--json", "@drive"]] {
        let mut check = own_command(user, arguments);
        let status = check.stdout(nobody_reads()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
    let (code, said) = ours(&world.another_machine(), &["store", "check", "@drive"]);
    assert!(
        code == Some(1)
            && said.contains(&format!("{} is seen by no machine that has not", &kept[..8])),
        "{said}"
    );

    let (_, said) = ours(user, &["store", "repair", "--dry-run", "@drive"]);
    assert!(said.contains(&format!("state {removed} would get another name")), "{said}");
    assert_eq!(world.simulator.drive().tree(), before);

    let (code, said) = ours(user, &["store", "repair", "@drive"]);
    assert!(code == Some(0) && said.contains(&format!("state {removed} is ")), "{said}");
    assert!(said.contains("1 restore point on every machine"), "{said}");
    let other = world.another_machine();
    assert!(other.ok(&["at", "@drive", "ls", "-uuid"]).contains(&kept));
    // Nothing is deleted: one name has changed.
    let after = world.simulator.drive().tree();
    assert_eq!(
        (after.len(), before.keys().filter(|path| !after.contains_key(*path)).count()),
        (before.len(), 1)
    );
    let (code, said) = ours(&other, &["store", "repair", "@drive"]);
    assert!(code == Some(0) && said.contains("nothing to mend"), "{said}");

    // What the replaced state told of is known to nobody but the machine that saw it: it is said,
    // and saved there.
    let (code, said) = ours(&other, &["store", "check", "--data", "@drive"]);
    assert!(code == Some(1) && said.contains("data is missing or damaged"), "{said}");
    let saved = user.path("saved");
    user.ok(&["at", &saved, "create", "-plaintext"]);
    user.ok(&["at", "@drive", "sync", "to", &saved]);
    let restored = user.path("restored");
    user.ok(&["-cachedir", &user.path("fresh"), "at", &saved, "restore", "-to", &restored, &kept]);
    assert!(tree(Path::new(&restored)) == tree(&files));
}

#[test]
fn a_store_that_is_well_is_said_to_be_well() {
    let world = DriveStore::new();
    let user = &world.plakar;
    world.configure(user, serde_json::json!({"passphrase": "a passphrase of 2026"}));
    user.ok(&["at", "@drive", "create"]);
    let files = user.home().join("files");
    make_files(&files, 5, 1000);
    let id = user.backup("@drive", files.to_str().unwrap());
    std::fs::write(files.join("new"), "more").unwrap();
    user.backup("@drive", files.to_str().unwrap());
    user.ok(&["at", "@drive", "rm", "-apply", &id]);
    let (code, said) = ours(user, &["store", "check", "--data", "@drive"]);
    assert!(
        code == Some(0) && said.contains("1 restore point on every machine, of 3 states"),
        "{said}"
    );
    assert!(said.contains("all data that they refer to was read and is whole"), "{said}");
    let (code, said) = ours(user, &["store", "check", "--json", "@drive"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, json["sight"]["everywhere"].as_array().unwrap().len(), &json["sight"]["hidden"]),
        (Some(0), 1, &serde_json::json!([]))
    );

    for (arguments, expected, line) in [
        (["store", "check", "drive"], 2, "\"drive\" is not a store: write @NAME"),
        (["store", "check", "@nothing"], 7, "Plakar has no store \"nothing\""),
        (["store", "repair", "@drive/folder"], 2, "is not a store: write @NAME"),
        (["store", "check", "@-drive"], 2, "\"-drive\" is not a valid name of Plakar's"),
    ] {
        let (code, said) = ours(user, &arguments);
        assert!(
            code == Some(expected) && said.contains(line) && said.trim_end().lines().count() == 1,
            "{code:?} {said}"
        );
    }
    // The passphrase is not where Plakar finds it.
    world.configure(user, serde_json::json!({"passphrase": "a wrong one"}));
    let (code, said) = ours(user, &["store", "check", "@drive"]);
    assert!(code == Some(1) && said.contains("`plakar ls` failed"), "{said}");
}

/// A store on a drive in which an empty cache reads a removal before what it removes, as it comes
/// about where one machine backs up and others, whose caches are new, do the maintenance. The
/// user's own Plakar has seen all in good order.
fn with_an_undone_removal(world: &DriveStore) {
    let user = &world.plakar;
    let (store, files) = (user.path("first"), user.home().join("files"));
    user.ok(&["at", &store, "create", "-plaintext"]);
    std::fs::create_dir(&files).unwrap();
    let backups = || {
        (0..5_u64).map(|content| {
            std::fs::write(files.join("file"), noise(content, 20_000)).unwrap();
            user.backup(&store, files.to_str().unwrap())
        })
    };
    let states = || tree(&Path::new(&store).join("states")).into_keys().collect::<BTreeSet<_>>();
    // Finished commands leave their locks.
    let unlock = || {
        tree(&Path::new(&store).join("locks"))
            .keys()
            .for_each(|name| std::fs::remove_file(format!("{store}/locks/{name}")).unwrap())
    };
    let maintenance = |cache: &str| {
        let before = states();
        unlock();
        let run = user
            .command(&["-cachedir", &user.path(cache), "at", &store, "maintenance"])
            .env("PLAKAR_GRACEPERIOD", "0s")
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        unlock();
        states().difference(&before).cloned().collect::<Vec<_>>()
    };
    for id in backups().collect::<Vec<_>>() {
        user.ok(&["at", &store, "rm", "-apply", &id]);
    }
    let marked = maintenance("one");
    backups().for_each(drop);
    let removed = maintenance("two");
    assert!(marked.len() == 1 && removed.len() == 1, "{marked:?} {removed:?}");
    for (path, bytes) in tree(Path::new(&store)) {
        // Names are random: these are such that they are read first.
        let name = match &path {
            path if path.ends_with(&marked[0]) => format!("states/{}", "f".repeat(64)),
            path if path.ends_with(&removed[0]) => format!("states/{}", "e".repeat(64)),
            path => path.clone(),
        };
        world.simulator.drive().put_file(&format!("kloset/{name}"), bytes, 1_600_000_000);
    }
}

#[test]
fn a_removal_that_is_read_before_what_it_removes_is_found_and_mended() {
    // The names of the other states are random, and so is where they come in the order: mostly, but
    // not always, a machine that comes anew reads what it must not.
    let world = (0..16).map(|_| DriveStore::new()).find(|world| {
        with_an_undone_removal(world);
        let fresh = world.plakar.path("fresh");
        world.plakar.run(&["-cachedir", &fresh, "at", "@drive", "check"]).code != Some(0)
    });
    let world = world.expect("a store that a machine that comes anew cannot read");
    let user = &world.plakar;
    user.ok(&["at", "@drive", "check"]);
    let before = world.simulator.drive().tree();
    let (code, said) = ours(user, &["store", "check", "--data", "@drive"]);
    assert!(code == Some(1) && said.contains("5 restore points on every machine"), "{said}");
    assert!(said.contains("`plakar-opendrive store repair --data @drive`"), "{said}");
    let (code, said) = ours(user, &["store", "repair", "--data", "--dry-run", "@drive"]);
    assert!(
        code == Some(1)
            && said.contains(&format!("state {} would get another name", "f".repeat(64))),
        "{said}"
    );
    assert_eq!(world.simulator.drive().tree(), before);

    let (code, said) = ours(user, &["store", "repair", "--data", "@drive"]);
    assert!(
        code == Some(0) && said.contains("all data that they refer to was read and is whole"),
        "{said}"
    );
    // Nothing is deleted, and those that have seen the store go on.
    assert_eq!(world.simulator.drive().tree().len(), before.len());
    for machine in [user, &world.another_machine()] {
        machine.ok(&["at", "@drive", "check"]);
        assert_eq!(machine.ok(&["at", "@drive", "ls"]).lines().count(), 5);
        let id = machine.backup("@drive", user.home().join("files").to_str().unwrap());
        world.another_machine().ok(&["at", "@drive", "check", &id]);
        machine.ok(&["at", "@drive", "rm", "-apply", &id]);
    }
    let (code, said) = ours(user, &["store", "repair", "--data", "@drive"]);
    assert!(code == Some(0) && said.contains("nothing to mend"), "{said}");
}

#[test]
fn a_signal_during_a_check_ends_the_repair_and_no_state_is_renamed() {
    let world = DriveStore::new();
    let user = &world.plakar;
    with_two_restore_points(&world);
    let before = world.simulator.drive().tree();
    // A check takes seconds.
    world.simulator.set_latency(Duration::from_millis(100));
    // Ctrl-C goes to Plakar as well, `kill` to us alone.
    for (signal, group, status) in [("-INT", "-", 130), ("-TERM", "", 143)] {
        let child = start(user, &plakar(), &["store", "repair", "--data", "@drive"]);
        wait_for(HANG, "the check begins", || checks(user).then_some(()));
        let to = format!("{group}{}", child.id());
        assert!(Command::new("kill").args([signal, "--", &to]).status().unwrap().success());
        let (code, said) = end(child);
        assert_eq!(code, Some(status), "{said}");
        assert!(said.contains("ended by SIG") && said.contains("nothing was changed"), "{said}");
        wait_for(HANG, "Plakar has ended, too", || (!checks(user)).then_some(()));
        assert_eq!(world.simulator.drive().tree(), before);
    }
}

/// Plakar leaves out without a word what it cannot read the header of, also in a check.
#[test]
fn what_the_drive_gives_no_more_is_not_called_whole() {
    let world = DriveStore::new();
    let packfiles = with_two_restore_points(&world);
    // The header comes once, to the machine that lists.
    let faults = packfiles.iter().map(|packfile| refused(packfile).skip(1).always());
    world.simulator.set_faults(faults.collect());
    let (code, said) = ours(&world.plakar, &["store", "check", "--data", "@drive"]);
    assert!(code == Some(1) && said.contains("2 restore points on every machine"), "{said}");
    assert!(said.contains("data is missing or damaged") && !said.contains("is whole"), "{said}");
}

#[test]
fn a_state_that_is_damaged_is_not_called_well() {
    let world = DriveStore::new();
    with_two_restore_points(&world);
    let drive = world.simulator.drive();
    for path in drive.tree().into_keys().filter(|path| path.starts_with("kloset/states/")) {
        drive.put_file(&path, b"this is no state any more".to_vec(), 1_600_000_000);
    }
    // Plakar ends well then, and has done nothing.
    let other = world.another_machine();
    for arguments in [&["store", "check", "@drive"][..], &["store", "check", "--data", "@drive"]] {
        let (code, said) = ours(&other, arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("failed (without having begun)"), "{said}");
    }
}

/// Plakar goes on with what its cache had by then, and ends well.
#[test]
fn a_check_whose_cache_was_lost_calls_nothing_whole() {
    let world = DriveStore::new();
    with_two_restore_points(&world);
    let user = &world.plakar;
    let lines = format!(
        "case \" $* \" in\n\
         *' cached '*) echo $$ >{keeper};;\n\
         *' check ') {plakar} \"$@\"; status=$?; kill -KILL $(cat {keeper}); sleep 1; exit $status;;\n\
         esac",
        keeper = user.path("keeper"),
        plakar = plakar().display()
    );
    let (code, said) = ours_after(user, &lines, &["store", "check", "--data", "@drive"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the process of its cache ended before `plakar check`"), "{said}");
    assert!(!said.contains("is whole"), "{said}");
}

#[test]
fn what_the_drive_does_not_give_is_not_hidden_and_no_state_is_renamed_for_it() {
    let world = DriveStore::new();
    let user = &world.plakar;
    let packfiles = with_two_restore_points(&world);
    let before = world.simulator.drive().tree();
    // For once.
    world.simulator.set_faults(packfiles.iter().map(|packfile| refused(packfile)).collect());
    let (code, said) = ours(user, &["store", "repair", "@drive"]);
    assert!(code == Some(0) && said.contains("nothing to mend"), "{said}");
    assert!(said.contains("2 restore points on every machine"), "{said}");
    assert_eq!(world.simulator.drive().tree(), before);
    // Always.
    let faults = packfiles.iter().map(|packfile| refused(packfile).always());
    world.simulator.set_faults(faults.collect());
    for (arguments, why) in [
        (&["store", "repair", "@drive"][..], "nothing to mend"),
        (&["store", "repair", "--data", "@drive"], "this machine does not read all data either"),
    ] {
        let (code, said) = ours(user, arguments);
        assert!(code == Some(1) && said.contains(why), "{said}");
        assert!(
            said.contains("1 restore point on every machine")
                && said.contains("could not be read by a machine that has not seen it before"),
            "{said}"
        );
        assert_eq!(world.simulator.drive().tree(), before);
    }
}

/// What Plakar cannot unpack into a cache it removes from the folder of its packages.
#[test]
fn a_package_that_cannot_be_unpacked_stays_installed() {
    let world = DriveStore::new();
    let user = &world.plakar;
    user.ok(&["at", "@drive", "create", "-plaintext"]);
    // Of the version of Plakar's interface, which is the only one.
    let version = |plugins: &str| -> PathBuf {
        let mut entries = std::fs::read_dir(user.home().join(plugins)).unwrap();
        entries.next().unwrap().unwrap().path()
    };
    // This user's Plakar has unpacked it already, and does not look at it again.
    let name = format!("other_v1.0.0_{}", platform());
    let package = version(".local/share/plakar/plugins").join(format!("{name}.ptar"));
    std::fs::write(&package, "no archive").unwrap();
    let unpacked = version(".cache/plakar/plugins").join(&name);
    std::fs::create_dir(&unpacked).unwrap();
    std::fs::write(unpacked.join("manifest.yaml"), "name: other\n").unwrap();
    user.ok(&["at", "@drive", "ls"]);
    let (code, said) = ours(user, &["store", "check", "@drive"]);
    assert!(code == Some(1) && said.contains("a new cache for Plakar cannot be made"), "{said}");
    assert_eq!(std::fs::read(&package).unwrap(), b"no archive");
    // Without it the store is read.
    std::fs::remove_file(&package).unwrap();
    let (code, said) = ours(user, &["store", "check", "@drive"]);
    assert!(code == Some(0) && said.contains("0 restore points on every machine"), "{said}");
}

#[test]
fn why_a_new_cache_is_not_kept_is_said() {
    let world = DriveStore::new();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let lines = "case \" $* \" in *' cached '*) echo 'the disk is read-only'; exit 1;; esac";
    let (code, said) = ours_after(&world.plakar, lines, &["store", "check", "@drive"]);
    assert!(
        code == Some(1) && said.contains("its process did not start: the disk is read-only"),
        "{said}"
    );
}

#[test]
fn a_new_cache_is_kept_as_long_as_the_command_takes() {
    let world = DriveStore::new();
    let user = &world.plakar;
    user.ok(&["at", "@drive", "create", "-plaintext"]);
    // It would leave after seconds without a question, in which a busy machine too comes to hold it,
    // and then there is none for longer.
    let left = user.path("left");
    let lines = format!(
        "case \" $* \" in\n\
         *' cached '*)\n\
         for word do shift; test \"$word\" = 15m && word=3s; set -- \"$@\" \"$word\"; done\n\
         {} \"$@\"; touch {left}; exit;;\n\
         *' -cachedir '*' ls '*) sleep 8;;\n\
         esac",
        plakar().display()
    );
    let (code, said) = ours_after(user, &lines, &["store", "check", "@drive"]);
    assert!(code == Some(0) && said.contains("0 restore points on every machine"), "{said}");
    assert!(!Path::new(&left).exists(), "it left before the command");
}
