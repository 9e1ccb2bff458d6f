//! `session/login` and `users/info`.

use serde_json::json;

use super::args::Args;
use super::{Outcome, records};
use crate::drive::Refusal;
use crate::state::State;

const MEBIBYTE: u64 = 1 << 20;

/// What a drive without a quota reports, in MB.
const UNLIMITED: u64 = 1 << 20;

pub(super) fn login(args: &Args, state: &State) -> Outcome {
    let options = &state.options;
    // User names of OpenDrive are e-mail addresses, whose case doesn't matter.
    if !args.text("username").eq_ignore_ascii_case(&options.username) || args.text("passwd") != options.password {
        return Err(Refusal::new(401, "Invalid username or password"));
    }
    Ok(records::to_json(&json!({
        "SessionID": state.sessions.create(),
        "UserName": options.username,
        "UserFirstName": "Simulated",
        "UserLastName": "User",
        "AccType": "1",
        "UserLang": "en",
        "UserID": "1",
        "IsAccountUser": 0,
        "DriveName": "Simulated Drive",
        "UserLevel": "0",
        "UserPlan": "Personal",
        "FVersioning": "0",
        "UserDomain": "",
        "PartnerUsersDomain": "",
    })))
}

pub(super) fn user_info(_args: &Args, state: &State) -> Outcome {
    let (used, quota) = state.drive.usage();
    let total = quota.map_or(UNLIMITED, |bytes| bytes / MEBIBYTE);
    Ok(records::to_json(&json!({
        "UserID": "1",
        "UserName": state.options.username,
        "StorageUsed": used.to_string(),
        "MaxStorage": total.to_string(),
        "MaxFileSize": "107374182400",
    })))
}
