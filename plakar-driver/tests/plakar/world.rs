//! A drive, a user with our package, a store, and the library under test.

use std::path::Path;
use std::time::Duration;

use opendrive_sim::{Options as Drive, Simulator, stored_name};
use plakar_driver::{
    BackupJob, BackupResult, Browser, Browsers, CancellationToken, CheckResult, Kind, Name,
    NewStore, Options, Plakar, PointCheck, Progress, SnapshotId, SnapshotPath, Store,
};

use crate::user;

/// The id of the app in the tests.
pub const APP: &str = "7";

pub struct World {
    pub simulator: Simulator,
    pub plakar: Plakar,
    pub browsers: Browsers,
    pub store: Store,
    /// Last, so that what is left over is killed when all else is gone.
    pub user: user::Plakar,
}

pub fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub fn path(path: &str) -> SnapshotPath {
    SnapshotPath::new(path).unwrap()
}

/// The guard that comes with the library: Cargo puts it beside the folder of the tests.
pub fn guard() -> Vec<std::ffi::OsString> {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let guard = folder.with_file_name("source-app-guard");
    assert!(
        guard.is_file(),
        "{} is not there: run `cargo build -p plakar-driver`",
        guard.display()
    );
    vec![guard.into()]
}

/// Writes a script that can be run at once. Another process does it: what a test beside this one
/// starts meanwhile has the files of this process, too, until it becomes its program, and what
/// anybody has open to write cannot be run ("text file busy").
pub fn write_program(path: &Path, text: &str) {
    use std::io::Write;
    let mut shell = std::process::Command::new("/bin/sh")
        .args(["-c", "cat >\"$0\" && chmod 700 \"$0\""])
        .arg(path)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success(), "{}", path.display());
}

/// The environment of a user.
pub fn environment(
    user: &user::Plakar,
    simulator: &Simulator,
) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let own = [
        ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ("HOME".to_owned(), user.path("")),
        ("TMPDIR".to_owned(), user.path("tmp")),
    ];
    own.into_iter()
        .chain(simulator.env())
        .map(|(name, value)| (name.into(), value.trim_end_matches('/').into()))
        .collect()
}

impl World {
    /// With an empty drive, the source and the destination `drive`, and an empty store.
    pub async fn new() -> Self {
        let simulator = Simulator::start(Drive::default()).unwrap();
        let user = user::Plakar::new(&simulator.env());
        let plakar =
            Plakar::new(&crate::plakar::plakar(), guard(), environment(&user, &simulator)).unwrap();
        let store = Store::folder(&user.home().join("store")).unwrap();
        plakar.create_store(&store, NewStore::UNENCRYPTED).await.unwrap();
        let world = Self {
            simulator,
            plakar,
            // A backup leaves one behind, and `quiet` waits for its end.
            browsers: Browsers::new(Duration::from_secs(10)),
            store,
            user,
        };
        world.configure(Kind::Source, "opendrive://").await;
        world.configure(Kind::Destination, "opendrive://Restored").await;
        world
    }

    /// The same for a test whose restore points have to be of one day, as retentions count them: near
    /// its end it waits for the next one.
    pub async fn within_a_day() -> Self {
        use chrono::Timelike;
        let left = 24 * 3600 - u64::from(chrono::Utc::now().num_seconds_from_midnight());
        if left < 300 {
            tokio::time::sleep(Duration::from_secs(left)).await;
        }
        Self::new().await
    }

    /// The source or destination `drive`.
    pub async fn configure(&self, kind: Kind, location: &str) {
        let password = self.simulator.password().to_owned();
        let options = [
            ("location", location),
            ("username", self.simulator.username()),
            ("password", &password),
        ];
        self.plakar.configure(kind, &name("drive"), &self::options(&options)).await.unwrap();
    }

    /// Makes the source `drive` a folder of this machine, with these files: it takes names that no
    /// drive takes.
    pub async fn local(&self, files: &[(String, Vec<u8>)]) -> std::path::PathBuf {
        let folder = self.user.home().join("files");
        for (name, bytes) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        self.plakar
            .configure(
                Kind::Source,
                &name("drive"),
                &options(&[("location", folder.to_str().unwrap())]),
            )
            .await
            .unwrap();
        folder
    }

    /// The same plakar, but for one of its commands a shell does this; `plakar` in it is the real
    /// one.
    pub fn meddled(&self, command: &str, instead: &str) -> Plakar {
        let (script, real) = (self.user.home().join("meddled-plakar"), crate::plakar::plakar());
        let real = real.display();
        let text = format!(
            "#!/bin/sh\nplakar() {{ {real} \"$@\"; }}\ncase \" $* \" in *\" {command} \"*) {instead};; esac\nexec {real} \"$@\"\n"
        );
        write_program(&script, &text);
        Plakar::new(&script, guard(), environment(&self.user, &self.simulator)).unwrap()
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        let stored: Vec<String> = path.split('/').map(stored_name).collect();
        self.simulator.drive().put_file(&stored.join("/"), bytes.to_vec(), 1_700_000_000);
    }

