//! Restore points with hostile names: each link is followed, each file compared, each trick
//! refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use source_app::service::Work;
use source_app::state::{App, AppKind, TaskState};

use crate::console::Console;
use crate::documents::{DOCUMENT, PICTURE, is_shown_in_a_sandbox};
use crate::html::Html;
use crate::world::{World, noise};

/// Names that break lines, addresses, archives, pages and shells, as they have to be shown.
const HOSTILE: [(&str, &str); 17] = [
    ("-rf", "-rf"),
    ("new\nline", "new\\nline"),
    ("..hidden", "..hidden"),
    ("%2e%2e", "%2e%2e"),
    ("%2F", "%2F"),
    ("a:b?c=d&e#f+g", "a:b?c=d&e#f+g"),
    ("<script>alert(1)<", "<script>alert(1)<"),
    ("\"><img src=x onerror=alert(1)>", "\"><img src=x onerror=alert(1)>"),
    ("in\u{202e}gpj.exe", "in\\u{202e}gpj.exe"),
    ("'quoted' \"twice\"", "'quoted' \"twice\""),
    ("back\\slash", "back\\slash"),
    ("{{ shell.csrf }}", "{{ shell.csrf }}"),
    (" spaces ", "\u{2423}spaces\u{2423}"),
    ("caf\u{e9}", "caf\u{e9}"),
    ("cafe\u{301}", "cafe\u{301}"),
    ("🦀", "🦀"),
    (
        "a long name a long name a long name a long name a long name a long name a long name a long name a long name a long name",
        "a long name a long name a long name a long name a long name a long name a long name a long name a long name a long name",
    ),
];

/// The value of a field in an address.
fn field(address: &str, name: &str) -> Option<String> {
    let base = reqwest::Url::parse("http://localhost").unwrap().join(address).unwrap();
    base.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub struct Looked {
    world: World,
    pub console: Console,
    app: App,
    /// What is in the newest restore point, by path.
    files: BTreeMap<String, Vec<u8>>,
    folder: String,
}

impl Looked {
    /// Two restore points of one app; a file was changed between them.
    async fn new() -> Self {
        let world = World::new().await;
        let console = Console::of(&world).await;
        let mut files: Vec<(String, Vec<u8>)> = HOSTILE
            .iter()
            .enumerate()
            .map(|(n, (name, _))| ((*name).to_owned(), format!("content {n}").into_bytes()))
            .collect();
        for (name, _) in &HOSTILE[..9] {
            files.push((format!("folders/{name}/below.txt"), name.as_bytes().to_vec()));
        }
        files.push(("page.html".into(), b"<script>alert(1)</script><b>bold</b>".to_vec()));
        files.push(("picture.png".into(), PICTURE.to_vec()));
        files.push(("document.pdf".into(), DOCUMENT.to_vec()));
        files.push((
            "drawing.svg".into(),
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(),
        ));
        files.push(("binary.bin".into(), noise(1, 5_000)));
        files.push(("long.txt".into(), "1234567é".repeat(40_000).into_bytes()));
        files.push(("empty".into(), Vec::new()));
        files.push(("changed.txt".into(), b"before".to_vec()));
        let folder = world.local(&files).await;
        let app = console.local(&world, "mine", &folder).await;
        let first = console.run(&app, Work::Backup).await;
        assert_eq!(first.state, TaskState::Succeeded, "{}", first.verdict);
        std::fs::write(folder.join("changed.txt"), "afterwards").unwrap();
        console.run(&app, Work::Backup).await;
        let folder = folder.to_str().unwrap().to_owned();
        let mut files: BTreeMap<_, _> =
            files.into_iter().map(|(name, bytes)| (format!("{folder}/{name}"), bytes)).collect();
        files.insert(format!("{folder}/changed.txt"), b"afterwards".to_vec());
        Self { world, console, app, files, folder }
    }

    async fn points(&self) -> Vec<String> {
        let page = self.console.page(&format!("/apps/{}/points", self.app.id)).await;
        page.links().into_iter().filter(|link| link.contains("/points/")).collect()
    }

    pub fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.folder)
    }

    pub async fn view(&self, point: &str, below: &str) -> Html {
        self.console.page(&format!("{point}/view?path={}", encoded(&self.path(below)))).await
    }
}

