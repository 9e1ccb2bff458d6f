//! Who is told what, how often, and what becomes of those who do not listen.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use source_app::model::EventKind;
use source_app::state::{HeldPrune, Owner, TaskKind, TaskState};
use support::within;

use crate::common::{self, schedule, source, start};
use crate::http_server::HttpServer;
use crate::site::{Site, write_private};

const LIMIT: Duration = Duration::from_secs(120);

fn webhook(name: &str, url: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"{url}\"\n")
}

#[tokio::test]
async fn thirty_failed_nights_are_one_alert_reminders_and_one_end_for_each_receiver() {
    within(LIMIT, async {
        let (first, second) = (HttpServer::start().await, HttpServer::start().await);
        let text = format!(
            "reminder_days = 7\n{}secret = \"mule lantern\"\n{}events = [\"failed\"]\nauthorization = \"Bearer hook\"\n",
            webhook("all", &first.url()),
            webhook("failures", &second.url())
        );
        let site = Site::new(&text);
        let app = source(&site.state, "documents");
        schedule(&site.state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
        let two = TimeDelta::hours(2);
        site.ran(&app, TaskState::Succeeded, start() + two);
        for night in 1..=30 {
            let now = start() + TimeDelta::days(night) + two;
            site.ran(&app, TaskState::Failed, now);
            // Two processes look at the same moment, and again by day; each is a new one.
            let (one, other) = (site.service(), site.service());
            tokio::join!(one.look_after(now), other.look_after(now));
            tokio::join!(one.wait(), other.wait());
            site.look(now + TimeDelta::hours(12)).await;
        }
        let good = start() + TimeDelta::days(31) + two;
        site.ran(&app, TaskState::Succeeded, good);
        site.look(good).await;
        site.look(good + TimeDelta::hours(1)).await;
        let got = first.received();
        let told: Vec<(String, bool)> = got
            .iter()
            .map(|one| {
                let json = one.json();
                let event = json["event"].as_str().unwrap().to_owned();
                assert_eq!(one.headers["x-event"], event);
                assert_eq!(json["app"], "documents");
                (event, json["reminder"].as_bool().unwrap())
            })
            .collect();
        let failed = |reminder| ("failed".to_owned(), reminder);
        let reminders = std::iter::repeat_n(failed(true), 4);
        let expected: Vec<_> = std::iter::once(failed(false))
            .chain(reminders)
            .chain([("recovered".to_owned(), false)])
            .collect();
        assert_eq!(told, expected);
        assert_eq!(second.events(), ["failed"; 5]);
        // Each is signed, is another, and is a message that nobody has to guess about.
        assert!(got.iter().all(|one| one.is_signed_with("mule lantern")));
        assert!(!got[0].is_signed_with("mule lanterm"));
        let keys = second.received().into_iter().map(|one| one.headers["authorization"].clone());
        assert!(keys.into_iter().all(|key| key == "Bearer hook"));
        let ids: BTreeSet<_> = got.iter().map(|one| one.headers["x-event-id"].clone()).collect();
        assert_eq!(ids.len(), got.len());
        let json = got[0].json();
        assert_eq!(json["verdict"], "at risk");
        let words = json["words"][0].as_str().unwrap();
        assert!(words.starts_with("The last backup, of 2026-06-02 02:00 UTC, failed"), "{words}");
        assert_eq!(site.status("all").await.record.outstanding, 0);
    })
    .await;
}

#[tokio::test]
async fn the_clock_tells_of_what_did_not_run() {
    within(LIMIT, async {
        let server = HttpServer::start().await;
        let site = Site::new(&webhook("ops", &server.url()));
        let app = source(&site.state, "documents");
        schedule(&site.state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
        site.ran(&app, TaskState::Succeeded, start() + TimeDelta::hours(2));
        site.look(start() + TimeDelta::hours(20)).await;
        assert!(server.received().is_empty());
        // Nothing ran.
        for hour in 0..12 {
            site.look(start() + TimeDelta::days(2) + TimeDelta::hours(hour)).await;
        }
        // Once that it is late, and once that the last one is too old to rely on.
        assert_eq!(server.events(), ["overdue", "overdue"]);
        let verdicts = server.received().into_iter().map(|one| one.json()["verdict"].clone());
        assert!(verdicts.eq(["at risk", "not protected"]));
        let words = server.received()[0].json()["words"].to_string();
        assert!(words.contains("has not run. Does the scheduler run?"), "{words}");
        let now = start() + TimeDelta::days(3);
        site.ran(&app, TaskState::Succeeded, now);
        site.look(now).await;
        assert_eq!(server.events(), ["overdue", "overdue", "recovered"]);
    })
    .await;
}

#[tokio::test]
async fn each_kind_of_trouble_is_told_once() {
    within(LIMIT, async {
        let server = HttpServer::start().await;
        let site = Site::new(&webhook("ops", &server.url()));
        let app = source(&site.state, "documents");
        let at = |hour| start() + TimeDelta::hours(hour);
        site.ran(&app, TaskState::CompletedWithErrors, at(1));
        site.look(at(1)).await;
        site.ran(&app, TaskState::Failed, at(2));
        site.look(at(2)).await;
        let reason = "half of the files changed type".to_owned();
        site.state
            .hold_prune(app.id, &HeldPrune { at: at(3), task: 1, reason, examples: Vec::new() })
            .unwrap();
        site.look(at(3)).await;
        common::run(&site.state, &app, TaskKind::Check, TaskState::Failed, at(4));
        site.look(at(4)).await;
        // Three things are wrong; one of them is over, and nobody is told that all is well.
        site.ran(&app, TaskState::Succeeded, at(5));
        site.look(at(5)).await;
        common::run(&site.state, &app, TaskKind::Check, TaskState::Succeeded, at(6));
        site.look(at(6)).await;
        let told = ["with errors", "failed", "prune held", "check failed"];
        assert_eq!(server.events(), told);
        let words = server.received()[2].json()["words"].to_string();
        assert!(words.contains("Prunes are held: half of the files changed type."), "{words}");
        // A second alarm is not hidden by the first, and neither is a task that fails besides.
        let reason = "all files are gone".to_owned();
        let second = HeldPrune { at: at(7), task: 2, reason, examples: Vec::new() };
        site.state.hold_prune(app.id, &second).unwrap();
        site.look(at(7)).await;
        site.look(at(8)).await;
        common::run(&site.state, &app, TaskKind::Prune, TaskState::Failed, at(9));
        site.look(at(9)).await;
        site.ran(&app, TaskState::Failed, at(10));
        site.look(at(10)).await;
        assert_eq!(server.events()[4..], ["prune held", "failed", "failed"]);
        let second = server.received()[4].json();
        assert!(second["words"].to_string().contains("all files are gone"), "{second}");
        assert_eq!((&second["reminder"], &second["task"]), (&false.into(), &2.into()));
        common::run(&site.state, &app, TaskKind::Prune, TaskState::Succeeded, at(11));
        site.ran(&app, TaskState::Succeeded, at(11));
        site.state.release_prune(app.id, Some(2)).unwrap();
        site.look(at(12)).await;
        assert_eq!(server.events()[7..], ["recovered"]);
    })
    .await;
}

#[tokio::test]
async fn who_is_dead_slow_or_angry_holds_up_nobody_and_gets_each_message_once() {
    within(LIMIT, async {
        let good = HttpServer::start().await;
        // Nobody is given the port while it is nobody's.
        let dead = HttpServer::at(([127, 0, 0, 1], support::free_port()).into()).await;
        let (slow, angry) = (HttpServer::start().await, HttpServer::start().await);
        slow.answer(0);
        angry.answer(500);
        let mut text: String = [("good", &good), ("dead", &dead), ("angry", &angry)]
            .map(|(name, server)| webhook(name, &server.url()))
            .concat();
        text += &format!("{}timeout_seconds = 1\n", webhook("slow", &slow.url()));
        let site = Site::new(&text);
        let address = dead.address;
        drop(dead);
        let app = source(&site.state, "documents");
        let at = |minutes| start() + TimeDelta::minutes(minutes);
        site.ran(&app, TaskState::Failed, at(0));
        site.look(at(0)).await;
        site.ran(&app, TaskState::CompletedWithErrors, at(1));
        // Half a minute later it is not tried again yet.
        site.look(at(0) + TimeDelta::seconds(30)).await;
        site.look(at(2)).await;
        assert_eq!(good.events(), ["failed", "with errors"]);
        for (name, reason) in [
            ("dead", "it cannot be reached: Connection refused (os error 111)"),
            ("slow", "no answer within 1 s"),
            ("angry", "it answered 500"),
        ] {
            let record = site.status(name).await.record;
            assert_eq!(record.reason, reason);
            assert_eq!((record.delivered, record.failures, record.outstanding), (0, 2, 2));
        }
        // They come back, and have the time that a busy machine takes.
        site.write(&text.replace("timeout_seconds = 1\n", "timeout_seconds = 60\n"));
        let dead = HttpServer::at(address).await;
        slow.answer(200);
        angry.answer(204);
        for minutes in [5, 10, 60, 180, 600] {
            site.look(at(minutes)).await;
        }
        for (name, server) in [("dead", &dead), ("slow", &slow), ("angry", &angry)] {
            assert_eq!(server.events(), ["failed", "with errors"], "{name}");
            let record = site.status(name).await.record;
            assert_eq!((record.outstanding, record.reason.as_str()), (0, ""), "{name}");
        }
        assert_eq!(good.received().len(), 2);
        let ids = |server: &HttpServer| {
            let received = server.received();
            received.iter().map(|one| one.json()["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&good), ids(&dead));
    })
    .await;
}

#[tokio::test]
async fn a_message_that_a_receiver_refuses_silences_no_other() {
    within(LIMIT, async {
        let server = HttpServer::start().await;
        server.refuse("poison");
        let site = Site::new(&webhook("picky", &server.url()));
        let at = |hours| start() + TimeDelta::hours(hours);
        for (hour, name) in ["poison", "documents", "poison-too", "photos"].iter().enumerate() {
            let hour = at(hour as i64);
            site.ran(&source(&site.state, name), TaskState::Failed, hour);
            site.look(hour).await;
        }
        // In its order, as long as it may come to take it.
        assert_eq!(server.received().len(), 0);
        for hour in 5..40 {
            site.look(at(hour)).await;
        }
        let apps: Vec<_> =
            server.received().iter().map(|one| one.json()["app"].to_string()).collect();
        assert_eq!(apps, ["\"documents\"", "\"photos\""]);
        let record = site.status("picky").await.record;
        assert_eq!((record.outstanding, record.dropped, record.delivered), (0, 2, 2));
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_receiver_is_bounded_and_goes_with_it() {
    within(LIMIT, async {
        let site = Site::new(&webhook("dead", "http://127.0.0.1:1/"));
        let app = source(&site.state, "documents");
        let add = |count: u32| {
            for number in 0..count {
                let now = start() + TimeDelta::seconds(number.into());
                let message = |_: &_, _: &[_]| {
                    let body = serde_json::json!({ "number": number });
                    let receivers = vec!["dead".to_owned()];
                    (vec![source_app::state::NewMessage { body, receivers }], Vec::new())
                };
                site.state.judge(Some(app.id), now, message).unwrap();
            }
        };
        add(510);
        let record = site.status("dead").await.record;
        assert_eq!((record.outstanding, record.dropped), (500, 10));
        // What is too old is given up.
        let later = start() + TimeDelta::days(31);
        let lease = TimeDelta::minutes(1);
        assert_eq!(site.state.take_delivery("dead", lease, later).unwrap(), None);
        let record = site.status("dead").await.record;
        assert_eq!((record.outstanding, record.dropped), (0, 510));
        add(1);
        site.write(&webhook("other", "http://127.0.0.1:1/"));
        site.look(start()).await;
        assert_eq!(site.state.receivers().unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_command_gets_the_event_and_has_its_time() {
    within(LIMIT, async {
        let site = Site::new("");
        let folder = site.directory.path().display().to_string();
        // The command is known by it, though it may be ended before it has begun.
        let seconds = format!("600.{:07}", std::process::id());
        let text = format!(
            r#"
[[command]]
name = "keep"
command = ["/bin/sh", "-c", "cat > '{folder}/$1 kept.json'", "sh"]
[[command]]
name = "hangs"
command = ["/bin/sh", "-c", "sleep {seconds}; true"]
timeout_seconds = 1
[[command]]
name = "fails"
command = ["/bin/sh", "-c", "echo first >&2; echo 'no modem' >&2; exit 3"]
"#
        );
        site.write(&text);
        let app = source(&site.state, "documents");
        site.ran(&app, TaskState::Failed, start());
        site.look(start()).await;
        let kept = std::fs::read_to_string(format!("{folder}/$1 kept.json")).unwrap();
        let event: serde_json::Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(event["event"], "failed");
        assert_eq!(site.status("keep").await.record.delivered, 1);
        assert_eq!(site.status("hangs").await.record.reason, "no answer within 1 s");
        assert_eq!(site.status("fails").await.record.reason, "it ended with 3: no modem");
        let hangs = |process: std::fs::DirEntry| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&seconds)
        };
        let there = || std::fs::read_dir("/proc").unwrap().flatten().any(hangs);
        support::until(LIMIT, "the command that hung to be gone", || !there()).await;
    })
    .await;
}

#[tokio::test]
async fn ntfy_gets_a_title_in_one_line_whatever_is_in_a_name() {
    within(LIMIT, async {
        let server = HttpServer::start().await;
        let site = Site::new("");
        let secret = site.directory.path().join("token");
        write_private(&secret, "tk_secret\n");
        let url = server.url();
        let token = secret.display();
        site.write(&format!(
            "[[ntfy]]\nname = \"phone\"\nurl = \"{url}\"\ntoken = \"file:{token}\"\n"
        ));
        let app = source(&site.state, "documents");
        let database = rusqlite::Connection::open(site.place.join("state.db")).unwrap();
        let hostile = "a\r\nX-Evil: yes\r\n\r\n<b>";
        database.execute("UPDATE app SET name = ?1", [hostile]).unwrap();
        site.ran(&app, TaskState::Failed, start());
        site.look(start()).await;
        let got = server.received().remove(0);
        assert_eq!(got.headers["title"], "a??X-Evil: yes????<b>: failed");
        assert_eq!(got.headers["authorization"], "Bearer tk_secret");
        assert_eq!(got.headers["priority"], "high");
        assert!(!got.headers.contains_key("x-evil"));
        // Who has no token any more is told why.
        std::fs::remove_file(&secret).unwrap();
        let result = site.service().notify_test(Some("phone")).await.unwrap().remove(0);
        assert!(!result.arrived);
        assert!(result.words.contains("token is not there; make it"), "{}", result.words);
    })
    .await;
}

#[tokio::test]
async fn a_test_says_of_each_receiver_whether_it_answered() {
    within(LIMIT, async {
        let (good, angry) = (HttpServer::start().await, HttpServer::start().await);
        angry.answer(503);
        let text = [webhook("good", &good.url()), webhook("angry", &angry.url())].concat();
        let site = Site::new(&text);
        let results = site.service().notify_test(None).await.unwrap();
        let told: Vec<_> =
            results.iter().map(|one| (one.receiver.as_str(), one.words.as_str())).collect();
        assert_eq!(told, [("good", "it answered 200"), ("angry", "it answered 503")]);
        assert_eq!(good.events(), [EventKind::Test.as_str()]);
        let error = site.service().notify_test(Some("nobody")).await.unwrap_err().to_string();
        assert!(error.starts_with("there is no receiver \"nobody\""), "{error}");
        std::fs::remove_file(site.place.join("notify.toml")).unwrap();
        let error = site.service().notify_test(None).await.unwrap_err().to_string();
        assert!(error.contains("is not there, so nobody is told"), "{error}");
    })
    .await;
}
