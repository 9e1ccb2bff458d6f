//! Every front end tells the same of an app: the service, the JSON API, the command line, the
//! console.

mod changing;
mod contracts;
mod histories;
mod leaving;
mod pausing;
mod protecting;
#[path = "../../../console/tests/common/web.rs"]
mod web;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use plakar_driver::Plakar;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use source_app::service::{Service, StatusReport};
use source_app::state::State;

use histories::Histories;
use web::{SignedIn, Site, client, sign_in};

const APPS: usize = 200;

/// The verdict on each app by its name, and the words of its reasons.
type Told = BTreeMap<String, (String, Vec<String>)>;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn of_json(name: &Value, health: &Value) -> (String, (String, Vec<String>)) {
    let reasons = health["reasons"].as_array().unwrap().iter();
    (text(name), (text(&health["verdict"]), reasons.map(|one| text(&one["words"])).collect()))
}

fn of_report(report: &StatusReport) -> Told {
    let of = |app: &source_app::service::AppStatus| {
        let words = app.health.reasons.iter().map(|reason| reason.words()).collect();
        (app.name.clone(), (app.health.verdict.as_str().to_owned(), words))
    };
    report.apps.iter().map(of).collect()
}

async fn json(browser: &SignedIn, path: &str) -> Value {
    browser.get(path).send().await.unwrap().json().await.unwrap()
}

/// Runs a command of the app, with a Plakar that nothing may need.
fn run(directory: &Path, arguments: &[&str]) -> Output {
    prepared(directory, arguments).output().unwrap()
}

/// The same, before it is run.
fn prepared(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plakar-opendrive-app"));
    command.args(["app", "--state", directory.to_str().unwrap()]).args(arguments);
    command.envs([("PLAKAR", "/bin/false"), ("TZ", "Asia/Tokyo")]);
    command
}

/// What a command prints, and its exit status.
fn command(directory: &Path, arguments: &[&str]) -> (String, i32) {
    let output = run(directory, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.is_empty(), "{arguments:?}: {said}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// The overview's groups and rows.
fn of_page(page: &str) -> Told {
    let select = |text: &str| Selector::parse(text).unwrap();
    let words = |element: ElementRef<'_>| {
        let all: String = element.text().collect();
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut told = Told::new();
    for table in Html::parse_document(page).select(&select("table")) {
        let title = words(table.select(&select("caption")).next().unwrap()).to_lowercase();
        if title.starts_with("destinations") {
            continue;
        }
        let group = title.split(" (").next().unwrap();
        for row in table.select(&select("tbody tr")) {
            let first = |query: &str| words(row.select(&select(query)).next().unwrap());
            let verdict = first("td .badge");
            assert_eq!(verdict, group, "a row in its group");
            // Without the link to the task.
            let own = |element: ElementRef<'_>| {
                let texts = element.children().filter_map(|child| child.value().as_text());
                texts.map(|text| text.to_string()).collect::<String>().trim().to_owned()
            };
            let reasons = row.select(&select(".reason")).map(own).collect();
            told.insert(first("th a"), (verdict, reasons));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn all_front_ends_tell_the_same_of_200_random_histories() {
    tokio::time::timeout(Duration::from_secs(600), compared()).await.expect("it hangs");
}

async fn compared() {
    let place = if Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm")
    } else {
        tempfile::tempdir()
    };
    let place = place.unwrap();
    let directory = place.path().join("state");
    let plakar = Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap();
    let service = Service::open(&directory, plakar).unwrap();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let state = State::open(&directory).unwrap();
    let mut histories = Histories::new(seed);
    (0..APPS).for_each(|number| histories.add(&state, number));

    let site = Site::of(web_console::router(service.clone())).await;
    let browser = sign_in(&client(), &site.server).await;
    // Time goes on: what changes its verdict meanwhile is asked again.
    for again in [true, false] {
        let report = service.status(None).await.unwrap();
        let expected = of_report(&report);
        let api = json(&browser, "/api/status").await;
        let apps = json(&browser, "/api/apps").await;
        let page = browser.get("/").send().await.unwrap().text().await.unwrap();
        let run = |arguments: &'static [&'static str]| {
            let directory = directory.clone();
            tokio::task::spawn_blocking(move || command(&directory, arguments))
        };
        let (status, exit) = run(&["status", "--json"]).await.unwrap();
        let (list, _) = run(&["list", "--json"]).await.unwrap();
        let (lines, _) = run(&["list"]).await.unwrap();
        let (status_lines, _) = run(&["status"]).await.unwrap();
        let after = of_report(&service.status(None).await.unwrap());
        if after != expected && again {
            continue;
        }
        let from = |apps: &Value| -> Told {
            let apps = apps.as_array().unwrap().iter();
            apps.map(|app| of_json(&app["name"], app)).collect()
        };
        let status: Value = serde_json::from_str(&status).unwrap();
        let overview = |one: &Value| of_json(&one["app"]["name"], &one["health"]);
        let listed = list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        for (what, told) in [
            ("GET /api/status", from(&api["apps"])),
            ("GET /api/apps", apps["apps"].as_array().unwrap().iter().map(overview).collect()),
            ("app status --json", from(&status["apps"])),
            ("app list --json", listed.map(|one| overview(&one)).collect()),
        ] {
            assert_eq!(told, expected, "{what}, with SEED={seed}");
        }
        let sources = expected.iter().filter(|(name, _)| !histories.is_destination(name));
        let sources: Told = sources.map(|(name, told)| (name.clone(), told.clone())).collect();
        assert_eq!(of_page(&page), sources, "the overview, with SEED={seed}");
        for (name, (verdict, reasons)) in &expected {
            for (what, lines, begin) in [
                ("app list", &lines, format!("  {name}   {verdict}")),
                ("app status", &status_lines, format!("{name}  {verdict}")),
            ] {
                let at = lines.lines().position(|line| line.contains(&begin));
                let at = at.unwrap_or_else(|| panic!("{what}: no {begin:?}, with SEED={seed}"));
                let told: Vec<&str> =
                    lines.lines().skip(at + 1).take(reasons.len()).map(str::trim).collect();
                assert_eq!(&told, reasons, "{what} of {name}, with SEED={seed}");
            }
        }
        // One sentence, the same everywhere but for the age in it.
        let sentence = report.sentence.as_str();
        assert_eq!((&api["sentence"], &status["sentence"]), (&sentence.into(), &sentence.into()));
        assert_eq!(
            (status_lines.lines().next(), &apps["sentence"]),
            (Some(sentence), &sentence.into())
        );
        assert_eq!(api["verdict"], report.verdict.as_str());
        assert_eq!((&status["verdict"], exit), (&api["verdict"], 1), "some is not protected");
        histories.check(&state, &report, seed);
        return;
    }
    panic!("the verdicts changed twice, with SEED={seed}");
}
