//! Several sources of one account at once, with the login that is there.

use plakar_driver::Kind;
use source_app::service::{Assign, Error, Problem, Service, SeveralApps, Work};
use source_app::state::{
    AppKind, MatchMode, Owner, PolicySpec, ResourceSpec, ScheduleSpec, TaskKind, TaskState,
};

use crate::serving::run;
use crate::world::{World, name};

async fn policy(service: &Service, name: &str) -> PolicySpec {
    let spec = PolicySpec {
        name: name.into(),
        environments: vec!["production".into()],
        data_classes: vec!["PII".into(), "critical".into()],
        classes: MatchMode::All,
        labels: vec!["family".into()],
        retention: Default::default(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    };
    let made = service.add_policy(spec.clone()).await.unwrap();
    let schedule = ScheduleSpec {
        owner: Owner::Policy(made.id),
        kind: TaskKind::Backup,
        cron: "0 3 * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    service.add_schedule(schedule).await.unwrap();
    spec
}

#[tokio::test]
async fn apps_of_one_account_are_made_at_once_with_its_login_and_a_policy() {
    let world = World::new().await;
    let service = world.service();
    world.put("Photos/cat.jpg", b"cat");
    world.put("Music/song.ogg", b"la");
    let password = world.simulator.password();
    let first = world.assign(AppKind::Source, "first", "opendrive://Letters", password);
    let first = service.assign(Assign { skip_test: true, ..first }).await.unwrap();
    policy(&service, "nightly").await;
    for (called, location) in [("Old photos", "opendrive://Photos"), ("Attic", "")] {
        let spec = ResourceSpec {
            name: called.into(),
            class: "file-storage".into(),
            location: location.into(),
            tags: vec!["family".into()],
            ..ResourceSpec::default()
        };
        service.add_resource(spec).await.unwrap();
    }
    let wish = SeveralApps {
        protocol: "opendrive".into(),
        username: world.simulator.username().to_owned(),
        policy: "nightly".into(),
        store: world.user.path("vault"),
        resources: vec!["Old photos".into()],
        locations: vec!["opendrive://Music".into()],
        ..SeveralApps::default()
    };

    // One line for what cannot be; and nothing of it is kept.
    let refused = async |wish: SeveralApps, problem: Problem, said: &str| {
        let refused = service.make_apps(&wish).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{said}: {refused}");
        assert_eq!(refused.problem(), problem, "{said}");
        assert_eq!(service.apps().await.unwrap().len(), 1, "{said}");
    };
    let with = |change: fn(&mut SeveralApps)| {
        let mut changed = wish.clone();
        change(&mut changed);
        changed
    };
    let (input, missing) = (Problem::Input, Problem::NotFound);
    refused(with(|wish| wish.username = "nobody".into()), missing, "no account nobody of").await;
    refused(with(|wish| wish.policy = "none".into()), missing, "no policy named \"none\"").await;
    refused(with(|wish| wish.store = "none".into()), missing, "no store none that an app").await;
    refused(with(|wish| wish.resources = vec!["x".into()]), missing, "no resource named \"x\"")
        .await;
    let placeless = with(|wish| wish.resources = vec!["Attic".into()]);
    refused(placeless, input, "Attic has no location").await;
    let other = with(|wish| wish.locations = vec!["sftp://host/x".into()]);
    refused(other, input, "the account is of opendrive, so write opendrive://PLACE").await;
    let twice = with(|wish| wish.locations = vec!["opendrive://Photos".into()]);
    refused(twice, input, "is named twice").await;
    let none = with(|wish| (wish.resources, wish.locations) = Default::default());
    refused(none, input, "nothing is to be backed up").await;
    let elsewhere = with(|wish| wish.environment = "testing".into());
    refused(elsewhere, input, "nightly would not be for the app of Old photos").await;
    // A location that is refused by the drive is named, and takes the other one along.
    let missing = with(|wish| wish.locations = vec!["opendrive://Nowhere".into()]);
    let Err(Error::Faults(faults)) = service.make_apps(&missing).await else { panic!() };
    assert_eq!(faults[0].key.as_deref(), Some("opendrive://Nowhere"), "{faults:?}");
    assert_eq!((faults.len(), service.apps().await.unwrap().len()), (1, 1));

    assert!(service.make_apps(&with(|wish| wish.check = true)).await.unwrap().is_empty());
    assert_eq!(service.apps().await.unwrap().len(), 1);
    let made = service.make_apps(&wish).await.unwrap();
    let names: Vec<&str> = made.iter().map(|app| app.spec.name.as_str()).collect();
    assert_eq!(names, ["old-photos", "music"]);
    assert_eq!(made[0].spec.resource.name, "Old photos");
    assert_eq!(made[1].spec.resource.name, format!("opendrive {}", world.simulator.username()));
    // The tag of a resource does for a policy what a label does.
    assert_eq!(
        (&made[0].spec.backup.labels[..], &made[1].spec.backup.labels[..]),
        (&[][..], &["family".to_owned()][..])
    );
    for app in &made {
        assert_eq!((app.spec.environment.as_str(), app.spec.data_classes.len()), ("production", 2));
        assert_eq!(app.spec.store, first.spec.store);
        let kept = world.plakar.configured(Kind::Source, &name(&app.spec.name)).await.unwrap();
        assert_eq!(kept["password"], password);
        let schedules = service.effective_schedules(Some(app.id)).await.unwrap();
        assert_eq!(schedules.len(), 1, "that of the policy");
        let (backup, log) = run(&service, app, Work::Backup).await;
        assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    }
    // The next of the same name has another.
    let again = SeveralApps {
        resources: Vec::new(),
        locations: vec!["opendrive://Music/".into()],
        ..wish.clone()
    };
    assert_eq!(service.make_apps(&again).await.unwrap()[0].spec.name, "music-2");

    // A password that is not good any more is said once, and nothing is made. It is that of the first
    // source by name, which was there before.
    let wrong =
        [("location", "opendrive://Letters"), ("username", &wish.username), ("password", "no")];
    world
        .plakar
        .configure(Kind::Source, &name("drive"), &crate::world::options(&wrong))
        .await
        .unwrap();
    let both = SeveralApps {
        locations: vec!["opendrive://A".into(), "opendrive://B".into()],
        resources: Vec::new(),
        ..wish
    };
    let refused = service.make_apps(&both).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Refused);
    assert_eq!(refused.to_string().matches("tested and refused").count(), 1, "{refused}");
    assert_eq!(service.apps().await.unwrap().len(), 4);
    service.stop().await;
}
