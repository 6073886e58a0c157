use std::path::Path;

use super::super::fixture::{DECLARED, instance, notice, template, values};
use super::super::load::load_pack;
use super::*;

const BODY: &str =
    "{{beginn}} {{#if dienste}}{{dienste}}{{/if}} {{ort}} {{#if offen}}auf{{/if}} {{anzahl}}\n";

fn settings(instance: &Instance) -> CheckSettings<'_> {
    CheckSettings { instance, sender_domains: &[], transliterate: true }
}

fn found(template: &FrozenTemplate) -> Vec<String> {
    check(template, &settings(&instance())).iter().map(ToString::to_string).collect()
}

/// The findings of a template with this e-mail body, beside one that uses every variable.
fn in_body(body: &str) -> Vec<String> {
    found(&template(DECLARED, &[("email.de.md", &format!("---\nsubject: Betreff\n---\n{BODY}\n{body}"))]))
}

fn in_files(declared: &str, files: &[(&str, &str)]) -> Vec<String> {
    found(&template(declared, files))
}

fn in_sms(text: &str) -> Vec<String> {
    in_files("title = \"T\"\n", &[("sms.de.txt", text)])
}

#[track_caller]
fn one(findings: &[String], words: &str) {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].contains(words), "{}", findings[0]);
}

#[test]
fn a_template_that_is_right_has_no_findings() {
    assert_eq!(
        in_body("Siehe {{notice.url}}, [Lage]({{instance.public_url}}/lage), {{contact.gemarkung}}."),
        [""; 0]
    );
}

#[test]
fn the_template_in_the_repository_is_right() {
    let pack = load_pack(Path::new("templates")).unwrap();
    assert_eq!(pack.findings, []);
    assert!(pack.templates.contains_key("erst-kommune"));
    for template in pack.templates.values() {
        assert_eq!(found(template), [""; 0], "{}", template.folder);
    }
}

#[test]
fn placeholders_are_named_with_their_line_after_markdown() {
    one(&in_body("a\n\nam **DA**TUM um"), "t/probe/email.de.md:8: \"DATUM\" was left");
    one(&in_body("\n{{#unless offen}}OPTION: x{{/unless}}"), "email.de.md:7: \"OPTION:\"");
    one(&in_body("[bitte {{ort}} beantworten]"), "\"[bitte … beantworten]\"");
    one(&in_sms("um XX Uhr\nTODO").into_iter().take(1).collect::<Vec<_>>(), "sms.de.txt:1: \"XX\"");
    assert_eq!(in_sms("um XX Uhr\nTODO").len(), 2);
    one(&in_sms("a }"), "sms.de.txt:1: \"}\"");
    one(
        &in_body("{{#if incident.title}}x{{else}}TODO{{/if}} {{#if notice.exercise}}x{{/if}}"),
        "email.de.md:6: \"TODO\"",
    );
    let subject = in_files("title = \"T\"\n", &[("email.de.md", "---\nsubject: Lage am DATUM\n---\nText")]);
    one(&subject, "t/probe/email.de.md:2: \"DATUM\"");
}

#[test]
fn placeholders_in_webhooks_and_contacts_are_not_looked_for() {
    assert_eq!(
        in_files(
            "title = \"T\"\n",
            &[("webhook.de.json", "{\"a\": \"XX [bitte füllen] {{contact.name}}\"}")]
        ),
        [""; 0]
    );
    let template =
        template(DECLARED, &[("email.de.md", &format!("---\nsubject: S\n---\n{BODY}{{{{contact.name}}}}"))]);
    let instance = instance();
    let findings = check_send(
        &Checked::new(&template, &settings(&instance)).unwrap(),
        &values(&template, &[("anzahl", "3"), ("ort", "Rathaus")]),
        &notice(),
        &settings(&instance),
    );
    assert_eq!(findings, []);
}

#[test]
fn variables_are_declared_used_and_in_every_language() {
    one(
        &in_body("{{#if anzah}}x{{/if}}"),
        "email.de.md:6: the variable \"anzah\" is not declared in template.toml (did you mean \"anzahl\"?)",
    );
    one(&in_body("{{notice.nummer}}"), "did you mean \"number\"");
    let unused = "title = \"T\"\n[[variable]]\nname = \"x\"\nlabel = { de = \"X\" }\ntype = \"text\"\n";
    one(
        &in_files(unused, &[("sms.de.txt", "Text")]),
        "t/probe/template.toml:3: no text uses the variable \"x\"",
    );
    let files = [("sms.de.txt", "Text {{x}}"), ("sms.en.txt", "Text")];
    let both = unused.replace("{ de = \"X\" }", "{ de = \"X\", en = \"X\" }");
    one(
        &in_files(&both, &files),
        "t/probe/sms.en.txt: the variable \"x\" is missing here; t/probe/sms.de.txt:1 uses it",
    );
    assert!(in_files(unused, &files).iter().any(|found| found.contains("has no label in \"en\"")));
}

