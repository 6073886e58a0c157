use proptest::prelude::*;
use serde_json::json;

use super::super::fixture::{DECLARED, contact, email, instance, notice, prepared, template, values};
use super::super::{CheckSettings, FrozenTemplate, check};
use super::*;
use crate::domain::template::{Value, Values};

fn languages() -> FrozenTemplate {
    let email = |words: &str| {
        format!("---\nsubject: \"{words} {{{{beginn}}}}\"\n---\n{{{{contact.salutation}}}}, {words}\n")
    };
    let (de, en) = (email("Lage"), email("Update"));
    template(
        DECLARED,
        &[("email.de.md", &de), ("email.en.md", &en), ("sms.de.txt", "{{contact.name}}: Lage\n")],
    )
}

#[test]
fn a_contact_gets_its_language_or_the_instances_or_german() {
    let prepared = prepared(&languages(), &[]);
    let reads = |language: &str| {
        let card = ContactCard { language: language.into(), ..ContactCard::default() };
        prepared.render_email(&card).unwrap()
    };
    assert_eq!(reads("en").subject, "Update 20 November 2026, 05:40");
    assert_eq!(reads("en").language, "en");
    assert!(reads("en").html.contains("<html lang=\"en\">") && reads("en").text.contains("Notice 2026-0007"));
    for british in ["en-gb", "en-us", "en-gb-oed"] {
        assert_eq!(reads(british).language, "en", "{british}");
    }
    assert_eq!(reads("de-at").language, "de");
    assert_eq!(reads("fr").subject, "Lage 20.11.2026, 05:40 Uhr");
    assert!(
        reads("").text.starts_with("Guten Tag, Lage") && reads("en").text.starts_with("Good day, Update")
    );
    let english = ContactCard { language: "en".into(), ..contact() };
    assert_eq!(
        prepared.render_sms(&english).unwrap(),
        "Bürgermeisteramt Musterdorf: Lage",
        "there is no English one"
    );
}

#[test]
fn what_a_contact_lacks_renders_as_nothing_and_what_it_has_is_escaped() {
    let prepared = prepared(&email("Ort: {{contact.gemarkung}}.{{#if contact.gemarkung}} Ja.{{/if}}"), &[]);
    let full = prepared.render_email(&contact()).unwrap();
    assert!(full.text.starts_with("Ort: Süd & West. Ja.\n"), "{}", full.text);
    assert!(full.html.contains("Ort: Süd &amp; West. Ja.</p>"));
    assert!(prepared.render_email(&ContactCard::default()).unwrap().text.starts_with("Ort: .\n"));
}

#[test]
fn rendering_ahead_and_rendering_whole_say_the_same() {
    let ahead = prepared(&email("{{contact.name}} {{contact.gemarkung}} {{beginn}}"), &[]);
    let whole =
        prepared(&email("{{#if contact.name}}{{contact.name}}{{/if}} {{contact.gemarkung}} {{beginn}}"), &[]);
    assert!(ahead.ready.len() > whole.ready.len());
    assert_eq!(ahead.render_email(&contact()).unwrap(), whole.render_email(&contact()).unwrap());
}

#[test]
fn an_exercise_says_so_in_subject_text_html_and_sms() {
    let template = languages();
    let compiled = Arc::new(Compiled::new(&template).unwrap());
    let exercise = NoticeFacts { exercise: true, ..notice() };
    let prepared = Prepared::new(compiled, &values(&template, &[]), &instance(), &exercise).unwrap();
    let german = prepared.preview(&contact(), true).unwrap();
    let email = german.email.unwrap();
    assert!(email.subject.starts_with("ÜBUNG: Lage"));
    assert!(email.text.starts_with("ÜBUNG. Diese Mitteilung gehört zu einer Übung"), "{}", email.text);
    assert!(email.html.contains("<strong>ÜBUNG.</strong>"));
    assert!(german.sms.unwrap().text.starts_with("ÜBUNG: Bürger"));
    let english = ContactCard { language: "en".into(), ..contact() };
    assert!(prepared.render_email(&english).unwrap().subject.starts_with("EXERCISE: Update"));
}

#[test]
fn a_preview_counts_the_segments_of_the_text_message() {
    let template = template(DECLARED, &[("sms.de.txt", "„{{contact.name}}“ – ł")]);
    let sms = prepared(&template, &[]).preview(&contact(), true).unwrap().sms.unwrap();
    assert_eq!(sms.text, "\"Bürgermeisteramt Musterdorf\" - ł");
    assert_eq!((sms.size.segments, sms.outside_gsm.as_slice()), (1, &['ł'][..]));
}

