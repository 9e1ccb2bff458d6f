//! Every route of the console, as its tables name them, asked by who may not.

#[path = "common/web.rs"]
mod web;

use std::path::Path;

use plakar_driver::Plakar;
use reqwest::Method;
use source_app::service::Service;
use source_app::state::State;
use web::{Site, client, sign_in};
use web_console::{api, pages};

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
    let plakar =
        Plakar::new(Path::new("/bin/false"), vec!["/bin/false".into()], Vec::new()).unwrap();
    let service = Service::open(&place, plakar).unwrap();
    let site = Site::of(web_console::router(service)).await;
    let (client, signed) = (client(), sign_in(&client(), &site.server).await);
    let pages = pages::ROUTES.iter().map(|(method, path)| (*method, filled(path)));
    let api = api::ROUTES.iter().map(|(method, path)| (*method, format!("/api{}", filled(path))));
    for (method, path) in pages.chain(api) {
        let (is_api, changes) = (path.starts_with("/api/"), method != "GET");
        let ask = |origin: &str, cookie: &str| {
            let request =
                client.request(Method::from_bytes(method.as_bytes()).unwrap(), site.url(&path));
            let request = request
                .header("origin", origin)
                .header("cookie", cookie)
                .header("content-type", "application/json")
                .body("{}");
            async { request.send().await.unwrap().status().as_u16() }
        };
        let own = site.url("");
        let stranger = ask(&own, "").await;
        assert_eq!(
            stranger,
            if is_api || changes { 401 } else { 303 },
            "{method} {path} without a session"
        );
        let guessed = format!("{}={}", signed.cookie.split('=').next().unwrap(), "0".repeat(64));
        assert_eq!(
            ask(&own, &guessed).await,
            stranger,
            "{method} {path} with a session that is none"
        );
        assert_eq!(
            ask("http://evil.example", &signed.cookie).await,
            403,
            "{method} {path} from another page"
        );
        if changes {
            assert_eq!(ask(&own, &signed.cookie).await, 403, "{method} {path} without the token");
        } else {
            assert!(
                !matches!(ask(&own, &signed.cookie).await, 303 | 401 | 403),
                "{method} {path} with a session"
            );
        }
    }
    // Nothing was changed by all that.
    let state = State::open(&place).unwrap();
    assert!(
        state.apps().unwrap().is_empty()
            && state.policies().unwrap().is_empty()
            && state.schedules().unwrap().is_empty()
    );
}
