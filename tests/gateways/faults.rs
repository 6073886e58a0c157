//! Gateways that are down, slow, throttled or confused: the states are right, nothing is lost, and it goes on by
//! itself.

use sqlx::{ConnectOptions, Connection, Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::instance::{Engine, Instance, on_both_engines};
use crate::script::{Answer, Server};
use crate::stage::{free_port, gateway, import_telephones, instance, until_count};

on_both_engines!(
    a_gateway_that_is_down_loses_nothing_and_the_next_one_takes_over,
    a_gateway_that_lets_nobody_through_stops_before_all_have_failed,
    trouble_of_a_moment_is_tried_again,
    half_an_answer_leaves_a_doubt_that_is_not_resolved_at_once,
    an_answer_that_no_store_can_keep_as_it_is_holds_nothing_up,
);

fn accepted() -> Answer {
    Answer::new("202 Accepted", "", "0: Accepted for delivery")
}

async fn telephones(engine: Engine, sections: &str, count: usize) -> Instance {
    let instance = instance(engine).await;
    instance.configure(sections);
    import_telephones(&instance, count);
    instance
}

async fn a_gateway_that_is_down_loses_nothing_and_the_next_one_takes_over(engine: Engine) {
    let down = free_port();
    let instance = telephones(engine, &gateway(down, ""), 5).await;
    let send = ["send", "test", "--to", "all", "--channel", "sms", "--yes", "--wait", "2s"];
    instance.run(&send).exits(3).says(&["cannot be used"]);
    let waiting = instance.deliveries("queued");
    assert_eq!(waiting.len(), 5);
    assert!(waiting.iter().all(|delivery| delivery["attempts"] == 0), "nothing was tried: {waiting:?}");
    instance.drain().await.says(&["No provider can be used", "worker --drain"]);

    let second = Server::start([accepted()]).await;
    instance.configure(&format!("{}{}", gateway(down, ""), gateway(second.port, "")));
    instance.drain().await;
    assert_eq!(instance.count("sent"), 5);
    assert_eq!(second.requests().len(), 5, "each once");
}

async fn a_gateway_that_lets_nobody_through_stops_before_all_have_failed(engine: Engine) {
    let denied = "Number(s) has/have been denied by white- and/or black-lists.";
    let closed = Server::start([Answer::new("403 Forbidden", "", denied)]).await;
    let second = Server::start([accepted()]).await;
    let sections = format!("{}{}", gateway(closed.port, ""), gateway(second.port, ""));
    let instance = telephones(engine, &sections, 60).await;
    let call = ["send", "test", "--to", "all", "--channel", "sms", "--yes", "--wait", "30s"];
    instance.run(&call).exits(3).says(&["cannot be used", "black-lists"]);
    assert_eq!(instance.count("queued"), 0, "a country is not held for a gateway's sake");
    let (failed, sent) = (instance.count("failed"), instance.count("sent"));
    assert_eq!(failed + sent, 60);
    assert!(failed >= 3 && sent >= 30, "{failed} failed, {sent} went by the other gateway");
}

async fn trouble_of_a_moment_is_tried_again(engine: Engine) {
    for trouble in [
        Answer::new("429 Too Many Requests", "Retry-After: 1\r\n", "slow down"),
        Answer::new("500 Internal Server Error", "", "oops"),
        Answer::new("503 Service Unavailable", "", "5: Temporal failure, try again later"),
    ] {
        let server = Server::start([trouble, accepted()]).await;
        let keys = "[delivery]\nretry = [\"1s\"]\nthen = \"1s\"\n";
        let instance = telephones(engine, &format!("{}{keys}", gateway(server.port, "")), 1).await;
        instance.run(&["send", "test", "--to", "all", "--channel", "sms", "--yes"]).exits(0);
        let sent = instance.deliveries("sent");
        assert_eq!(sent[0]["attempts"], 2, "{sent:?}");
        assert_eq!(server.requests().len(), 2);
    }
}

async fn half_an_answer_leaves_a_doubt_that_is_not_resolved_at_once(engine: Engine) {
    let half = || Answer::Cut(b"HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\n\r\n0: Acc".to_vec());
    let server = Server::start([half(), accepted()]).await;
    let ask = format!("{}[delivery]\nafter_crash = \"ask\"\n", gateway(server.port, ""));
    let instance = telephones(engine, &ask, 1).await;
    instance.run(&["send", "test", "--to", "all", "--channel", "sms", "--yes"]).exits(3);
    assert_eq!(instance.count("unclear"), 1, "a person is asked");
    assert_eq!(server.requests().len(), 1);

    let server = Server::start([half(), accepted()]).await;
    let instance = telephones(engine, &gateway(server.port, ""), 1).await;
    instance.run(&["send", "test", "--to", "all", "--channel", "sms", "--yes", "--wait", "2s"]).exits(3);
    let waiting = instance.deliveries("queued");
    assert_eq!(waiting[0]["attempts"], 1, "it waits for its pause: {waiting:?}");
    assert_eq!(server.requests().len(), 1, "nobody gets it twice within the moment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_instead_of_the_gateway_is_said_and_counts_no_try() {
    let page = Answer::new("200 OK", "Content-Type: text/html\r\n", "<html><body>Welcome</body></html>");
    let server = Server::start([page]).await;
    let instance = telephones(Engine::Sqlite, &gateway(server.port, ""), 3).await;
    let send = ["send", "test", "--to", "all", "--channel", "sms", "--yes", "--wait", "2s"];
    instance.run(&send).exits(3).says(&["cannot be used", "url"]);
    let waiting = instance.deliveries("queued");
    assert_eq!(waiting.len(), 3);
    assert!(waiting.iter().all(|delivery| delivery["attempts"] == 0), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reports_in_15_minutes_shows_as_unconfirmed() {
    let server = Server::start([accepted()]).await;
    let instance = telephones(Engine::Sqlite, &gateway(server.port, ""), 2).await;
    instance.run(&["send", "test", "--to", "all", "--channel", "sms", "--yes"]).exits(0);
    let fresh = instance.deliveries("sent");
    assert!(fresh.iter().all(|delivery| delivery["reason"].is_null()), "{fresh:?}");

    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(instance.path("var/rundruf.db"));
    let mut connection = file.connect().await.unwrap();
    connection.execute("UPDATE deliveries SET updated_at = updated_at - 900001").await.unwrap();
    connection.close().await.unwrap();
    let old = instance.deliveries("sent");
    let unconfirmed =
        |delivery: &serde_json::Value| delivery["reason"].as_str().unwrap().contains("unconfirmed");
    assert!(old.iter().all(unconfirmed), "{old:?}");
    let number = instance.notices()[0]["notice"].as_str().unwrap().to_owned();
    let report = instance.run(&["notices", "report", &number]).exits(0);
    assert!(report.out.contains("2 unconfirmed"), "{}", report.out);
}

/// Calls an address as Kannel does; gives the status.
async fn call(url: &str) -> u16 {
    let url = url::Url::parse(url).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let target = &url[url::Position::BeforePath..];
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_before_the_answer_counts() {
    let server = Server::start([accepted()]).await;
    let instance = instance(Engine::Sqlite).await;
    let port = free_port();
    let sections = format!("[http]\nlisten = \"127.0.0.1:{port}\"\n{}", gateway(server.port, ""));
    instance.configure_at(&format!("http://127.0.0.1:{port}"), &sections);
    import_telephones(&instance, 1);
    let serve = instance.start(&["serve"]);
    serve.until_it_says("Ctrl-C").await;
    instance.release(&["--channel", "sms"]);
    until_count(&instance, &serve, "sent", 1).await;
    let dlr = server.only_request().query().into_iter().find(|(name, _)| name == "dlr-url").unwrap().1;
    let failed = dlr.replace("%d", "2");
    let delivered = dlr.replace("%d", "1");
    for (url, state) in
        [(&failed, "failed"), (&delivered, "delivered"), (&failed, "delivered"), (&delivered, "delivered")]
    {
        assert_eq!(call(url).await, 200, "{url}");
        assert_eq!(instance.count(state), 1, "after {url}");
    }
    let forged = delivered.replace("delivery=a", "delivery=b");
    assert_eq!(call(&forged).await, 403);
    assert_eq!(instance.count("delivered"), 1);
}

async fn an_answer_that_no_store_can_keep_as_it_is_holds_nothing_up(engine: Engine) {
    let answer = |text: &str| Answer::new("200 OK", "Content-Type: application/json\r\n", text);
    let strange = answer(r#"{"id":"m\u0000-1","error":"so\u0000so","status":"ok"}"#);
    let server = Server::start([strange, answer(r#"{"id":"m-2","status":"ok"}"#)]).await;
    let section = format!(
        "[[sms.provider]]\nname = \"any\"\nkind = \"http\"\nrate = \"1/s\"\nid_pointer = \"/id\"\n\
         url = \"http://127.0.0.1:{}/send?to={{{{to}}}}&text={{{{text}}}}\"\nerror_pointer = \"/error\"\n\
         success_pointer = \"/status\"\nsuccess_value = \"ok\"\n",
        server.port
    );
    let instance = telephones(engine, &section, 2).await;
    instance.run(&["send", "test", "--to", "all", "--channel", "sms", "--yes"]).exits(0);
    let sent = instance.deliveries("sent");
    let names: Vec<_> = sent.iter().map(|delivery| delivery["provider_ref"].as_str()).collect();
    assert!(names.len() == 2 && names.contains(&None) && names.contains(&Some("m-2")), "{sent:?}");
    assert_eq!(server.requests().len(), 2, "each once");
}
