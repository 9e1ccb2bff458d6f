//! A drive, a user whose plugin reaches it, and a store on the local disk.

use opendrive_sim::{Options, Simulator, stored_name};
use serde_json::{Value, json};

use crate::plakar::Plakar;

/// See the module.
pub struct DriveSource {
    /// The drive.
    pub simulator: Simulator,
    /// The user.
    pub plakar: Plakar,
    /// The store's path.
    pub store: String,
}

impl DriveSource {
    /// An empty drive, and nothing configured but the store.
    #[expect(clippy::new_without_default, reason = "it starts a server")]
    pub fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let plakar = Plakar::new(&simulator.env());
        let store = plakar.path("store");
        plakar.ok(&["at", &store, "create", "-plaintext"]);
        Self { simulator, plakar, store }
    }

    /// Configures the source, destination or store `drive`, the password on standard input and not
    /// in an argument.
    pub fn configure(&self, kind: &str, location: &str) {
        let drive = json!({"location": location, "username": self.simulator.username(), "password": self.simulator.password()});
        self.import(kind, &json!({ "drive": drive }));
    }

    /// Has Plakar import sections, which replace those that are there.
    pub fn import(&self, kind: &str, sections: &Value) {
        let outcome = self
            .plakar
            .run_with_input(&[kind, "import", "-overwrite"], sections.to_string().as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    /// Puts a file on the drive, under the name that rclone would give it.
    pub fn put(&self, path: &str, bytes: &[u8], seconds: i64) {
        let stored: Vec<String> = path.split('/').map(stored_name).collect();
        self.simulator.drive().put_file(&stored.join("/"), bytes.to_vec(), seconds);
    }
}
