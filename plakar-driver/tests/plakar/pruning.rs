//! Retentions by the hour, and with several restore points of each period.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use plakar_driver::{PlannedPoint, Retention};

use crate::world::{APP, World};

/// Makes a restore point of that time.
fn snapshot(world: &World, at: DateTime<Utc>) {
    let folder = world.user.home().join("files");
    std::fs::create_dir_all(&folder).unwrap();
    let (tag, stamp) = (format!("-tag=app:{APP}"), format!("-force-timestamp={}", at.to_rfc3339()));
    let store = world.user.path("store");
    world.user.ok(&[
        "-quiet",
        "at",
        &store,
        "backup",
        "-no-progress",
        &tag,
        &stamp,
        folder.to_str().unwrap(),
    ]);
}

async fn plan(world: &World, retention: Retention, damaged: &[&PlannedPoint]) -> Vec<PlannedPoint> {
    let damaged: BTreeSet<String> = damaged.iter().map(|point| point.id.to_string()).collect();
    world
        .plakar
        .prune_plan(&world.browsers, &world.store, APP, retention, &BTreeSet::new(), &damaged)
        .await
        .unwrap()
}

fn told(plan: &[PlannedPoint]) -> Vec<String> {
    let told =
        |point: &PlannedPoint| format!("{} {}", if point.keep { "+" } else { "-" }, point.rule);
    plan.iter().map(told).collect()
}

#[tokio::test]
async fn hours_and_several_of_each_period_are_kept() {
    let world = World::new().await;
    // Three in the last hour, one in the hour before, and two of one day long ago.
    let hour = Utc::now().with_minute(0).unwrap().with_second(0).unwrap() - TimeDelta::hours(1);
    let day = (Utc::now() - TimeDelta::days(40)).with_hour(12).unwrap();
    let times = [
        hour + TimeDelta::minutes(50),
        hour + TimeDelta::minutes(30),
        hour + TimeDelta::minutes(10),
        hour - TimeDelta::minutes(30),
        day,
        day - TimeDelta::hours(1),
    ];
    times.iter().for_each(|at| snapshot(&world, *at));
    let name = |at: DateTime<Utc>| format!("hour {}:00", at.format("%Y-%m-%d %H"));
    let (this, before, long_ago) = (name(hour), name(hour - TimeDelta::hours(1)), name(day));
    let old = "- older than all that the retention keeps".to_owned();

    // The third hour with a restore point is one of 40 days ago.
    let hourly = Retention { hourly: 3, ..Retention::default() };
    let by_hour = plan(&world, hourly, &[]).await;
    let newer = format!("- there is a newer one of the {this}");
    assert_eq!(
        told(&by_hour),
        [
            format!("+ the newest of the {this}"),
            newer.clone(),
            newer,
            format!("+ the newest of the {before}"),
            format!("+ the newest of the {long_ago}"),
            old.clone(),
        ]
    );
    let two = Retention { per_hour: 2, ..hourly };
    assert_eq!(
        told(&plan(&world, two, &[]).await),
        [
            format!("+ one of the 2 newest of the {this}"),
            format!("+ one of the 2 newest of the {this}"),
            format!("- there are 2 newer ones of the {this}"),
            format!("+ one of the 2 newest of the {before}"),
            format!("+ one of the 2 newest of the {long_ago}"),
            old.clone(),
        ]
    );
    // A damaged one takes no place of two.
    let damaged = plan(&world, two, &[&by_hour[1]]).await;
    assert_eq!(
        told(&damaged)[2],
        format!("+ one of the 2 newest of the {this} that are not damaged")
    );
    // What the plan says is what goes.
    world.plakar.prune(&world.browsers, &world.store, APP, &by_hour).await.unwrap();
    let left = world.browser().await.restore_points(Some(APP)).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|point| point.id).collect();
    assert_eq!(left, [0, 3, 4].map(|number: usize| by_hour[number].id.clone()));
}