/// All of a text, percent-encoded.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn every_link_leads_where_it_says_and_every_name_is_just_a_name() {
    let looked = Looked::new().await;
    let points = looked.points().await;
    assert_eq!(points.len(), 2);
    let newest = &points[0];
    let (mut seen, mut read, mut shown) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    let mut next = VecDeque::from([newest.clone()]);
    while let Some(link) = next.pop_front() {
        // The other restore point is the same but for one file; archives are long to make. The
        // folders of this machine, which a restore may go to, are no matter of ours. What a frame
        // shows of a document is told in documents.rs.
        let other = !link.starts_with(newest) || link.contains("browse=") || link.contains("/raw?");
        if other || !seen.insert(link.clone()) {
            continue;
        }
        let answer = looked.console.get(&link).await;
        assert_eq!(answer.status, 200, "{link}: {}", answer.text());
        assert!(
            answer.header("content-type").starts_with("text/html") != link.contains("/download?"),
            "{link}"
        );
        if link.contains("/download?") {
            let save = answer.header("content-disposition");
            assert!(
                save.starts_with("attachment; filename=\"") && !save.contains(['\n', '\u{202e}']),
                "{save}"
            );
            if let Some(format) = field(&link, "format") {
                let begins: &[u8] = if format == "zip" { b"PK" } else { b"\x1f\x8b" };
                assert!(answer.bytes.starts_with(begins), "{link}");
            } else {
                assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
                read.insert(field(&link, "path").unwrap(), answer.bytes);
            }
            continue;
        }
        let text = answer.text();
        assert!(
            !text.contains('\u{202e}')
                && !text.contains("<script>alert")
                && !text.contains("<img src=x"),
            "{link}"
        );
        let page = Html::sound(&text, &link);
        shown.extend(page.texts(".entry bdi").into_iter().map(|name| name.replace(' ', "")));
        // Of two archives of a folder, one is enough.
        next.extend(page.links().into_iter().filter(|link| {
            field(link, "format").as_deref() != Some("tar.gz") || link.ends_with("%2F")
        }));
    }
    assert!(read == looked.files, "{:?}", read.keys().collect::<Vec<_>>());
    for (_, name) in HOSTILE {
        // Escapes are elements of their own.
        assert!(shown.contains(&name.replace(' ', "")), "{name:?} in {shown:?}");
    }
    for (path, _) in looked.files.iter().filter(|(path, _)| !path.contains("below")) {
        assert!(
            seen.contains(&format!("{newest}/view?path={}", address(path))),
            "{path} has no page"
        );
    }
    looked.unpacked(newest).await;
}

