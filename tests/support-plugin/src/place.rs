//! Places to test on: in memory, in a local folder, and on the simulated OpenDrive.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::connector::{Role, Settings};
use plakar_opendrive::rclone::{Remote, RemoteConfig};
use support::noise;
use tempfile::TempDir;

/// A kind of remote with something on it.
pub enum Place {
    /// In the memory of this process, which all its tests share.
    Memory {
        /// The name of its part.
        bucket: String,
    },
    /// A folder of its own.
    Local(TempDir),
    /// A drive of its own.
    Drive(Box<Simulator>),
}

impl Place {
    /// One of each kind, empty. `name` keeps tests apart in the memory of the process.
    pub fn all(name: &str) -> Vec<Self> {
        vec![
            Self::Memory { bucket: name.to_owned() },
            Self::Local(tempfile::tempdir().unwrap()),
            Self::drive(),
        ]
    }

    /// A simulated drive.
    pub fn drive() -> Self {
        Self::Drive(Box::new(Simulator::start(Options::default()).unwrap()))
    }

    /// What rclone calls its kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Local(_) => "local",
            Self::Drive(_) => "opendrive",
        }
    }

    /// The simulated drive.
    ///
    /// # Panics
    /// If it is none.
    pub fn simulator(&self) -> &Simulator {
        match self {
            Self::Drive(simulator) => simulator,
            _ => panic!("{} has no simulator", self.name()),
        }
    }

    /// Puts a file there, by a way that has nothing to do with what is tested where there is one.
    pub async fn put(&self, path: &str, bytes: &[u8], seconds: u64) {
        let modified = UNIX_EPOCH + Duration::from_secs(seconds);
        match self {
            Self::Memory { bucket } => {
                let remote = Remote::open(&RemoteConfig::new("memory", bucket)).await.unwrap();
                let mut writer =
                    remote.create(path, Some(bytes.len() as u64), modified).await.unwrap();
                writer.write(bytes.to_vec()).await.unwrap();
                writer.commit().await.unwrap();
            }
            Self::Local(folder) => {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, bytes).unwrap();
                std::fs::File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_modified(modified)
                    .unwrap();
            }
            Self::Drive(simulator) => {
                // Under the names that rclone would give: some characters stand as look-alikes on
                // the drive.
                let stored: Vec<String> = path.split('/').map(opendrive_sim::stored_name).collect();
                simulator.drive().put_file(&stored.join("/"), bytes.to_vec(), seconds as i64);
            }
        }
    }

    /// Makes an empty folder; false where there are none.
    pub fn make_folder(&self, path: &str) -> bool {
        match self {
            Self::Memory { .. } => return false,
            Self::Local(folder) => std::fs::create_dir_all(folder.path().join(path)).unwrap(),
            Self::Drive(simulator) => drop(simulator.drive().make_folder(path)),
        }
        true
    }

    /// The base as an absolute path within the remote: `/` on a drive.
    pub fn root(&self) -> String {
        match self {
            Self::Memory { bucket } => format!("/{bucket}"),
            Self::Local(folder) => folder.path().to_str().unwrap().to_owned(),
            Self::Drive(_) => "/".to_owned(),
        }
    }

    /// What Plakar would hand over for this place, in the form of an imported rclone remote.
    pub fn config(&self, base: &str) -> HashMap<String, String> {
        let location = format!("rclone://{}/{base}", self.root().trim_end_matches('/'));
        let mut config = HashMap::from([
            ("location".to_owned(), location),
            ("rclone_type".to_owned(), self.name().to_owned()),
        ]);
        if let Self::Drive(simulator) = self {
            config = HashMap::from([
                ("location".to_owned(), format!("opendrive://{base}")),
                ("username".to_owned(), simulator.username().to_owned()),
                ("password".to_owned(), simulator.password().to_owned()),
                ("override.http_proxy".to_owned(), simulator.proxy_url()),
                ("override.ca_cert".to_owned(), simulator.ca_file().to_str().unwrap().to_owned()),
            ]);
        }
        config
    }

    /// The same, understood.
    pub fn settings(&self, role: Role, base: &str) -> Settings {
        Settings::parse(role, &self.config(base), "test-host").unwrap()
    }
}

/// Files of each kind that is worth trying, by path: sizes about those of chunks, one of `large`
/// bytes, and odd names.
pub fn kinds_of_files(large: usize) -> [(&'static str, Vec<u8>); 14] {
    [
        ("empty", vec![]),
        ("one", vec![7]),
        ("folder/chunk-1", noise(1, (1 << 20) - 1)),
        ("folder/chunk", noise(2, 1 << 20)),
        ("folder/chunk+1", noise(3, (1 << 20) + 1)),
        ("folder/deep/er/still/large", noise(4, large)),
        ("odd/with space and 'quotes' and \"more\"", b"quotes".to_vec()),
        ("odd/emoji 🦀 e\u{301}", b"emoji".to_vec()),
        ("odd/-dash", b"dash".to_vec()),
        ("odd/a:b*c?d<e>f|g", b"windows".to_vec()),
        ("odd/back\\slash", b"backslash".to_vec()),
        ("odd/new\nline", b"newline".to_vec()),
        ("odd/ leading and trailing ", b"spaces".to_vec()),
        ("odd/percent%41&plus+", b"url".to_vec()),
    ]
}
