//! The store.

use std::collections::HashMap;

use bytes::Bytes;
use plakar_opendrive::plugin::v1_0::proto::store;
use support::noise;
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;
use tonic::{Code, Status};

use super::Store;

fn mac(byte: u8) -> Option<store::Mac> {
    Some(store::Mac { value: vec![byte; 32].into() })
}

fn put(
    name: Option<store::Mac>,
    bytes: &[u8],
) -> tokio_stream::Iter<std::vec::IntoIter<store::PutRequest>> {
    let chunk = |chunk: &[u8]| store::PutRequest {
        chunk: Bytes::copy_from_slice(chunk),
        ..Default::default()
    };
    let first = store::PutRequest { mac: name, ..Default::default() };
    tokio_stream::iter(
        std::iter::once(first).chain(bytes.chunks(1 << 20).map(chunk)).collect::<Vec<_>>(),
    )
}

async fn whole(stream: tonic::Streaming<store::GetResponse>) -> Result<Vec<u8>, Status> {
    use tokio_stream::StreamExt;
    let mut bytes = Vec::new();
    let mut stream = stream;
    while let Some(answer) = stream.next().await {
        bytes.extend_from_slice(&answer?.chunk);
    }
    Ok(bytes)
}

async fn range(client: &mut Store, byte: u8, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
    let request = store::GetRangeRequest { mac: mac(byte), offset, length, ..Default::default() };
    whole(client.get_packfile_blob(request).await?.into_inner()).await
}

#[tokio::test]
async fn a_store_answers_each_call_for_each_kind() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let (plugin, mut client) = start_store(place.config("store")).await;
        let status = client.open(store::OpenRequest::default()).await.unwrap_err();
        assert!(
            status.code() == Code::NotFound && status.message().contains("there is no store"),
            "{status}"
        );
        let create = || store::CreateRequest {
            config: Bytes::from_static(b"description"),
            ..Default::default()
        };
        client.create(create()).await.unwrap();
        assert_eq!(client.create(create()).await.unwrap_err().code(), Code::AlreadyExists);
        assert_eq!(
            client.open(store::OpenRequest::default()).await.unwrap().into_inner().config,
            "description"
        );
        assert_eq!(
            client.get_mode(store::GetModeRequest::default()).await.unwrap().into_inner().mode,
            6
        );
        let location = client
            .get_location(store::GetLocationRequest::default())
            .await
            .unwrap()
            .into_inner()
            .location;
        assert_eq!(location, place.config("store")["location"]);

        let bytes = noise(1, 5_000_000);
        assert_eq!(
            client.put_packfile(put(mac(1), &bytes)).await.unwrap().into_inner().bytes_written,
            5_000_000
        );
        assert_eq!(
            client.put_state(put(mac(2), b"state")).await.unwrap().into_inner().bytes_written,
            5
        );
        assert_eq!(
            client.put_lock(put(mac(3), b"lock")).await.unwrap().into_inner().bytes_written,
            4
        );
        let get = |byte| store::GetRequest { mac: mac(byte), ..Default::default() };
        assert!(
            whole(client.get_packfile(get(1)).await.unwrap().into_inner()).await.unwrap() == bytes
        );
        assert_eq!(
            whole(client.get_state(get(2)).await.unwrap().into_inner()).await.unwrap(),
            b"state"
        );
        assert_eq!(
            whole(client.get_lock(get(3)).await.unwrap().into_inner()).await.unwrap(),
            b"lock"
        );
        for (offset, length) in [
            (0, 0),
            (0, 1),
            (4_999_999, 1),
            (0, 5_000_000),
            (123_456, 3_000),
            (123_456, 3_000),
            (5_000_000, 0),
        ] {
            let part = range(&mut client, 1, offset, length).await.unwrap();
            assert!(part == bytes[offset as usize..][..length as usize], "{offset} {length}");
        }
        for (offset, length) in [(5_000_000, 1), (0, 5_000_001), (u64::MAX, u32::MAX)] {
            assert_eq!(
                range(&mut client, 1, offset, length).await.unwrap_err().code(),
                Code::InvalidArgument
            );
        }
        let list = || store::ListRequest::default();
        assert_eq!(
            client.get_packfiles(list()).await.unwrap().into_inner().macs,
            [mac(1).unwrap()]
        );
        assert_eq!(client.get_states(list()).await.unwrap().into_inner().macs, [mac(2).unwrap()]);
        assert_eq!(client.get_locks(list()).await.unwrap().into_inner().macs, [mac(3).unwrap()]);
        assert_eq!(
            client.get_size(store::GetSizeRequest::default()).await.unwrap().into_inner().size,
            5_000_009
        );

        for name in [None, Some(store::Mac { value: vec![1; 31].into() })] {
            let request = store::GetRequest { mac: name.clone(), ..Default::default() };
            assert_eq!(
                client.get_packfile(request).await.unwrap_err().code(),
                Code::InvalidArgument
            );
            // More than the window holds: an answer that came before all was taken would be lost.
            let status = client.put_packfile(put(name, &noise(1, 20 << 20))).await.unwrap_err();
            assert!(status.message().contains("one has 32"), "{status}");
        }
        assert_eq!(client.get_state(get(9)).await.unwrap_err().code(), Code::NotFound);
        // Plakar 1.0 takes no state for stored whose put fails, so there is no advice about its
        // cache.
        let status = client.put_state(put(mac(4), b"")).await.unwrap_err();
        assert!(
            status.message().contains("a state without a byte in it")
                && !status.message().contains("cache"),
            "{status}"
        );

        let delete = |byte| store::DeleteRequest { mac: mac(byte), ..Default::default() };
        client.delete_packfile(delete(1)).await.unwrap();
        client.delete_state(delete(2)).await.unwrap();
        client.delete_lock(delete(3)).await.unwrap();
        // What is gone already is deleted.
        client.delete_lock(delete(3)).await.unwrap();
        assert_eq!(
            client.get_size(store::GetSizeRequest::default()).await.unwrap().into_inner().size,
            0
        );
        // A lock that nobody deletes goes with the connection.
        client.put_lock(put(mac(5), b"lock")).await.unwrap();
        client.close(store::CloseRequest::default()).await.unwrap();
        drop(client);
        let (status, stderr) = plugin.hang_up().await;
        assert!(status.success() && stderr.is_empty(), "{status} {stderr}");
        let (_plugin, mut client) = start_store(place.config("store")).await;
        assert_eq!(client.get_locks(list()).await.unwrap().into_inner().macs, []);
    }
}

async fn start_store(config: HashMap<String, String>) -> (Plugin, Store) {
    let plugin = Plugin::start_v1_0("storage", &[]).await;
    let mut client = Store::new(plugin.channel.clone()).max_decoding_message_size(4 << 20);
    client.init(store::InitRequest { config, ..Default::default() }).await.unwrap();
    (plugin, client)
}
