//! Mail, to servers that speak SMTP.

use std::time::Duration;

use source_app::state::TaskState;
use support::{until, within};

use crate::common::{source, start};
use crate::site::{Site, write_private};
use crate::smtp_server::{Aiosmtpd, SmtpServer};

const LIMIT: Duration = Duration::from_secs(120);

/// A name as nobody can give it: by the database alone.
fn hostile(site: &Site) {
    let app = source(&site.state, "documents");
    let database = rusqlite::Connection::open(site.place.join("state.db")).unwrap();
    let name = "ü\r\nBcc: evil@example.org\r\n\r\nbody";
    database.execute("UPDATE app SET name = ?1", [name]).unwrap();
    site.ran(&app, TaskState::Failed, start());
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_login_and_its_headers_are_its_own() {
    within(LIMIT, async {
        let server = SmtpServer::start(true).await;
        let site = Site::new("");
        let folder = site.directory.path();
        let (secret, authority) = (folder.join("password"), folder.join("ca.pem"));
        write_private(&secret, "hunter2\n");
        std::fs::write(&authority, &server.certificate).unwrap();
        let table = format!(
            "[[mail]]\nname = \"me\"\nserver = \"localhost\"\nport = {}\nusername = \"user\"\n\
             password = \"file:{}\"\nfrom = \"Backups <backup@example.org>\"\nto = [\"me@example.org\", \"you@example.org\"]\n",
            server.port,
            secret.display()
        );
        // Its certificate is nobody's: it is refused.
        site.write(&table);
        let tried = site.service().notify_test(None).await.unwrap().remove(0);
        assert!(!tried.arrived && tried.words.contains("certificate"), "{}", tried.words);
        assert!(server.got().is_empty());
        site.write(&format!("{table}authority = \"{}\"\n", authority.display()));
        hostile(&site);
        site.look(start()).await;
        let mails = server.got();
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        assert!(mail.was_encrypted);
        assert_eq!(mail.login.as_deref(), Some("AHVzZXIAaHVudGVyMg=="), "\\0user\\0hunter2");
        assert_eq!(mail.from, "MAIL FROM:<backup@example.org>");
        assert_eq!(mail.to, ["RCPT TO:<me@example.org>", "RCPT TO:<you@example.org>"]);
        let (headers, body) = mail.text.split_once("\r\n\r\n").unwrap();
        let mut names: Vec<&str> = headers
            .lines()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        names.sort_unstable();
        let expected = [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "Message-ID",
            "Subject",
            "To",
        ];
        assert_eq!(names, expected, "{headers}");
        assert!(headers.contains("\r\nSubject: =?utf-8?b?"), "{headers}");
        assert!(!body.contains("hunter2") && body.contains("plakar-opendrive app log"), "{body}");
        assert_eq!(site.status("me").await.place, format!("me@example.org, you@example.org by localhost:{}", server.port));
    })
    .await;
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing() {
    within(LIMIT, async {
        let server = SmtpServer::start(false).await;
        let table = |security: &str| {
            format!(
                "[[mail]]\nname = \"me\"\nserver = \"localhost\"\nport = {}\nsecurity = \"{security}\"\n\
                 from = \"backup@example.org\"\nto = [\"me@example.org\"]\n",
                server.port
            )
        };
        let site = Site::new(&table("starttls"));
        assert!(!site.service().notify_test(None).await.unwrap()[0].arrived);
        assert!(server.got().is_empty());
        // On this machine it may be left out.
        site.write(&table("none"));
        let told = site.service().notify_test(None).await.unwrap().remove(0);
        assert_eq!((told.arrived, told.words.as_str()), (true, "the server took it (250)"));
        assert_eq!(server.got().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn aiosmtpd_takes_what_is_sent() {
    within(LIMIT, async {
        let site = Site::new("");
        let Some(server) = Aiosmtpd::start(site.directory.path()).await else { return };
        site.write(&format!(
            "[[mail]]\nname = \"me\"\nserver = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
             from = \"backup@example.org\"\nto = [\"me@example.org\"]\n",
            server.port
        ));
        hostile(&site);
        site.look(start()).await;
        let record = site.status("me").await.record;
        assert_eq!((record.delivered, record.outstanding), (1, 0), "{}", record.reason);
        let printed = || server.printed().contains("END MESSAGE");
        until(LIMIT, "the message to be printed", printed).await;
        let printed = server.printed();
        assert!(!printed.contains("Bcc"), "{printed}");
        assert!(printed.contains("failed with") || printed.contains("failed"), "{printed}");
        assert_eq!(printed.matches("Subject: ").count(), 1, "{printed}");
    })
    .await;
}
