//! The destination while somebody else writes to it.

use bytes::Bytes;
use support::alone::ran_alone;
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::*;

/// Its beginning was the same when it was compared, and is read once more for the upload.
#[tokio::test]
async fn a_file_that_is_overwritten_while_it_is_compared_is_no_mixture() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    const SIZE: usize = 12_000_000;
    let place = Place::drive();
    let (before, theirs) = (noise(1, SIZE), noise(2, SIZE));
    place.put("base/twin", &before, 1).await;
    let mut ours = before;
    ours[SIZE - 1] ^= 1;
    let restored = restore(&open(&place, "base").await, async |restore| {
        restore.entry(file("/twin", SIZE as u64, 1), "/twin".into()).await;
        for (number, chunk) in ours.chunks(1 << 20).enumerate() {
            // Two wait at most, so the first of these has been compared.
            if number == 5 {
                assert!(place.simulator().drive().set_file("base/twin", theirs.clone(), 2));
            }
            restore.chunk(Bytes::copy_from_slice(chunk)).await;
        }
        restore.end_of_file().await;
    })
    .await;
    assert_eq!(restored.failed("the file that is there changed meanwhile"), ["/twin"]);
    no_streams().await;
    assert!(place.simulator().drive().read_file("base/twin").unwrap() == theirs);
}
