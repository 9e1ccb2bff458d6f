//! Lists of a store that are longer than Plakar takes from an integration, by both generations.

use std::collections::HashMap;
use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_0::proto::store as v1_0;
use plakar_opendrive::plugin::v1_0::proto::store::store_client::StoreClient as StoreClientV1_0;
use plakar_opendrive::plugin::v1_1::proto::store as v1_1;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use support::within;
use support_plugin::plugin::Plugin;
use tonic::{Code, Status};

/// What 4 MiB have room for: a name takes 34 bytes of a message, and 36 with the one around it that
/// 1.0 has.
const MOST: usize = (4 << 20) / 34;
const MOST_1_0: usize = (4 << 20) / 36;

const PACKFILE: i32 = 1;

const TIME: Duration = Duration::from_secs(180);

/// A drive with a store of so many packfiles.
fn drive_with(packfiles: usize) -> Simulator {
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    let drive = simulator.drive();
    drive.put_file("kloset/CONFIG", b"description".to_vec(), 1_700_000_000);
    let names = (0..packfiles).map(|number| format!("{number:064x}"));
    drive.put_alike("kloset/packfiles", names, b"xyz".to_vec(), 1_700_000_000);
    drive.make_folder("kloset/states");
    drive.make_folder("kloset/locks");
    simulator
}

fn config(simulator: &Simulator) -> HashMap<String, String> {
    [
        ("location", "opendrive://kloset"),
        ("username", simulator.username()),
        ("password", simulator.password()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// The number of packfiles that a client with gRPC's own limits, as Plakar is one, is told.
async fn count(simulator: &Simulator) -> Result<usize, Status> {
    let plugin = Plugin::start("storage", &simulator.env()).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    let config = config(simulator);
    client.init(v1_1::InitRequest { proto: "opendrive".into(), config }).await?;
    client.open(v1_1::OpenRequest {}).await?;
    let answer = client.list(v1_1::ListRequest { r#type: PACKFILE }).await?;
    Ok(answer.into_inner().macs.len())
}

async fn count_1_0(simulator: &Simulator) -> Result<usize, Status> {
    let plugin = Plugin::start_v1_0("storage", &simulator.env()).await;
    let mut client = StoreClientV1_0::new(plugin.channel.clone());
    let config = config(simulator);
    client.init(v1_0::InitRequest { config, ..Default::default() }).await?;
    client.open(v1_0::OpenRequest::default()).await?;
    Ok(client.get_packfiles(v1_0::ListRequest::default()).await?.into_inner().macs.len())
}

fn assert_refused(outcome: Result<usize, Status>, count: usize, most: usize) {
    let status = outcome.unwrap_err();
    let said =
        format!("the store has {count} packfiles, and Plakar takes the names of {most} from");
    assert!(
        status.code() == Code::ResourceExhausted && status.message().starts_with(&said),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_plakar_does_not_take_is_one_clear_line() {
    let simulator = drive_with(MOST + 1);
    within(TIME, async {
        assert_refused(count(&simulator).await, MOST + 1, MOST);
        assert_refused(count_1_0(&simulator).await, MOST + 1, MOST_1_0);
        simulator.drive().remove(&format!("kloset/packfiles/{:064x}", 0));
        assert_eq!(count(&simulator).await.unwrap(), MOST);
    })
    .await;
    let simulator = drive_with(MOST_1_0);
    within(TIME, async { assert_eq!(count_1_0(&simulator).await.unwrap(), MOST_1_0) }).await;
}
