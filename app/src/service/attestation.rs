//! The record of changes as something that can be proven later: its chain is looked at, and given
//! out under a signature, so that who keeps that elsewhere can prove what stood here.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::blocking::blocking;
use super::error::{Error, Result};
use super::handle::Service;
use crate::model::{ChainEnds, ChainFault, MAX_KEPT_CHANGES, SealedChange};
use crate::notify::host;
use crate::secret::read_private_if_there;
use crate::state::StateError;

/// The file with the key that exports are signed with, in the folder of the state.
const KEY_FILE: &str = "changes.key";

/// What the signed text begins with.
const FORMAT: &str = "plakar-opendrive changes 1";

/// What is known of the chain of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangesVerification {
    /// How many changes are kept.
    pub changes: usize,
    /// The number of the newest; none if there is no change.
    pub newest: Option<i64>,
    /// Its seal, which says all that is kept; none if there is no change.
    pub head: Option<String>,
    /// The first change that was altered, taken out or put in, or before which some were taken out;
    /// none if the chain is whole.
    pub fault: Option<ChainFault>,
    /// The key that exports are signed with, in hex.
    pub public_key: String,
}

/// What an export says at its end, as JSON: what its signature is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// Always the same.
    format: String,
    /// When it was made.
    exported: DateTime<Utc>,
    /// The name of the machine.
    host: String,
    /// How many changes are before it.
    changes: usize,
    /// The seal before the first of them.
    before: String,
    /// The number of the last, and its seal; none without changes.
    head: Option<(i64, String)>,
}

/// The last line of an export.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// The statement, as it was signed.
    statement: String,
    /// The Ed25519 signature of it, in hex.
    signature: String,
    /// The key, in hex.
    public_key: String,
}

/// What an export proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedExport {
    /// When it was made.
    pub exported: DateTime<Utc>,
    /// The name of the machine.
    pub host: String,
    /// How many changes it has.
    pub changes: usize,
    /// The key that it is signed with, in hex.
    pub public_key: String,
    /// Whether that is the key of this state.
    pub own_key: bool,
    /// Whether the record still has the newest change of the export, as it was; `None` if it would
    /// be kept no more.
    pub still_there: Option<bool>,
}

impl Service {
    /// Looks at the chain of all changes that are kept.
    ///
    /// # Errors
    /// The database failed, or the key cannot be read or made.
    pub async fn verify_changes(&self) -> Result<ChangesVerification> {
        let directory = self.directory().to_owned();
        let key = tokio::task::spawn_blocking(move || key_pair(&directory));
        let key = key.await.map_err(|error| Error::Internal(error.to_string()))??;
        let (ends, changes) = self.state(|state| state.sealed_changes()).await?;
        let count = changes.len();
        let head = changes.last().map(|last| (last.id, last.seal.clone()));
        let fault = blocking(move || Ok::<_, StateError>(ends.first_fault(changes))).await?;
        let (newest, head) = head.unzip();
        Ok(ChangesVerification {
            changes: count,
            newest,
            head,
            fault,
            public_key: public_hex(&key),
        })
    }

    /// All changes that are kept, as JSON in lines, and a signature in the last.
    ///
    /// # Errors
    /// [`Error::Input`] if the chain is not whole; as for [`Service::verify_changes`].
    pub async fn export_changes(&self) -> Result<String> {
        let directory = self.directory().to_owned();
        let (ends, changes) = self.state(|state| state.sealed_changes()).await?;
        let exported = tokio::task::spawn_blocking(move || export(&directory, &ends, &changes));
        exported.await.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// What an export from before proves, and whether the record still says the same.
    ///
    /// # Errors
    /// [`Error::Input`]: it is no export, it was altered, or it is signed by another key than the
    /// one that is expected (in hex).
    pub async fn check_export(&self, text: &str, key: Option<&str>) -> Result<CheckedExport> {
        let (signed, statement) = check(text, key)?;
        let (verified, (_, changes)) =
            (self.verify_changes().await?, self.state(|state| state.sealed_changes()).await?);
        let still_there = statement.head.as_ref().and_then(|(id, seal)| {
            let found = changes.iter().find(|change| change.id == *id);
            // The oldest go only beyond so many: otherwise somebody took it out.
            let newer = changes.last().map_or(0, |newest| newest.id.saturating_sub(*id));
            match found {
                Some(found) => Some(found.seal == *seal),
                None => (newer < MAX_KEPT_CHANGES).then_some(false),
            }
        });
        let Statement { exported, host, changes, .. } = statement;
        let own_key = signed.public_key == verified.public_key;
        let public_key = signed.public_key;
        Ok(CheckedExport { exported, host, changes, public_key, own_key, still_there })
    }
}

/// The key of this state, which is made when it is needed first.
fn key_pair(directory: &Path) -> Result<Ed25519KeyPair> {
    let path = directory.join(KEY_FILE);
    let wrong = |what: &str| {
        let shown = path.display();
        Error::Input(format!(
            "{shown} {what}: put the file back that was there, or remove it, and the next export is signed by a new key"
        ))
    };
    let text = match read_private_if_there(&path).map_err(Error::Input)? {
        Some(text) => text,
        None => {
            make_key(directory, &path)?;
            // Another process may have been first.
            read_private_if_there(&path)
                .map_err(Error::Input)?
                .ok_or_else(|| wrong("is not there"))?
        }
    };
    let bytes = from_hex(text.trim()).ok_or_else(|| wrong("is no key"))?;
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| wrong("is no key"))
}

