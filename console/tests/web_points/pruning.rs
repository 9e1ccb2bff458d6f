//! A prune begins with its plan, and pinned restore points stay.

use source_app::model::Retention;
use source_app::service::{Edit, Work};
use source_app::state::{AppKind, TaskState};

use crate::console::Console;
use crate::world::World;

#[tokio::test]
async fn nothing_goes_before_its_plan_was_seen_and_pinned_points_never_go() {
    let world = World::within_a_day().await;
    let console = Console::of(&world).await;
    let app = console.assign(&world, AppKind::Source, "notes", "drive").await;
    let mut points = Vec::new();
    for text in [&b"one"[..], b"two", b"three"] {
        world.put("a.txt", text);
        let task = console.run(&app, Work::Backup).await;
        assert_eq!(task.state, TaskState::Succeeded, "{}", task.verdict);
        points.push(task.snapshot.unwrap());
    }
    let place = format!("/apps/{}", app.id);
    let plan = format!("{place}/prune");
    let missing = console.get(&plan).await;
    assert!(missing.status == 400 && missing.text().contains("has no retention"));
    let edit =
        Edit { retention: Some(Retention { daily: 1, ..Retention::default() }), ..Edit::default() };
    console.service.edit(app.id, app.revision, edit).await.unwrap();

    // One of the two old ones is pinned, on its own page.
    let point = format!("{place}/points/{}", points[0]);
    let page = console.page(&point).await;
    assert_eq!(page.attribute("form[action$='/pin'] [name=pinned]", "value"), "true");
    let pinned = console.done(&format!("{point}/pin"), &[("pinned", "true")]).await;
    assert_eq!(pinned, format!("{point}?notice=pinned"));
    let page = console.page(&pinned).await;
    assert!(page.text(".notice").contains("no prune removes it"));
    assert_eq!(page.text("form[action$='/pin'] button"), "Unpin");

    let page = console.page(&plan).await;
    assert_eq!(page.text("h2"), "Remove 1 restore point?");
    assert!(page.text("section").contains("those of UTC"));
    assert_eq!(page.texts("caption"), ["1 restore point to remove", "2 restore points stay"]);
    let rules = page.texts("td[data-label=Rule]");
    assert!(
        rules[0].starts_with("there is a newer one of the day 2")
            && rules[1].starts_with("the newest of the day 2")
            && rules[2] == "pinned",
        "{rules:?}"
    );
    let token = page.attribute("form[action$='/prune'] [name=token]", "value");

    // Another plan than the one that was seen, and none at all.
    console.done(&format!("{point}/pin"), &[]).await;
    for token in [&*token, ""] {
        let page = console.refused(&plan, 409, &[("token", token)]).await;
        assert!(page.text(".faults").contains("The plan has changed; look at it again"));
        assert_eq!(page.attribute(".actions a", "href"), plan);
    }
    assert_eq!(console.service.points(app.id).await.unwrap().len(), 3, "nothing went");
    console.done(&format!("{point}/pin"), &[("pinned", "true")]).await;
    assert_eq!(console.done(&plan, &[("token", &token)]).await, format!("{place}?notice=started"));
    let pruned = console.service.tasks(Default::default()).await.unwrap().remove(0);
    let pruned = console.ended(pruned.id).await;
    assert_eq!(
        (pruned.state, pruned.verdict.as_str()),
        (TaskState::Succeeded, "2 restore points kept, 1 removed")
    );
    let left = console.service.points(app.id).await.unwrap();
    let left: Vec<_> = left.iter().map(|point| point.id.as_str()).collect();
    assert_eq!(left, [&points[2], &points[0]]);
    let page = console.page(&plan).await;
    assert_eq!(page.text("h2"), "A prune would remove nothing");
    assert!(!page.has("form[action$='/prune']"));
}
