//! Conformance of the importer: the executable, spoken to over its pipes as Plakar does.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{
    CloseRequest, ImportRequest, ImportResponse, InitRequest, OpenRequest, Options, PingRequest,
};
use support::{noise, within};
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

type Client = ImporterClient<Channel>;

fn init(config: HashMap<String, String>) -> InitRequest {
    let options = Options { hostname: "here".into(), max_concurrency: 1, ..Default::default() };
    InitRequest { options: Some(options), proto: "rclone".into(), config }
}

async fn start(config: HashMap<String, String>) -> (Plugin, Client) {
    let plugin = Plugin::start("importer", &[]).await;
    let mut client = Client::new(plugin.channel.clone());
    client.init(init(config)).await.unwrap();
    (plugin, client)
}

/// An import in progress: records come in, results go out.
struct Import {
    answers: Streaming<ImportResponse>,
    results: mpsc::Sender<ImportRequest>,
}

impl Import {
    async fn start(client: &mut Client) -> Self {
        let (results, requests) = mpsc::channel(1);
        let answers = client.import(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { answers, results }
    }

    async fn next(&mut self) -> Option<Record> {
        let answer = self.answers.message().await.unwrap().unwrap();
        assert!(answer.finished != answer.record.is_some(), "{answer:?}");
        answer.record
    }

    async fn acknowledge(&self, record: Record) {
        let result = Outcome { header: Some(record), error: String::new() };
        self.results.send(ImportRequest { result: Some(result) }).await.unwrap();
    }
}

async fn read(client: &mut Client, path: &str) -> Result<Vec<u8>, Status> {
    let record = Record { pathname: path.to_owned(), ..Default::default() };
    let mut chunks = client.open(OpenRequest { record: Some(record) }).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(answer) = chunks.message().await? {
        assert!(!answer.chunk.is_empty(), "Plakar takes an empty chunk for an error");
        assert!(answer.chunk.len() <= 1 << 20, "{} bytes in one message", answer.chunk.len());
        bytes.extend_from_slice(&answer.chunk);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_whole_import_over_the_pipes() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let files = BTreeMap::from([
            ("a/empty", vec![]),
            ("a/small", b"small".to_vec()),
            ("b/large", noise(1, 2_500_000)),
        ]);
        for (path, bytes) in &files {
            place.put(path, bytes, 1_700_000_000).await;
        }
        let (plugin, mut client) = start(place.config("")).await;
        client.ping(PingRequest {}).await.unwrap();
        let mut import = Import::start(&mut client).await;
        let mut found = BTreeMap::new();
        let mut told = Vec::new();
        while let Some(record) = import.next().await {
            assert_eq!(record.error, "");
            let info = record.file_info.clone().unwrap();
            assert_eq!(
                info.name,
                if record.pathname == "/" {
                    "/"
                } else {
                    record.pathname.rsplit('/').next().unwrap()
                }
            );
            if info.mode & (1 << 31) == 0 {
                assert_eq!((info.mode, record.has_reader), (0o600, true));
                found.insert(
                    record.pathname.clone(),
                    read(&mut client, &record.pathname).await.unwrap(),
                );
            }
            told.push(record);
        }
        // Plakar still sends results after the last record; only then the call ends.
        for record in told {
            import.acknowledge(record).await;
        }
        drop(import.results);
        assert!(import.answers.message().await.unwrap().is_none());
        drop(import.answers);
        let expected: BTreeMap<String, Vec<u8>> = files
            .into_iter()
            .map(|(path, bytes)| (format!("{}/{path}", place.root().trim_end_matches('/')), bytes))
            .collect();
        assert!(found == expected, "{}: {:?}", place.name(), found.keys());

        let late = read(&mut client, expected.keys().next().unwrap()).await.unwrap_err();
        assert_eq!(late.code(), Code::NotFound, "{late}");
        client.close(CloseRequest {}).await.unwrap();
        drop(client);
        let (status, stderr) = plugin.hang_up().await;
        assert!(status.success() && stderr.is_empty(), "{status}: {stderr}");
    }
}

/// Of two entries of one name the first is saved. Plakar answers the error of the second at once,
/// perhaps before it opens the first.
#[tokio::test]
async fn the_error_of_a_second_entry_does_not_let_go_of_the_first() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    for name in ["first", "then"] {
        place.put(name, name.as_bytes(), 1).await;
    }
    let (_plugin, mut client) = start(place.config("")).await;
    let mut import = Import::start(&mut client).await;
    let mut files = Vec::new();
    while let Some(record) = import.next().await {
        if record.has_reader {
            files.push(record);
        }
    }
    let [first, then] = &files[..] else { panic!("{files:?}") };
    import
        .acknowledge(Record {
            pathname: first.pathname.clone(),
            error: "the drive has another entry of this name".into(),
            ..Default::default()
        })
        .await;
    import.acknowledge(then.clone()).await;
    // Results are taken in their order.
    let_go(&mut client, &then.pathname).await;
    assert_eq!(read(&mut client, &first.pathname).await.unwrap(), b"first");
    import.acknowledge(first.clone()).await;
    let_go(&mut client, &first.pathname).await;
}

