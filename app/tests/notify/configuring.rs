//! `notify.toml`: what is wrong is told in one line, with its line and with what to write.

use std::os::unix::fs::PermissionsExt;

use source_app::notify::{NotifyConfiguration, ReceiverKind};
use source_app::state::TaskState;

use crate::common::{source, start};
use crate::site::Site;

#[test]
fn a_whole_file_is_read() {
    let text = r#"
reminder_days = 0

[[webhook]]
name = "ops"
url = "https://example.org/hook/very-secret?token=also"
secret = "mule lantern"
authorization = "Bearer tk_1"
apps = ["documents"]
events = ["failed", "with errors", "overdue", "check failed", "prune held", "recovered"]
timeout_seconds = 5

[[ping]]
name = "hc"
url = "https://hc.example.org/uuid"
tasks = ["backup", "check"]

[[ntfy]]
name = "phone"
url = "http://127.0.0.1:8080/topic"
token = "tk_1"

[[mail]]
name = "me"
server = "smtp.example.org"
security = "tls"
username = "me"
password = "file:/etc/secret"
from = "Backups <backup@example.org>"
to = ["me@example.org"]

[[command]]
name = "sms"
command = ["/usr/bin/sms", "very secret"]
"#;
    let read = NotifyConfiguration::parse(text).unwrap();
    assert_eq!(read.remind_after, None);
    let places: Vec<_> = read.receivers.iter().map(|one| (one.kind(), one.place())).collect();
    let expected = [
        (ReceiverKind::Webhook, "example.org"),
        (ReceiverKind::Ping, "hc.example.org"),
        (ReceiverKind::Ntfy, "127.0.0.1:8080"),
        (ReceiverKind::Mail, "me@example.org by smtp.example.org:465"),
        (ReceiverKind::Command, "/usr/bin/sms"),
    ];
    assert_eq!(places, expected.map(|(kind, place)| (kind, place.to_owned())));
    // What is printed of it has no secret in it.
    let printed = format!("{read:?}");
    assert!(!printed.contains("mule") && !printed.contains("tk_1"), "{printed}");
    assert_eq!(NotifyConfiguration::parse("").unwrap().remind_after.unwrap().num_days(), 3);
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    let webhook = "[[webhook]]\nname = \"a\"\nurl = \"https://example.org\"\n";
    let mail =
        "[[mail]]\nname = \"a\"\nserver = \"localhost\"\nfrom = \"a@b.org\"\nto = [\"a@b.org\"]\n";
    for (text, fault) in [
        (
            format!("{webhook}sekret = \"x\"\n"),
            "line 4: unknown field `sekret`; write one of `name`, `apps`, `events`, `timeout_seconds`, `url`, `secret`, `authorization`, `authority`",
        ),
        (
            "[[webhook]]\nname = \"a\"\nurl = \"http://example.org\"\nauthorization = \"Bearer x\"\n".into(),
            "line 4: authorization: it would go over the network in the clear; write an address with https://",
        ),
        (
            "[[telegram]]\n".into(),
            "line 1: unknown field `telegram`; write one of `reminder_days`, `webhook`, `ping`, `ntfy`, `mail`, `command`",
        ),
        ("[[webhook]]\nname = \"a\"\n".into(), "line 1: missing field `url`"),
        (
            "\n\n[[webhook]]\nname = \"a\"\nurl = \"example.org/hook\"\n".into(),
            "line 5: url: the address has no scheme; write a whole address, such as https://example.org/hook",
        ),
        (
            "[[ping]]\nname = \"a\"\nurl = \"ftp://example.org\"\n".into(),
            "line 3: url: its scheme is neither https nor http; write a whole address, such as https://example.org/hook",
        ),
        (
            "[[ntfy]]\nname = \"a\"\nurl = \"https://\"\n".into(),
            "line 3: url: the address cannot be read (empty host); write a whole address, such as https://example.org/hook",
        ),
        (
            format!("{webhook}{webhook}"),
            "line 5: name: another receiver has this name; choose another",
        ),
        (
            webhook.replace("\"a\"", "\"A b\""),
            "line 2: name: write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit",
        ),
        (
            format!("{webhook}events = [\"failed\", \"burnt\"]\n"),
            "line 4: events: \"burnt\" is not an event; write one of: failed, with errors, overdue, check failed, prune held, recovered",
        ),
        (
            format!("{webhook}apps = [\"my app\"]\n"),
            "line 4: apps: this is not the name of an app; `plakar-opendrive app list` shows all",
        ),
        (format!("{webhook}timeout_seconds = 0\n"), "line 4: timeout_seconds: write 1 to 300"),
        (
            format!("{webhook}timeout_seconds = \"5\"\n"),
            "line 4: invalid type: string \"5\"; write a whole number",
        ),
        (
            format!("{webhook}secret = \"\"\n"),
            "line 4: secret: it is empty; write the secret, or file: and the path of a file",
        ),
        (
            format!("{webhook}secret = \"file:secret\"\n"),
            "line 4: secret: write file: with the whole path of a file, such as file:/etc/secret",
        ),
        (
            format!("{webhook}authority = \"/nowhere.pem\"\n"),
            "line 4: authority: /nowhere.pem cannot be read: No such file or directory (os error 2)",
        ),
        (
            "[[ntfy]]\nname = \"a\"\nurl = \"http://example.org/x\"\ntoken = \"t\"\n".into(),
            "line 4: token: it would go over the network in the clear; write an address with https://",
        ),
        (
            "[[ping]]\nname = \"a\"\nurl = \"http://example.org/x\"\nevents = [\"failed\"]\n"
                .into(),
            "line 4: events: a ping says how tasks begin and end; leave it out, or write tasks = [\"backup\"]",
        ),
        (
            mail.replace("\"a@b.org\"]", "\"nobody\"]"),
            "line 5: to: \"nobody\" is not a mail address; write one, such as me@example.org",
        ),
        (mail.replace("[\"a@b.org\"]", "[]"), "line 4: to: write at least one mail address"),
        (
            mail.replace("localhost", "smtp://example.org"),
            "line 3: server: write the name of a mail server alone, such as smtp.example.org",
        ),
        (
            format!("{}security = \"none\"\n", mail.replace("localhost", "example.org")),
            "line 6: security: mail goes without TLS to this machine only (localhost); write \"starttls\" or \"tls\"",
        ),
        (format!("{mail}username = \"me\"\n"), "line 6: username: write password, too"),
        (
            "[[command]]\nname = \"a\"\ncommand = [\"tell\"]\n".into(),
            "line 3: command: write a list of the whole path of a program and its arguments, such as [\"/usr/local/bin/tell\"]",
        ),
        (
            "reminder_days = 400\n".into(),
            "line 1: reminder_days: write 1 to 365, or 0 for no reminders",
        ),
        ("[[webhook\n".into(), "line 1: unclosed array table; write `]]`"),
    ] {
        let said = NotifyConfiguration::parse(&text).unwrap_err();
        assert_eq!(said, fault);
    }
}

#[tokio::test]
async fn a_file_that_is_open_to_others_is_not_used_and_nothing_is_lost() {
    let site = Site::new("[[webhook]]\nname = \"a\"\nurl = \"http://127.0.0.1:1/\"\n");
    let file = site.place.join("notify.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let app = source(&site.state, "documents");
    site.ran(&app, TaskState::Failed, start());
    site.look(start()).await;
    let shown = site.place.canonicalize().unwrap().join("notify.toml");
    let shown = shown.display();
    let fault = site.service().notify_status().await.unwrap().fault.unwrap();
    assert_eq!(fault, format!("{shown} is open to other users (mode 640); run: chmod 600 {shown}"));
    assert!(site.state.open_alerts(app.id).unwrap().is_empty(), "nobody was told");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    site.look(start()).await;
    assert_eq!(site.status("a").await.record.outstanding, 1);
    // A link is none of ours.
    std::fs::rename(&file, site.place.join("other")).unwrap();
    std::os::unix::fs::symlink("other", &file).unwrap();
    let fault = site.service().notify_status().await.unwrap().fault.unwrap();
    assert_eq!(fault, format!("{shown} is a link; name the file that it points to"));
}
