//! Downloads: all of it under a safe name, or a connection that breaks.

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Api;
use crate::world::{World, name, noise};
use plakar_driver::Kind;

/// Names that break lines, headers, addresses, pages and JSON, and how a browser is told them.
const HOSTILE: [(&str, &str); 9] = [
    ("new\r\nSet-Cookie: a=b", "new__Set-Cookie%3A%20a%3Db"),
    ("..hidden", "..hidden"),
    ("%2e%2e%2f", "%252e%252e%252f"),
    ("a:b?c=d&e#f;g", "a%3Ab%3Fc%3Dd%26e%23f%3Bg"),
    ("<script>alert(1)<", "%3Cscript%3Ealert%281%29%3C"),
    ("in\u{202e}gpj.exe", "in_gpj.exe"),
    ("\"twice\" \\back", "%22twice%22%20_back"),
    ("{\"error\":\u{1}\u{7f}", "%7B%22error%22%3A__"),
    ("🦀é", "%F0%9F%A6%80%C3%A9"),
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A source app, of the drive's root.
async fn assign(world: &World, api: &Api) -> Value {
    let app = json!({
        "kind": "source", "name": "home", "resource": { "name": "drive", "class": "file-storage" }, "store": world.user.path("store"),
        "options": { "location": "opendrive://", "username": world.simulator.username(), "password": world.simulator.password() },
    });
    api.ok(201, "POST", "/apps", app).await["id"].clone()
}

async fn start(world: &World) -> (Api, Value) {
    let api = Api::start(
        &world.user.home().join("state"),
        world.plakar.clone(),
        world.simulator.password(),
    )
    .await;
    let app = assign(world, &api).await;
    (api, app)
}

/// All of a download, or the error that the connection ended with, after so many bytes.
async fn read(api: &Api, path: &str) -> (u16, Result<Vec<u8>, usize>) {
    let answer = api.request("GET", path).send().await.unwrap();
    let (status, mut bytes, mut chunks) =
        (answer.status().as_u16(), Vec::new(), answer.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => return (status, Err(bytes.len())),
        }
    }
    (status, Ok(bytes))
}

/// The answer to a request of HTTP/1.0, to the end of its connection.
async fn by_http_1_0(api: &Api, path: &str) -> String {
    let address = api.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api{path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_just_names() {
    let world = World::new().await;
    let (api, app) = start(&world).await;
    let files: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .map(|(n, (name, _))| ((*name).to_owned(), format!("content {n}").into_bytes()))
        .collect();
    let folder = world.local(&files).await;
    // A folder of this machine takes names that no drive takes.
    let location = crate::world::options(&[("location", folder.to_str().unwrap())]);
    world.plakar.configure(Kind::Source, &name("home"), &location).await.unwrap();
    let (task, log) = api.run(&app, json!({ "kind": "backup" })).await;
    assert_eq!(task["state"], "succeeded", "{log}");
    let point = format!("/apps/{app}/points/{}", task["snapshot"].as_str().unwrap());
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        let page = api
            .get(&format!(
                "{point}/entries?path={}&offset={offset}&limit=4",
                encoded(folder.to_str().unwrap())
            ))
            .await;
        assert_eq!(page["total"], HOSTILE.len());
        found.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["name"].as_str().unwrap().to_owned()),
        );
        offset = found.len();
        if page["more"] == false {
            break;
        }
    }
    let mut expected: Vec<String> = HOSTILE.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for (n, (name, saved)) in HOSTILE.iter().enumerate() {
        let path =
            format!("{point}/download?path={}", encoded(&format!("{}/{name}", folder.display())));
        let answer = api.call("GET", &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{name:?}");
        let disposition = answer.headers["content-disposition"].to_str().unwrap();
        assert!(
            disposition.ends_with(&format!("; filename*=UTF-8''{saved}")),
            "{name:?}: {disposition}"
        );
        assert_eq!(
            (answer.headers.len(), answer.headers.get("set-cookie")),
            (5, None),
            "{:?}",
            answer.headers
        );
        assert_eq!(
            read(&api, &path).await.1.unwrap(),
            format!("content {n}").as_bytes(),
            "{name:?}"
        );
        let found = api.get(&format!("{point}/search?text={}", encoded(name))).await;
        assert!(
            found["items"].as_array().unwrap().iter().any(|entry| entry["name"] == **name),
            "{name:?}: {found}"
        );
    }
    api.refused(
        400,
        "GET",
        &format!("{point}/download?path={}", encoded(&format!("{}/../x", folder.display()))),
        Value::Null,
    )
    .await;
}

