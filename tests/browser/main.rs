//! The console in a real browser, over WebDriver: the whole way from an assignment to a scheduled
//! backup, with the real Plakar and a simulated drive. Screenshots of every page go to
//! target/screenshots. `make test-browser` runs it.

mod browser;
mod document;
mod pictures;
mod process;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fantoccini::Locator;
use opendrive_sim::{Options, Simulator, stored_name};
use serde_json::json;
use support::plakar::Plakar;
use support::{noise, until, within};

use browser::{Browser, PATIENCE};
use process::{Ended, command, driver, started};

/// A file name that would run in a page which trusts it.
const HOSTILE: &str = "<img src=x onerror=alert(1)> & \"quotes\".txt";

/// An app with a large restore point, made on the command line; the last of its names is `zz
/// last.txt`.
fn large(user: &Plakar, environment: &[(String, String)]) {
    let folder = user.home().join("large");
    std::fs::create_dir(&folder).unwrap();
    for name in
        (0..12_000).map(|number| format!("{number:05}.txt")).chain(["zz last.txt".to_owned()])
    {
        std::fs::write(folder.join(name), "").unwrap();
    }
    let location = format!("location=rclone://{}", folder.display());
    let resource = [
        "app",
        "assign",
        "large",
        "--resource",
        "large",
        "--class",
        "file-storage",
        "--option",
        &location,
    ];
    let assign = [
        &resource[..],
        &["--option", "rclone_type=local", "--store", "./large-store"],
        &["--create-store", "--unencrypted"],
    ]
    .concat();
    for arguments in [&assign[..], &["app", "backup", "large"]] {
        let ran = command(user, environment, arguments).stdin(Stdio::null()).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// A destination that is a folder of this machine, made on the command line.
fn destination(user: &Plakar, environment: &[(String, String)]) {
    let folder = user.home().join("landing");
    std::fs::create_dir(&folder).unwrap();
    let location = format!("location=rclone://{}", folder.display());
    let assign = ["app", "assign", "landing", "--destination", "--resource", "large"];
    let options =
        ["--class", "file-storage", "--option", &location, "--option", "rclone_type=local"];
    let arguments = [&assign[..], &options].concat();
    let ran = command(user, environment, &arguments).stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// The drive, the user and the console, which a browser looks at.
struct World {
    browser: Browser,
    // These end in this order, before what they work on goes.
    _driver: Ended,
    _console: Ended,
    user: Plakar,
    simulator: Simulator,
    /// What is in `data.bin`.
    content: Vec<u8>,
    /// The address that lets its first user in.
    url: String,
    downloads: PathBuf,
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: run `make test-browser`"]
async fn the_whole_way() {
    within(Duration::from_secs(1800), whole_way()).await;
}

async fn whole_way() {
    let world = World::new().await;
    world.comes_in().await;
    world.assigns_with_a_fault_first().await;
    world.tests_with_a_wrong_password_and_the_right_one().await;
    world.backs_up().await;
    let point = world.browses_and_views().await;
    world.sees_a_document(&point).await;
    world.searches_and_downloads(&point).await;
    world.schedules().await;
    world.sees_a_scheduled_run().await;
    world.looks_around().await;
    world.waits_for_a_search().await;
    world.restores_from_a_destination().await;
    world.leaves().await;
}

impl World {
    async fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let content = noise(7, 500_000);
        let put = |path: &str, bytes: &[u8]| {
            let stored: Vec<String> = path.split('/').map(stored_name).collect();
            simulator.drive().put_file(&stored.join("/"), bytes.to_vec(), 1_700_000_000);
        };
        put("Documents/Letters/to the bank.txt", b"Dear bank,\nplease keep this.\n");
        put("Documents/data.bin", &content);
        put("Documents/report.pdf", document::RED_PAGE);
        put(&format!("Documents/{}", HOSTILE.replace('/', "_")), b"harmless");
        let user = Plakar::new(&simulator.env());
        let (console, url) = started(
            command(&user, &simulator.env(), &["console", "--listen", "127.0.0.1:0"]),
            "http://",
        );
        let (driver, address) = driver(&user);
        let downloads = user.home().join("downloads");
        std::fs::create_dir(&downloads).unwrap();
        let browser = Browser::at(&address, &downloads).await;
        Self {
            browser,
            simulator,
            user,
            content,
            url,
            downloads,
            _console: console,
            _driver: driver,
        }
    }

    /// The first address lets its first user in, and nobody else.
    async fn comes_in(&self) {
        let browser = &self.browser;
        browser.client.goto(self.url.trim()).await.unwrap();
        browser.says("Add a drive").await;
        assert!(
            !browser
                .client
                .current_url()
                .await
                .unwrap()
                .as_str()
                .contains(self.url.trim().rsplit('#').next().unwrap())
        );
        browser.shoot("01-empty").await;
        // The rules do find what is wrong.
        browser
            .executed("document.querySelector('main').append(document.createElement('img'))")
            .await;
        let violations = browser.violations().await;
        assert!(violations.iter().any(|one| one.starts_with("image-alt: ")), "{violations:?}");
    }

    /// A location that is none is told, and what was typed stays.
    async fn assigns_with_a_fault_first(&self) {
        let browser = &self.browser;
        browser.open("/assign").await;
        browser.shoot("02-assign-resource").await;
        // The resource and its class are found out.
        browser.press("Continue").await;
        browser.says("opendrive").await;
        browser.shoot("03-assign-integration").await;
        browser.click("//label[contains(., 'opendrive')]").await;
        browser.press("Continue").await;
        browser.fill("Name", "documents").await;
        browser.fill("Environment", "production").await;
        browser.check("PII").await;
        browser.fill("Location", "nowhere").await;
        browser.fill("Username", self.simulator.username()).await;
        browser.fill("Password", "not the password").await;
        browser.fill("Store", &self.user.path("vault")).await;
        browser.check("Make the store").await;
        self.enters_passphrase().await;
        browser.shoot("04-assign-details").await;
        browser.press("Assign").await;
        browser.says("does not begin with opendrive:// or rclone://").await;
        browser.shoot("05-assign-fault").await;
        browser.fill("Location", "opendrive://Documents").await;
        browser.fill("Password", "not the password").await;
        self.enters_passphrase().await;
        browser.press("Assign").await;
        browser.says("tested and refused").await;
        // Saved all the same, as for a drive that is away; the sheet to print comes next.
        browser.fill("Password", "not the password").await;
        self.enters_passphrase().await;
        browser.check("Save without a test").await;
        browser.press("Assign").await;
        browser.says("The app is assigned").await;
        browser.says("Recovery sheet of documents").await;
        browser.shoot("05-recovery-sheet").await;
        browser.open("/apps/1").await;
    }

    /// A secret is not given back by a form that is shown again.
    async fn enters_passphrase(&self) {
        self.browser.fill("Passphrase of the store", PASSPHRASE).await;
        self.browser.fill("Passphrase again", PASSPHRASE).await;
    }

    /// A test that fails, and one that does not.
    async fn tests_with_a_wrong_password_and_the_right_one(&self) {
        let browser = &self.browser;
        browser.press("Test Connection").await;
        browser.says("failed").await;
        browser.open("/apps/1").await;
        browser.says("password").await;
        browser.shoot("06-test-failed").await;
        browser.open("/apps/1/settings").await;
        browser.shoot("07-settings").await;
        browser.fill("Password", self.simulator.password()).await;
        browser.press("Save").await;
        browser.says("Saved").await;
        browser.open("/apps/1").await;
        browser.press("Test Connection").await;
        browser.says("it answered in").await;
    }

    /// Backs up, and sees it.
    async fn backs_up(&self) {
        let browser = &self.browser;
        browser.open("/apps/1").await;
        browser.send("Create Backup").await;
        browser.open("/tasks/3").await;
        browser.says("with 4 files").await;
        browser.says("Processor and memory").await;
        browser.shoot("09-task").await;
        browser.open("/apps/1").await;
        browser.shoot("08-dashboard").await;
        browser.open("/tasks").await;
        browser.shoot("10-tasks").await;
    }

    /// Goes through a restore point, and gives its id.
    async fn browses_and_views(&self) -> String {
        let browser = &self.browser;
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
        view.path_segments().unwrap().nth(3).unwrap().to_owned()
    }

    /// Finds a file whatever the case, and downloads it.
    async fn searches_and_downloads(&self, point: &str) {
        let browser = &self.browser;
        browser.open(&format!("/apps/1/points/{point}")).await;
        browser.find("//input[@type='search']").await.send_keys("DATA.bin\n").await.unwrap();
        browser.says("data.bin").await;
        browser.shoot("14-search").await;
        browser.press("data.bin").await;
        browser.press("Download").await;
        let saved = self.downloads.join("data.bin");
        let whole = || std::fs::read(&saved).ok().as_deref() == Some(&self.content[..]);
        until(PATIENCE, "the download is the file", whole).await;
        browser.open(&format!("/apps/1/points/{point}/restore")).await;
        browser.shoot("15-restore").await;
    }

    /// A schedule by a cron expression.
    async fn schedules(&self) {
        let browser = &self.browser;
        browser.open("/apps/1/schedules").await;
        browser.press("Add a schedule").await;
        browser.click("//label[contains(., 'By a cron expression')]").await;
        browser.fill("Expression", "* * * * *").await;
        browser.shoot("16-schedule-form").await;
        browser.press("Save").await;
        browser.says("Next run").await;
        browser.shoot("17-schedules").await;
    }

    /// Within two minutes and a half: the expression is due each minute.
    async fn sees_a_scheduled_run(&self) {
        let browser = &self.browser;
        let begun = Instant::now();
        loop {
            browser.open("/tasks?app=1&kind=backup&state=succeeded").await;
            if browser.text().await.contains("schedule")
                && browser.client.find_all(Locator::Css("main table tbody tr")).await.unwrap().len()
                    >= 2
            {
                break;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(150),
                "no scheduled run:\n{}",
                browser.text().await
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        browser.shoot("18-scheduled-run").await;
        browser.open("/policies").await;
        browser.shoot("19-policies").await;
        browser.open("/").await;
        browser.says("documents").await;
        browser.shoot("20-overview").await;
    }

    /// The pages beside the way.
    async fn looks_around(&self) {
        let pages = [
            ("/resources", "30-resources"),
            ("/resources/new", "30-resource-form"),
            ("/assign/several", "30-several-apps"),
            ("/scheduling", "31-scheduling"),
            ("/stores", "32-stores"),
            ("/settings", "33-settings"),
            ("/settings/notifications", "34-notifications"),
            ("/settings/tokens", "35-tokens"),
            ("/settings/credentials", "36-credentials"),
            ("/settings/changes", "36-changes"),
            ("/settings/changes?verify=true", "36-changes-verified"),
            ("/settings/diagnosis", "36-diagnosis"),
            ("/settings/package", "36-package"),
            ("/policies/new", "37-policy-form"),
            ("/apps/1/recovery", "38-recovery"),
            ("/apps/1/find?text=data", "39-find"),
        ];
        for (path, name) in pages {
            self.browser.open(path).await;
            self.browser.find("//main//h1").await;
            self.browser.shoot(name).await;
        }
    }

    /// A search that has to wait shows what it waits for, and then by itself what it found.
    async fn waits_for_a_search(&self) {
        let browser = &self.browser;
        large(&self.user, &self.simulator.env());
        browser.open("/apps/2/points").await;
        // At once: the page of the restore point has its names read too, which takes half a second.
        let point = browser.find("//main//table//th//a").await.attr("href").await.unwrap().unwrap();
        browser.open(&format!("{point}?path=%2F&text=LAST")).await;
        browser.says("are being read").await;
        browser.shoot("21-reading").await;
        browser.says("zz last.txt").await;
    }

    /// A destination's own page leads to what is restored to it.
    async fn restores_from_a_destination(&self) {
        let browser = &self.browser;
        destination(&self.user, &self.simulator.env());
        browser.open("/apps/3").await;
        browser.press("Restore to it").await;
        browser.says("What is restored to landing").await;
        browser.shoot("40-restore-to-app").await;
        browser.press("documents").await;
        browser.says("Which restore point of documents").await;
        browser.shoot("41-restore-to-point").await;
        browser.click("//main//table//th//a").await;
        browser.says("Or a part of it").await;
        browser.shoot("42-restore-to-part").await;
        browser.press("Letters").await;
        browser.says("what is in this folder").await;
        browser.click("//main//form//button[normalize-space(.)='Restore']").await;
        browser.says("1 entry restored and found as it was backed up").await;
        let landed = std::fs::read(self.user.home().join("landing/to the bank.txt")).unwrap();
        assert!(landed.starts_with(b"Dear bank,"));
    }

    /// Nothing that a name or the pages did was refused by the policy, and no script failed.
    async fn leaves(&self) {
        let browser = &self.browser;
        let script = "return document.querySelectorAll('img[src=\"x\"]').length";
        assert_eq!(browser.executed(script).await, json!(0));
        browser.send("Sign out").await;
        browser.open("/apps/1").await;
        browser.says("Sign in").await;
        browser.shoot("22-signed-out").await;
        browser.client.clone().close().await.unwrap();
    }
}
