//! What a call says, in the form that its endpoint reads.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::contact::WebhookFormat;
use crate::domain::notice::Visibility;
use crate::domain::template::Phase;

/// A notice as one endpoint is told it.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// When the notice was released.
    pub published_at: Timestamp,
    /// `2026-0007`
    pub number: &'a str,
    /// The eight characters by which people check that it is genuine.
    pub code: &'a str,
    /// The page that shows it.
    pub url: &'a str,
    /// The template's title.
    pub title: &'a str,
    /// The notice in words.
    pub text: &'a str,
    /// Which language the words are in: `de`.
    pub language: &'a str,
    /// The incident it belongs to.
    pub incident: Option<&'a str>,
    /// Where that incident stands.
    pub phase: Option<Phase>,
    /// The services that it is about.
    pub services: &'a [&'a str],
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// When more will be said.
    pub next_update_at: Option<Timestamp>,
    /// When it is not worth reading any more.
    pub expires_at: Timestamp,
    /// The number of the notice that it takes the place of.
    pub supersedes: Option<&'a str>,
    /// The id, from the file, of the contact that it is for.
    pub contact: &'a str,
    /// The template's own JSON for this contact, if it has any.
    pub own: Option<&'a Value>,
}

#[derive(Serialize)]
struct Standard {
    r#type: &'static str,
    timestamp: String,
    data: Map<String, Value>,
}

/// The body of a call in `format`, as JSON.
///
/// - `standard`: `{"type":"notice.published","timestamp":…,"data":{…}}`, times in RFC 3339. The members of the template's
///   own JSON stand in `data` too and may say `title` and `text` in other words; what identifies the notice always
///   stays. JSON that is no object stands in `data` as `content`.
/// - `slack`, `mattermost`: `{"text":…}`. `teams`: a message with one adaptive card. These read words only: number,
///   title and text, not the template's own JSON.
///
/// How large it may be is the business of the client, which refuses what is too large.
pub fn body(format: WebhookFormat, publication: &Publication<'_>) -> Vec<u8> {
    let value = match format {
        WebhookFormat::Standard => {
            let body = Standard {
                r#type: "notice.published",
                timestamp: publication.published_at.to_string(),
                data: data(publication),
            };
            return bytes(&body);
        }
        WebhookFormat::Slack => json!({ "text": for_slack(&chat(publication)) }),
        WebhookFormat::Mattermost => json!({ "text": chat(publication) }),
        WebhookFormat::Teams => teams(publication),
    };
    bytes(&value)
}

pub(super) fn bytes(value: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and maps with text keys: none of them can fail to be written.
    serde_json::to_vec(value).unwrap_or_default()
}

