//! The least that a plugin can be: no remote, no bridge, nothing to wait for, and tonic as it comes
//! over the pipes that Plakar gives. It shares nothing with ours but the messages, so that it stays
//! what it is when ours changes.

mod importer;
mod plakar;
mod store;

use std::process::ExitCode;

use plakar_opendrive::plugin::v1_1::proto::importer::importer_server::ImporterServer;
use plakar_opendrive::plugin::v1_1::proto::store::store_server::StoreServer;
use tonic::transport::Server;

use importer::BareSource;
use plakar::Pipes;
use store::BareStore;

/// Bytes of a message: what Plakar sends, and what our own plugin sends.
const CHUNK: usize = 1 << 20;

/// Bytes that Plakar may send before it must wait, as in our own plugin.
const WINDOW: u32 = 8 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let pipes = Pipes::take().expect("the pipes of Plakar as standard input and output");
    let mut server =
        Server::builder().initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
    let server = match std::env::args().nth(1).as_deref() {
        Some("importer") => server.add_service(ImporterServer::new(BareSource::default())),
        Some("storage") => server.add_service(StoreServer::new(BareStore::default())),
        _ => {
            eprintln!("bare-plugin: write importer or storage");
            return ExitCode::from(2);
        }
    };
    // One connection and never another; the process ends with it.
    use tokio_stream::StreamExt;
    let incoming =
        tokio_stream::once(Ok::<_, std::io::Error>(pipes)).chain(tokio_stream::pending());
    match server.serve_with_incoming(incoming).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare-plugin: {error}");
            ExitCode::FAILURE
        }
    }
}
