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
        "apps-made" => "The apps are made; the login of each was tested.",
        "opened" => "The store is open.",
        "store-read" => "The store was read.",
        "store-unread" => "The store could not be opened; what is shown is from before.",
        "saved" => "Saved.",
        "removed" => "The app is removed. Its restore points stay in the store.",
        "started" => "The task is started.",
        "retried" => "The task is started again.",
        "cancelled" => "The task is cancelled.",
        "cancelling" => "The task is asked to stop.",
        "schedule-removed" => "The schedule is removed.",
        "policy-removed" => "The policy is removed.",
        "paused" => {
            "The schedules are paused. What they would run is left out; an app's protection goes on to age."
        }
        "resumed" => "The schedules run again.",
        "still-paused" => {
            "The app has no pause of its own any more; its schedules run nothing yet, as all apps are paused."
        }
        "word-added" => "The word is offered in forms now.",
        "word-removed" => "The word is no longer offered.",
        "word-unmatched" => {
            "The word is offered in forms now. No policy matches it yet: an app with it gets no schedules and no retention from policies."
        }
        "pinned" => "The restore point is pinned: no prune removes it.",
        "unpinned" => "The restore point is left to prunes again.",
        "credential-changed" => "The password is changed in all that uses the account.",
        "token-revoked" => "The token is revoked: it is refused from now on.",
        "package-added" => "Plakar has the package that came with this program.",
        "resource-added" => {
            "The resource is entered. Nothing of it is backed up until an app is assigned to it."
        }
        "resource-removed" => "The resource is removed.",
        "released" => "The prunes are released.",
        "over" => "The task was over already.",
        _ => return None,
    })
}