const CHOICE: &str = "title = \"T\"\n[[variable]]\nname = \"x\"\nlabel = { de = \"X\", en = \"X\" }\n\
                      type = \"choice\"\nexample = \"a\"\nchoices = [{ value = \"a\", label = { de = \"A\", en = \"A\" } },\
                      { value = \"b\", label = { de = \"B\" } }]\n";

#[test]
fn a_choice_that_is_shown_has_a_label_in_the_language_of_the_text() {
    one(
        &in_files(CHOICE, &[("sms.de.txt", "T {{x}}"), ("sms.en.txt", "T {{x}}")]),
        "t/probe/template.toml:3: the choice \"b\" of \"x\" has no label in \"en\", and t/probe/sms.en.txt:1 shows it",
    );
    let compared = "T{{#if (eq x \"a\")}} a{{/if}}";
    assert_eq!(in_files(CHOICE, &[("sms.de.txt", compared), ("sms.en.txt", compared)]), [""; 0]);
}

#[test]
fn a_choice_is_compared_with_what_can_be_chosen() {
    let text = |condition: &str| {
        in_files(CHOICE, &[("sms.de.txt", &format!("T{{{{#if {condition}}}}} a{{{{/if}}}}"))])
    };
    one(
        &text("(and x (ne \"aa\" x))"),
        "t/probe/sms.de.txt:1: \"aa\" is none of the choices of \"x\" (did you mean \"a\"?): there are \"a\", \"b\"",
    );
    one(&text("(eq x 1)"), "1 is none of the choices of \"x\"");
    for right in ["(eq x \"b\")", "(ne x \"\")", "x"] {
        assert_eq!(text(right), [""; 0], "{right}");
    }
}

#[test]
fn a_list_whose_items_would_stand_in_one_line_is_found() {
    for item in ["- {{this}}", "* {{this}} ", "+ {{this}}", "1. {{this}}"] {
        one(
            &in_body(&format!("Jetzt:\n\n{{{{#each dienste}}}}{item}{{{{/each}}}}")),
            "t/probe/email.de.md:8: the items of this list would stand in one line: put {{#each …}}",
        );
    }
    for right in
        ["{{#each dienste}}\n- {{this}}\n{{/each}}", "{{#each dienste}}{{this}} - {{/each}}", "1. {{ort}}"]
    {
        assert_eq!(in_body(right), [""; 0], "{right}");
    }
}

#[test]
fn examples_are_there_and_can_be_read() {
    let declared = |rest: &str| {
        format!(
            "title = \"T\"\n[[variable]]\nname = \"x\"\nlabel = {{ de = \"X\" }}\ntype = \"date\"\nrequired = true\n{rest}"
        )
    };
    one(
        &in_files(&declared(""), &[("sms.de.txt", "T {{x}}")]),
        "template.toml:3: the required variable \"x\" has no example",
    );
    one(
        &in_files(&declared("example = \"morgen\""), &[("sms.de.txt", "T {{x}}")]),
        "the example of \"x\": \"morgen\" is no date",
    );
}

#[test]
fn subjects_and_text_messages_keep_their_length() {
    let subject = |text: &str| {
        in_files("title = \"T\"\n", &[("email.de.md", &format!("---\nsubject: {text}\n---\nText"))])
    };
    assert_eq!(subject(&"ä".repeat(60)), [""; 0]);
    one(&subject(&"ä".repeat(61)), "email.de.md:2: the subject");
    one(
        &in_files(DECLARED, &[("email.de.md", &format!("---\nsubject: \"{{{{dienste}}}}\"\n---\n{BODY}"))]),
        "a line break comes into the subject",
    );
    assert_eq!(in_sms(&"a".repeat(160)), [""; 0]);
    one(
        &in_sms(&"a".repeat(163)),
        "takes 2 segments (163 characters, GSM-7), 1 is allowed: it is 3 characters too long",
    );
    one(&in_sms(&"ł".repeat(71)), "\"ł\" stand outside the GSM-7 alphabet");
    assert_eq!(in_files("title = \"T\"\nsms_segments = 2\n", &[("sms.de.txt", &"a".repeat(163))]), [""; 0]);
}

