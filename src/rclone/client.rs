//! The process-wide rclone and its control calls.

use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::sync::Lazy;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind, Result};
use super::ffi;
use super::object::release_dropped;

/// rclone inside this process. There is one, started at first use and never shut down: Go's
/// runtime cannot be unloaded, and the end of the process frees everything.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use plakar_opendrive::rclone::Rclone;
///
/// #[derive(serde::Deserialize)]
/// struct Version { version: String }
/// let reply: Version = Rclone::get().rpc("core/version", &serde_json::json!({})).await?;
/// assert!(reply.version.starts_with("v1."));
/// # Ok::<(), plakar_opendrive::rclone::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Rclone(());

static RCLONE: Lazy<Rclone> = Lazy::new(|| {
    ffi::initialize();
    // Whoever listens to signals does so before; without this one could break Go's memory.
    rclone_sys::run_handlers_on_alternate_stacks()
        .expect("the flags of a signal handler can be changed");
    Rclone(())
});

/// Numbers for calls that can be cancelled; 0 is the bridge's word for one that cannot.
static NEXT_CALL: AtomicU64 = AtomicU64::new(1);

/// What is open in the bridge, to find leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Open remotes.
    pub remotes: usize,
    /// Kept objects.
    pub objects: usize,
    /// Open readers and writers, and those that are still cleaning up.
    pub streams: usize,
    /// Running calls that can be cancelled.
    pub calls: usize,
    /// Goroutines in the process, those of idle connections included.
    pub goroutines: usize,
    /// Bytes in Go's heap, garbage that is not collected yet included; rclone's `core/gc` collects
    /// it.
    pub heap_bytes: u64,
}

/// An entry of [`Rclone::list`], as rclone's `operations/list` gives it (fs/operations/lsjson.go).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListItem {
    /// Path relative to the remote.
    pub path: String,
    /// Last component of the path.
    pub name: String,
    /// Bytes; -1 for folders and where it is unknown.
    pub size: i64,
    /// RFC 3339.
    pub mod_time: String,
    /// Whether it is a folder.
    pub is_dir: bool,
}

