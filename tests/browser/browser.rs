//! A browser at the console, driven over WebDriver.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

/// Longest wait for anything but a schedule.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Longest wait for a window to take its size.
const A_MOMENT: Duration = Duration::from_secs(10);

/// A browser at the console.
pub struct Browser {
    pub client: Client,
    shots: PathBuf,
    /// The rules of accessibility, as a script.
    axe: String,
}

impl Browser {
    pub async fn at(driver: &str, downloads: &Path) -> Self {
        let program = std::env::var("CHROMIUM").expect("CHROMIUM: `make test-browser` names it");
        let preferences = json!({ "download.default_directory": downloads, "download.prompt_for_download": false });
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--force-prefers-reduced-motion",
        ];
        let chrome = json!({ "binary": program, "args": arguments, "prefs": preferences });
        // The rules of accessibility take longer on a busy machine than the half minute that a script
        // has.
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        let capabilities = json!({ "goog:chromeOptions": chrome, "goog:loggingPrefs": { "browser": "ALL" }, "timeouts": { "script": patience } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        // A browser that does not come up in time is ended by its driver.
        let mut tries = 0;
        let client = loop {
            tries += 1;
            match builder.connect(driver).await {
                Ok(client) => break client,
                Err(error) => assert!(tries < 3, "{error}"),
            }
        };
        let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&shots).unwrap();
        let axe = std::env::var("AXE").expect("AXE: `make test-browser` names it");
        Self { client, shots, axe: std::fs::read_to_string(axe).unwrap() }
    }

    /// Waits for an element, by XPath.
    pub async fn find(&self, xpath: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(xpath)).await {
            Ok(element) => element,
            Err(error) => {
                self.shoot("failed").await;
                panic!(
                    "{xpath}: {error}\n{}\n{}",
                    self.client.current_url().await.unwrap(),
                    self.text().await
                )
            }
        }
    }

    /// Presses a button or follows a link by what it says.
    pub async fn press(&self, text: &str) {
        self.click(&format!("//*[self::button or self::a][normalize-space(.)={text:?}]")).await;
    }

    /// Presses a button that sends something, and waits for the page which is answered: whoever opens
    /// another one before takes back what was pressed.
    pub async fn send(&self, text: &str) {
        self.executed("document.isOld = true").await;
        self.press(text).await;
        let is_there = "return !document.isOld && document.readyState === 'complete'";
        let begun = Instant::now();
        while self.executed(is_there).await != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "nothing is answered to {text:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks an element. A live page may be loaded anew just then: the element is looked for
    /// again.
    pub async fn click(&self, xpath: &str) {
        let begun = Instant::now();
        while let Err(error) = self.find(xpath).await.click().await {
            assert!(begun.elapsed() < PATIENCE, "{xpath}: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The field with this label, found as a screen reader does.
    pub async fn field(&self, label: &str) -> fantoccini::elements::Element {
        let label =
            self.find(&format!("//label[starts-with(normalize-space(.), {label:?})]")).await;
        let id = label.attr("for").await.unwrap().expect("a label says what it is for");
        self.find(&format!("//*[@id={id:?}]")).await
    }

    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn check(&self, label: &str) {
        let field = self.field(label).await;
        if !field.is_selected().await.unwrap() {
            field.click().await.unwrap();
        }
    }

    /// Runs a script, again if a live page was loaded anew just then.
    pub async fn executed(&self, script: &str) -> serde_json::Value {
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
    pub async fn text(&self) -> String {
        let text = self
            .client
            .execute("return document.body ? document.body.innerText : ''", vec![])
            .await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the page says so, which live pages do by themselves.
    pub async fn says(&self, text: &str) {
        self.says_within(text, PATIENCE).await;
    }

    pub async fn says_within(&self, text: &str, patience: Duration) {
        let begun = Instant::now();
        while !self.text().await.contains(text) {
            if begun.elapsed() > patience {
                self.shoot("failed").await;
                panic!(
                    "no {text:?} on {}:\n{}",
                    self.client.current_url().await.unwrap(),
                    self.text().await
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn open(&self, path: &str) {
        let mut url = self.client.current_url().await.unwrap();
        url.set_query(None);
        url.set_fragment(None);
        let url = url.join(path).unwrap();
        self.client.goto(url.as_str()).await.unwrap();
    }

    /// What the rules of accessibility find wrong with the page as it is now, a line for each.
    pub async fn violations(&self) -> Vec<String> {
        const RUN: &str = "const done = arguments[0]; \
            axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations.map((one) => \
            `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`)), (error) => done([String(error)]))";
        let begun = Instant::now();
        loop {
            // A live page may be loaded anew just then, and has lost the script.
            let found = async {
                self.client.execute(&self.axe, vec![]).await?;
                self.client.execute_async(RUN, vec![]).await
            };
            match found.await {
                Ok(found) => return serde_json::from_value(found).unwrap(),
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is seen. The driver gives a busy browser ten seconds for it.
    async fn picture(&self) -> Vec<u8> {
        let begun = Instant::now();
        loop {
            match self.client.screenshot().await {
                Ok(picture) => return picture,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
        }
    }

    /// How wide and how high the page is. A window takes its size a moment after it was told, so a page
    /// that is wider is looked at again.
    async fn size(&self, width: u32) -> [u64; 2] {
        let script =
            "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]";
        let begun = Instant::now();
        loop {
            let size: [u64; 2] = serde_json::from_value(self.executed(script).await).unwrap();
            if size[0] <= width.into() || begun.elapsed() > A_MOMENT {
                return size;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a part of the page is pure red, as it is seen: what a viewer of the browser's own draws no
    /// script can look at.
    pub async fn has_red(&self) -> bool {
        const COUNT: &str = "const [bytes, done] = arguments; \
            createImageBitmap(new Blob([new Uint8Array(bytes)])).then((image) => { \
            const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d'); canvas.drawImage(image, 0, 0); \
            const seen = canvas.getImageData(0, 0, image.width, image.height).data; let red = 0; \
            for (let at = 0; at < seen.length; at += 4) if (seen[at] > 240 && seen[at + 1] < 20 && seen[at + 2] < 20) red++; \
            done(red); }, (error) => done(String(error)))";
        let seen = self.picture().await;
        let red = self.client.execute_async(COUNT, vec![json!(seen)]).await.unwrap();
        red.as_u64().unwrap_or_else(|| panic!("{red}")) > 5_000
    }

    /// Takes pictures for people to look at, a desktop's and a phone's, and has each judged by the
    /// rules of accessibility.
    pub async fn shoot(&self, name: &str) {
        for (width, device) in [(1280, "desktop"), (390, "phone")] {
            self.client.set_window_size(width, 900).await.unwrap();
            let size = self.size(width).await;
            assert!(
                name == "failed" || size[0] <= width.into(),
                "{name} is wider than a {device}: {size:?}"
            );
            let height = u32::try_from(size[1]).unwrap().clamp(600, 3000) + 150;
            self.client.set_window_size(width, height).await.unwrap();
            let picture = self.picture().await;
            std::fs::write(self.shots.join(format!("{name}-{device}.png")), picture).unwrap();
            if name != "failed" {
                let violations = self.violations().await;
                assert!(violations.is_empty(), "{name} on a {device}: {violations:#?}");
            }
        }
        self.client.set_window_size(1280, 1000).await.unwrap();
    }
}
