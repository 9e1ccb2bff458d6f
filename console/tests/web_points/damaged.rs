//! A store that has rotted, a backup with errors.

use opendrive_sim::{Fault, What};
use plakar_driver::Kind;
use source_app::service::{CheckScope, Work};
use source_app::state::{AppKind, TaskState};

use crate::console::Console;
use crate::world::{World, noise};

#[tokio::test]
async fn a_download_that_is_not_whole_does_not_look_whole() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let bytes = noise(1, 12_000_000);
    world.put("data/large.bin", &bytes);
    world.put("data/kept.txt", b"kept");
    world.put("data/refused.txt", b"refused");
    let app = console.assign(&world, AppKind::Source, "mine", "drive").await;
    world.configure(Kind::Source, "opendrive://").await;
    let denied = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world.simulator.set_faults(vec![
        Fault::new(denied).endpoint("download/file").item("refused.txt").always(),
    ]);
    let made = console.run(&app, Work::Backup).await;
    assert_eq!(made.state, TaskState::CompletedWithErrors, "{}", made.verdict);
    let point = format!("/apps/{}/points/{}", app.id, made.snapshot.unwrap());

    let list = console.page(&format!("/apps/{}/points", app.id)).await;
    assert_eq!(
        (list.text("td[data-label=Errors]"), list.text("td[data-label=Files]")),
        ("1".to_owned(), "2".to_owned())
    );
    let errors = console.page(&list.attribute("td[data-label=Errors] a", "href")).await;
    assert_eq!(errors.text("tbody th"), "/data/refused.txt");
    assert!(
        errors.text("td[data-label=Reason]").contains("Access denied"),
        "{}",
        errors.text("td[data-label=Reason]")
    );

    assert_eq!(list.text("td[data-label=Checked]"), "not checked yet");
    // The folder shows what is not in it.
    let folder = console.page(&format!("{point}?path=/data")).await;
    let row = folder.text("tr.soft");
    assert!(row.contains("refused.txt") && row.contains("not in this restore point"), "{row}");
    assert!(row.contains("Access denied") && row.contains("in none of the newest"), "{row}");
    assert!(folder.text("[role=alert]").contains("1 entry was not read"));

    let whole = console.get(&format!("{point}/download?path=/data/large.bin")).await;
    assert!(whole.bytes == bytes && whole.header("content-length") == "12000000");
    world.damage();
    for link in [
        "download?path=/data/large.bin",
        "download?path=/data&format=zip",
        "download?path=/data&format=tar.gz",
    ] {
        match console.try_get(&format!("{point}/{link}")).await {
            Err(error) => assert!(
                error.is_body() || error.is_decode() || error.is_request(),
                "{link}: {error:?}"
            ),
            Ok(answer) => assert!(
                !answer.status.is_success(),
                "{link}: {} bytes of {}",
                answer.bytes.len(),
                answer.status
            ),
        }
    }
    // A check says so, on every page of it.
    let checked = console.run(&app, Work::Check(CheckScope::Points(0))).await;
    assert_eq!(checked.state, TaskState::CompletedWithErrors, "{}", checked.verdict);
    let list = console.page(&format!("/apps/{}/points", app.id)).await;
    assert!(list.text("td[data-label=Checked]").starts_with("damaged"));
    assert_eq!(
        list.attribute("td[data-label=Checked] a", "href"),
        format!("/tasks/{}", checked.id)
    );
    let page = console.page(&point).await;
    let alert = page.text("[role=alert]");
    assert!(alert.contains("/data/large.bin") && alert.contains("do not sync"), "{alert}");
    let view = console.page(&format!("{point}/view?path=/data/kept.txt")).await;
    assert!(view.text("#content-title").contains("Content"));
}
