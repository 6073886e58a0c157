//! A mailbox is only logged in to over a connection that is encrypted, to a server that has proved its name.

use rundruf::channels::email::{Mailbox, MailboxLimits};
use rundruf::domain::outcome::Reason;
use rundruf::domain::settings::{BounceMailbox, Credentials, ImapTls};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::mailbox::{HELLO, serve};
use crate::private_ca::{self_certified, trusted};

async fn serve_imaps(tcp: TcpStream, tls: TlsAcceptor) {
    if let Ok(stream) = tls.accept(tcp).await {
        serve(stream, HELLO, &[]).await;
    }
}

/// Greets, takes STARTTLS, and goes on encrypted; behind its answer it says `injected`.
async fn serve_starttls(tcp: TcpStream, tls: TlsAcceptor, injected: &str) {
    let mut stream = BufReader::new(tcp);
    let _ = stream.write_all(HELLO.as_bytes()).await;
    let mut line = String::new();
    let _ = stream.read_line(&mut line).await;
    assert!(line.trim_end().ends_with(" STARTTLS"), "before it is encrypted it is told {line:?}");
    let tag = line.split(' ').next().unwrap();
    let _ = stream.write_all(format!("{tag} OK begin\r\n{injected}").as_bytes()).await;
    if let Ok(stream) = tls.accept(stream.into_inner()).await {
        serve(stream, "", &[]).await;
    }
}

async fn look_at(tls: ImapTls, acceptor: TlsAcceptor, injected: &'static str) -> Result<usize, Reason> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        match tls {
            ImapTls::Implicit => serve_imaps(tcp, acceptor).await,
            ImapTls::Required => serve_starttls(tcp, acceptor, injected).await,
            ImapTls::None => serve(tcp, HELLO, &[]).await,
        }
    });
    let settings = BounceMailbox {
        host: "localhost".to_owned(),
        port,
        tls,
        credentials: Credentials { username: "rueck".to_owned(), password: "geheim".into() },
        folder: "INBOX".to_owned(),
        poll: std::time::Duration::from_secs(60),
    };
    let result = Mailbox::new(settings, MailboxLimits::default()).poll(|_| std::future::ready(true)).await;
    server.await.unwrap();
    result
}

#[test]
fn a_good_certificate_is_accepted_from_the_first_byte_and_by_starttls() {
    trusted(
        "encrypted::a_good_certificate_is_accepted_from_the_first_byte_and_by_starttls",
        |ca| async move {
            assert_eq!(look_at(ImapTls::Implicit, ca.certify("localhost"), "").await, Ok(1));
            assert_eq!(look_at(ImapTls::Required, ca.certify("localhost"), "").await, Ok(1));
        },
    );
}

#[test]
fn what_is_put_in_behind_starttls_is_not_believed() {
    trusted("encrypted::what_is_put_in_behind_starttls_is_not_believed", |ca| async move {
        let injected = "A0002 OK logged in\r\n* SEARCH 1 2 3\r\n";
        let result = look_at(ImapTls::Required, ca.certify("localhost"), injected).await;
        assert!(
            matches!(&result, Ok(1)) || result.as_ref().is_err_and(|reason| reason.code == "tls"),
            "{result:?}"
        );
    });
}

#[test]
fn a_wrong_certificate_is_refused_and_the_mend_is_said() {
    trusted("encrypted::a_wrong_certificate_is_refused_and_the_mend_is_said", |ca| async move {
        for (acceptor, mend) in [
            (self_certified("localhost"), "add the issuer's certificate"),
            (ca.certify("other.example"), "write the name that the certificate is made out to"),
            (ca.certify_for_the_past("localhost"), "renew it"),
        ] {
            for tls in [ImapTls::Implicit, ImapTls::Required] {
                let reason = look_at(tls, acceptor.clone(), "").await.unwrap_err();
                assert_eq!(reason.code, "certificate", "{reason:?}");
                assert!(reason.text.contains(mend), "{reason:?}");
            }
        }
    });
}
