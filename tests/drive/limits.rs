//! `tpslimit` and `bwlimit`. They hold for the whole process, so this is one test, in a process of
//! its own.

use std::time::{Duration, Instant};

use plakar_opendrive::connector::{Role, Settings, Source};
use support::alone::ran_alone;
use support::noise;
use support_plugin::place::Place;
use tokio::sync::mpsc;

async fn open(place: &Place, pairs: &[(&str, &str)]) -> Result<Source, String> {
    let mut config = place.config("");
    config.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let settings =
        Settings::parse(Role::Source, &config, "host").map_err(|error| error.to_string())?;
    Source::open(settings).await.map_err(|error| error.to_string())
}

async fn walk(source: &Source) -> usize {
    let (sender, mut records) = mpsc::channel(1000);
    source.walk(sender).await.unwrap();
    let mut count = 0;
    while records.recv().await.is_some() {
        count += 1;
    }
    count
}

/// How long it takes at the least: a machine that is slow does not fail it.
async fn at_least<T>(least: Duration, what: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let result = what.await;
    assert!(start.elapsed() >= least, "took only {:?}", start.elapsed());
    result
}

#[tokio::test]
async fn limits_are_checked_and_hold() {
    // The limits hold for the whole process.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    let bytes = noise(1, 2_000_000);
    place.put("file", &bytes, 1).await;
    for folder in 0..20 {
        place.make_folder(&format!("folder{folder}"));
    }
    let imported = Place::Local(tempfile::tempdir().unwrap());
    for (key, values) in [
        ("tpslimit", ["many", "-1", "NaN", "inf", "10M"]),
        ("bwlimit", ["fast", "10Q", " ", "25:00,1M", "1M:"]),
    ] {
        for value in values {
            for place in [&place, &imported] {
                let message = open(place, &[(key, value)]).await.unwrap_err();
                assert!(
                    message.starts_with(&format!("option {key:?} is {value:?}: write ")),
                    "{message}"
                );
                assert!(!message.contains('\n'), "{message}");
            }
        }
    }
    assert_eq!(place.simulator().calls().total, 0, "refused before any call");

    // No limit is a limit as well.
    let source = open(&place, &[("tpslimit", "0"), ("bwlimit", "off")]).await.unwrap();
    walk(&source).await;

    // 2 MB at 1 MiB a second. The time that it takes to open the source counts: it saves up for
    // what is read then.
    let read = async {
        let source = open(&place, &[("bwlimit", "00:00,1M")]).await.unwrap();
        walk(&source).await;
        let mut reader = source.read("/file").await.unwrap();
        let mut read = Vec::new();
        while let Some(chunk) = reader.chunk().await.unwrap() {
            read.extend_from_slice(&chunk);
        }
        read
    };
    assert!(at_least(Duration::from_millis(1500), read).await == bytes);

    // 20 calls, one every 50 ms.
    let source = open(&place, &[("tpslimit", "20"), ("bwlimit", "off")]).await.unwrap();
    assert_eq!(at_least(Duration::from_millis(900), walk(&source)).await, 22);
}
