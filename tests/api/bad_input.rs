//! Whatever is sent, the answer says what is wrong with it, and nothing breaks.

use tokio::io::AsyncWriteExt;

use crate::client::read_answer;
use crate::instance::Engine;
use crate::stage::Stage;

const PREVIEW: &str = "/api/v1/templates/test/preview";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_a_token() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    for header in [
        "",
        "Authorization: Basic YTpi\r\n",
        "Authorization: Bearer unknown\r\n",
        "Authorization: Bearer\r\n",
    ] {
        let answer = stage.serving.ask("GET", "/api/v1/notices", header, b"").await;
        answer.problem(401);
        assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
    }
    let unchallenged = stage.serving.get("/api/openapi.json").await;
    assert_eq!(unchallenged.status, 200, "the description is public");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_as_they_must_be_are_refused_by_field() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    stage
        .ask("POST", PREVIEW, "Content-Type: text/plain\r\n", b"{}")
        .await
        .problem_about(415, "Content-Type");
    stage.ask("POST", PREVIEW, "", b"{}").await.problem(415);
    stage.post(PREVIEW, "", "{").await.problem(400);
    stage.post(PREVIEW, "", &format!("{{\"values\":{}}}", "[".repeat(5_000))).await.problem(400);
    stage.post(PREVIEW, "", &format!("{{\"contact\":\"{}\"}}", "x".repeat(300 * 1024))).await.problem(413);
    stage.post(PREVIEW, "", r#"{"contatc":"x"}"#).await.problem_about(422, "contatc");
    stage.post(PREVIEW, "", r#"{"values":{"a":1}}"#).await.problem_about(422, "values.a");
    stage.post(PREVIEW, "", r#"{"contact":"nobody"}"#).await.problem_about(422, "contact");
    stage.post("/api/v1/suppressions", "", r#"{"address":"x@y.example"}"#).await.problem_about(422, "reason");
    stage
        .post("/api/v1/suppressions", "", r#"{"address":"x","reason":"y"}"#)
        .await
        .problem_about(422, "address");
    stage
        .post("/api/v1/suppressions", "", r#"{"address":"a@b.example","reason":"y\u0000"}"#)
        .await
        .problem_about(422, "reason");
    stage
        .post("/api/v1/domains/down", "", r#"{"domains":["ok.example","not a domain"]}"#)
        .await
        .problem_about(422, "domains[1]");
    // Its item would stand where the first field does: a backup that is not encrypted.
    stage.post("/api/v1/backups", "", "[true]").await.problem_about(422, "the whole body");
    let nobody = r#"{"name":"stadtwerke","url":"https://hooks.stadtwerke.example/in","groups":[]}"#;
    stage.post("/api/v1/partners", "", nobody).await.problem_about(422, "groups");
    let nobody = r#"{"name":"leitstelle","rights":["notices:read"],"groups":[]}"#;
    stage.post("/api/v1/tokens", "", nobody).await.problem_about(422, "groups");
    stage.post("/api/v1/deliveries/resolve", "", r#"{"ids":[],"as":"sent"}"#).await.problem_about(422, "ids");
    stage
        .post("/api/v1/deliveries/resolve", "", r#"{"ids":["x"],"as":"sent"}"#)
        .await
        .problem_about(422, "ids[0]");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_as_they_must_be_are_refused_by_parameter() {
    let stage = Stage::new(Engine::Sqlite, 1, 1).await;
    for (path, field) in [
        ("notices?limit=0", "limit"),
        ("notices?limit=201", "limit"),
        ("notices?after=%20", "after"),
        ("notices?state=sent", "state"),
        ("notices?colour=red", "colour"),
        ("notices?exercise=perhaps", "exercise"),
        ("notices?order=odd", "order"),
        ("deliveries?channel=pigeon", "channel"),
        ("deliveries?notice=%00", "notice"),
        ("groups?colour=red", "colour"),
        ("users?colour=red", "colour"),
        ("tokens?colour=red", "colour"),
    ] {
        stage.get(&format!("/api/v1/{path}")).await.problem_about(422, field);
    }
    for path in [
        "notices/2026-9999",
        "notices/%00",
        "notices/%ff",
        "deliveries/x",
        "templates/none",
        "nothing",
        "groups/%F0%9F%98%80",
    ] {
        stage.get(&format!("/api/v1/{path}")).await.problem(404);
    }
    let answer = stage.ask("DELETE", "/api/v1/notices", "", b"").await;
    answer.problem(405);
    assert!(answer.head.contains("allow: "), "{answer:?}");
    // "notice:99999999-…": a place that no list has come to yet.
    let past = data_encoding::BASE64URL_NOPAD.encode(b"ffffffff-ffff-7fff-bfff-ffffffffffff");
    let page = stage.get(&format!("/api/v1/notices?after={past}")).await.json(200);
    assert!(page["items"].as_array().unwrap().is_empty() && page["next"].is_null(), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_given_up_on() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    let mut slow = stage.serving.connect().await;
    let head = format!(
        "POST {PREVIEW} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{\"con",
        stage.token
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    read_answer(&mut slow).await.problem(408);
    assert_eq!(stage.get("/api/v1/instance").await.status, 200, "others are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused_and_never_unpacked() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    let before = stage.entries().await;
    // RFC 1952: a member of no length.
    let empty = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    for coding in ["gzip", "br", "identity, GZIP", "x-unheard-of"] {
        for (path, kind) in [
            ("/api/v1/suppressions", "application/json"),
            ("/api/v1/contacts/import", "multipart/form-data; boundary=b"),
            ("/api/v1/session", "application/json"),
        ] {
            let head = format!("Content-Type: {kind}\r\nContent-Encoding: {coding}\r\n");
            let refused = stage.ask("POST", path, &head, empty).await;
            assert!(refused.head.contains("accept-encoding: identity"), "{refused:?}");
            refused.problem_about(415, "Content-Encoding");
        }
    }
    assert_eq!(stage.entries().await, before, "nothing was changed");
    let body = r#"{"address":"a@b.example","reason":"asked for"}"#;
    assert_eq!(stage.post("/api/v1/suppressions", "Content-Encoding: identity\r\n", body).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_never_end_are_given_up_on_and_others_are_taken_meanwhile() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    let begun = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"schools.csv\"\r\n\
                 Content-Type: text/csv\r\n\r\nid;name;email\r\ns1;Schule;s1@d.example\r\n";
    let head = format!(
        "POST /api/v1/contacts/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n",
        stage.token
    );
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = stage.serving.connect().await;
        let chunk = format!("{head}{:x}\r\n{begun}\r\n", begun.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let whole = format!("{begun}--b--\r\n");
    let kind = "Content-Type: multipart/form-data; boundary=b\r\n";
    let done = stage.ask("POST", "/api/v1/contacts/import", kind, whole.as_bytes()).await.json(200);
    assert_eq!(done["added"][0], "s1", "a whole one is taken while they dawdle");
    let entries = stage.entries().await;
    for mut stream in slow {
        read_answer(&mut stream).await.problem(408);
    }
    assert_eq!(stage.entries().await, entries, "and half of one changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_refused_by_file_row_and_column() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    let upload = async |query: &str, name: &str, text: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/csv\r\n\r\n{text}\r\n--b--\r\n"
        );
        let head = "Content-Type: multipart/form-data; boundary=b\r\n";
        stage.ask("POST", &format!("/api/v1/contacts/import{query}"), head, body.as_bytes()).await
    };
    let before = stage.entries().await;
    let wrong = "id;name;email\ns1;Schule;nowhere\ns2;Schule 2;s2@d.example\n";
    upload("", "schools.csv", wrong).await.problem_about(422, "schools.csv, row 2, column email");
    upload("", "../schools.csv", wrong).await.problem_about(422, "file");
    stage.post("/api/v1/contacts/import", "", "{}").await.problem_about(415, "Content-Type");
    let tried = upload("?skip_bad=true&dry_run=true", "schools.csv", wrong).await.json(200);
    assert_eq!((&tried["dry_run"], &tried["added"][0]), (&true.into(), &"s2".into()));
    assert_eq!(stage.entries().await, before, "nothing was changed");
    let done = upload("?skip_bad=true", "schools.csv", wrong).await.json(200);
    assert_eq!((&done["dry_run"], &done["added"][0]), (&false.into(), &"s2".into()));
    assert_eq!(stage.get("/api/v1/contacts/s2").await.json(200)["groups"][0], "schools");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_name_from_the_caller_to_the_audit_log() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    let body = r#"{"address":"a@b.example","reason":"asked for"}"#;
    let answer = stage.post("/api/v1/suppressions", "X-Request-Id: leitstelle-4711\r\n", body).await;
    assert!(answer.status == 201 && answer.head.contains("x-request-id: leitstelle-4711"), "{answer:?}");
    let store = stage.serving.instance.store().await;
    let entries = store.audit_entries(0, 1_000).await.unwrap();
    store.close().await;
    let entry = entries.iter().find(|entry| entry.action == "suppression.added").unwrap();
    assert_eq!(
        (entry.request.as_str(), entry.actor.as_str()),
        ("leitstelle-4711", "token:stage-of-the-tests")
    );
    assert_eq!(entry.origin, "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reads_is_not_swallowed() {
    let stage = Stage::new(Engine::Sqlite, 1, 1).await;
    let notices = stage.get("/api/v1/notices").await.json(200);
    let notice = format!("/api/v1/notices/{}", notices["items"][0]["notice"].as_str().unwrap());
    for action in ["pause", "resume", "retry", "wording/acceptance"] {
        let refused = stage.post(&format!("{notice}/{action}"), "", r#"{"foo":1}"#).await;
        refused.problem_about(422, "foo");
    }
    stage.post(&format!("{notice}/wording/acceptance"), "", "{").await.problem(400);
    stage.post(&format!("{notice}/wording/acceptance"), "", "{}").await.json(200);
    stage.post(&format!("{notice}/wording/acceptance"), "", "").await.json(200);
    for (field, given) in
        [("audience", r#"{"groups":["all"]}"#), ("visibility", r#""internal""#), ("exercise", "true")]
    {
        let correction = format!(r#"{{"notice":{{"template":"test","{field}":{given}}}}}"#);
        let refused = stage.post(&format!("{notice}/correct"), "", &correction).await;
        refused.problem_about(422, &format!("notice.{field}"));
    }
    let draft = r#"{"template":"test","audience":{"groups":["all"]}}"#;
    let draft = stage.post("/api/v1/notices", "", draft).await.json(201);
    let preview = format!("/api/v1/drafts/{}/preview", draft["id"].as_str().unwrap());
    stage.post(&preview, "", r#"{"contact":"c0"}"#).await.problem_about(422, "contact");
    stage.post(&format!("{preview}?contact=c0"), "", "").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_removes_nobody_else() {
    let stage = Stage::new(Engine::Sqlite, 3, 0).await;
    let upload = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"press.csv\"\r\n\r\n\
                  id,name,email\nbote,Bote,bote@zeitung.example\n\r\n--x--\r\n";
    let import = async |query: &str| {
        let path = format!("/api/v1/contacts/import?{query}");
        let headers = "Content-Type: multipart/form-data; boundary=x\r\n";
        stage.ask("POST", &path, headers, upload.as_bytes()).await
    };
    import("prune=true").await.problem_about(422, "prune");
    import("prune=true&dry_run=true").await.problem_about(422, "prune");
    let whole = import("prune=true&complete=true&dry_run=true").await.json(200);
    assert_eq!(whole["removed"].as_array().unwrap().len(), 3, "{whole}");
    let added = import("").await.json(200);
    assert_eq!((&added["added"][0], added["missing"].as_array().unwrap().len()), (&"bote".into(), 3));
}
