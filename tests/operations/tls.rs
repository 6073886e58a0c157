//! Encrypted connections without a proxy: a certificate that is renewed while they stand.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::instance::{Engine, Instance};
use crate::process::{Run, until_store};

struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem(), der: made.cert.der().clone() }
}

async fn start(pair: &Pair) -> (Instance, Run, String) {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.write("cert.pem", &pair.certificate);
    instance.write("key.pem", &pair.key);
    instance.configure("[http]\nlisten = \"127.0.0.1:0\"\ncertificate = \"cert.pem\"\nkey = \"key.pem\"");
    let run = instance.start(&["serve"]);
    run.until_it_says("Ctrl-C").await;
    let said = run.err();
    let address = said.split_once("https://").unwrap().1.split_once(',').unwrap().0.to_owned();
    (instance, run, address)
}

/// A connection that trusts this certificate alone.
async fn connect(address: &str, trusted: &Pair) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        let mut buffer = [0; 512];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "it hung up: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_up_and_no_connection_breaks() {
    let (old, new) = (pair(), pair());
    let (instance, run, address) = start(&old).await;
    let mut standing = connect(&address, &old).await.unwrap();
    assert!(ask(&mut standing).await.starts_with("HTTP/1.1 200"));
    assert_eq!(standing.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));

    // First one file, then the other, as a program that renews them does: half of it is not used.
    instance.write("cert.pem", &new.certificate);
    run.until_it_says("Serving").await;
    instance.write("key.pem", &new.key);
    until_store(async || connect(&address, &new).await.is_ok(), &|| run.err()).await;
    assert!(connect(&address, &old).await.is_err(), "the old one is not shown any more");
    assert!(ask(&mut standing).await.starts_with("HTTP/1.1 200"), "what stood goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_be_used_leaves_the_old_one_in_use() {
    let old = pair();
    let (instance, run, address) = start(&old).await;
    instance.write("cert.pem", "this is no certificate\n");
    run.until_it_says("stays in use").await;
    assert!(connect(&address, &old).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_half_written_or_gone_leave_the_old_pair_in_use_until_they_are_whole() {
    let (old, new) = (pair(), pair());
    let (instance, run, address) = start(&old).await;
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let complaints = || run.err().matches("stays in use").count();
    let broken: [(&str, &dyn Fn()); 6] = [
        ("half a certificate", &|| instance.write("cert.pem", half(&new.certificate))),
        ("nothing in it", &|| instance.write("cert.pem", "")),
        ("no file", &|| std::fs::remove_file(instance.path("cert.pem")).unwrap()),
        ("bytes", &|| instance.write("cert.pem", [0xff; 4_096])),
        ("the new certificate with the old key", &|| instance.write("cert.pem", &new.certificate)),
        ("half a key", &|| instance.write("key.pem", half(&new.key))),
    ];
    for (what, breaks) in broken {
        let before = complaints();
        breaks();
        until_store(async || complaints() > before, &|| format!("{what}: {}", run.err())).await;
        let mut stream = connect(&address, &old).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"), "{what}");
    }
    instance.write("key.pem", &new.key);
    until_store(async || connect(&address, &new).await.is_ok(), &|| run.err()).await;
    assert!(!run.err().contains("PRIVATE KEY"), "no key stands in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_said_before_anything_is_sent() {
    let (one, other) = (pair(), pair());
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(3);
    instance.release(&[]);
    let sections = "[http]\nlisten = \"127.0.0.1:0\"\ncertificate = \"cert.pem\"\nkey = \"key.pem\"";
    instance.configure(sections);
    instance.run(&["serve"]).exits(1).says(&["[http] certificate", "cert.pem"]);
    instance.write("cert.pem", &one.certificate);
    instance.write("key.pem", &other.key);
    instance.run(&["serve"]).exits(1).says(&["do not belong together"]);
    assert_eq!(instance.count("queued"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_no_tls_is_hung_up_on_and_costs_nobody_else_anything() {
    let only = pair();
    let (_instance, _run, address) = start(&only).await;
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP"), "nothing is answered in the clear");
    assert!(connect(&address, &only).await.is_ok());
}