#[test]
fn webhooks_have_the_templates_json_or_none() {
    let json =
        "{\"text\": \"{{dienste}} {{contact.gemarkung}}\", \"offen\": {{offen}}, \"n\": \"{{anzahl}}\"}";
    let template = template(DECLARED, &[("webhook.de.json", json), ("sms.de.txt", "Kurz")]);
    let with = prepared(&template, &[("dienste", "a \"b\"\n\\c"), ("anzahl", "1250")]);
    let value = with.render_webhook(&contact()).unwrap().unwrap();
    assert_eq!(value, json!({"text": "a \"b\"\n\\c Süd & West", "offen": false, "n": "1.250"}));
    assert_eq!(with.render_webhook_text(&contact()).unwrap(), "Kurz");
    assert_eq!(prepared(&languages(), &[]).render_webhook(&contact()).unwrap(), None);
}

#[test]
fn a_text_that_becomes_too_long_is_refused() {
    let body = "{{#each dienste}}{{#each dienste}}{{#each dienste}}{{this}}{{/each}}{{/each}}{{/each}}";
    let compiled = Arc::new(Compiled::new(&email(body)).unwrap());
    let many = "wort\n".repeat(2_000);
    let template = email(body);
    let problem = Prepared::new(compiled, &values(&template, &[("dienste", &many)]), &instance(), &notice())
        .unwrap_err();
    assert_eq!(problem.to_string(), "the text becomes longer than 1 MB");
}

#[test]
fn several_threads_share_one_notice() {
    let prepared = prepared(&languages(), &[]);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let prepared = &prepared;
                scope.spawn(move || {
                    let card = ContactCard { name: format!("Amt {number}"), ..ContactCard::default() };
                    prepared.render_sms(&card).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(texts, ["Amt 0: Lage", "Amt 1: Lage", "Amt 2: Lage", "Amt 3: Lage"]);
}

/// All tags of a document but `<br>`, which line breaks of values become.
fn tags(html: &str) -> Vec<&str> {
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    tags.filter(|tag| *tag != "br").map(|tag| tag.split([' ', '\n']).next().unwrap()).collect()
}

fn evil() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<b>"),
        Just("</p>"),
        Just("\""),
        Just("'>"),
        Just("&lt;"),
        Just("*"),
        Just("[a](b)"),
        Just("{{ort}}"),
        Just("`"),
        Just("\\"),
        Just("\n"),
        Just(","),
        Just("}"),
        Just("ä"),
        Just("x "),
        Just("# "),
        Just("<!--"),
        Just("javascript:"),
        Just("\u{2028}"),
        Just("😀"),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

const EVERYWHERE: &str = "# {{ort}}\n\n**{{dienste}}** `{{ort}}` {{#each dienste}}{{this}}{{/each}}\n\n- {{contact.name}}\n\
    {{#if ort}}\n- [{{ort}}]({{ort}}) [x]({{instance.public_url}}/{{dienste}}?{{contact.name}})\n{{/if}}\n\n    {{dienste}}\n";

fn filled(template: &FrozenTemplate, ort: &str, dienste: &str) -> Prepared {
    let mut values = Values::default();
    values.set("ort", Value::Text(ort.to_owned()));
    values.set("dienste", Value::LongText(dienste.to_owned()));
    Prepared::new(Arc::new(Compiled::new(template).unwrap()), &values, &instance(), &notice()).unwrap()
}

proptest! {
    #[test]
    fn values_never_become_markup_or_lines_of_a_header(ort in evil(), dienste in evil(), name in evil()) {
        let ort = format!("x{ort}");
        let dienste = format!("x{}", dienste.replace('\n', " "));
        let files = [("email.de.md", format!("---\nsubject: \"{{{{ort}}}} {{{{contact.name}}}}\"\n---\n{EVERYWHERE}"))];
        let template = template(DECLARED, &[(files[0].0, &files[0].1)]);
        let card = |name: &str| ContactCard { name: name.into(), ..ContactCard::default() };
        let plain = filled(&template, "x", "x").render_email(&card("x")).unwrap();
        let email = filled(&template, &ort, &dienste).render_email(&card(&name)).unwrap();
        prop_assert_eq!(tags(&plain.html), tags(&email.html));
        prop_assert!(!email.subject.contains(char::is_control));
        for target in email.html.split("href=\"").skip(1) {
            prop_assert!(target.starts_with("https://lage.kim.example") || target.starts_with('#'), "{}", target);
        }
    }

    #[test]
    fn values_never_change_a_documents_structure(ort in evil(), dienste in evil(), name in evil()) {
        let json = "{\"a\": \"{{ort}}\", \"b\": [\"{{dienste}}\", {{offen}}], \"c\": \"{{contact.name}}{{#if contact.name}}!{{/if}}\"}";
        let template = template(DECLARED, &[("webhook.de.json", json)]);
        let card = ContactCard { name: name.clone(), ..ContactCard::default() };
        let value = filled(&template, &ort, &dienste).render_webhook(&card).unwrap().unwrap();
        let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mark = if name.is_empty() { "" } else { "!" };
        prop_assert_eq!(value, json!({"a": ort, "b": [dienste, false], "c": format!("{name}{mark}")}));
    }

    #[test]
    fn any_template_text_is_rendered_or_refused(text in template_text(), number in 0..3_usize) {
        let text = text.concat();
        let file = ["email.de.md", "sms.de.txt", "webhook.de.json"][number];
        let text = if number == 0 { format!("---\nsubject: S\n---\n{text}") } else { text };
        let template = template(DECLARED, &[(file, &text)]);
        let instance = instance();
        let settings = CheckSettings { instance: &instance, sender_domains: &[], transliterate: true };
        let findings = check(&template, &settings);
        if let Ok(compiled) = Compiled::new(&template) {
            let values = values(&template, &[("dienste", "a\nb"), ("ort", "<c>")]);
            let prepared = Prepared::new(Arc::new(compiled), &values, &instance, &notice());
            prop_assert!(prepared.is_ok(), "{:?} {:?}", prepared.err(), findings);
        }
    }
}

fn template_text() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        "[a-z#*_>`~!|.:/ -]{1,6}",
        "\\PC{1,4}",
        prop_oneof![
            Just("{{ort}}"),
            Just("{{#if offen}}"),
            Just("{{else}}"),
            Just("{{/if}}"),
            Just("{{#each dienste}}"),
            Just("{{this}}"),
            Just("{{/each}}"),
            Just("{{~"),
            Just("}}"),
            Just("{{> footer}}"),
            Just("{{! x }}"),
            Just("\n"),
            Just("\n\n"),
            Just("- "),
            Just("1. "),
            Just("  "),
            Just("    "),
            Just("> "),
            Just("[x]("),
            Just("{{notice.url}}"),
            Just(")"),
            Just("\\"),
            Just("&#123;"),
            Just("{{contact.name}}"),
            Just("\""),
            Just("***"),
            Just("<"),
            Just("---\n"),
        ]
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..30)
}

