//! The console in a real browser, over WebDriver: the whole way from an assignment to a scheduled backup, with the real Plakar
//! and a simulated drive. Screenshots of every page go to target/screenshots. `make test-browser` runs it.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::place::noise;
use common::plakar::{Plakar, plakar};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use opendrive_sim::{Options, Simulator, stored_name};
use serde_json::json;

/// Longest wait for anything but a schedule.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file name that would run in a page which trusts it.
const HOSTILE: &str = "<img src=x onerror=alert(1)> & \"quotes\".txt";

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // SIGTERM: the console ends what it started, and chromedriver its browser.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a command and gives the first line of its standard output that has this text in it.
fn started(mut command: Command, text: &str) -> (Ended, String) {
    let mut child = Ended(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains(text)));
    let line = line.unwrap_or_else(|| panic!("{command:?} said nothing of {text:?}"));
    // It must not write into a closed pipe later.
    std::thread::spawn(move || lines.for_each(drop));
    (child, line)
}

/// A browser at the console.
struct Browser {
    client: Client,
    shots: PathBuf,
}

impl Browser {
    async fn at(driver: &str, downloads: &Path) -> Self {
        let program = std::env::var("CHROMIUM").expect("CHROMIUM: `make test-browser` names it");
        let preferences = json!({ "download.default_directory": downloads, "download.prompt_for_download": false });
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"];
        let chrome = json!({ "binary": program, "args": arguments, "prefs": preferences });
        let capabilities = json!({ "goog:chromeOptions": chrome, "goog:loggingPrefs": { "browser": "ALL" } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities.as_object().unwrap().clone()).connect(driver).await.unwrap();
        let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&shots).unwrap();
        Self { client, shots }
    }