fn data(publication: &Publication<'_>) -> Map<String, Value> {
    let time = |at: Timestamp| at.to_string();
    let mut data = Map::new();
    data.insert("title".to_owned(), json!(publication.title));
    data.insert("text".to_owned(), json!(publication.text));
    match publication.own {
        Some(Value::Object(own)) => {
            data.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Some(other) => {
            data.insert("content".to_owned(), other.clone());
        }
        None => {}
    }
    let facts = [
        ("number", json!(publication.number)),
        ("code", json!(publication.code)),
        ("url", json!(publication.url)),
        ("language", json!(publication.language)),
        ("incident", json!(publication.incident)),
        ("phase", json!(publication.phase.map(Phase::as_str))),
        ("services", json!(publication.services)),
        ("visibility", json!(publication.visibility.as_str())),
        ("exercise", json!(publication.exercise)),
        ("next_update_at", json!(publication.next_update_at.map(time))),
        ("expires_at", json!(time(publication.expires_at))),
        ("supersedes", json!(publication.supersedes)),
        ("contact", json!(publication.contact)),
    ];
    data.extend(facts.map(|(name, value)| (name.to_owned(), value)));
    data
}

/// `ÜBUNG: 2026-0007: Erstmeldung an Kommunen`
fn heading(publication: &Publication<'_>) -> String {
    let exercise = match (publication.exercise, publication.language) {
        (false, _) => "",
        (true, "de") => "ÜBUNG: ",
        (true, _) => "EXERCISE: ",
    };
    format!("{exercise}{}: {}", publication.number, publication.title)
}

fn chat(publication: &Publication<'_>) -> String {
    format!("{}\n\n{}", heading(publication), publication.text)
}

/// The three characters by which Slack knows links and calls to everybody in the channel.
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A message with one adaptive card, as Teams' workflows take it. Runs of text, unlike text blocks, know no markup.
fn teams(publication: &Publication<'_>) -> Value {
    let run = |text: &str, heading: bool| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if heading {
            run["weight"] = json!("Bolder");
            run["size"] = json!("Medium");
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let paragraphs = publication.text.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
    let heading = heading(publication);
    let blocks: Vec<Value> =
        std::iter::once(run(&heading, true)).chain(paragraphs.map(|text| run(text, false))).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "actions": [
                    { "type": "Action.OpenUrl", "title": publication.number, "url": publication.url }
                ],
            },
        }],
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn publication() -> Publication<'static> {
        Publication {
            published_at: Timestamp(1_795_000_000_000),
            number: "2026-0007",
            code: "K7M3QX9P",
            url: "https://notfall.kse.example/n/2026-0007",
            title: "Erstmeldung <Kommunen> & Schulen",
            text: "Guten Tag,\n\n<!channel> *dringend* \"bitte\"\nlesen",
            language: "de",
            incident: None,
            phase: Some(Phase::Investigating),
            services: &["mail", "registry"],
            visibility: Visibility::Internal,
            exercise: true,
            next_update_at: None,
            expires_at: Timestamp(1_795_003_600_000),
            supersedes: None,
            contact: "stadtwerke",
            own: None,
        }
    }

    fn read(format: WebhookFormat, publication: &Publication<'_>) -> Value {
        serde_json::from_slice(&body(format, publication)).unwrap()
    }

    #[test]
    fn the_standard_body_holds_all_that_a_program_wants_to_know() {
        let expected = json!({
            "type": "notice.published",
            "timestamp": "2026-11-18T11:06:40.000Z",
            "data": {
                "number": "2026-0007", "code": "K7M3QX9P", "url": "https://notfall.kse.example/n/2026-0007",
                "title": "Erstmeldung <Kommunen> & Schulen",
                "text": "Guten Tag,\n\n<!channel> *dringend* \"bitte\"\nlesen",
                "language": "de", "incident": null, "phase": "investigating", "services": ["mail", "registry"],
                "visibility": "internal", "exercise": true, "next_update_at": null,
                "expires_at": "2026-11-18T12:06:40.000Z", "supersedes": null, "contact": "stadtwerke",
            },
        });
        assert_eq!(read(WebhookFormat::Standard, &publication()), expected);
    }

    #[test]
    fn a_templates_own_json_adds_and_never_changes_which_notice_it_is() {
        let own = json!({"text": "kurz", "ampel": "rot", "number": "1", "code": "", "exercise": false});
        let data = &read(WebhookFormat::Standard, &Publication { own: Some(&own), ..publication() })["data"];
        assert_eq!((&data["text"], &data["ampel"]), (&json!("kurz"), &json!("rot")));
        assert_eq!((&data["number"], &data["code"]), (&json!("2026-0007"), &json!("K7M3QX9P")));
        assert_eq!(data["exercise"], json!(true));
        let list = json!([1, 2]);
        let data = &read(WebhookFormat::Standard, &Publication { own: Some(&list), ..publication() })["data"];
        assert_eq!(data["content"], list);
    }

    #[test]
    fn slack_sees_no_markup_and_mattermost_the_words() {
        let text = "ÜBUNG: 2026-0007: Erstmeldung <Kommunen> & Schulen\n\n\
                    Guten Tag,\n\n<!channel> *dringend* \"bitte\"\nlesen";
        assert_eq!(read(WebhookFormat::Mattermost, &publication()), json!({ "text": text }));
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert_eq!(read(WebhookFormat::Slack, &publication()), json!({ "text": escaped }));
    }

    #[test]
    fn teams_gets_a_card_whose_words_are_no_markup() {
        let message = read(WebhookFormat::Teams, &publication());
        assert_eq!(message["type"], "message");
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        let blocks = attachment["content"]["body"].as_array().unwrap();
        let runs: Vec<&str> =
            blocks.iter().map(|block| block["inlines"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(
            runs,
            [
                "ÜBUNG: 2026-0007: Erstmeldung <Kommunen> & Schulen",
                "Guten Tag,",
                "<!channel> *dringend* \"bitte\"\nlesen"
            ]
        );
        assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"));
    }
}