fn make_key(directory: &Path, path: &Path) -> Result<()> {
    let failed = || Error::Internal("the system gives no random numbers".into());
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
    let cannot =
        |error: std::io::Error| Error::State(StateError::File { path: path.to_owned(), error });
    // It is closed to others, and has its name when it is whole.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(cannot)?;
    writeln!(file, "{}", hex(key.as_ref())).map_err(cannot)?;
    file.as_file().sync_all().map_err(cannot)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(cannot(error.error))
        }
        _ => Ok(()),
    }
}

fn export(directory: &Path, ends: &ChainEnds, changes: &[SealedChange]) -> Result<String> {
    if let Some(fault) = ends.first_fault(changes.to_vec()) {
        return Err(Error::Input(format!(
            "{}; a record that is not whole is not signed",
            fault.words
        )));
    }
    let key = key_pair(directory)?;
    let inside = |error: serde_json::Error| Error::Internal(error.to_string());
    let lines = changes.iter().map(serde_json::to_string);
    let mut lines = lines.collect::<std::result::Result<Vec<_>, _>>().map_err(inside)?;
    let statement = Statement {
        format: FORMAT.into(),
        exported: Utc::now(),
        host: host(),
        changes: changes.len(),
        before: ends.first_before.clone(),
        head: ends.head.clone(),
    };
    let statement = serde_json::to_string(&statement).map_err(inside)?;
    let signature = hex(key.sign(statement.as_bytes()).as_ref());
    let signed = Signed { statement, signature, public_key: public_hex(&key) };
    lines.push(serde_json::to_string(&signed).map_err(inside)?);
    Ok(lines.join("\n") + "\n")
}

/// Reads an export, and holds its signature and its chain to what it says.
fn check(text: &str, key: Option<&str>) -> Result<(Signed, Statement)> {
    let refused = |what: String| Error::Input(format!("the export cannot be relied on: {what}"));
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let (last, lines) = lines.split_last().ok_or_else(|| refused("it is empty".into()))?;
    let signed: Signed = serde_json::from_str(last)
        .map_err(|_| refused("its last line is no signature; part of it is missing".into()))?;
    if let Some(key) = key.filter(|key| !key.trim().eq_ignore_ascii_case(&signed.public_key)) {
        let key = key.trim();
        return Err(refused(format!("it is signed by {}, not by {key}", signed.public_key)));
    }
    let bytes = (from_hex(&signed.public_key), from_hex(&signed.signature));
    let (Some(public), Some(signature)) = bytes else {
        return Err(refused("its signature is not written in hex".into()));
    };
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.statement.as_bytes(), &signature)
        .map_err(|_| refused("its signature is not that of what it says".into()))?;
    let statement: Statement = serde_json::from_str(&signed.statement)
        .map_err(|error| refused(format!("what it says is not understood: {error}")))?;
    if statement.format != FORMAT {
        return Err(refused(format!("it is no \"{FORMAT}\"")));
    }
    let parsed = lines.iter().zip(1..).map(|(line, number)| {
        serde_json::from_str::<SealedChange>(line)
            .map_err(|error| refused(format!("line {number}: {error}")))
    });
    let changes = parsed.collect::<Result<Vec<_>>>()?;
    let ends = ChainEnds { first_before: statement.before.clone(), head: statement.head.clone() };
    if let Some(fault) = ends.first_fault(changes) {
        return Err(refused(fault.words));
    }
    if lines.len() != statement.changes {
        let (has, says) = (lines.len(), statement.changes);
        return Err(refused(format!("it has {has} changes, and says {says}")));
    }
    Ok((signed, statement))
}

