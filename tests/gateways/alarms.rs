//! An alarm from end to end: the text message brings a link, the link confirms, and whoever does not confirm is
//! followed by the next way and the deputy.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::{Run, until, until_store};
use crate::script::{Answer, Server};
use crate::stage::{free_port, gateway, instance};

on_both_engines!(
    a_confirmation_ends_the_alarm_and_silence_calls_the_next,
    a_bounce_that_comes_late_calls_the_next_way
);

/// An instance with two contacts, each the other's deputy or not, and its running service.
async fn stage(engine: Engine, contacts: &str) -> (Instance, Run, Server, u16) {
    let server = Server::start([Answer::new("202 Accepted", "", "0: Accepted for delivery")]).await;
    let instance = instance(engine).await;
    instance.write(
        "templates/test/template.toml",
        "title = \"Alarm\"\nphase = \"investigating\"\nalarm = true\n",
    );
    let port = free_port();
    let sections = format!(
        "bounce_address = \"rueck@tb.example\"\n\
         [[email.provider]]\nname = \"outbox\"\nurl = \"outbox:var/outbox\"\n\
         [http]\nlisten = \"127.0.0.1:{port}\"\n{}",
        gateway(server.port, "")
    );
    instance.configure_at(&format!("http://127.0.0.1:{port}"), &sections);
    instance.write("contacts/all.csv", contacts);
    instance.run(&["contacts", "import"]).exits(0);
    let serve = instance.start(&["serve"]);
    serve.until_it_says("Ctrl-C").await;
    (instance, serve, server, port)
}

/// Asks the service; gives status and body.
async fn ask(port: u16, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: message/rfc822\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// The path of the link in the text message to `telephone`.
fn link(server: &Server, telephone: &str) -> String {
    let field = |query: &[(String, String)], wanted: &str| {
        query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).unwrap()
    };
    let requests = server.requests();
    let queries: Vec<Vec<(String, String)>> = requests.iter().map(crate::script::Request::query).collect();
    let query = queries.iter().find(|query| field(query, "to").ends_with(telephone)).unwrap();
    let text = field(query, "text");
    let at = text.find("/a/").unwrap_or_else(|| panic!("no link in {text:?}"));
    text[at..].split_whitespace().next().unwrap().to_owned()
}

fn report(instance: &Instance) -> String {
    instance.run(&["notices", "report", "2026-0001"]).exits(0).out
}

async fn a_confirmation_ends_the_alarm_and_silence_calls_the_next(engine: Engine) {
    let contacts = "id;name;organisation;sms;email;deputy\n\
                    a;Anna Amt;Amt A;0171 3920001;a@a.example;\n\
                    b;Bernd Burg;Amt B;0171 3920002;b@b.example;c\n\
                    c;Clara Cott;Amt C;0171 3920003;;\n";
    let (instance, serve, server, port) = stage(engine, contacts).await;
    let send = ["send", "test", "--contact", "a,b", "--after", "2s", "--yes", "--no-wait"];
    instance.run(&send).exits(0);
    until(|| server.requests().len() >= 2, &|| serve.err()).await;

    let path = link(&server, "1713920001");
    let (status, page) = ask(port, "GET", &path, b"").await;
    assert!(status == 200 && !page.to_lowercase().contains("<script"), "{page}");
    assert!(
        report(&instance).contains("0 of 2"),
        "looking at the page confirms nothing:\n{}",
        report(&instance)
    );
    assert_eq!(ask(port, "POST", &path, b"").await.0, 200);
    assert!(report(&instance).contains("1 of 2"), "{}", report(&instance));
    let wrong = format!("{}x", &path[..path.len() - 1]);
    assert_eq!(ask(port, "POST", &wrong, b"").await.0, 404);

    let told_deputy = || server.requests().iter().any(|request| request.target.contains("1713920003"));
    until(told_deputy, &|| format!("the deputy was never told:\n{}\n{}", report(&instance), serve.err()))
        .await;
    let mails: Vec<String> = instance
        .deliveries("sent")
        .iter()
        .filter(|d| d["channel"] == "email")
        .map(|d| d["contact"].to_string())
        .collect();
    assert_eq!(mails, ["\"b\""], "only who did not confirm is followed");

    instance.run(&["notices", "reached", "2026-0001", "b", "--by", "phone", "--note", "kommt"]).exits(0);
    let ended = async || instance.notices()[0]["state"] == "completed";
    until_store(ended, &|| format!("{:?}", instance.notices())).await;
    assert!(report(&instance).contains("2 of 2"), "{}", report(&instance));
}

async fn a_bounce_that_comes_late_calls_the_next_way(engine: Engine) {
    let contacts = "id;name;organisation;sms;email;deputy\na;Anna Amt;Amt A;0171 3920001;a@a.example;\n";
    let (instance, serve, server, port) = stage(engine, contacts).await;
    instance.write("templates/test/template.toml", "title = \"Test\"\nphase = \"investigating\"\n");
    let send =
        ["send", "test", "--to", "all", "--cascade", "email,sms", "--after", "1h", "--yes", "--no-wait"];
    instance.run(&send).exits(0);
    let completed = async || instance.notices()[0]["state"] == "completed";
    until_store(completed, &|| format!("{:?}\n{}", instance.notices(), serve.err())).await;
    assert!(server.requests().is_empty(), "the mail was accepted: nobody is called");

    let mail = std::fs::read_dir(instance.path("var/outbox")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(mail).unwrap();
    let return_path = text.lines().next().unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    let bounce = format!(
        "From: <MAILER-DAEMON@a.example>\r\nTo: <{return_path}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.example\r\n\r\n\
         Final-Recipient: rfc822; a@a.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    );
    assert_eq!(ask(port, "POST", "/hooks/bounce", bounce.as_bytes()).await.0, 200);
    until(|| !server.requests().is_empty(), &|| format!("{}\n{}", report(&instance), serve.err())).await;
    until_store(completed, &|| format!("{:?}\n{}", instance.notices(), serve.err())).await;
    let failed = instance.deliveries("failed");
    assert!(failed[0]["reason"].as_str().unwrap().contains("5.1.1"), "{failed:?}");
    assert_eq!(instance.count("sent"), 1);
}