    /// Waits for an element, by XPath.
    async fn find(&self, xpath: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(xpath)).await {
            Ok(element) => element,
            Err(error) => {
                self.shoot("failed").await;
                panic!("{xpath}: {error}\n{}\n{}", self.client.current_url().await.unwrap(), self.text().await)
            }
        }
    }

    /// Presses a button or follows a link by what it says.
    async fn press(&self, text: &str) {
        self.click(&format!("//*[self::button or self::a][normalize-space(.)={text:?}]")).await;
    }

    /// Clicks an element. A live page may be loaded anew just then: the element is looked for again.
    async fn click(&self, xpath: &str) {
        let begun = Instant::now();
        while let Err(error) = self.find(xpath).await.click().await {
            assert!(begun.elapsed() < PATIENCE, "{xpath}: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The field with this label, found as a screen reader does.
    async fn field(&self, label: &str) -> fantoccini::elements::Element {
        let label = self.find(&format!("//label[starts-with(normalize-space(.), {label:?})]")).await;
        let id = label.attr("for").await.unwrap().expect("a label says what it is for");
        self.find(&format!("//*[@id={id:?}]")).await
    }

    async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn check(&self, label: &str) {
        let field = self.field(label).await;
        if !field.is_selected().await.unwrap() {
            field.click().await.unwrap();
        }
    }

    /// Runs a script, again if a live page was loaded anew just then.
    async fn executed(&self, script: &str) -> serde_json::Value {
        let begun = Instant::now();
        loop {
            match self.client.execute(script, vec![]).await {
                Ok(value) => return value,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{script}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is to be read on the page; nothing while it is being loaded.
    async fn text(&self) -> String {
        let text = self.client.execute("return document.body ? document.body.innerText : ''", vec![]).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the page says so, which live pages do by themselves.
    async fn says(&self, text: &str) {
        self.says_within(text, PATIENCE).await;
    }

    async fn says_within(&self, text: &str, patience: Duration) {
        let begun = Instant::now();
        while !self.text().await.contains(text) {
            if begun.elapsed() > patience {
                self.shoot("failed").await;
                panic!("no {text:?} on {}:\n{}", self.client.current_url().await.unwrap(), self.text().await);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn open(&self, path: &str) {
        let mut url = self.client.current_url().await.unwrap();
        url.set_query(None);
        url.set_fragment(None);
        let url = url.join(path).unwrap();
        self.client.goto(url.as_str()).await.unwrap();
    }

    /// Takes pictures for people to look at: a desktop's and a phone's, in light and in dark.
    async fn shoot(&self, name: &str) {
        for (width, device) in [(1280, "desktop"), (390, "phone")] {
            self.client.set_window_size(width, 900).await.unwrap();
            let script = "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]";
            let size = self.executed(script).await;
            assert!(name == "failed" || size[0].as_u64().unwrap() <= width.into(), "{name} is wider than a {device}: {size}");
            let height = u32::try_from(size[1].as_u64().unwrap()).unwrap().clamp(600, 3000) + 150;
            self.client.set_window_size(width, height).await.unwrap();
            let picture = self.client.screenshot().await.unwrap();
            std::fs::write(self.shots.join(format!("{name}-{device}.png")), picture).unwrap();
        }
        self.client.set_window_size(1280, 1000).await.unwrap();
    }
}

/// The executable, for this user.
fn command(user: &Plakar, environment: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(common::executable());
    let known = user.command(&[]);
    command.args(arguments).env_clear();
    command.envs(known.get_envs().filter_map(|(name, value)| Some((name, value?)))).envs(environment.iter().cloned());
    command.env("PLAKAR", plakar()).current_dir(user.home());
    command
}

/// An app with a large restore point, made on the command line; the last of its names is `zz last.txt`.
fn large(user: &Plakar, environment: &[(String, String)]) {
    let folder = user.home().join("large");
    std::fs::create_dir(&folder).unwrap();
    for name in (0..12_000).map(|number| format!("{number:05}.txt")).chain(["zz last.txt".to_owned()]) {
        std::fs::write(folder.join(name), "").unwrap();
    }
    let location = format!("location=rclone://{}", folder.display());
    let resource = ["app", "assign", "large", "--resource", "large", "--class", "file-storage", "--option", &location];
    let assign = [&resource[..], &["--option", "rclone_type=local", "--store", "./large-store", "--create-store"]].concat();
    for arguments in [&assign[..], &["app", "backup", "large"]] {
        let ran = command(user, environment, arguments).stdin(Stdio::null()).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: run `make test-browser`"]
async fn the_whole_way() {
    let test = tokio::time::timeout(Duration::from_secs(600), whole_way());
    test.await.expect("within ten minutes");
}

async fn whole_way() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let content = noise(7, 500_000);
    let put = |path: &str, bytes: &[u8]| {
        let stored: Vec<String> = path.split('/').map(stored_name).collect();
        simulator.drive().put_file(&stored.join("/"), bytes.to_vec(), 1_700_000_000);
    };
    put("Documents/Letters/to the bank.txt", b"Dear bank,\nplease keep this.\n");
    put("Documents/data.bin", &content);
    put(&format!("Documents/{}", HOSTILE.replace('/', "_")), b"harmless");
    let user = Plakar::new(&simulator.env());
    let (_console, url) = started(command(&user, &simulator.env(), &["console", "--listen", "127.0.0.1:0"]), "http://");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(std::env::var("CHROMEDRIVER").expect("CHROMEDRIVER: `make test-browser` names it"));
    command.arg(format!("--port={port}")).env("HOME", user.home()).env("TMPDIR", user.path("tmp")).stderr(Stdio::null());
    let (_driver, _) = started(command, "was started successfully");
    let downloads = user.home().join("downloads");
    std::fs::create_dir(&downloads).unwrap();
    let browser = Browser::at(&format!("http://127.0.0.1:{port}"), &downloads).await;

    // The first address lets its first user in, and nobody else.
    browser.client.goto(url.trim()).await.unwrap();
    browser.says("Assign").await;
    assert!(!browser.client.current_url().await.unwrap().as_str().contains(url.trim().rsplit('#').next().unwrap()));
    browser.shoot("01-empty").await;

    // Assign, with a fault first.
    browser.open("/assign").await;
    browser.shoot("02-assign-resource").await;
    browser.fill("Resource", "my drive").await;
    browser.fill("Class", "file-storage").await;
    browser.press("Continue").await;
    browser.says("opendrive").await;
    browser.shoot("03-assign-integration").await;
    browser.click("//label[contains(., 'opendrive')]").await;
    browser.press("Continue").await;
    browser.fill("Name", "documents").await;
    browser.fill("Environment", "production").await;
    browser.check("PII").await;
    browser.fill("Location", "nowhere").await;
    browser.fill("Username", simulator.username()).await;
    browser.fill("Password", "not the password").await;
    browser.fill("Store", &user.path("vault")).await;
    browser.check("Make the store").await;
    browser.shoot("04-assign-details").await;
    browser.press("Assign").await;
    browser.says("does not begin with opendrive:// or rclone://").await;
    browser.shoot("05-assign-fault").await;
    browser.fill("Location", "opendrive://Documents").await;
    browser.fill("Password", "not the password").await;
    browser.press("Assign").await;
    browser.says("The app is assigned").await;

    // A test that fails, and one that does not.
    browser.press("Test Connection").await;
    browser.says("failed").await;
    browser.open("/apps/1").await;
    browser.says("password").await;
    browser.shoot("06-test-failed").await;
    browser.open("/apps/1/settings").await;
    browser.shoot("07-settings").await;
    browser.fill("Password", simulator.password()).await;
    browser.press("Save").await;
    browser.says("Saved").await;
    browser.open("/apps/1").await;
    browser.press("Test Connection").await;
    browser.says("it answered in").await;

    // Back up, and see it.
    browser.open("/apps/1").await;
    browser.press("Create Backup").await;
    browser.open("/tasks/3").await;
    browser.says("with 3 files").await;
    browser.shoot("09-task").await;
    browser.open("/apps/1").await;
    browser.shoot("08-dashboard").await;
    browser.open("/tasks").await;
    browser.shoot("10-tasks").await;

    // Browse, search, view, download.
    browser.open("/apps/1/points").await;
    browser.says("production").await;
    browser.shoot("11-points").await;
    browser.click("//main//table//th//a").await;
    browser.says("data.bin").await;
    browser.says(HOSTILE).await;
    browser.shoot("12-browse").await;
    browser.press("Letters").await;
    browser.press("to the bank.txt").await;
    browser.says("please keep this.").await;
    browser.shoot("13-view").await;
    let view = browser.client.current_url().await.unwrap();
    let point = view.path_segments().unwrap().nth(3).unwrap().to_owned();
    browser.open(&format!("/apps/1/points/{point}")).await;
    browser.find("//input[@type='search']").await.send_keys("DATA.bin\n").await.unwrap();
    browser.says("data.bin").await;
    browser.shoot("14-search").await;
    browser.press("data.bin").await;
    browser.press("Download").await;
    let saved = downloads.join("data.bin");
    let begun = Instant::now();
    while std::fs::read(&saved).ok().as_deref() != Some(&content[..]) {
        assert!(
            begun.elapsed() < PATIENCE,
            "the download is not the file: {:?}",
            std::fs::read_dir(&downloads).unwrap().collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    browser.open(&format!("/apps/1/points/{point}/restore")).await;
    browser.shoot("15-restore").await;

    // A schedule, and its run.
    browser.open("/apps/1/schedules").await;
    browser.press("Add a schedule").await;
    browser.click("//label[contains(., 'By a cron expression')]").await;
    browser.fill("Expression", "* * * * *").await;
    browser.shoot("16-schedule-form").await;
    browser.press("Save").await;
    browser.says("Next run").await;
    browser.shoot("17-schedules").await;
    let begun = Instant::now();
    loop {
        browser.open("/tasks?app=1&kind=backup&state=succeeded").await;
        if browser.text().await.contains("schedule")
            && browser.client.find_all(Locator::Css("main table tbody tr")).await.unwrap().len() >= 2
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(150), "no scheduled run:\n{}", browser.text().await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    browser.shoot("18-scheduled-run").await;
    browser.open("/policies").await;
    browser.shoot("19-policies").await;
    browser.open("/").await;
    browser.says("documents").await;
    browser.shoot("20-overview").await;

    // A search that has to wait shows what it waits for, and then by itself what it found.
    large(&user, &simulator.env());
    browser.open("/apps/2/points").await;
    // At once: the page of the restore point has its names read too, which takes half a second.
    let point = browser.find("//main//table//th//a").await.attr("href").await.unwrap().unwrap();
    browser.open(&format!("{point}?path=%2F&text=LAST")).await;
    browser.says("are being read").await;
    browser.shoot("21-reading").await;
    browser.says("zz last.txt").await;

    // Nothing that a name or the pages did was refused by the policy, and no script failed.
    let script = "return document.querySelectorAll('img[src=\"x\"]').length";
    assert_eq!(browser.executed(script).await, json!(0));
    browser.press("Sign out").await;
    browser.open("/apps/1").await;
    browser.says("Sign in").await;
    browser.shoot("22-signed-out").await;
    browser.client.clone().close().await.unwrap();
}