impl Rclone {
    /// The one rclone of this process, started if need be.
    pub fn get() -> &'static Self {
        &RCLONE
    }

    /// Runs any rc call of rclone's or of the bridge's, with typed JSON in and out, on a blocking
    /// thread.
    ///
    /// # Errors
    /// What the call replies, and [`ErrorKind::Other`] if the answer has another shape than
    /// `Response`.
    pub async fn rpc<Request, Response>(&self, method: &str, request: &Request) -> Result<Response>
    where
        Request: Serialize + ?Sized,
        Response: DeserializeOwned + Send + 'static,
    {
        let input = to_json(request)?;
        let method = method.to_owned();
        blocking(move || call(&method, &input)).await
    }

    /// Like [`Rclone::rpc`], on this thread: for use outside of async code.
    ///
    /// # Errors
    /// As for [`Rclone::rpc`].
    pub fn rpc_blocking<Request, Response>(
        &self,
        method: &str,
        request: &Request,
    ) -> Result<Response>
    where
        Request: Serialize + ?Sized,
        Response: DeserializeOwned,
    {
        call(method, &to_json(request)?)
    }

    /// Runs a call of the bridge's that ends early when the future is dropped.
    pub(super) async fn rpc_cancellable<Request, Response>(
        &self,
        method: &'static str,
        request: &Request,
    ) -> Result<Response>
    where
        Request: Serialize,
        Response: DeserializeOwned + Send + 'static,
    {
        #[derive(Serialize)]
        struct CancellableParams<'a, Request> {
            #[serde(flatten)]
            request: &'a Request,
            call: u64,
        }
        let mut guard = CancelOnDrop::new();
        let input = to_json(&CancellableParams { request, call: guard.number })?;
        let result = blocking(move || call(method, &input)).await;
        guard.disarm();
        result
    }

    /// What names have in common that a drive may take for one name, which differ in case or in how
    /// accents are composed.
    pub fn name_key(&self, name: &str) -> String {
        #[derive(Serialize, Deserialize)]
        struct NameKeyParams {
            name: String,
        }
        let key = if name.is_ascii() {
            None
        } else {
            self.rpc_blocking("bridge/namekey", &NameKeyParams { name: name.to_owned() }).ok()
        };
        key.map_or_else(|| name.to_lowercase(), |NameKeyParams { name }| name)
    }

    /// Lists a folder by rclone's `operations/list`. `fs` is a remote as on rclone's command line
    /// (`:memory:bucket`), `remote` a path below it.
    ///
    /// # Errors
    /// What rclone answers.
    pub async fn list(&self, fs: &str, remote: &str) -> Result<Vec<ListItem>> {
        #[derive(Deserialize)]
        struct OperationsListReply {
            list: Option<Vec<ListItem>>,
        }
        let request = serde_json::json!({ "fs": fs, "remote": remote });
        let reply: OperationsListReply = self.rpc("operations/list", &request).await?;
        Ok(reply.list.unwrap_or_default())
    }

    /// Copies one file by rclone's `operations/copyfile`, server-side where the remote can.
    ///
    /// # Errors
    /// What rclone answers.
    pub async fn copy_file(
        &self,
        source_fs: &str,
        source: &str,
        target_fs: &str,
        target: &str,
    ) -> Result<()> {
        let request = serde_json::json!({
            "srcFs": source_fs, "srcRemote": source, "dstFs": target_fs, "dstRemote": target,
        });
        let _: serde_json::Value = self.rpc("operations/copyfile", &request).await?;
        Ok(())
    }

    /// Limits the calls and the bytes per second of this process from now on, in the syntax of
    /// rclone's `--tpslimit` and `--bwlimit`; an empty text changes nothing.
    ///
    /// # Errors
    /// `Config` if rclone does not understand one; nothing is changed then.
    pub async fn limit(&self, tpslimit: &str, bwlimit: &str) -> Result<()> {
        let _: serde_json::Value = self
            .rpc("bridge/limits", &serde_json::json!({ "tpslimit": tpslimit, "bwlimit": bwlimit }))
            .await?;
        Ok(())
    }

    /// Counts what is open.
    pub fn stats(&self) -> Stats {
        release_dropped();
        const NONE: Stats =
            Stats { remotes: 0, objects: 0, streams: 0, calls: 0, goroutines: 0, heap_bytes: 0 };
        // The call takes nothing and cannot fail but by a bug.
        self.rpc_blocking("bridge/stats", &serde_json::json!({})).unwrap_or(NONE)
    }
}

/// Cancels a call of the bridge's unless it came to its end.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    pub(super) number: u64,
    armed: bool,
}

impl CancelOnDrop {
    /// For the next call, with a number of its own.
    pub(super) fn new() -> Self {
        Self { number: NEXT_CALL.fetch_add(1, Ordering::Relaxed), armed: true }
    }

    /// The call has come to its end.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
}

/// Tells the bridge that somebody waits for what a call reads ahead.
pub(super) fn raise_urgency(call: u64) {
    // Only sets a flag in Go; a call that is over is no error.
    let _ = ffi::rpc("bridge/hurry", &format!(r#"{{"call":{call}}}"#));
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if self.armed {
            // Only sets a flag in Go; an error would mean that the call is over.
            let _ = ffi::rpc("bridge/cancel", &format!(r#"{{"call":{}}}"#, self.number));
        }
    }
}

fn to_json<Request: Serialize + ?Sized>(request: &Request) -> Result<String> {
    serde_json::to_string(request).map_err(|error| {
        Error::new(ErrorKind::Config, format!("a request that is not JSON: {error}"))
    })
}

fn call<Response: DeserializeOwned>(method: &str, input: &str) -> Result<Response> {
    Rclone::get();
    match ffi::rpc(method, input)? {
        Ok(output) => serde_json::from_str(&output).map_err(|error| {
            Error::new(
                ErrorKind::Other,
                format!("{method}: a reply that is not understood: {error}"),
            )
        }),
        Err(output) => Err(Error::from_json(&output)),
    }
}

/// Runs a blocking call on Tokio's pool for that; dropping the future takes it back if it has
/// not begun.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let task = AbortOnDrop(tokio::task::spawn_blocking(work));
    task.join().await
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> AbortOnDrop<T> {
    async fn join(mut self) -> Result<T> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) if error.is_cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, "cancelled"))
            }
            Err(error) => Err(Error::new(ErrorKind::Other, format!("a bug: {error}"))),
        }
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
