//! Panics are bugs, and must be told like errors: whoever waits for a task that panicked would wait
//! for ever.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// Runs something to its end; a panic in it is an error of one line. What it leaves behind is
/// looked at by nobody: locks that it held are taken over as they are.
///
/// # Errors
/// That of the panic.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|cause| format!("a bug: {}", words(&*cause)))
}

fn words(cause: &(dyn Any + Send)) -> String {
    let text = cause
        .downcast_ref::<&str>()
        .copied()
        .or(cause.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_line() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        let number = 7;
        assert_eq!(
            caught(async { panic!("number\n{number}") }).await,
            Err::<(), _>("a bug: number 7".to_owned())
        );
        assert_eq!(
            caught(async { std::panic::panic_any(5) }).await,
            Err::<(), _>("a bug: a panic".to_owned())
        );
    }
}
