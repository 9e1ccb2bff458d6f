//! How plakar's command line spells the options that are used here: the one place to change when a
//! Plakar spells them otherwise. Its main branch has moved to a parser that wants two dashes, and
//! takes these through a shim.
//!
//! [`USED`] says which command gets which of them. A test gives each to the real plakar, and names
//! those that it does not know.
//!
//! [`FirstWord`] knows what it prints when it does not begin with the command.

mod first_word;

pub use first_word::FirstWord;

/// Before the command: where plakar keeps what it knows of stores.
pub const CACHE_FOLDER: &str = "-cachedir";
/// Before the command: how many files are worked on at once.
pub const CONCURRENCY: &str = "-concurrency";
/// Before the command: where sources, destinations and stores are configured.
pub const CONFIGURATION_FOLDER: &str = "-configdir";
/// Before the command: where packages lie.
pub const DATA_FOLDER: &str = "-datadir";
/// Before the command: the file that has the passphrase.
pub const KEY_FILE: &str = "-keyfile";
/// Before the command: no line for each entry.
pub const QUIET: &str = "-quiet";
/// Before the command: parts of plakar that say what they do, on standard output.
pub const TRACE: &str = "-trace";

/// `ui`: where it listens.
pub const ADDRESS: &str = "-addr";
/// `rm`: without it, it only tells what it would remove.
pub const APPLY: &str = "-apply";
/// `backup`: which cache of the last backup is used.
pub const CACHE: &str = "-cache";
/// `backup`: the environment of a snapshot.
pub const ENVIRONMENT: &str = "-environment";
/// `cached`: it does not detach itself.
pub const FOREGROUND: &str = "-foreground";
/// `archive`: the format.
pub const FORMAT: &str = "-format";
/// `backup`: a pattern of what is left out.
pub const IGNORE: &str = "-ignore";
/// `backup`: the job that a snapshot is of.
pub const JOB: &str = "-job";
/// `show`: as JSON.
pub const JSON: &str = "-json";
/// `ls`: the newest alone.
pub const LATEST: &str = "-latest";
/// `backup`: the name of a snapshot.
pub const NAME: &str = "-name";
/// `ui`: no browser is started.
pub const NO_BROWSER: &str = "-no-spawn";
/// `create`: a store that is not compressed.
pub const NO_COMPRESSION: &str = "-no-compression";
/// `backup`: the source is not listed twice for a progress bar.
pub const NO_PROGRESS: &str = "-no-progress";
/// `backup`: extended attributes are left out.
pub const NO_XATTR: &str = "-no-xattr";
/// `archive`: where to, `-` for standard output.
pub const OUTPUT: &str = "-output";
/// `import`: takes the place of what has the same name.
pub const OVERWRITE: &str = "-overwrite";
/// `create`: a store that is not encrypted.
pub const PLAINTEXT: &str = "-plaintext";
/// `archive`: paths begin at the folder that is asked for.
pub const REBASE: &str = "-rebase";
/// `show`: with passwords.
pub const SECRETS: &str = "-secrets";
/// `ls`, `backup`, `prune`, `rm`, `sync`: tags of a snapshot.
pub const TAG: &str = "-tag";
/// `cached`: how long it stays after the last command.
pub const TEARDOWN: &str = "-teardown";
/// `restore`: where to.
pub const TO: &str = "-to";
/// `ls`: whole ids.
pub const WHOLE_IDS: &str = "-uuid";

/// An option with its value, in one argument.
pub fn with(option: &str, value: &str) -> String {
    format!("{option}={value}")
}

/// `prune`: how far back points of a unit (`hour`, `day`, …) are kept, counted in units.
pub fn kept(unit: &str, count: u32) -> String {
    format!("-{unit}s={count}")
}

/// `prune`: how many points are kept of each unit.
pub fn kept_of_each(unit: &str, count: u32) -> String {
    format!("-per-{unit}={count}")
}

/// Plakar's options before the command that have a value, without their dashes (plakar v1.1.4,
/// main.go).
pub const WITH_VALUE: [&str; 10] = [
    "config",
    "configdir",
    "cachedir",
    "datadir",
    "cpu",
    "concurrency",
    "profile-cpu",
    "profile-mem",
    "trace",
    "keyfile",
];

/// Those that have none; the last one is Plakar 1.0's.
pub const WITHOUT_VALUE: [&str; 6] = ["time", "json", "stdio", "quiet", "silent", "no-agent"];

/// An option, and a value that it takes if it takes one.
pub type UsedOption = (&'static str, Option<&'static str>);

/// The options that are given to each command, with a value that it takes; those of no command
/// stand before it.
pub const USED: &[(&str, &[UsedOption])] = &[
    (
        "",
        &[
            (CACHE_FOLDER, Some("/tmp")),
            (CONCURRENCY, Some("1")),
            (CONFIGURATION_FOLDER, Some("/tmp")),
            (DATA_FOLDER, Some("/tmp")),
            (KEY_FILE, Some("/tmp/key")),
            (QUIET, None),
            (TRACE, Some("snapshot")),
        ],
    ),
    ("archive", &[(OUTPUT, Some("-")), (FORMAT, Some("zip")), (REBASE, None)]),
    (
        "backup",
        &[
            (CACHE, Some("no")),
            (ENVIRONMENT, Some("x")),
            (IGNORE, Some("x")),
            (JOB, Some("x")),
            (NAME, Some("x")),
            (NO_PROGRESS, None),
            (NO_XATTR, None),
            (TAG, Some("x")),
        ],
    ),
    ("cached", &[(FOREGROUND, None), (TEARDOWN, Some("1s"))]),
    ("check", &[]),
    ("create", &[(NO_COMPRESSION, None), (PLAINTEXT, None)]),
    ("destination import", &[(OVERWRITE, None)]),
    ("destination show", &[(JSON, None), (SECRETS, None)]),
    ("digest", &[]),
    ("ls", &[(LATEST, None), (TAG, Some("x")), (WHOLE_IDS, None)]),
    ("maintenance", &[]),
    (
        "prune",
        &[
            ("-hours", Some("1")),
            ("-per-hour", Some("1")),
            ("-days", Some("1")),
            ("-per-day", Some("1")),
            ("-weeks", Some("1")),
            ("-per-week", Some("1")),
            ("-months", Some("1")),
            ("-per-month", Some("1")),
            ("-years", Some("1")),
            ("-per-year", Some("1")),
            (TAG, Some("x")),
        ],
    ),
    ("restore", &[(TO, Some("/tmp"))]),
    ("rm", &[(APPLY, None), (TAG, Some("x"))]),
    ("source import", &[(OVERWRITE, None)]),
    ("source show", &[(JSON, None), (SECRETS, None)]),
    ("store import", &[(OVERWRITE, None)]),
    ("store show", &[(JSON, None), (SECRETS, None)]),
    ("sync", &[(TAG, Some("x"))]),
    ("ui", &[(ADDRESS, Some("127.0.0.1:0")), (NO_BROWSER, None)]),
];
