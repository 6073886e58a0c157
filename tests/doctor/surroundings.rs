//! Gateways, secrets, and where links lead.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::dns::Zone;
use super::instance::{Instance, contains};

#[test]
fn a_gateway_that_is_gone_is_broken() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let instance = Instance::new(&format!(
        "[[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nusername = \"u\"\npassword = \"p\"\n\
         url = \"http://127.0.0.1:{free}/cgi-bin/sendsms\"\n"
    ));
    let said = instance.doctor(Zone::default().serve(), &[]);
    contains(&said.out, &["BROKEN  SMS provider gate: "]);
    assert_eq!(said.code, 1);
}

#[test]
fn secrets_that_everybody_can_read_are_named() {
    let instance = Instance::new("[database]\nurl = \"sqlite://var/rundruf.db\"\n");
    let key = instance.folder.path().join("dkim.pem");
    let set = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    let zone = Zone::default().serve();
    set(0o644);
    contains(
        &instance.doctor(zone, &[]).out,
        &["look    secrets: everybody on this machine can read dkim.pem", "→ chmod 600 dkim.pem"],
    );
    set(0o640);
    assert!(!instance.doctor(zone, &[]).out.contains("secrets:"));
}

#[test]
fn an_address_without_encryption_is_warned_of() {
    let instance = Instance::new("");
    let file = instance.folder.path().join("rundruf.toml");
    let text =
        std::fs::read_to_string(&file).unwrap().replace("https://rundruf.kim.de", "http://rundruf.kim.de");
    std::fs::write(&file, text).unwrap();
    contains(
        &instance.doctor(Zone::default().serve(), &[]).out,
        &["look    public address: http://rundruf.kim.de/ is not encrypted"],
    );
}