#[test]
fn foreign_links_are_named_wherever_they_stand() {
    one(
        &in_body("Siehe https://evil.example/x"),
        "email.de.md:6: the link \"https://evil.example/x\" leads elsewhere",
    );
    one(&in_body("[Hier](/faq)"), "\"/faq\" leads elsewhere");
    one(&in_body("[Hier](https://{{ort}}/x)"), "leads elsewhere");
    one(&in_body("[Hier]({{instance.public_url}}.evil.de)"), "leads elsewhere");
    one(&in_body("[Hier]({{contact.portal}})"), "may not begin with a field of the contact");
    one(&in_sms("Echt? www.evil.de"), "sms.de.txt:1: the link \"www.evil.de\"");
    let mut template = template("title = \"T\"\n", &[("sms.de.txt", "T")]);
    template
        .layout
        .insert("email.html".into(), "<p>\n<img src=\"https://track.example/x\">{{> body}}".into());
    one(&found(&template), "t/layout/email.html:2: the link");
}

#[test]
fn partials_that_do_not_end_are_refused_with_their_file() {
    let with = |name: &str, text: &str, body: &str| {
        let mut template =
            template("title = \"T\"\n", &[("email.de.md", &format!("---\nsubject: S\n---\n{body}"))]);
        template.layout.insert(name.into(), text.into());
        found(&template)
    };
    one(&with("a.de.md", "x\n{{> a}}", "{{> a}}"), "t/layout/a.de.md:2: the partial \"a\" contains itself");
    one(&with("a.de.md", "x", "\n{{> b}}"), "t/probe/email.de.md:5: there is no partial \"b\"");
    assert_eq!(with("a.md", "{{instance.name}}", "{{> a}}"), [""; 0]);
    one(
        &with("footer.de.md", "{{> footer}}", "x"),
        "t/layout/footer.de.md:1: the partial \"footer\" contains itself",
    );
}

#[test]
fn webhooks_are_json_whatever_the_flags_say() {
    let files = |json: &'static str| {
        let body = format!("---\nsubject: S\n---\n{BODY}");
        in_files(DECLARED, &[("email.de.md", &body), ("webhook.de.json", json)])
    };
    assert_eq!(
        files("{\"a\": \"{{dienste}}\", {{#if offen}}\"b\": {{anzahl}},{{/if}} \"c\": {{offen}} }"),
        ["t/probe/webhook.de.json:1: what comes out is no JSON: expected value at line 1 column 16"]
    );
    assert_eq!(files("{\"a\": \"{{dienste}}\", \"c\": {{offen}} }"), [""; 0]);
    one(&files("{\"a\": {{ort}} }"), "outside of quotation marks only a number or a flag");
    one(&files("{\"a\": \"{{#if offen}}x\"{{/if}}}"), "inside or outside of quotation marks");
}

#[test]
fn typed_values_are_named_and_may_be_accepted() {
    let template =
        template(DECLARED, &[("email.de.md", &format!("---\nsubject: \"{{{{ort}}}}\"\n---\n{BODY}"))]);
    let instance = instance();
    let checked = Checked::new(&template, &settings(&instance)).unwrap();
    let sent = |ort: &str| {
        let values = values(&template, &[("ort", ort)]);
        check_send(&checked, &values, &notice(), &settings(&instance))
    };
    assert_eq!(sent("Rathaus"), []);
    for (ort, words) in [
        ("am DATUM", "--set ort: \"DATUM\" was left"),
        ("am _DATUM_", "--set ort: \"DATUM\" was left"),
        ("siehe evil.de/x", "--set ort: the link \"evil.de/x\""),
        (&"a".repeat(61), "email.de.md:2: the subject"),
    ] {
        let findings = sent(ort);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(findings[0].to_string().contains(words), "{}", findings[0]);
        assert!(findings[0].acceptable());
    }
    let broken = template_with_placeholder();
    let checked = Checked::new(&broken, &settings(&instance)).unwrap();
    let findings = check_send(&checked, &values(&broken, &[]), &notice(), &settings(&instance));
    assert!(!findings.is_empty() && findings.iter().all(|found| !found.acceptable()), "{findings:#?}");
}

fn template_with_placeholder() -> FrozenTemplate {
    template(DECLARED, &[("email.de.md", &format!("---\nsubject: S\n---\n{BODY}TODO"))])
}

#[test]
fn a_fault_that_only_several_values_make_is_found_too() {
    let two = "title = \"T\"\n[[variable]]\nname = \"a\"\nlabel = { de = \"A\" }\ntype = \"text\"\nexample = \"x\"\n\
               [[variable]]\nname = \"b\"\nlabel = { de = \"B\" }\ntype = \"text\"\nexample = \"y\"\n";
    let template = template(two, &[("sms.de.txt", "am {{a}}{{b}}")]);
    let raw = [("a", "DA"), ("b", "TUM")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let instance = instance();
    let values = crate::domain::template::parse_values(&template.spec, &raw, &instance.timezone).unwrap();
    let checked = Checked::new(&template, &settings(&instance)).unwrap();
    let findings = check_send(&checked, &values, &notice(), &settings(&instance));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].origin, Origin::Value { variable: None });
}
