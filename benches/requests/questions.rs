//! What is asked.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::fill::Filled;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the table calls it.
    pub name: String,
    method: &'static str,
    path: String,
    /// Whether the answer is a stream, of which only the beginning counts.
    is_stream: bool,
}

impl Question {
    fn get(name: &str, path: impl Into<String>) -> Self {
        Self { name: name.to_owned(), method: "GET", path: path.into(), is_stream: false }
    }

    fn post(name: &str, path: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(name, path) }
    }

    fn stream(name: &str, path: impl Into<String>) -> Self {
        Self { is_stream: true, ..Self::get(name, path) }
    }

    /// Asks `client`'s server, or a new connection to the same where the answer is a stream; says how long it took.
    #[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
    pub fn ask(&self, client: &mut Client, address: &str, token: &str) -> Duration {
        if self.is_stream {
            let stream = TcpStream::connect(address).expect("the server");
            let started = Instant::now();
            self.begin(stream, token);
            return started.elapsed();
        }
        let started = Instant::now();
        client.answer(self.method, &self.path, "");
        started.elapsed()
    }

    /// Reads a stream until it says that it has told how everything stands.
    fn begin(&self, mut stream: TcpStream, token: &str) {
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: notfall.mb.example\r\nAuthorization: Bearer {token}\r\n\r\n",
            self.method, self.path
        );
        stream.write_all(head.as_bytes()).expect("the request goes out");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line.trim_end() != "event: ready" {
            line.clear();
            assert!(stream.read_line(&mut line).expect("a stream") > 0, "the stream ended");
        }
    }
}

/// All questions to a service; drafts are made of what is to be planned.
pub fn questions(client: &mut Client, filled: &Filled) -> Vec<Question> {
    let notice = &filled.notice;
    let of_notice = |query: &str| format!("/api/v1/deliveries?notice={notice}{query}");
    // As the link to a next page has it.
    let middle = data_encoding::BASE64URL_NOPAD.encode(filled.middle.to_string().as_bytes());
    let mut questions = vec![
        Question::get("notices", "/api/v1/notices"),
        Question::get("notices, newest completed ones", "/api/v1/notices?order=newest&state=completed"),
        Question::get("one notice", format!("/api/v1/notices/{notice}")),
        Question::get("its report", format!("/api/v1/notices/{notice}/report")),
        Question::get("its deliveries", of_notice("")),
        Question::get(
            "its deliveries, 200 from the middle",
            of_notice(&format!("&limit=200&after={middle}")),
        ),
    ];
    for state in ["failed", "unclear", "suppressed", "queued", "sent", "delivered", "cancelled"] {
        questions
            .push(Question::get(&format!("its deliveries, {state}"), of_notice(&format!("&state={state}"))));
    }
    questions.extend([
        Question::get(
            "its deliveries, failed or unclear, SMS",
            of_notice("&state=failed,unclear&channel=sms"),
        ),
        Question::get("all deliveries", "/api/v1/deliveries"),
        Question::get("all deliveries, unclear", "/api/v1/deliveries?state=unclear"),
        Question::get("all deliveries, queued", "/api/v1/deliveries?state=queued"),
        Question::get("one delivery", format!("/api/v1/deliveries/{}", filled.middle)),
        Question::get("contacts", "/api/v1/contacts"),
        Question::get("contacts of a group", "/api/v1/contacts?group=few"),
        Question::get("one contact", "/api/v1/contacts/c777"),
        Question::get("groups", "/api/v1/groups"),
        Question::get("incidents", "/api/v1/incidents"),
        Question::get("drafts", "/api/v1/drafts"),
        Question::get("audit log", "/api/v1/audit/entries?limit=200"),
        Question::get("metrics", "/metrics"),
        Question::stream("events of everything begin", "/api/v1/events"),
        Question::stream("events of the notice begin", format!("/api/v1/notices/{notice}/events")),
    ]);
    for (group, size) in [("few", "1,000"), ("some", "4,000"), ("all", "20,000")] {
        for (channels, words) in [("[\"email\"]", "by e-mail"), ("[]", "by e-mail and SMS")] {
            let body = format!(
                "{{\"template\":\"mass\",\"audience\":{{\"groups\":[\"{group}\"]}},\"channels\":{channels}}}"
            );
            let draft: Value =
                serde_json::from_str(&client.answer("POST", "/api/v1/notices", &body)).expect("a draft");
            let id = draft["id"].as_str().expect("its id");
            questions.push(Question::post(
                &format!("plan for {size} contacts {words}"),
                format!("/api/v1/drafts/{id}/plan"),
            ));
        }
    }
    questions
}
