//! How long the console's pages take on the server with 100 apps, 10,000 tasks and a restore point
//! of 100,000 files, made by the real plakar: `PLAKAR=… cargo run --release -p web-console
//! --example console_bench`. `make bench-console` does so.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

#[allow(dead_code)]
#[path = "../tests/web_pages/scene.rs"]
mod scene;

#[path = "../../plakar-driver/examples/common/user.rs"]
mod user;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use plakar_driver::Options;
use source_app::service::{Assign, Service, Work};
use source_app::state::{AppKind, Resource, State};
use tokio_util::sync::CancellationToken;
use web_console::server::{Listen, Server};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FILES: usize = 100_000;

/// What each page must stay below, by the issue that asks for this.
const LIMIT: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Outcome {
    user::guard();
    let home = tempfile::Builder::new().prefix("cb").tempdir_in("/tmp")?;
    let service = Service::open(&home.path().join("state"), user::user(home.path())?)?;
    let state = State::open(&home.path().join("state"))?;
    scene::Scene { state: &state, texts: scene::PLAIN }.large(100, 100);
    let folder = home.path().join("files");
    for number in 0..FILES {
        // A tenth of them in one folder, the others by hundreds.
        let leaf = if number < 10_000 {
            folder.join("many")
        } else {
            folder.join(format!("{:02}/{:03}", number / 10_000, number / 100))
        };
        std::fs::create_dir_all(&leaf)?;
        std::fs::write(leaf.join(format!("letter {number:06}.txt")), number.to_string())?;
    }
    let app = service.assign(assignment(&folder, &home.path().join("store"))).await?;
    let begun = service.start(app.id, &Work::Backup).await?;
    let made = loop {
        let task = service.task(begun.id).await?;
        if task.state.is_final() {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let point = made.snapshot.ok_or_else(|| format!("no restore point: {}", made.verdict))?;
    let root = folder.to_str().ok_or("a path that is not UTF-8")?.replace('/', "%2F");
    println!(
        "100 apps, 10,000 tasks, a restore point of {FILES} files (backed up: {})",
        made.verdict
    );

    let server = Server::bind(Listen::loopback(0)).await?;
    let url = server.first_url();
    let shutdown = CancellationToken::new();
    let serving = async {
        server.serve(web_console::router(service.clone()), shutdown.clone()).await;
    };
    let id = app.id;
    let at = format!("/apps/{id}/points/{point}");
    let pages = [
        "/".to_owned(),
        "/tasks".to_owned(),
        "/tasks?state=failed".to_owned(),
        "/apps/1".to_owned(),
        format!("/tasks/{}", begun.id),
        "/apps/1/schedules".to_owned(),
        "/policies".to_owned(),
        "/resources".to_owned(),
        "/resources?text=app-7&health=protected".to_owned(),
        "/resources/1".to_owned(),
        "/scheduling".to_owned(),
        "/settings".to_owned(),
        "/api/apps".to_owned(),
        format!("/apps/{id}/points"),
        at.clone(),
        format!("{at}?path={root}%2Fmany"),
        format!("{at}?path={root}%2Fmany&page=50"),
        format!("{at}?path={root}%2Fmany&sort=-modified"),
        format!("{at}?path={root}%2F05%2F512"),
        format!("{at}?path={root}&text=054321"),
        format!("{at}?path={root}&text=letter"),
        format!("{at}?path={root}&text=nothing"),
        format!("/apps/{id}"),
        format!("/apps/{id}/find?text=054321"),
        format!("/apps/{id}/find?text=letter"),
        format!("/apps/{id}/find?text=nothing"),
    ];
    let measuring = async {
        let measured = measure(&url, &pages).await;
        shutdown.cancel();
        measured
    };
    let (measured, ()) = tokio::join!(measuring, serving);
    service.stop().await;
    measured
}

/// The local folder as a remote of the package's.
fn assignment(folder: &Path, store: &Path) -> Assign {
    let options =
        [("location", format!("rclone://{}", folder.display())), ("rclone_type", "local".into())];
    Assign {
        kind: AppKind::Source,
        name: "large-point".into(),
        resource: Resource {
            name: "files".into(),
            class: "file-storage".into(),
            subclass: String::new(),
        },
        environment: String::new(),
        data_classes: Vec::new(),
        integration: None,
        protocol: None,
        options: options
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Options>(),
        entry: None,
        mark: None,
        store: Some(store.display().to_string()),
        store_options: Options::new(),
        create_store: true,
        unencrypted: true,
        uncompressed: false,
        second_store: None,
        copy_range: Default::default(),
        skip_test: false,
        retention: Default::default(),
        protection: Default::default(),
        backup: Default::default(),
    }
}

async fn measure(url: &str, pages: &[String]) -> Outcome {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let (base, code) = url.split_once("/enter#").ok_or("no address to come in by")?;
    let body = format!("code={code}");
    let entered = client
        .post(format!("{base}/enter"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await?;
    let cookie = entered
        .headers()
        .get("set-cookie")
        .ok_or("no cookie")?
        .to_str()?
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let get = async |page: &str| -> Outcome<(Duration, String)> {
        let begun = Instant::now();
        let answer = client.get(format!("{base}{page}")).header("cookie", &cookie).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            return Err(format!("{page}: {status}: {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok((begun.elapsed(), String::from_utf8_lossy(&bytes).into_owned()))
    };
    // The first time plakar opens the store and the index is made.
    let begun = Instant::now();
    let mut first = Vec::new();
    for page in pages {
        first.push(get(page).await?.0);
    }
    let pages_took = begun.elapsed().as_secs_f64();
    // The last is a search: it says so as long as the names are being read.
    while get(&pages[pages.len() - 1]).await?.1.contains("data-again") {
        // As the page itself asks.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let read = begun.elapsed().as_secs_f64();
    println!(
        "each page once: {pages_took:.1} s, the names being read meanwhile: after {read:.1} s they were; then, 50 times each:"
    );
    println!("{:>9} {:>9} {:>9} {:>9}", "first ms", "median", "worst", "KiB");
    let mut slow = Vec::new();
    for (page, first) in pages.iter().zip(first) {
        let (mut times, mut size) = (Vec::new(), 0);
        for _ in 0..50 {
            let (time, text) = get(page).await?;
            size = text.len();
            times.push(time);
        }
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (median, worst) = (times[25], times[49]);
        let shown: String = page.chars().take(60).collect();
        println!(
            "{:9.1} {:9.1} {:9.1} {:9.1}  {shown}",
            ms(first),
            ms(median),
            ms(worst),
            size as f64 / 1024.0
        );
        if first.max(median) > LIMIT {
            slow.push(shown);
        }
    }
    if slow.is_empty() {
        Ok(())
    } else {
        Err(format!("slower than {LIMIT:?}: {}", slow.join(", ")).into())
    }
}
