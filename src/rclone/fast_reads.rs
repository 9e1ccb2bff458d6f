//! A thread of its own for reading ahead where no read makes anybody wait, as on a local disk.
//!
//! Tokio's pool gives each piece of work to the thread that has been idle for longest. Go, for whose
//! scheduler each of its threads is another processor, then hands its own work over from thread to
//! thread, and wakes more of them to look whether there is any: for a small file that took longer
//! than reading it.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, Sender};

use tokio::runtime::Handle;

use super::object::release_dropped;
use super::reader::PrefetchJob;

/// What is to be read, and whose threads take it over where it turns out to be slow.
type Batch = (Vec<PrefetchJob>, Handle);

static THREAD: OnceLock<Option<Sender<Batch>>> = OnceLock::new();

/// Starts to read one after another; gives the jobs back if there is no thread for it.
///
/// # Panics
/// Outside of a Tokio runtime.
pub(super) fn start(jobs: Vec<PrefetchJob>) -> Result<(), Vec<PrefetchJob>> {
    let thread = THREAD.get_or_init(|| {
        let (sender, batches) = mpsc::channel();
        let thread = std::thread::Builder::new().name("fast-reads".into());
        thread.spawn(|| work(batches)).ok().map(|_| sender)
    });
    let Some(sender) = thread else { return Err(jobs) };
    sender.send((jobs, Handle::current())).map_err(|error| error.0.0)
}

fn work(batches: Receiver<Batch>) {
    for (jobs, runtime) in batches {
        for job in jobs {
            if job.is_fast() {
                run(job);
            } else {
                runtime.spawn_blocking(|| run(job));
            }
        }
        release_dropped();
    }
}

fn run(job: PrefetchJob) {
    // Whoever waits for the job is told by its end.
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| job.run()));
}
