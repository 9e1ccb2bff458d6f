//! Questions to OpenDrive that only a real account answers (go/drive/probe.go).

use serde::{Deserialize, Serialize};

use super::client::Rclone;
use super::entry::EmptyReply;
use super::error::Result;
use super::ffi::Handle;
use super::remote::{Remote, RemoteParams};

/// A probe of a remote that is on OpenDrive, or wraps one that is.
#[derive(Debug)]
pub struct Probe {
    remote: Remote,
    /// The name of the scratch folder, which is made below the remote's base.
    pub folder: String,
    /// What kind of account it is, as the drive calls it; empty if it does not tell.
    pub plan: String,
    /// The questions, in the order in which they are asked.
    pub questions: Vec<ProbeQuestion>,
}

/// A question to a drive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeQuestion {
    /// Its number, which never means another question.
    #[serde(rename = "point")]
    pub number: u32,
    /// What is asked.
    pub question: String,
    /// What this product counts on.
    pub assumption: String,
    /// Maximum traffic that it may need, both ways, in bytes.
    pub max_bytes: u64,
}

/// Whether what is assumed of a drive was found to be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The drive does what is assumed.
    Holds,
    /// It does something else.
    Differs,
    /// Nothing is assumed.
    Noted,
    /// The drive did not let it be found out.
    Unclear,
}

/// What a drive answered to a question.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeFinding {
    /// Whether the assumption holds.
    pub verdict: Verdict,
    /// One sentence about what the drive does.
    pub found: String,
    /// Its answers, in order; those that are the same once.
    pub answers: Vec<ObservedAnswer>,
    /// How many calls it took.
    pub calls: u64,
    /// The traffic, both ways, in bytes.
    pub bytes: u64,
}

/// What a drive answered to a call: no contents, no ids, no names of files.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedAnswer {
    /// Method and path without ids.
    pub call: String,
    /// What was asked for; empty for a call that only prepares something.
    #[serde(default)]
    pub about: String,
    /// How often the same was answered to the same.
    pub times: u64,
    /// The HTTP status.
    pub status: u16,
    /// `json`, `html`, `text`, `bytes` or `nothing`.
    pub form: String,
    /// The names of the fields of a JSON object, and of those one level below.
    pub fields: Vec<String>,
    /// The code of the drive's error object.
    pub code: Option<i64>,
    /// The drive's sentence, ids, addresses and names taken out.
    pub error: Option<String>,
    /// Whether the answer has a header Retry-After.
    #[serde(default)]
    pub retry_after: bool,
    /// What matters of the values.
    pub seen: Option<String>,
    /// How long the first of them took, in milliseconds.
    pub ms: u64,
}

impl Remote {
    /// Prepares a probe. A remote can be probed once.
    ///
    /// # Errors
    /// `Unsupported` if the remote is not on OpenDrive, `NotFound` if its base is not there.
    pub async fn probe(&self) -> Result<Probe> {
        #[derive(Deserialize)]
        struct ProbeReply {
            folder: String,
            plan: String,
            points: Vec<ProbeQuestion>,
        }
        let request = RemoteParams { remote: self.handle() };
        let ProbeReply { folder, plan, points } =
            Rclone::get().rpc_cancellable("bridge/probe", &request).await?;
        Ok(Probe { remote: self.clone(), folder, plan, questions: points })
    }
}

impl Probe {
    /// Makes the scratch folder.
    ///
    /// # Errors
    /// What the server says.
    pub async fn begin(&self) -> Result<()> {
        self.on_probe("bridge/probebegin").await
    }

    /// Asks one question. That the drive answers badly, or not at all, is no error.
    ///
    /// # Errors
    /// `Handle` without a scratch folder, `Config` if there is no such question.
    pub async fn ask(&self, number: u32) -> Result<ProbeFinding> {
        #[derive(Serialize)]
        struct ProbePointParams {
            remote: Handle,
            point: u32,
        }
        let request = ProbePointParams { remote: self.remote.handle(), point: number };
        Rclone::get().rpc_cancellable("bridge/probepoint", &request).await
    }

    /// Removes the scratch folder and all that is in it, when a question that was given up has come
    /// to its end. There being none is no error.
    ///
    /// # Errors
    /// What the server says; the folder may be there then.
    pub async fn end(&self) -> Result<()> {
        self.on_probe("bridge/probeend").await
    }

    async fn on_probe(&self, method: &'static str) -> Result<()> {
        let request = RemoteParams { remote: self.remote.handle() };
        Rclone::get().rpc_cancellable::<_, EmptyReply>(method, &request).await.map(drop)
    }
}