/// As the pages write it.
fn address(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl Looked {
    /// A folder of hostile folders, as a .tar.gz.
    async fn unpacked(&self, point: &str) {
        let answer = self
            .console
            .get(&format!("{point}/download?path={}&format=tar.gz", encoded(&self.path("folders"))))
            .await;
        assert_eq!(answer.header("content-type"), "application/gzip");
        assert!(answer.header("content-disposition").contains("filename=\"folders.tar.gz\""));
        let place = self.world.user.home().join("unpacked");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("a.tar.gz"), answer.bytes).unwrap();
        let unpacked = std::process::Command::new("tar")
            .args(["xzf", "a.tar.gz"])
            .current_dir(&place)
            .status()
            .unwrap();
        assert!(unpacked.success());
        for (name, _) in &HOSTILE[..9] {
            assert_eq!(
                std::fs::read(place.join(name).join("below.txt")).unwrap(),
                name.as_bytes(),
                "{name:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_restore_point_is_searched_viewed_and_restored() {
    let looked = Looked::new().await;
    let (console, world) = (&looked.console, &looked.world);
    let points = looked.points().await;
    let (newest, older) = (&points[0], &points[1]);

    // Names that look the same are told apart.
    let page = console.page(newest).await;
    let titles: Vec<String> = ["caf\\u{e9}", "cafe\\u{301}"]
        .iter()
        .map(|name| page.text(&format!("bdi[title='exactly: {}']", name.replace('\\', "\\\\"))))
        .collect();
    assert_eq!(titles, ["café", "cafe\u{301}"]);
    // Folders first.
    assert_eq!(page.text(".entry bdi"), "folders");
    let by_size = page.links().into_iter().find(|link| link.ends_with("&sort=-size")).unwrap();
    assert!(page.texts(".share").iter().all(|text| text.ends_with("% of the folder")));
    assert!(page.has(".share svg"));
    let by_size = console.page(&by_size).await;
    assert_eq!(by_size.texts(".entry bdi")[..3], ["folders", "long.txt", "binary.bin"]);
    assert_eq!(by_size.text("[aria-sort=descending]"), "Size");
    let tasks = format!("form[action='/apps/{}/tasks']", looked.app.id);
    assert!(
        newest.ends_with(&page.attribute(&format!("{tasks} [name=snapshot]"), "value")),
        "the restore point to check"
    );

    // Search, here and in all of it, also from a folder whose name has a newline.
    let folder = format!("{newest}?path={}", encoded(&looked.path("folders/new\nline")));
    let at = console.page(&folder).await.attribute("input[name=at]", "value");
    let search = async |text: &str, within: &str| {
        let page = read(
            console,
            &format!("{newest}?at={}&text={}&in={within}", encoded(&at), encoded(text)),
        )
        .await;
        (page.texts(".entry bdi"), page.links())
    };
    let (names, links) = search("BELOW*", "").await;
    assert_eq!(names, ["below.txt"]);
    assert!(
        links.contains(&format!(
            "{newest}/view?path={}",
            address(&looked.path("folders/new\nline/below.txt"))
        )),
        "{links:?}"
    );
    assert!(
        links.contains(&format!("{newest}?path={}", address(&looked.path("folders/new\nline")))),
        "the folder: {links:?}"
    );
    let (names, _) = search("script", "all").await;
    assert!(
        names.contains(&"<script>alert(1)<".to_owned()) && !names.contains(&"page.html".to_owned()),
        "{names:?}"
    );
    assert!(search("nothing-like-it", "all").await.0.is_empty());

    // What is in files.
    let view = looked.view(newest, "page.html").await;
    assert_eq!(view.text("pre.preview"), "<script>alert(1)</script><b>bold</b>");
    assert!(looked.view(newest, "binary.bin").await.text("main").contains("A binary file"));
    assert!(looked.view(newest, "empty").await.text("main").contains("The file is empty"));
    let long = looked.view(newest, "long.txt").await;
    assert!(
        long.text("main").contains("The first 256 KiB")
            && long.text("pre.preview").len() > 262_000 - 9
    );
    let raw = looked.view(newest, "picture.png").await.attribute("img.picture", "src");
    let picture = console.get(&raw).await;
    assert_eq!(
        (picture.header("content-type"), picture.header("content-disposition")),
        ("image/png", "")
    );
    assert!(picture.bytes == PICTURE && picture.header("x-content-type-options") == "nosniff");
    assert!(
        picture
            .headers
            .get_all("content-security-policy")
            .iter()
            .any(|policy| policy.to_str().unwrap().contains("sandbox"))
    );
    is_shown_in_a_sandbox(&looked, newest).await;
    for file in ["drawing.svg", "page.html", "binary.bin"] {
        let raw = console.get(&format!("{newest}/raw?path={}", encoded(&looked.path(file)))).await;
        assert!(
            raw.header("content-disposition").starts_with("attachment")
                && !raw.header("content-type").contains("svg"),
            "{file}"
        );
        assert!(!looked.view(newest, file).await.has("img.picture"), "{file}");
    }
    assert_eq!(
        looked.view(newest, "changed.txt").await.texts(".timeline li > span:last-child"),
        ["shown here, changed", "different from here"]
    );
    assert_eq!(
        looked.view(older, "page.html").await.texts(".timeline li > span:last-child"),
        ["the same as here, unchanged", "shown here"]
    );
    assert_eq!(looked.view(older, "changed.txt").await.text("pre.preview"), "before");
    // A file's address as a folder's, and the other way round.
    let file = console.get(&format!("{newest}?path={}", encoded(&looked.path("empty")))).await;
    assert_eq!(
        (file.status.as_u16(), file.location()),
        (303, format!("{newest}/view?path={}", address(&looked.path("empty"))))
    );
    let folder =
        console.get(&format!("{newest}/view?path={}", encoded(&looked.path("folders")))).await;
    assert_eq!(
        (folder.status.as_u16(), folder.location()),
        (303, format!("{newest}?path={}", address(&looked.path("folders"))))
    );

    looked.restored(newest).await;

    // Without its store: the reason, and what the tasks know.
    std::fs::rename(world.user.home().join("store"), world.user.home().join("elsewhere")).unwrap();
    let again = Console::of(world).await;
    let page = again.page(&format!("/apps/{}/points", looked.app.id)).await;
    assert!(
        page.text("[role=alert]").contains("The store cannot be opened"),
        "{}",
        page.text("[role=alert]")
    );
    assert_eq!(page.texts("td[data-label='Restore point']").len(), 2);
    assert_eq!(again.get(newest).await.status, 502);
}

/// A search's page, once the names are read.
pub async fn read(console: &Console, address: &str) -> Html {
    loop {
        let page = console.page(address).await;
        if !page.has("[data-again]") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

impl Looked {
    async fn restored(&self, point: &str) {
        let (console, world) = (&self.console, &self.world);
        console.assign(world, AppKind::Destination, "a-far", "another").await;
        console.assign(world, AppKind::Destination, "z-near", "drive").await;
        let form = format!("{point}/restore?path={}", encoded(&self.path("folders")));
        let page = console.page(&form).await;
        let names = page.texts(".targets strong");
        assert_eq!(names[0], "Back to the source");
        assert!(page.text(".targets").contains("Files there with the same names are replaced"));
        let order: Vec<&String> = names.iter().filter(|name| name.starts_with("To ")).collect();
        assert_eq!(
            order,
            ["To z-near", "To a-far", "To a folder of the machine that the console runs on"]
        );
        let place = world.user.path("restored");
        for (fields, fault) in [
            (vec![], "Choose where"),
            (vec![("to", "folder"), ("folder", "relative")], "absolute path"),
            (vec![("to", "folder"), ("folder", "/tmp/../etc")], "absolute path"),
            (vec![("to", "destination:")], "Choose where"),
        ] {
            let page = console.refused(&form, 422, &fields).await;
            assert!(page.text(".faults").contains(fault), "{}", page.text(".faults"));
        }
        console.refused(&form, 404, &[("to", "destination:none")]).await;
        // The source itself is written to only when that was confirmed, with numbers.
        let asked = console.post(&form, &[("to", "source")]).await;
        let question = Html::sound(&asked.text(), "the question");
        let card = question.text(".card");
        assert!(
            asked.status == 200 && card.contains("Restoring ") && card.contains(" files"),
            "{card}"
        );
        assert!(card.contains("replaces what has the same names there"), "{card}");
        assert_eq!(question.attribute("input[name=replace]", "value"), "true");
        let retried = console.done(&form, &[("to", "source"), ("replace", "true")]).await;
        let task = console.ended(retried.strip_prefix("/tasks/").unwrap().parse().unwrap()).await;
        assert_eq!(task.state, TaskState::Succeeded, "{}", task.verdict);
        assert!(!console.page(&retried).await.has("form[action$='/retry']"));
        console.refused(&format!("{retried}/retry"), 400, &[]).await;
        let leads = console.done(&form, &[("to", "folder"), ("folder", &place)]).await;
        let task = console.ended(leads.strip_prefix("/tasks/").unwrap().parse().unwrap()).await;
        assert_eq!(task.state, TaskState::Succeeded, "{}", task.verdict);
        for (name, _) in &HOSTILE[..9] {
            let below = std::path::Path::new(&place).join(name).join("below.txt");
            assert_eq!(std::fs::read(below).unwrap(), name.as_bytes(), "{name:?}");
        }
    }
}
