//! What the drive says: word for word what was recorded of the real one, else what its item says.

/// 429 of a download too many.
pub const TOO_MANY_DOWNLOADS: &str = "Too many downloads from same IP";
/// Of a session that is over, whatever the status.
pub const SESSION_OVER: &str = "Session does not exist, please re-login.";
/// 403 of a real refusal, and of writes at random.
pub const VIEW_ONLY: &str = "Your user access enables you only to view this folder, \
     please contact your administrator to discuss your user permissions.";
/// 403 of a real refusal.
pub const PERMISSION_DENIED: &str = "Permission denied";
/// 403 of a login after failed ones. The words were recorded of another call.
pub const CAPTCHA: &str = "Captcha required";
/// 423 of a close while the first one works.
pub const BEING_PROCESSED: &str = "This file is already being processed. Please wait until previous upload operation will be finished.";
/// 404 of a folder; for one in the trash see [`FOLDER_DELETED`].
pub const NO_FOLDER: &str = "Directory does not exist";
/// 404 of a folder in the trash. rclone's backend compares this very text.
pub const FOLDER_DELETED: &str = "Folder is already deleted";
/// 404 of a file.
pub const NO_FILE: &str = "File does not exist";
/// A 200 instead of bytes, when the daily volume is used up.
pub const VOLUME_USED_UP: &str = "The bandwidth limit has been exceeded";
/// 429 of any call. The words are not recorded; the status is all that clients go by.
pub const TOO_MANY_REQUESTS: &str = "Too many requests";
/// 403 of any call, to accounts that call too often. The words are not recorded.
pub const RATE_LIMIT: &str = "rate limit";
/// 409 of a file. The words are not recorded.
pub const FILE_EXISTS: &str = "File already exists";
/// 409 of a folder. The words are not recorded.
pub const FOLDER_EXISTS: &str = "Folder with that name already exists";
/// 403 of `folder/exportcsv` for some account users.
pub const EXPORT_REFUSED: &str = "Export failed. Permission denied for restricted user";

/// What `users/info` gives as the account's private key. Made up; tests look for it where it must
/// not be.
pub const PRIVATE_KEY: &str = "simulated-private-key-9f86d081884c7d65";
