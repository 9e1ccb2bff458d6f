//! Resources that are entered by hand: nothing of them is backed up until an app is assigned.

use source_app::model::HealthVerdict;
use source_app::service::{Assign, Problem, ResourceFilter, Work};
use source_app::state::{AppKind, Resource, ResourceSpec, TaskState};

use crate::serving::run;
use crate::world::World;

fn photos() -> ResourceSpec {
    ResourceSpec {
        name: "Photos".into(),
        location: "opendrive://Photos".into(),
        tags: vec!["family".into()],
        ..ResourceSpec::default()
    }
}

#[tokio::test]
async fn a_resource_without_an_app_is_not_covered_until_it_has_one() {
    let world = World::new().await;
    let service = world.service();
    world.put("Photos/cat.jpg", b"cat");
    let made = service.add_resource(photos()).await.unwrap();
    assert_eq!((made.spec.class.as_str(), made.by_hand), ("file-storage", true));
    let status = service.status(None).await.unwrap();
    assert_eq!(status.verdict, HealthVerdict::NotProtected);
    assert_eq!(
        status.sentence,
        "No: 1 of 1 drive, Photos, is not protected, because nothing of it is backed up."
    );
    assert_eq!(service.site().await.unwrap().uncovered, status.uncovered);
    assert!(service.metrics().await.unwrap().contains("plakar_opendrive_uncovered_resources 1\n"));
    let listed = service.resources(ResourceFilter::default()).await.unwrap();
    assert!(listed[0].uncovered && listed[0].app_count == 0);
    assert_eq!(listed[0].health, HealthVerdict::NotProtected);

    // Nothing is half-saved.
    let refused = |spec: ResourceSpec| async {
        let refused = service.add_resource(spec).await.unwrap_err();
        (refused.problem(), refused.to_string())
    };
    let (problem, said) = refused(photos()).await;
    assert_eq!(problem, Problem::Conflict);
    assert_eq!(said, "there is already a resource named Photos; choose another name");
    let nowhere = ResourceSpec { name: "x".into(), ..ResourceSpec::default() };
    assert!(refused(nowhere).await.1.starts_with("class is missing"));
    let unknown =
        ResourceSpec { name: "x".into(), location: "s4://x".into(), ..Default::default() };
    assert!(refused(unknown).await.1.starts_with("class is missing"));
    let secret = "sftp://me:hunter2@host/x";
    let secret = ResourceSpec { name: "x".into(), location: secret.into(), ..Default::default() };
    assert!(refused(secret).await.1.contains("has a password in it"));
    assert_eq!(service.resource_records().await.unwrap().len(), 1);

    // A destination of it backs nothing up; a source is told where it is, and of which class.
    let login = |kind: AppKind, name: &str| {
        let mut assign = world.assign(kind, name, "", world.simulator.password());
        assign.options.remove("location");
        assign.resource = Resource { name: "Photos".into(), ..Resource::default() };
        assign
    };
    let landing = service.assign(login(AppKind::Destination, "landing")).await.unwrap();
    assert_eq!(service.status(None).await.unwrap().uncovered.len(), 1);
    let app = service.assign(login(AppKind::Source, "photos")).await.unwrap();
    assert_eq!(app.facts.resource_id, made.id);
    assert_eq!((app.spec.protocol.as_str(), app.facts.resource_tags.len()), ("opendrive", 1));
    let entry = crate::world::name("photos");
    let kept = world.plakar.configured(plakar_driver::Kind::Source, &entry).await.unwrap();
    assert_eq!(kept["location"], "opendrive://Photos");
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    let status = service.status(None).await.unwrap();
    assert!(status.uncovered.is_empty() && status.sentence.starts_with("Yes: 1 of 1"));

    // It stays when its apps go, and counts again; then it can go, too.
    let refused = service.remove_resource(made.id).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict);
    assert!(
        refused.to_string().contains("has the app landing; remove its apps first"),
        "{refused}"
    );
    service.remove(landing.id).await.unwrap();
    service.remove(app.id).await.unwrap();
    let found = service.resource(made.id).await.unwrap();
    assert!(found.uncovered && found.apps.is_empty());
    let excluded = ResourceSpec { excluded: "is on paper, too".into(), ..found.resource.spec };
    service.edit_resource(made.id, found.resource.revision, excluded).await.unwrap();
    let status = service.status(None).await.unwrap();
    assert_eq!((status.verdict, status.uncovered.len()), (HealthVerdict::Excluded, 0));
    service.remove_resource(made.id).await.unwrap();
    assert!(service.resource_records().await.unwrap().is_empty());
    // One that came with its app goes with it, as before.
    let assign =
        Assign { skip_test: true, ..world.assign(AppKind::Source, "x", "opendrive://", "p") };
    let app = service.assign(assign).await.unwrap();
    service.remove(app.id).await.unwrap();
    assert!(service.resource_records().await.unwrap().is_empty());
    service.stop().await;
}
