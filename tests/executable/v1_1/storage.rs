//! The storage service over the wire: the executable, spoken to as Plakar does.

use std::collections::HashMap;

use bytes::Bytes;
use plakar_opendrive::plugin::v1_1::proto::store::get_request::Range;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{
    CloseRequest, CreateRequest, DeleteRequest, GetRequest, InitRequest, ListRequest, ModeRequest,
    OpenRequest, PingRequest, PutRequest, SizeRequest,
};
use support::noise;
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;
use tonic::transport::Channel;
use tonic::{Code, Status};

const PACKFILE: i32 = 1;
const LOCK: i32 = 3;

type Client = StoreClient<Channel>;

async fn start(config: HashMap<String, String>) -> (Plugin, Client) {
    let plugin = Plugin::start("storage", &[]).await;
    let mut client = StoreClient::new(plugin.channel.clone()).max_decoding_message_size(4 << 20);
    client.init(InitRequest { proto: "rclone".into(), config }).await.unwrap();
    (plugin, client)
}

fn message(mac: &[u8], kind: i32, chunk: &[u8]) -> PutRequest {
    PutRequest {
        mac: Bytes::copy_from_slice(mac),
        r#type: kind,
        chunk: Bytes::copy_from_slice(chunk),
    }
}

async fn put(client: &mut Client, mac: &[u8], kind: i32, bytes: &[u8]) -> Result<i64, Status> {
    let chunks = bytes.chunks(1 << 20).map(|chunk| message(&[], 0, chunk));
    let messages: Vec<_> = std::iter::once(message(mac, kind, &[])).chain(chunks).collect();
    Ok(client.put(tokio_stream::iter(messages)).await?.into_inner().bytes_written)
}

