//! What is said after something was done: by a fixed code, so that no link makes the console say
//! anything else.

/// The text of a code; unknown ones say nothing.
pub fn text(code: &str) -> Option<&'static str> {
    Some(match code {
        "assigned" => "The app is assigned; its login was tested, unless you left that out.",
        "assigned-strong" => "The app is assigned, and its store has a strong passphrase.",
        "assigned-fair" => {
            "The app is assigned, and its store has a fair passphrase: a longer one would be strong."
        }
        "opened" => "The store is open.",
        "saved" => "Saved.",
        "removed" => "The app is removed. Its restore points stay in the store.",
        "started" => "The task is started.",
        "retried" => "The task is started again.",
        "cancelled" => "The task is cancelled.",
        "cancelling" => "The task is asked to stop.",
        "schedule-removed" => "The schedule is removed.",
        "policy-removed" => "The policy is removed.",
        "pinned" => "The restore point is pinned: no prune removes it.",
        "unpinned" => "The restore point is left to prunes again.",
        "over" => "The task was over already.",
        _ => return None,
    })
}