    pub fn job(&self) -> BackupJob {
        BackupJob {
            store: self.store.clone(),
            source: name("drive"),
            app: APP.into(),
            name: "My drive".into(),
            job: "task-1".into(),
            environment: "production".into(),
            classes: vec!["PII".into(), "financial records".into()],
            labels: Vec::new(),
            scope: Default::default(),
            concurrency: None,
        }
    }

    pub async fn backup(&self) -> (BackupResult, Vec<Progress>) {
        let mut news = Vec::new();
        let made = self
            .plakar
            .backup(
                &self.browsers,
                &self.job(),
                &mut |progress| news.push(progress),
                &CancellationToken::new(),
            )
            .await;
        (made.unwrap(), news)
    }

    pub async fn browser(&self) -> std::sync::Arc<Browser> {
        self.browsers.of(&self.plakar, &self.store).await.unwrap()
    }

    /// A check that comes to its end, and what it found of each restore point.
    pub async fn check(&self, points: &[SnapshotId]) -> Vec<PointCheck> {
        let CheckResult { points: found, broken } = self
            .plakar
            .check(&self.browsers, &self.store, points, &mut |_| (), &CancellationToken::new())
            .await;
        assert_eq!(broken, None);
        assert_eq!(
            found.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            points.iter().collect::<Vec<_>>()
        );
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// The packfile of a store in the home folder that has these bytes in it as they are, and where.
    pub fn packfile_with(&self, store: &str, bytes: &[u8]) -> (std::path::PathBuf, u64) {
        let mut folders = vec![self.user.home().join(store).join("packfiles")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let packfile = std::fs::read(entry.path()).unwrap();
                let mut places = packfile.windows(bytes.len());
                if let Some(at) = places.position(|window| window == bytes) {
                    return (entry.path(), at as u64);
                }
            }
        }
        panic!("no packfile has these bytes")
    }

    /// All places in the packfiles of a store in the home folder that have these bytes as they are.
    pub fn places_with(&self, store: &str, bytes: &[u8]) -> Vec<(std::path::PathBuf, u64)> {
        let mut places = Vec::new();
        let mut folders = vec![self.user.home().join(store).join("packfiles")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let packfile = std::fs::read(entry.path()).unwrap();
                let found = packfile.windows(bytes.len()).enumerate();
                let found = found.filter(|(_, window)| *window == bytes);
                places.extend(found.map(|(at, _)| (entry.path(), at as u64)));
            }
        }
        places
    }

    /// Changes a bit of the first of these bytes in a store, or changes it back.
    #[cfg(unix)]
    pub fn flip(packfile: &(std::path::PathBuf, u64)) {
        use std::os::unix::fs::FileExt;
        let (path, at) = packfile;
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, *at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], *at).unwrap();
    }

    /// The command lines of all processes of this user.
    pub fn all_processes(&self) -> Vec<String> {
        let line = |process: &Path| std::fs::read(process.join("cmdline")).unwrap_or_default();
        self.user
            .processes()
            .iter()
            .map(|process| String::from_utf8_lossy(&line(process)).replace('\0', " "))
            .collect()
    }

    /// The same, but Plakar's cache, which ends by itself.
    pub fn processes(&self) -> Vec<String> {
        self.all_processes()
            .into_iter()
            .filter(|line| !line.is_empty() && !line.contains(" cached"))
            .collect()
    }

    /// Waits until no process of this user is left.
    pub async fn quiet(&self) {
        let wait = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(),
            "left over: {:?}",
            self.processes()
        );
    }

    /// Overwrites some bytes in the middle of each packfile that holds contents of files.
    pub fn damage(&self) {
        use std::os::unix::fs::FileExt;
        let mut folders = vec![self.user.home().join("store/packfiles")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let length = entry.metadata().unwrap().len();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if length > 1_000_000 {
                    let packfile = std::fs::File::options().write(true).open(entry.path()).unwrap();
                    packfile.write_all_at(&[b'X'; 1000], length / 2).unwrap();
                }
            }
        }
    }

    /// What the jobs left in the folder for temporary files.
    pub fn temporary(&self) -> Vec<std::ffi::OsString> {
        std::fs::read_dir(self.user.path("tmp"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }
}

pub fn options(pairs: &[(&str, &str)]) -> Options {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Bytes that cannot be compressed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    opendrive_sim::generated_bytes(seed, 0, &mut bytes);
    bytes
}
