//! What is said after something was done: by a fixed code, so that no link makes the console say
//! anything else.

/// The text of a code; unknown ones say nothing.
pub fn text(code: &str) -> Option<&'static str> {
    Some(match code {
        "assigned" => "The app is assigned. Test its connection next.",
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
