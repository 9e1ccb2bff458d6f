//! Sessions and `users/info`.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::{CallContext, Outcome, records};
use crate::drive::Refusal;
use crate::texts;

const MEBIBYTE: u64 = 1 << 20;

/// What a drive without a quota reports, in MB.
const UNLIMITED: u64 = 1 << 20;

/// What a drive without a daily volume reports: that of paid plans, in MB.
const VOLUME: u64 = 10_240;

/// What a drive without a limit on the size of files reports, in MB.
const FILE_SIZE: u64 = 100 << 10;

pub(super) fn login(context: &CallContext) -> Outcome {
    let (args, sessions, options) = (context.args, &context.state.sessions, &context.state.options);
    if context.behaviour.captcha_after.is_some_and(|limit| sessions.failures() >= limit) {
        return Err(Refusal::new(403, texts::CAPTCHA));
    }
    // User names of OpenDrive are e-mail addresses, whose case does not matter.
    if !args.text("username").eq_ignore_ascii_case(&options.username)
        || args.text("passwd") != options.password
    {
        sessions.fail();
        return Err(Refusal::new(401, "Invalid username or password"));
    }
    sessions.forget_failures();
    let mut answer = json!({
        "SessionID": sessions.create(),
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
    });
    // The real one leaves it out for some accounts.
    if let Some(size) = context.behaviour.max_file_size {
        answer["MaxFileSize"] = (size / MEBIBYTE).to_string().into();
    }
    Ok(records::to_json(&answer))
}

pub(super) fn exists(context: &CallContext) -> Outcome {
    Ok(records::to_json(
        &json!({"result": context.state.sessions.is_valid(context.args.text("session_id"))}),
    ))
}

pub(super) fn logout(context: &CallContext) -> Outcome {
    context.state.sessions.expire(context.args.text("session_id"));
    Ok(records::to_json(&json!({"result": true})))
}

/// Used figures are in bytes, the limits of storage, volume and files in MB.
pub(super) fn user_info(context: &CallContext) -> Outcome {
    let (state, behaviour) = (context.state, context.behaviour);
    let (used, quota) = state.drive.usage();
    let file_size = behaviour.max_file_size.map_or(FILE_SIZE, |bytes| bytes / MEBIBYTE);
    Ok(records::to_json(&json!({
        "UserID": 1,
        "UserName": state.options.username,
        "UserPlan": "Personal",
        "StorageUsed": used.to_string(),
        "MaxStorage": quota.map_or(UNLIMITED, |bytes| bytes / MEBIBYTE).to_string(),
        "BwUsed": state.volume_used.load(Ordering::Relaxed).to_string(),
        "BwMax": behaviour.daily_volume.map_or(VOLUME, |bytes| bytes / MEBIBYTE).to_string(),
        "UploadSpeedLimit": behaviour.upload_speed.unwrap_or(0).to_string(),
        "DownloadSpeedLimit": behaviour.download_speed.unwrap_or(0).to_string(),
        "MaxFileSize": file_size.to_string(),
        // A secret, as on the real drive: it must not get into any log.
        "PrivateKey": texts::PRIVATE_KEY,
    })))
}
