use super::*;
use crate::domain::settings::Mailbox;
use mail_parser::{MessageParser, MimeHeaders as _};

fn settings() -> Email {
    Email {
        from: Mailbox {
            name: "Südkreis-IT, Lagezentrum".to_owned(),
            address: "lage@notfall.suedkreis-it.example".parse().unwrap(),
        },
        reply_to: Some(Mailbox {
            name: String::new(),
            address: "hotline@suedkreis-it.example".parse().unwrap(),
        }),
        bounce_address: "b@bounce.suedkreis-it.example".parse().unwrap(),
        bounce_mailbox: None,
        unreachable_domains: Vec::new(),
        hosted_domains: Vec::new(),
        providers: Vec::new(),
        configured: true,
        destinations: Vec::new(),
        dkim: Vec::new(),
    }
}

fn composer() -> Composer {
    Composer::new(&settings(), "SKIT", Seal::new(b"key"), Vec::new())
}

fn content(text: &str) -> EmailContent {
    EmailContent {
        subject: "SKIT 2026-0007: IT-Ausfall seit 20.11.2026, 05:40 Uhr – Notbetrieb für Bürgerämter"
            .to_owned(),
        text: text.to_owned(),
        html: format!("<!DOCTYPE html>\n<html lang=\"de\"><body>\n<p>{text}</p>\n</body></html>\n"),
        language: "de".to_owned(),
    }
}

const ID: &str = "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b";

fn compose(content: &EmailContent, references: &[String]) -> Mail {
    let to = "rathaus@musterdorf.example".parse().unwrap();
    composer()
        .compose(&OutgoingEmail {
            delivery: ID.parse().unwrap(),
            round: 1,
            to: &to,
            to_name: "Rathaus Musterdorf, Büro",
            content,
            date: Timestamp(1_795_149_600_000),
            references,
            feedback: Feedback { campaign: "2026-0007", group: "municipalities" },
            list_unsubscribe: None,
        })
        .unwrap()
}

#[test]
fn a_message_carries_the_headers_that_the_outside_relies_on() {
    let references = ["<a@b.example>".to_owned(), "<c@b.example>".to_owned()];
    let mail = compose(&content("Guten Tag"), &references);
    let message = mail.message();
    let head = message.split("\r\n\r\n").next().unwrap();
    for line in [
        "Reply-To: hotline@suedkreis-it.example",
        "Date: Fri, 20 Nov 2026 04:40:00 +0000",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "Content-Language: de",
        "In-Reply-To: <c@b.example>",
        "MIME-Version: 1.0",
        "Feedback-ID: 2026-0007:municipalities:email:rundrufskit",
    ] {
        assert!(head.lines().any(|have| have == line), "{line} is missing in\n{head}");
    }
    assert!(!head.contains("List-Unsubscribe") && !head.contains("Precedence"), "{head}");
    assert!(message.lines().all(|line| line.len() <= 78), "{message}");
    assert!(message.is_ascii());

    let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
    assert_eq!(parsed.subject().unwrap(), content("").subject);
    assert_eq!(parsed.from().unwrap().first().unwrap().name().unwrap(), "Südkreis-IT, Lagezentrum");
    assert_eq!(parsed.to().unwrap().first().unwrap().name().unwrap(), "Rathaus Musterdorf, Büro");
    assert_eq!(parsed.message_id().unwrap(), "aghtu6y4fv7d7csllrwx5d42bm@notfall.suedkreis-it.example");
    assert_eq!(parsed.references().as_text_list().unwrap().len(), 2);
    assert_eq!(parsed.content_type().unwrap().subtype().unwrap(), "alternative");
}

#[test]
fn both_parts_arrive_as_they_were_written() {
    let text = ".\n..zwei Punkte\nÄmter: „Notbetrieb“ – ja  \n\nFrom hier=20 an\n.\nEnde";
    let long = "ein Wort ".repeat(300);
    for text in [text, long.as_str(), ".", "", "a\r\nb\rc", "x\0y\u{1f}z"] {
        let mail = compose(&content(text), &[]);
        let parsed_from = mail.message();
        let parsed = MessageParser::new().parse(parsed_from.as_bytes()).unwrap();
        let wanted = text.replace("\r\n", "\n").replace('\r', "\n");
        let got = parsed.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(got, wanted);
        let html = parsed.body_html(0).unwrap().replace("\r\n", "\n");
        assert!(html.contains(&format!("<p>{wanted}</p>")), "{html}");
    }
}

#[test]
fn on_the_wire_only_the_last_line_is_a_lone_dot() {
    let mail = compose(&content(".\n.\n..\nEnde\n."), &[]);
    assert!(mail.data.ends_with("\r\n.\r\n"));
    assert_eq!(mail.data.matches("\r\n.\r\n").count(), 1);
    assert!(!mail.data.replace("\r\n", "").contains(['\r', '\n']), "a bare CR or LF");
    assert_eq!(Mail::new(mail.delivery, String::new(), mail.to.clone(), &mail.message()).data, mail.data);
}

#[test]
fn every_try_of_a_delivery_is_the_same_message() {
    assert_eq!(compose(&content("Guten Tag"), &[]), compose(&content("Guten Tag"), &[]));
    let mail = compose(&content("Guten Tag"), &[]);
    assert_eq!(composer().return_path().parse(&mail.return_path), Some((ID.parse().unwrap(), 1)));
}

#[test]
fn a_value_that_would_break_out_of_its_header_is_refused() {
    let to = "rathaus@musterdorf.example".parse().unwrap();
    let content = content("Guten Tag");
    let email = OutgoingEmail {
        delivery: ID.parse().unwrap(),
        round: 1,
        to: &to,
        to_name: "",
        content: &content,
        date: Timestamp(0),
        references: &[],
        feedback: Feedback { campaign: "2026:7\r\n", group: "a b" },
        list_unsubscribe: Some(ListUnsubscribe { https: "https://a.example/\r\nBcc: x", mailto: None }),
    };
    let error = composer().compose(&email).unwrap_err();
    assert!(error.to_string().starts_with("List-Unsubscribe cannot hold"), "{error}");
    let references = ["<a@b.example>\r\nBcc: x@y.example".to_owned()];
    let email = OutgoingEmail { references: &references, list_unsubscribe: None, ..email };
    assert!(composer().compose(&email).is_err());
}

#[test]
fn subscribers_can_unsubscribe_by_one_click() {
    let to = "abo@musterdorf.example".parse().unwrap();
    let content = content("Guten Tag");
    let email = OutgoingEmail {
        delivery: ID.parse().unwrap(),
        round: 1,
        to: &to,
        to_name: "",
        content: &content,
        date: Timestamp(0),
        references: &[],
        feedback: Feedback { campaign: "2026:7 x", group: "" },
        list_unsubscribe: Some(ListUnsubscribe {
            https: "https://notfall.example/u/abc",
            mailto: Some("mailto:u@notfall.example?subject=abc"),
        }),
    };
    let message = composer().compose(&email).unwrap().message();
    assert!(message.contains(
        "List-Unsubscribe: <https://notfall.example/u/abc>,\r\n <mailto:u@notfall.example?subject=abc>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n"
    ), "{message}");
    assert!(message.contains("Feedback-ID: 2026-7-x::email:rundrufskit\r\n"), "{message}");
}