#[test]
fn what_is_repeated_thousands_of_times_ends_in_findings() {
    let instance = instance();
    let settings = CheckSettings { instance: &instance, sender_domains: &[], transliterate: true };
    for piece in [
        "> ",
        "*a ",
        "- ",
        "{{#if offen}}",
        "[",
        "(",
        "{{ort}}",
        "{{> footer}}",
        "`",
        "![",
        "&",
        "<",
        "_a*",
        "1. ",
    ] {
        let template = email(&format!("{}x", piece.repeat(40_000 / piece.len())));
        assert!(!check(&template, &settings).is_empty(), "{piece}");
    }
}

const ALARM: &str = "title = \"Alarm\"\nalarm = true\n";

fn alarm(sms: &str, body: &str) -> Prepared {
    let mail = format!("---\nsubject: Alarm\n---\n{body}");
    prepared(&template(ALARM, &[("sms.de.txt", sms), ("email.de.md", &mail)]), &[])
}

#[test]
fn an_alarm_says_where_to_confirm_in_its_own_words_or_at_its_end() {
    let (card, url) = (contact(), "https://lage.kim.example/a/x_Y-1");
    let reader = Reader { contact: &card, confirm_url: Some(url) };
    let own = alarm("Ja: {{notice.confirm_url}} !", "[Ja]({{notice.confirm_url}})");
    assert_eq!(own.render_sms(reader).unwrap(), format!("Ja: {url} !"));
    let mail = own.render_email(reader).unwrap();
    assert_eq!(mail.text.matches(url).count(), 1, "{}", mail.text);
    assert_eq!(mail.html.matches(&format!("href=\"{url}\"")).count(), 1, "{}", mail.html);

    let silent = alarm("Kommen!", "Kommen!");
    assert_eq!(silent.render_sms(reader).unwrap(), format!("Kommen!\nBestätigen: {url}"));
    let mail = silent.render_email(reader).unwrap();
    assert!(mail.text.ends_with(&format!("\n\nBestätigen: {url}\n")), "{}", mail.text);
    assert!(mail.html.contains(&format!("<a href=\"{url}\">{url}</a></p>\n</body>")), "{}", mail.html);
    assert_eq!(silent.render_sms(&card).unwrap(), "Kommen!", "an endpoint does not confirm");
    let room = own.render_webhook_text(&card).unwrap();
    assert!(room.contains("Ja (per E-Mail oder SMS)"), "who reads it there is told where: {room}");
}

#[test]
fn nothing_else_has_a_place_to_confirm() {
    let card = contact();
    let reader = Reader { contact: &card, confirm_url: Some("https://lage.kim.example/a/x") };
    let plain = prepared(&template(DECLARED, &[("sms.de.txt", "Hallo")]), &[]);
    assert_eq!(plain.render_sms(reader).unwrap(), "Hallo");
    let findings =
        Compiled::new(&template(DECLARED, &[("sms.de.txt", "{{notice.confirm_url}}")])).unwrap_err();
    assert!(findings[0].to_string().contains("is in alarms only"), "{findings:?}");
}