async fn get(
    client: &mut Client,
    mac: &[u8],
    kind: i32,
    range: Option<(u64, u32)>,
) -> Result<Vec<u8>, Status> {
    let range = range.map(|(offset, length)| Range { offset, length });
    let mut answers = client
        .get(GetRequest { mac: Bytes::copy_from_slice(mac), r#type: kind, range })
        .await?
        .into_inner();
    let mut bytes = Vec::new();
    while let Some(answer) = answers.message().await? {
        assert!(answer.chunk.len() <= 1 << 20);
        bytes.extend_from_slice(&answer.chunk);
    }
    Ok(bytes)
}

#[tokio::test]
async fn all_calls_are_answered() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let (_plugin, mut client) = start(place.config("store")).await;
    client.ping(PingRequest {}).await.unwrap();
    let status = client.open(OpenRequest {}).await.unwrap_err();
    assert!(
        status.code() == Code::NotFound && status.message().contains("there is no store"),
        "{status}"
    );
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    let status = client.create(CreateRequest { config: Bytes::new() }).await.unwrap_err();
    assert!(
        status.code() == Code::AlreadyExists && status.message().contains("a store already"),
        "{status}"
    );
    assert_eq!(client.open(OpenRequest {}).await.unwrap().into_inner().config, "description");
    assert_eq!(client.mode(ModeRequest {}).await.unwrap().into_inner().mode, 6);

    let (mac, bytes) = ([7; 32], noise(1, 5_000_000));
    assert_eq!(put(&mut client, &mac, PACKFILE, &bytes).await.unwrap(), 5_000_000);
    assert!(get(&mut client, &mac, PACKFILE, None).await.unwrap() == bytes);
    for (offset, length) in [
        (0, 0),
        (0, 1),
        (4_999_999, 1),
        (0, 5_000_000),
        (123_456, 3_000),
        (123_456, 3_000),
        (5_000_000, 0),
    ] {
        let part = get(&mut client, &mac, PACKFILE, Some((offset, length))).await.unwrap();
        assert!(part == bytes[offset as usize..][..length as usize], "{offset} {length}");
    }
    let macs = client.list(ListRequest { r#type: PACKFILE }).await.unwrap().into_inner().macs;
    assert_eq!(macs, [Bytes::copy_from_slice(&mac)]);
    assert_eq!(client.size(SizeRequest {}).await.unwrap().into_inner().size, 5_000_000);
    client
        .delete(DeleteRequest { mac: Bytes::copy_from_slice(&mac), r#type: PACKFILE })
        .await
        .unwrap();
    assert_eq!(
        client.list(ListRequest { r#type: PACKFILE }).await.unwrap().into_inner().macs.len(),
        0
    );
    client.close(CloseRequest {}).await.unwrap();
}

/// Calls of the system's with which a process has written until now (proc_pid_io(5)).
#[cfg(target_os = "linux")]
fn writes(plugin: &Plugin) -> u64 {
    let counts = std::fs::read_to_string(format!("/proc/{}/io", plugin.child.id().unwrap()));
    let counts = counts.unwrap();
    let count = counts.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap();
    count.parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_answer_from_the_cache_is_one_write() {
    const GETS: u64 = 200;
    let place = Place::Local(tempfile::tempdir().unwrap());
    let (plugin, mut client) = start(place.config("store")).await;
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    let (mac, bytes) = ([7; 32], noise(1, 1_000_000));
    put(&mut client, &mac, PACKFILE, &bytes).await.unwrap();
    // Takes all of it into the cache.
    get(&mut client, &mac, PACKFILE, Some((0, 1_000_000))).await.unwrap();
    let before = writes(&plugin);
    for number in 0..GETS {
        let offset = number * 4_000;
        let part = get(&mut client, &mac, PACKFILE, Some((offset, 3_000))).await.unwrap();
        assert!(part == bytes[offset as usize..][..3_000], "{offset}");
    }
    let writes = writes(&plugin) - before;
    // Now and then there is something else to say, such as how much more the client may send.
    assert!(writes <= GETS + GETS / 4, "{writes} writes for {GETS} answers");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nobody_but_the_connection_looks_into_the_pipes() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let (plugin, _client) = start(place.config("store")).await;
    let process = format!("/proc/{}", plugin.child.id().unwrap());
    let leads_to = |number: u32| std::fs::read_link(format!("{process}/fd/{number}")).unwrap();
    assert_eq!(leads_to(0), std::path::Path::new("/dev/null"));
    assert_eq!(leads_to(1), leads_to(2));
}

#[tokio::test]
async fn bad_requests_are_errors_and_the_connection_lives_on() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let (_plugin, mut client) = start(place.config("store")).await;
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    put(&mut client, &[1; 32], PACKFILE, b"0123456789").await.unwrap();
    for (mac, kind, range, code, expected) in [
        (&[1; 31][..], PACKFILE, None, Code::InvalidArgument, "a MAC of 31 bytes"),
        (&[][..], PACKFILE, Some((0, 1)), Code::InvalidArgument, "a MAC of 0 bytes"),
        (&[1; 33][..], PACKFILE, None, Code::InvalidArgument, "a MAC of 33 bytes"),
        (&[1; 32][..], 0, None, Code::InvalidArgument, "no kind of resource with the number 0"),
        (&[1; 32][..], 6, None, Code::InvalidArgument, "no kind of resource with the number 6"),
        (&[1; 32][..], -1, None, Code::InvalidArgument, "no kind of resource with the number -1"),
        (&[2; 32][..], PACKFILE, None, Code::NotFound, "there is no packfile 0202"),
        (&[1; 32][..], PACKFILE, Some((10, 1)), Code::InvalidArgument, "only 10 bytes"),
        (&[1; 32][..], PACKFILE, Some((0, 11)), Code::InvalidArgument, "only 10 bytes"),
        (
            &[1; 32][..],
            PACKFILE,
            Some((u64::MAX, u32::MAX)),
            Code::InvalidArgument,
            "only 10 bytes",
        ),
    ] {
        let status = get(&mut client, mac, kind, range).await.unwrap_err();
        assert!(
            status.code() == code && status.message().contains(expected),
            "{expected}: {status}"
        );
        if range.is_none() {
            let delete = DeleteRequest { mac: Bytes::copy_from_slice(mac), r#type: kind };
            match client.delete(delete).await {
                // What is not there is deleted.
                Ok(_) => assert_eq!(code, Code::NotFound, "{expected}"),
                Err(status) => assert!(
                    code != Code::NotFound && status.message().contains(expected),
                    "{expected}: {status}"
                ),
            }
        }
        if code == Code::InvalidArgument && range.is_none() {
            // More than the window holds: an answer that came before all was taken would be lost.
            let status = put(&mut client, mac, kind, &noise(1, 20 << 20)).await.unwrap_err();
            assert!(status.message().contains(expected), "{expected}: {status}");
        }
    }
    for kind in [0, 6] {
        assert_eq!(
            client.list(ListRequest { r#type: kind }).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    let status = put(&mut client, &[3; 32], PACKFILE, b"").await.unwrap_err();
    assert!(status.message().contains("a packfile without a byte in it"), "{status}");
    let status = client.put(tokio_stream::iter(Vec::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(get(&mut client, &[1; 32], PACKFILE, Some((3, 4))).await.unwrap(), b"3456");
    let bad = HashMap::from([("location".to_owned(), "opendrive://x".to_owned())]);
    let plugin = Plugin::start("storage", &[]).await;
    let mut fresh = StoreClient::new(plugin.channel.clone());
    assert_eq!(fresh.open(OpenRequest {}).await.unwrap_err().code(), Code::FailedPrecondition);
    let status =
        fresh.init(InitRequest { proto: "opendrive".into(), config: bad }).await.unwrap_err();
    assert!(status.message().contains("option \"username\" is missing"), "{status}");
}

#[tokio::test]
async fn a_lock_does_not_outlive_whoever_put_it() {
    let place = Place::drive();
    let (plugin, mut client) = start(place.config("store")).await;
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    put(&mut client, &[1; 32], LOCK, b"ours").await.unwrap();
    let (_other, mut other) = start(place.config("store")).await;
    put(&mut other, &[2; 32], LOCK, b"another's").await.unwrap();
    drop(client);
    let (status, stderr) = plugin.hang_up().await;
    assert!(status.success() && stderr.is_empty(), "{status} {stderr}");
    let macs = other.list(ListRequest { r#type: LOCK }).await.unwrap().into_inner().macs;
    assert_eq!(macs, [Bytes::copy_from_slice(&[2; 32])]);
}
