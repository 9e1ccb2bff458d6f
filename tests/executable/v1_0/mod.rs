//! Conformance of plugin API v1.0.0: a client speaks to the executable over its pipes as Plakar 1.0
//! does.

mod engine;
mod exporting;
mod importing;
mod storing;

use std::collections::HashMap;

use plakar_opendrive::plugin::v1_0::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_0::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_0::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_0::proto::{exporter, importer, store};
use support_plugin::plugin::Plugin;
use tonic::Code;
use tonic::transport::Channel;

use exporting::store_file;
use importing::read;

type Importer = ImporterClient<Channel>;
type Exporter = ExporterClient<Channel>;
type Store = StoreClient<Channel>;
const FOLDER: u32 = 1 << 31;

#[tokio::test]
async fn calls_before_init_and_a_second_init_are_errors() {
    let plugin = Plugin::start_v1_0("importer", &[]).await;
    let mut client = Importer::new(plugin.channel.clone());
    assert_eq!(
        client.info(importer::InfoRequest::default()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(
        client.scan(importer::ScanRequest::default()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(read(&mut client, "/x").await.unwrap_err().code(), Code::FailedPrecondition);
    // Not even options, as nothing needs them.
    let bad = client.init(importer::InitRequest::default()).await.unwrap_err();
    assert!(
        bad.code() == Code::InvalidArgument && bad.message().contains("there is no location"),
        "{bad}"
    );
    let config = HashMap::from([
        ("location".into(), "rclone://".into()),
        ("rclone_type".into(), "memory".into()),
    ]);
    let init = importer::InitRequest { config, ..Default::default() };
    client.init(init.clone()).await.unwrap();
    assert_eq!(client.init(init).await.unwrap_err().code(), Code::FailedPrecondition);
    let plugin = Plugin::start_v1_0("exporter", &[]).await;
    let mut client = Exporter::new(plugin.channel.clone());
    assert_eq!(
        client.root(exporter::RootRequest::default()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(
        store_file(&mut client, "/x", 1, b"x").await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    let plugin = Plugin::start_v1_0("storage", &[]).await;
    let mut client = Store::new(plugin.channel.clone());
    assert_eq!(
        client.open(store::OpenRequest::default()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(
        client.get_mode(store::GetModeRequest::default()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    // The other generation's calls are not there.
    let other = plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient::new(
        plugin.channel.clone(),
    );
    let status = { other }
        .ping(plakar_opendrive::plugin::v1_1::proto::store::PingRequest {})
        .await
        .unwrap_err();
    assert!(
        status.code() == Code::Unimplemented
            && status.message().contains("for another version of Plakar"),
        "{status}"
    );
}

/// Plakar 1.0 knows no classes and no validators (plakar-pkg-manifest.yaml(5)), and starts what the
/// arguments say.
#[test]
fn the_manifest_for_plakar_1_0_is_made_of_the_other() {
    let packaging = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let manifest = std::fs::File::open(packaging.join("manifest.yaml")).unwrap();
    let output = std::process::Command::new(packaging.join("manifest-v1.0"))
        .arg("v0.1.0")
        .stdin(manifest)
        .output()
        .unwrap();
    assert!(output.status.success());
    let manifest = String::from_utf8(output.stdout).unwrap();
    for line in ["api_version: v1.0.0", "name: rclone"] {
        assert!(manifest.lines().any(|found| found == line), "{line}: {manifest}");
    }
    for connector in ["importer", "storage", "exporter"] {
        assert!(
            manifest.contains(&format!("args: [{connector}, --plakar-api, v1.0]\n")),
            "{connector}: {manifest}"
        );
    }
    const KNOWN: [&str; 15] = [
        "name",
        "display_name",
        "description",
        "homepage",
        "license",
        "tags",
        "api_version",
        "version",
        "connectors",
        "type",
        "protocols",
        "executable",
        "args",
        "extra_files",
        "location_flags",
    ];
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        let key = line.trim_start_matches([' ', '-']).split(':').next().unwrap();
        assert!(KNOWN.contains(&key), "{line}");
    }
}
