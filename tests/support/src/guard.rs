//! The guard against what hangs. It says nothing of speed: each limit is many times what the work
//! takes on a machine that is busy.

use std::future::Future;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How often [`wait_for`] and [`until`] look.
const PERIOD: Duration = Duration::from_millis(5);

/// Waits for work that ends by itself, unless it hangs.
///
/// # Panics
/// With the caller's place, if the work has not ended within the limit; it is dropped then.
#[track_caller]
pub fn within<F: Future>(limit: Duration, work: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    async move {
        let Ok(result) = tokio::time::timeout(limit, work).await else {
            panic!("{caller}: it hangs: not done within {limit:?}")
        };
        result
    }
}

/// Waits until something is so, without holding up what else is to be done.
///
/// # Panics
/// With `what`, if it is not so within the limit.
#[track_caller]
pub fn until(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> bool,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < limit, "{caller}: {what}: not within {limit:?}");
            tokio::time::sleep(PERIOD).await;
        }
    }
}

/// The same without a runtime: asks again and again until there is an answer, and gives that.
///
/// # Panics
/// With `what`, if there is none within the limit.
#[track_caller]
pub fn wait_for<T>(limit: Duration, what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(PERIOD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn what_ends_is_given() {
        assert_eq!(runtime().block_on(within(SHORT, async { 7 })), 7);
        let mut looks = 0;
        let third = || {
            looks += 1;
            looks == 3
        };
        runtime().block_on(until(Duration::from_secs(60), "a third look", third));
        assert_eq!((looks, wait_for(SHORT, "an answer", || Some(7))), (3, 7));
    }

    #[test]
    #[should_panic(expected = "guard.rs")]
    fn what_hangs_is_told_with_its_place() {
        runtime().block_on(within(SHORT, std::future::pending::<()>()));
    }

    #[test]
    #[should_panic(expected = "a thing that never comes: not within 50ms")]
    fn what_never_comes_is_told() {
        runtime().block_on(until(SHORT, "a thing that never comes", || false));
    }

    #[test]
    #[should_panic(expected = "an answer that never comes: not within 50ms")]
    fn an_answer_that_never_comes_is_told() {
        wait_for(SHORT, "an answer that never comes", || None::<()>);
    }
}
