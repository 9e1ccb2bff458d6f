//! TLS only: a certificate that is not right ends everything at once with one clear line, and
//! nobody is sent on to where nothing is encrypted.

use std::collections::HashMap;
use std::net::TcpListener;

use opendrive_sim::{Certificate, Fault, Options, Simulator, What};
use plakar_opendrive::connector::{OpenError, Role, Settings, Source};
use plakar_opendrive::rclone::Remote;
use support::noise;
use support_plugin::place::Place;

async fn open(
    simulator: Simulator,
    change: impl FnOnce(&mut HashMap<String, String>),
) -> (String, Place) {
    let place = Place::Drive(Box::new(simulator));
    let mut config = place.config("");
    change(&mut config);
    let error =
        Source::open(Settings::parse(Role::Source, &config, "here").unwrap()).await.unwrap_err();
    let message = match error {
        OpenError::Remote { message, .. } => message,
        OpenError::Config(error) => error.to_string(),
    };
    assert!(!message.contains('\n') && !message.contains("pässword"), "{message}");
    (message, place)
}

#[tokio::test]
async fn a_bad_certificate_is_fatal_at_once_and_clear() {
    for (certificate, told) in [
        (
            Certificate::Untrusted,
            [
                "the certificate of dev.opendrive.com is not trusted",
                "set RCLONE_CA_CERT to the file of the authority",
            ],
        ),
        (
            Certificate::Expired,
            [
                "the certificate of dev.opendrive.com is not valid now",
                "look at the clock of this machine",
            ],
        ),
        (
            Certificate::OtherHost,
            [
                "what answers for dev.opendrive.com is another host",
                "valid for elsewhere.example.com",
            ],
        ),
    ] {
        let simulator = Simulator::start(Options { certificate, ..Options::default() }).unwrap();
        let (message, place) = open(simulator, |_| {}).await;
        for part in told {
            assert!(message.contains(part), "{certificate:?}: {message}");
        }
        assert_eq!(
            (place.simulator().connections(), place.simulator().calls().total),
            (1, 0),
            "{certificate:?}"
        );
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_told_and_ends_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let (gone, empty) = (folder.path().join("gone.pem"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "no certificate").unwrap();
    for (file, told) in [(&gone, "no such file"), (&empty, "there is no certificate in it")] {
        let file = file.to_str().unwrap().to_owned();
        let simulator = Simulator::start(Options::default()).unwrap();
        let (message, _) = open(simulator, |config| {
            drop(config.insert("override.ca_cert".to_owned(), file.clone()))
        })
        .await;
        assert!(
            message.contains(&file) && message.contains(told) && message.contains("RCLONE_CA_CERT"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_on_to_plain_http() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    plain.set_nonblocking(true).unwrap();
    let to = format!("http://{}/file", plain.local_addr().unwrap());
    let place = Place::drive();
    place.put("file", &noise(1, 1000), 1).await;
    let remote = Remote::open(&place.settings(Role::Source, "").remote).await.unwrap();
    let entry = remote.stat("file").await.unwrap();
    for endpoint in ["download/file", "folder/list"] {
        place.simulator().reset_calls();
        place.simulator().set_faults(vec![
            Fault::new(What::Redirect { to: to.clone() }).endpoint(endpoint).always(),
        ]);
        let error = match endpoint {
            "download/file" => entry
                .object
                .as_ref()
                .unwrap()
                .read(0, None)
                .await
                .unwrap()
                .chunk()
                .await
                .unwrap_err(),
            _ => remote.list("").await.unwrap_err(),
        };
        let expected = format!(
            "dev.opendrive.com sends us on to http://{}, where nothing is encrypted: refused",
            plain.local_addr().unwrap()
        );
        assert!(error.message().contains(&expected), "{error}");
        assert!(!error.to_string().contains("session"), "{error}");
        assert_eq!(place.simulator().calls().of(endpoint), 1, "it was tried again");
    }
    assert!(plain.accept().is_err(), "somebody came");
}
