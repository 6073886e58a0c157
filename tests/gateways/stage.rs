//! An instance whose contacts have telephones or endpoints, and its `serve`.

use std::fmt::Write;

use crate::instance::{Engine, Instance};
use crate::process::{Run, until_store};

/// The secret of every endpoint, and the one that it is replaced by.
pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
pub const NEW_SECRET: &str = "whsec_enl4d3Z1dHNycXBvbm1sa2ppaGdmZWRjYmE=";

/// An instance with a template for text messages and webhooks.
pub async fn instance(engine: Engine) -> Instance {
    let instance = Instance::new(engine).await;
    instance.write(
        "templates/test/sms.de.txt",
        "{{instance.short_name}} {{notice.number}}: Dies ist ein Test.\n",
    );
    instance
}

/// Numbers that are never assigned (Bundesnetzagentur, Mitteilung 148/2021), 200 of them.
pub fn telephones() -> impl Iterator<Item = String> {
    let number =
        |n: usize| if n < 100 { format!("0171 39200{n:02}") } else { format!("0176 040690{:02}", n - 100) };
    (0..200).map(number)
}

/// Imports a group `all` of `count` contacts with telephones.
pub fn import_telephones(instance: &Instance, count: usize) {
    let mut rows = "id;name;sms\n".to_owned();
    for (n, telephone) in telephones().take(count).enumerate() {
        writeln!(rows, "c{n};Amt {n};{telephone}").unwrap();
    }
    instance.write("contacts/all.csv", rows);
    instance.run(&["contacts", "import"]).exits(0);
}

/// Imports a group `all` with these endpoints.
pub fn import_endpoints(instance: &Instance, endpoints: &[String], secret: &str) {
    let mut rows = "id;name;webhook;webhook_secret\n".to_owned();
    for (n, endpoint) in endpoints.iter().enumerate() {
        writeln!(rows, "c{n};Amt {n};{endpoint};{secret}").unwrap();
    }
    instance.write("contacts/all.csv", rows);
    instance.run(&["contacts", "import"]).exits(0);
}

/// A gateway of Kannel's kind at this port, with more keys.
pub fn gateway(port: u16, keys: &str) -> String {
    format!(
        "[[sms.provider]]\nname = \"gateway{port}\"\nkind = \"kannel\"\nurl = \
         \"http://127.0.0.1:{port}/cgi-bin/sendsms\"\nusername = \"rundruf\"\npassword = \"geheim\"\n{keys}\n"
    )
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until so many deliveries of the only notice are in `state`.
pub async fn until_count(instance: &Instance, run: &Run, state: &str, count: u64) {
    let all = async || instance.count(state) == count;
    until_store(all, &|| format!("{:?}\n{}", instance.notices(), run.err())).await;
}
