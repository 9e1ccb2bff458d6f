//! Whether the console runs, and whether work could be done.

use crate::Console;

#[tokio::test]
async fn everybody_may_ask_how_the_console_is() {
    // As if plakar answered.
    let console = Console::with("/bin/true").await;
    for (path, said) in [("/health", "ok\n"), ("/ready", "ready\n")] {
        assert_eq!(console.answer(console.ask("GET", path)).await, (200, said.into()));
        assert_eq!(console.answer(console.ask("HEAD", path)).await.0, 200);
        assert_eq!(console.answer(console.ask("POST", path)).await.0, 401);
        let unknown = console.ask("GET", path).header("host", "evil.example");
        assert_eq!(console.answer(unknown).await.0, 421, "{path}");
    }
    let without = Console::new().await;
    let said = "not ready: plakar cannot be used\n".to_owned();
    assert_eq!(without.answer(without.ask("GET", "/ready")).await, (503, said));
    assert_eq!(without.answer(without.ask("GET", "/health")).await.0, 200);
    // A database that is gone under it.
    let database = rusqlite::Connection::open(console.place.join("state.db")).unwrap();
    database.execute_batch("DROP TABLE task").unwrap();
    let said = "not ready: the database cannot be used\n".to_owned();
    assert_eq!(console.answer(console.ask("GET", "/ready")).await, (503, said));
    assert_eq!(console.answer(console.ask("GET", "/health")).await.0, 200);
}

#[tokio::test]
async fn metrics_want_somebody_known_unless_they_are_opened() {
    let console = Console::new().await;
    let (status, text) = console.answer(console.ask("GET", "/metrics")).await;
    assert_eq!(status, 401);
    assert!(text.contains("sign in, or send a token"), "{text}");
    let token = console.token("prometheus", source_app::state::TokenAccess::ReadOnly).await;
    let answer = console.ask("GET", "/metrics").bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let signed = crate::web::sign_in(&console.client, &console.site.server).await;
    assert_eq!(console.answer(signed.get("/metrics")).await.0, 200);
    console.site.server.open_metrics();
    assert_eq!(console.answer(console.ask("GET", "/metrics")).await.0, 200);
    assert_eq!(console.answer(console.ask("GET", "/api/apps")).await.0, 401);
}
