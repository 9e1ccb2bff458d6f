//! Whatever a user, a drive or Plakar says is text.

use reqwest::StatusCode;

use crate::console::Console;
use crate::scene::{Scene, Texts};

/// Leaves an attribute in either kind of quotes, an element, a comment, a script and a template.
pub const HOSTILE: &str = r#""'></textarea></pre></title>--><img src=x onerror=alert(1)><script>alert(2)</script><a href=javascript:alert(3)>{{7*7}}&lt;"#;

#[tokio::test]
async fn hostile_texts_are_shown_and_do_nothing() {
    let console = Console::without_plakar().await;
    let texts = Texts {
        resource: HOSTILE,
        environment: HOSTILE,
        class: HOSTILE,
        store: HOSTILE,
        trouble: HOSTILE,
        file: HOSTILE,
    };
    let apps = Scene { state: &console.state, texts }.fill();
    let mut paths = ["/", "/tasks", "/settings/changes"].map(str::to_owned).to_vec();
    for app in &apps {
        paths.extend([
            format!("/apps/{}", app.id),
            format!("/apps/{}/settings", app.id),
            format!("/apps/{}/remove", app.id),
        ]);
    }
    let tasks = console
        .state
        .tasks(&source_app::state::TaskFilter { limit: Some(500), ..Default::default() })
        .unwrap();
    paths.extend(tasks.iter().map(|task| format!("/tasks/{}", task.id)));
    for path in &paths {
        // It panics if anything of it became an element or an attribute.
        let page = console.page(path).await;
        assert!(page.text("body").contains("{{7*7}}&lt;") || path.contains("settings"), "{path}");
    }
    let page = console.page(&format!("/apps/{}/settings", apps[0].id)).await;
    assert_eq!(page.attribute("#environment", "value"), HOSTILE);
    assert_eq!(page.attribute("#store", "value"), HOSTILE);
    // What is posted comes back as text too.
    let answer = console
        .post(
            &format!("/apps/{}/settings", apps[0].id),
            &[("revision", "1"), ("name", HOSTILE), ("resource", HOSTILE)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.html("settings").attribute("#name", "value"), HOSTILE);
    let answer =
        console.get("/assign?kind=source&step=first&resource=%22%3E%3Cscript%3E&resource_class=%3Cimg%20src%3Dx%3E&subclass=%22%27").await;
    assert_eq!(answer.html("assign").attribute("#resource", "value"), "\">\u{3c}script>");
}

#[tokio::test]
async fn errors_are_text() {
    let console = Console::without_plakar().await;
    let answer = console.post("/apps/1/tasks", &[("kind", HOSTILE)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.html("kind").text(".faults").contains("<script>alert(2)</script>"));
}