fn public_hex(key: &Ed25519KeyPair) -> String {
    hex(key.public_key().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FIRST_SEAL, FieldChange, seal};
    use crate::state::{ChangeAction, ChangeNote, ChangeSubject, State};

    fn chain(contents: &[&str]) -> (ChainEnds, Vec<SealedChange>) {
        let (mut before, mut changes) = (FIRST_SEAL.to_owned(), Vec::new());
        for (content, id) in contents.iter().zip(1..) {
            let (content, sealed) = ((*content).to_owned(), seal(&before, content));
            changes.push(SealedChange { id, content, before, seal: sealed.clone() });
            before = sealed;
        }
        let head = changes.last().map(|last| (last.id, last.seal.clone()));
        (ChainEnds { first_before: FIRST_SEAL.into(), head }, changes)
    }

    #[test]
    fn an_export_is_good_until_a_letter_of_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (ends, changes) = chain(&["one", "two", "three"]);
        let text = export(folder.path(), &ends, &changes).unwrap();
        let (signed, statement) = check(&text, None).unwrap();
        assert_eq!((statement.changes, statement.head), (3, ends.head.clone()));
        check(&text, Some(&signed.public_key.to_uppercase())).unwrap();
        let said = |text: &str| check(text, None).map(drop).unwrap_err().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(said(&text.replace("two", "tow")).contains("change 2 is not as it was recorded"));
        assert!(said(&lines[1..].join("\n")).contains("does not follow"));
        assert!(said(&lines[..3].join("\n")).contains("no signature"));
        assert!(said(&[lines[0], lines[3]].join("\n")).contains("after change 1 was taken out"));
        assert!(
            said(&text.replace("\\\"changes\\\":3", "\\\"changes\\\":2")).contains("signature")
        );
        assert!(said("").contains("empty"));
        let other = tempfile::tempdir().unwrap();
        let other = public_hex(&key_pair(other.path()).unwrap());
        let error = check(&text, Some(&other)).map(drop).unwrap_err().to_string();
        assert!(error.contains("it is signed by"), "{error}");
    }

    #[tokio::test]
    async fn a_record_that_was_cut_off_at_its_beginning_is_found() {
        for (cut, still_there) in [(6, false), (3, true)] {
            let folder = tempfile::tempdir().unwrap();
            let plakar = plakar_driver::Plakar::new(Path::new("/bin/false"), vec![], vec![]);
            let service = Service::open(&folder.path().join("state"), plakar.unwrap()).unwrap();
            let state = State::open(service.directory()).unwrap();
            let five = || {
                for name in ["a", "b", "c", "d", "e"] {
                    let (subject, action) = (ChangeSubject::Pause, ChangeAction::Added);
                    let fields = vec![FieldChange::new("until", None, Some("tomorrow"))];
                    let name = name.to_owned();
                    state
                        .record_change(ChangeNote { subject, action, name, app: None, fields })
                        .unwrap();
                }
            };
            five();
            let export = service.export_changes().await.unwrap();
            five();
            assert_eq!(service.verify_changes().await.unwrap().fault, None);
            let checked = service.check_export(&export, None).await.unwrap();
            assert_eq!(checked.still_there, Some(true));
            let path = service.directory().join("state.db");
            let database = rusqlite::Connection::open(path).unwrap();
            let sql = format!(
                "UPDATE change_chain SET first_before = (SELECT seal FROM setting_change WHERE id = {cut}); \
                 DELETE FROM setting_change WHERE id <= {cut}"
            );
            database.execute_batch(&sql).unwrap();
            let fault = service.verify_changes().await.unwrap().fault.unwrap();
            assert!(fault.id == cut + 1 && fault.words.contains("were taken out"), "{fault:?}");
            assert!(service.export_changes().await.is_err());
            let checked = service.check_export(&export, None).await.unwrap();
            assert_eq!(checked.still_there, Some(still_there));
        }
    }

    #[test]
    fn the_key_is_the_same_again_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let key = || key_pair(folder.path()).map(|key| public_hex(&key));
        assert_eq!(key().unwrap(), key().unwrap());
        let path = folder.path().join(KEY_FILE);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |mode| std::fs::Permissions::from_mode(mode);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, mode(0o644)).unwrap();
            assert!(key().unwrap_err().to_string().contains("chmod 600"));
            std::fs::set_permissions(&path, mode(0o600)).unwrap();
        }
        std::fs::write(&path, "00ff\n").unwrap();
        assert!(key().unwrap_err().to_string().contains("is no key"));
    }

    #[test]
    fn a_record_that_is_not_whole_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (ends, mut changes) = chain(&["one", "two"]);
        changes.remove(0);
        let error = export(folder.path(), &ends, &changes).unwrap_err().to_string();
        assert!(error.contains("is not signed"), "{error}");
        assert!(check(&export(folder.path(), &chain(&[]).0, &[]).unwrap(), None).is_ok());
    }
}
