//! Every route of the console, as the sources name them, asked by who may not.

#[path = "common/web.rs"]
mod web;

use std::collections::BTreeSet;
use std::path::Path;

use plakar_driver::Plakar;
use reqwest::Method;
use source_app::service::Service;
use source_app::state::State;
use web::{Site, client, sign_in};
use web_console::api::ROUTES;

/// What `point` is in the pages' sources.
const POINT: &str = "/apps/{id}/points/{snapshot}";

/// The paths that the pages' sources give to routers.
fn pages(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            pages(&entry, found);
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        for argument in text.split(".route(").skip(1) {
            let argument = argument.strip_prefix("&format!(").unwrap_or(argument);
            match argument.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                Some((path, _)) => found.insert(path.replace("{point}", POINT)),
                None if argument.starts_with("point") => found.insert(POINT.to_owned()),
                // Static files are for everybody.
                None => {
                    assert!(entry.ends_with("assets.rs"), "{}: a route whose path this test can't read: {argument:.40}", entry.display());
                    false
                }
            };
        }
    }
}

/// With something in the place of each variable.
fn filled(path: &str) -> String {
    path.replace("{snapshot}", &"0".repeat(64))
        .split('/')
        .map(|part| if part.starts_with('{') { "1" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn no_route_is_open_to_strangers_or_to_other_pages() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let plakar = Plakar::new(Path::new("/bin/false"), vec!["/bin/false".into()], Vec::new()).unwrap();
    let service = Service::open(&place, plakar).unwrap();
    let site = Site::of(web_console::router(service)).await;
    let (client, signed) = (client(), sign_in(&client(), &site.server).await);
    let mut found = BTreeSet::new();
    pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/pages"), &mut found);
    assert!(found.len() > 25 && found.contains(POINT) && found.contains("/apps/{id}/points/{snapshot}/raw"), "{found:?}");
    let pages = found.iter().flat_map(|path| ["GET", "POST"].map(|method| (method, filled(path))));
    let api = ROUTES.iter().map(|(method, path)| (*method, format!("/api{}", filled(path))));
    for (method, path) in pages.chain(api) {
        let (is_api, changes) = (path.starts_with("/api/"), method != "GET");
        let ask = |origin: &str, cookie: &str| {
            let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), site.url(&path));
            let request = request.header("origin", origin).header("cookie", cookie).header("content-type", "application/json").body("{}");
            async { request.send().await.unwrap().status().as_u16() }
        };
        let own = site.url("");
        let stranger = ask(&own, "").await;
        assert_eq!(stranger, if is_api || changes { 401 } else { 303 }, "{method} {path} without a session");
        let guessed = format!("{}={}", signed.cookie.split('=').next().unwrap(), "0".repeat(64));
        assert_eq!(ask(&own, &guessed).await, stranger, "{method} {path} with a session that is none");
        assert_eq!(ask("http://evil.example", &signed.cookie).await, 403, "{method} {path} from another page");
        if changes {
            assert_eq!(ask(&own, &signed.cookie).await, 403, "{method} {path} without the token");
        } else {
            assert!(!matches!(ask(&own, &signed.cookie).await, 303 | 401 | 403), "{method} {path} with a session");
        }
    }
    // Nothing was changed by all that.
    let state = State::open(&place).unwrap();
    assert!(state.apps().unwrap().is_empty() && state.policies().unwrap().is_empty() && state.schedules().unwrap().is_empty());
}