/// Waits until a file is let go.
async fn let_go(client: &mut Client, path: &str) {
    within(Duration::from_secs(30), async {
        while read(client, path).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn calls_before_init_and_a_second_init_are_errors() {
    let plugin = Plugin::start("importer", &[]).await;
    let mut client = Client::new(plugin.channel.clone());
    assert_eq!(client.ping(PingRequest {}).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(read(&mut client, "/x").await.unwrap_err().code(), Code::FailedPrecondition);
    let config = HashMap::from([
        ("location".into(), "rclone://".into()),
        ("rclone_type".into(), "memory".into()),
    ]);
    client.init(init(config.clone())).await.unwrap();
    assert_eq!(client.init(init(config)).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(read(&mut client, "/never/told").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn bad_input_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let base = folder.path().to_str().unwrap();
    let cases: Vec<(Vec<(&str, String)>, &str)> = vec![
        (vec![], "there is no location"),
        (vec![("location", "Documents".into())], "does not begin with opendrive:// or rclone://"),
        (vec![("location", "s3://x".into())], "location \"s3://x\" does not begin with"),
        (vec![("location", "opendrive://a/../b".into())], "has a \"..\""),
        (vec![("location", "rclone://".into())], "option \"rclone_type\" is missing"),
        (
            vec![("location", "rclone://".into()), ("rclone_type", "drive".into())],
            "option \"rclone_type\": backend \"drive\" is not built in",
        ),
        (
            vec![("location", "rclone://".into()), ("rclone_type", "opendrive".into())],
            "option \"rclone_username\" is missing",
        ),
        (
            vec![
                ("location", "rclone://".into()),
                ("rclone_type", "opendrive".into()),
                ("rclone_username", "me".into()),
            ],
            "option \"rclone_password\" is missing",
        ),
        (
            vec![
                ("location", "rclone://".into()),
                ("rclone_type", "opendrive".into()),
                ("rclone_username", "me".into()),
                ("rclone_password", "pl@in".into()),
            ],
            "option \"rclone_password\" is not an obscured password",
        ),
        (
            vec![
                ("location", "rclone://".into()),
                ("rclone_type", "local".into()),
                ("rclone_colour", "red".into()),
            ],
            "option \"rclone_colour\"",
        ),
        (
            vec![("location", format!("rclone://{base}/missing")), ("rclone_type", "local".into())],
            "missing does not exist on local",
        ),
        (
            vec![("location", format!("rclone://{base}/file")), ("rclone_type", "local".into())],
            "file on local (here) is a file",
        ),
    ];
    for (pairs, expected) in cases {
        let plugin = Plugin::start("importer", &[]).await;
        let config = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let status = Client::new(plugin.channel.clone()).init(init(config)).await.unwrap_err();
        assert!(status.message().contains(expected), "{status}");
        assert!(
            !status.message().contains('\n') && !status.message().contains("pl@in"),
            "{status}"
        );
        // Plakar has words of its own for these two.
        assert!(!matches!(status.code(), Code::Unavailable | Code::Cancelled), "{status}");
        let (exit, stderr) = plugin.hang_up().await;
        assert!(exit.success() && stderr.is_empty(), "{exit}: {stderr}");
    }
}

#[tokio::test]
async fn it_leaves_whenever_plakar_goes() {
    let place = Place::drive();
    for n in 0..100 {
        place.put(&format!("f{n}/file"), &noise(n, 200_000), 1).await;
    }
    place.simulator().drive().put_generated("huge", 3 << 30, 1, 1);
    let before_init = Plugin::start("importer", &[]).await;
    before_init.hang_up().await;

    // While Init waits for a drive that does not answer.
    place.simulator().set_latency(Duration::from_secs(600));
    let plugin = Plugin::start("importer", &[]).await;
    let mut client = Client::new(plugin.channel.clone());
    let waiting =
        tokio::time::timeout(Duration::from_millis(500), client.init(init(place.config("")))).await;
    assert!(waiting.is_err());
    drop(client);
    plugin.hang_up().await;
    place.simulator().set_latency(Duration::ZERO);

    // In the middle of an import, with a file half read.
    let (plugin, mut client) = start(place.config("")).await;
    place.simulator().set_latency(Duration::from_millis(100));
    let mut import = Import::start(&mut client).await;
    let record = loop {
        let record = import.next().await.unwrap();
        if record.pathname == "/huge" {
            break record;
        }
    };
    let mut chunks = client.open(OpenRequest { record: Some(record) }).await.unwrap().into_inner();
    chunks.message().await.unwrap().unwrap();
    drop((chunks, import, client));
    plugin.hang_up().await;
}

#[tokio::test]
async fn a_base_that_goes_away_fails_the_import() {
    // Plakar ignores an error on the root: a snapshot of nothing would pass for a good one.
    let place = Place::drive();
    place.put("file", b"x", 1).await;
    let (_plugin, mut client) = start(place.config("")).await;
    let mut first = Import::start(&mut client).await;
    while first.next().await.is_some() {}
    place.simulator().make_unlistable("/");
    let mut second = Import::start(&mut client).await;
    let status = loop {
        match second.answers.message().await {
            Ok(Some(answer)) => assert!(!answer.finished),
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    assert!(status.message().starts_with("cannot open / on opendrive"), "{status}");
}

#[tokio::test]
async fn nothing_is_left_on_the_disk() {
    let place = Place::drive();
    place.put("a/b", b"x", 1).await;
    let home = tempfile::tempdir().unwrap();
    let folder = |name: &'static str| {
        let path = home.path().join(name);
        std::fs::create_dir(&path).unwrap();
        (name, path.to_str().unwrap().to_owned())
    };
    let folders = [
        folder("HOME"),
        folder("TMPDIR"),
        folder("XDG_CONFIG_HOME"),
        folder("XDG_CACHE_HOME"),
        folder("XDG_DATA_HOME"),
    ];
    let environment: Vec<(String, String)> =
        folders.iter().map(|(name, path)| (name.to_string(), path.clone())).collect();
    let plugin = Plugin::start("importer", &environment).await;
    let mut client = Client::new(plugin.channel.clone());
    client.init(init(place.config(""))).await.unwrap();
    let mut import = Import::start(&mut client).await;
    while import.next().await.is_some() {}
    read(&mut client, "/a/b").await.unwrap();
    for (name, path) in &folders {
        let left: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}