/// Overwrites what the store has of the beginning of some content. It cannot be compressed, so it
/// is there as it is; where it is differs from store to store, and so do the borders that may run
/// through it.
fn damage(world: &World, content: &[u8]) {
    let mut folders = vec![world.user.home().join("store/packfiles")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let mut packfile = std::fs::read(entry.path()).unwrap();
            let found = content
                .chunks(32)
                .take(4)
                .find_map(|part| packfile.windows(32).position(|window| window == part));
            if let Some(at) = found {
                packfile[at..at + 32].fill(b'X');
                return std::fs::write(entry.path(), packfile).unwrap();
            }
        }
    }
    panic!("the content is in no packfile");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_never_looks_whole() {
    let world = World::new().await;
    let content = noise(7, 8_000_000);
    world.put("data/large.bin", &content);
    world.put("data/page.html", b"<script>alert(1)</script>");
    world.put("data/empty", b"");
    let (api, app) = start(&world).await;
    let (task, log) = api.run(&app, json!({ "kind": "backup" })).await;
    assert_eq!(task["state"], "succeeded", "{log}");
    let download =
        format!("/apps/{app}/points/{}/download?path=/data", task["snapshot"].as_str().unwrap());
    let large = format!("{download}/large.bin");
    assert!(read(&api, &large).await == (200, Ok(content.clone())));
    // A page is no page here.
    for (path, kind, length) in
        [("page.html", "application/octet-stream", "25"), ("empty", "text/plain", "0")]
    {
        let answer = api.call("GET", &format!("{download}/{path}"), Value::Null).await;
        assert_eq!(
            (&answer.headers["content-type"], &answer.headers["content-length"]),
            (&kind.parse().unwrap(), &length.parse().unwrap())
        );
    }
    for (query, kind, name, begins) in [
        ("", "application/zip", "data.zip", &b"PK"[..]),
        ("&format=tar.gz", "application/gzip", "data.tar.gz", b"\x1f\x8b"),
    ] {
        let path = format!("{download}{query}");
        let answer = api.call("GET", &path, Value::Null).await;
        assert_eq!(
            (answer.status, answer.headers.get("content-length"), &answer.headers["content-type"]),
            (200, None, &kind.parse().unwrap())
        );
        assert_eq!(
            answer.headers["content-disposition"],
            format!("attachment; filename=\"{name}\"; filename*=UTF-8''{name}").as_str()
        );
        assert!(read(&api, &path).await.1.unwrap().starts_with(begins));
    }
    api.refused(400, "GET", &format!("{download}&format=rar"), Value::Null).await;

    // Without chunks only a length tells that all of it came.
    let archive = by_http_1_0(&api, &download).await;
    assert!(
        archive.starts_with("HTTP/1.0 400 ") && archive.contains("write: proxy_http_version 1.1;"),
        "{archive}"
    );
    let file = by_http_1_0(&api, &format!("{download}/page.html")).await;
    assert!(
        file.starts_with("HTTP/1.0 200 ")
            && file.to_lowercase().contains("\r\ncontent-length: 25\r\n"),
        "{file}"
    );

    // The store rots: what is in the file's second half is not what it was. Before it there is
    // enough that is sent.
    damage(&world, &content[6_000_000..]);
    let (status, broken) = read(&api, &large).await;
    assert!(
        status == 200 && broken.clone().is_err_and(|read| read < 8_000_000),
        "{status} {:?}",
        broken.map(|bytes| bytes.len())
    );
    for format in ["zip", "tar.gz"] {
        let (status, broken) = read(&api, &format!("{download}&format={format}")).await;
        assert!(status == 200 && broken.is_err(), "{format} {status}");
    }
}
