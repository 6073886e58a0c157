//! The templates that come with the program: all are there, and every way of filling them in keeps the limits of a
//! subject, a mail and a text message, in an exercise too.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use rundruf::domain::address::Channel;
use rundruf::domain::clock::Timestamp;
use rundruf::domain::contact::ContactCard;
use rundruf::domain::message::EmailContent;
use rundruf::domain::settings::Instance;
use rundruf::domain::sms_text::{SmsEncoding, measure};
use rundruf::domain::template::{NoticeKind, Phase, TemplateSpec, Variable, VariableType, parse_values};
use rundruf::templates::{
    CheckSettings, Compiled, FrozenTemplate, IncidentFacts, LoadedPack, NoticeFacts, Prepared, check,
    load_pack, load_wording, wording_hints,
};

type Checked = Result<(), Box<dyn Error>>;

const GERMAN_ONLY: [&str; 17] = [
    "abschluss-kommune",
    "abschluss-mitarbeitende",
    "abschluss-presse",
    "alarm-stab",
    "datenschutz-betroffene",
    "datenschutz-verantwortliche",
    "kontaktpruefung-alle",
    "korrektur-alle",
    "notbetrieb-kommune",
    "notbetrieb-schule",
    "notbetrieb-versorger",
    "teilstart-kommune",
    "teilstart-mitarbeitende",
    "teilstart-schule",
    "teilstart-versorger",
    "uebung-alarm",
    "warnung-faelschung",
];
const GERMAN_AND_ENGLISH: [&str; 25] = [
    "eilfreigabe",
    "entwarnung-abonnenten",
    "entwarnung-kommune",
    "entwarnung-mitarbeitende",
    "entwarnung-presse",
    "entwarnung-schule",
    "entwarnung-versorger",
    "erinnerung-stab",
    "erst-abonnenten",
    "erst-behoerde",
    "erst-kommune",
    "erst-mitarbeitende",
    "erst-presse",
    "erst-schule",
    "erst-versorger",
    "faq-oeffentlich",
    "lage-abonnenten",
    "lage-kommune",
    "lage-mitarbeitende",
    "lage-ohne-neues",
    "lage-presse",
    "lage-schule",
    "lage-versorger",
    "partner-abgeschaltet",
    "webhook-abgeschaltet",
];
/// Too much to say for a text message, and nobody who must act at once.
const WITHOUT_SMS: [&str; 10] = [
    "abschluss-kommune",
    "abschluss-mitarbeitende",
    "abschluss-presse",
    "datenschutz-betroffene",
    "datenschutz-verantwortliche",
    "entwarnung-presse",
    "erst-behoerde",
    "erst-presse",
    "faq-oeffentlich",
    "lage-presse",
];
const SUBJECT_LIMIT: usize = 60;
const MAIL_LIMIT: usize = 1_500;

#[test]
fn every_situation_has_its_template_and_english_readers_are_served_where_it_matters() -> Checked {
    let pack = pack()?;
    for name in GERMAN_ONLY.iter().chain(&GERMAN_AND_ENGLISH) {
        let template = pack.templates.get(*name).ok_or_else(|| format!("{name} is missing"))?;
        let languages: &[&str] = if GERMAN_AND_ENGLISH.contains(name) { &["de", "en"] } else { &["de"] };
        assert_eq!(template.languages(Channel::Email), languages, "{name}");
        let texted: &[&str] = if WITHOUT_SMS.contains(name) { &[] } else { languages };
        assert_eq!(template.languages(Channel::Sms), texted, "{name}");
    }
    Ok(())
}

#[test]
fn the_check_finds_nothing_to_object_to() -> Checked {
    let instance = instance()?;
    let settings = CheckSettings { instance: &instance, sender_domains: &[], transliterate: true };
    let findings: Vec<String> = pack()?
        .templates
        .values()
        .flat_map(|template| check(template, &settings))
        .map(|finding| finding.to_string())
        .collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    Ok(())
}

#[test]
fn only_what_must_be_confirmed_is_an_alarm() -> Checked {
    let pack = pack()?;
    let alarms: Vec<&str> =
        pack.templates.values().filter(|t| t.spec.alarm).map(|t| t.spec.name.as_str()).collect();
    assert_eq!(alarms, ["alarm-stab", "uebung-alarm"]);
    Ok(())
}

#[test]
fn only_status_notices_must_promise_more_and_all_of_those_for_everybody_can_say_it() -> Checked {
    let pack = pack()?;
    let kind = |name: &str| pack.templates.get(name).map(|template| template.spec.kind());
    for (name, expected) in [
        ("erst-kommune", NoticeKind::Status),
        ("lage-ohne-neues", NoticeKind::Status),
        ("alarm-stab", NoticeKind::Alarm),
        ("uebung-alarm", NoticeKind::Alarm),
        ("warnung-faelschung", NoticeKind::Warning),
        ("korrektur-alle", NoticeKind::Correction),
        ("entwarnung-kommune", NoticeKind::AllClear),
        ("abschluss-presse", NoticeKind::AllClear),
        ("kontaktpruefung-alle", NoticeKind::Message),
        ("erinnerung-stab", NoticeKind::Message),
    ] {
        assert_eq!(kind(name), Some(expected), "{name}");
    }
    for template in pack.templates.values().filter(|template| template.spec.name.starts_with("lage-")) {
        assert!(template.spec.next_update_variable().is_some(), "{}", template.spec.name);
    }
    Ok(())
}

#[test]
fn no_template_claims_more_than_its_own_phase_allows() -> Checked {
    let rules = load_wording(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))?;
    for template in pack()?.templates.values() {
        let prepared = prepare(template, &examples(&template.spec), &notice(false, None))?;
        let Some(phase) = template.spec.phase else { continue };
        let hints = wording_hints(&rules, phase, &prepared);
        assert!(hints.is_empty(), "{}: {}", template.spec.name, hints[0]);
    }
    Ok(())
}

#[test]
fn every_variable_says_what_it_is_in_both_languages_and_has_an_example() -> Checked {
    for template in pack()?.templates.values() {
        for variable in &template.spec.variables {
            let name = format!("{}: {}", template.spec.name, variable.name);
            assert!(variable.label.contains_key("de") && variable.label.contains_key("en"), "{name}");
            assert!(variable.example.is_some(), "{name}");
            assert!(variable.choices.iter().all(|option| option.label.contains_key("en")), "{name}");
        }
    }
    Ok(())
}

#[test]
fn subjects_mails_and_text_messages_keep_their_limits_however_they_are_filled_in() -> Checked {
    for template in pack()?.templates.values() {
        for case in cases(&template.spec) {
            for notice in notices() {
                let prepared = prepare(template, &case, &notice)?;
                for language in template.languages(Channel::Email) {
                    let email = prepared.render_email(&reader(language))?;
                    let name = format!("{} in {language} with {case:?}", template.spec.name);
                    assert!(email.subject.chars().count() <= SUBJECT_LIMIT, "{name}: {}", email.subject);
                    // The mark of an exercise comes on top.
                    let length = email.text.chars().count();
                    assert!(
                        notice.exercise || length <= MAIL_LIMIT,
                        "{name}: {length} characters:\n{}",
                        email.text
                    );
                }
                for language in template.languages(Channel::Sms) {
                    let sms = prepared.render_sms(&reader(language))?;
                    let (size, name) = (measure(&sms), &template.spec.name);
                    assert_eq!(size.encoding, SmsEncoding::Gsm7, "{name}: {sms}");
                    assert!(size.segments <= template.spec.sms_segments, "{name}: {} in {sms}", size.units);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_mail_and_text_message_shows_how_to_tell_that_it_is_genuine() -> Checked {
    for template in pack()?.templates.values() {
        let notice = notice(false, None);
        let prepared = prepare(template, &examples(&template.spec), &notice)?;
        for language in template.languages(Channel::Email) {
            let EmailContent { subject, text, .. } = prepared.render_email(&reader(language))?;
            assert!(subject.contains(&notice.number), "{subject}");
            assert!(text.contains(&notice.number) && text.contains(&notice.code), "{text}");
        }
        for language in template.languages(Channel::Sms) {
            let sms = prepared.render_sms(&reader(language))?;
            assert!(sms.contains(&notice.number) && sms.contains(&notice.code), "{sms}");
        }
    }
    Ok(())
}

#[test]
fn the_question_of_the_public_is_answered_left_out_or_settled_in_person() -> Checked {
    let pack = pack()?;
    let faq = pack.templates.get("faq-oeffentlich").ok_or("faq-oeffentlich is missing")?;
    let text = |individuell: &str, termine: &str| -> Result<String, Box<dyn Error>> {
        let mut case = examples(&faq.spec);
        case.insert("individuell".into(), individuell.into());
        case.insert("individuell_frage".into(), "Wann öffnet das Bad?".into());
        case.insert("individuell_antwort".into(), "Ab Montag.".into());
        case.insert("opt_termine".into(), termine.into());
        let email = prepare(faq, &case, &notice(false, None))?.render_email(&reader("de"))?;
        Ok(email.text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (answered, omitted, personal) =
        (text("beantworten", "ja")?, text("weglassen", "nein")?, text("persoenlich", "ja")?);
    assert!(answered.contains("Wann öffnet das Bad?") && answered.contains("Ab Montag."), "{answered}");
    assert!(!omitted.contains("Bad?") && !omitted.contains("Ab Montag."), "{omitted}");
    assert!(personal.contains("Wann öffnet das Bad?") && !personal.contains("Ab Montag."), "{personal}");
    assert!(personal.contains("mit Ihnen persönlich"), "{personal}");
    assert!(answered.contains("nicht zu vereinbarten Terminen"), "{answered}");
    assert!(!omitted.contains("nicht zu vereinbarten Terminen"), "{omitted}");
    Ok(())
}

fn pack() -> Result<LoadedPack, Box<dyn Error>> {
    let pack = load_pack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))?;
    match pack.findings.first() {
        Some(finding) => Err(finding.to_string().into()),
        None => Ok(pack),
    }
}

/// What an author could type: the examples; then each choice and flag the other way, and each optional left out.
fn cases(spec: &TemplateSpec) -> Vec<BTreeMap<String, String>> {
    let examples = examples(spec);
    let mut cases = vec![examples.clone()];
    for variable in &spec.variables {
        for typed in alternatives(variable) {
            let mut case = examples.clone();
            case.insert(variable.name.clone(), typed);
            cases.push(case);
        }
        if !variable.required {
            let mut case = examples.clone();
            case.remove(&variable.name);
            cases.push(case);
        }
    }
    cases
}

fn alternatives(variable: &Variable) -> Vec<String> {
    match variable.kind {
        VariableType::Flag => vec!["ja".into(), "nein".into()],
        VariableType::Choice => variable.choices.iter().map(|option| option.value.clone()).collect(),
        // No month has a longer name in English.
        VariableType::Datetime => vec!["2026-09-30T22:30".into()],
        _ => Vec::new(),
    }
}

fn examples(spec: &TemplateSpec) -> BTreeMap<String, String> {
    spec.variables.iter().filter_map(|v| Some((v.name.clone(), v.example.clone()?))).collect()
}

fn prepare(
    template: &FrozenTemplate,
    typed: &BTreeMap<String, String>,
    notice: &NoticeFacts,
) -> Result<Prepared, Box<dyn Error>> {
    let instance = instance()?;
    let values = parse_values(&template.spec, typed, &instance.timezone)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let compiled = Compiled::new(template)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(Prepared::new(Arc::new(compiled), &values, &instance, notice)?)
}

/// Alone, as part of an incident, and as an exercise.
fn notices() -> [NoticeFacts; 3] {
    let incident = IncidentFacts {
        title: "IT-Ausfall im November".into(),
        phase: Phase::Investigating,
        next_update_at: Some(Timestamp(1_795_190_400_000)),
    };
    [notice(false, None), notice(false, Some(incident.clone())), notice(true, Some(incident))]
}

fn notice(exercise: bool, incident: Option<IncidentFacts>) -> NoticeFacts {
    NoticeFacts {
        number: "2026-0007".into(),
        code: "K7M29QXP".into(),
        url: "https://notfall.kse.example/public/notices/2026-0007".into(),
        expires_at: Timestamp(1_795_200_000_000),
        exercise,
        incident,
    }
}

fn reader(language: &str) -> ContactCard {
    let salutation = if language == "de" { "Sehr geehrte Frau Dr. Özdemir" } else { "Dear Dr Özdemir" };
    ContactCard {
        id: "musterdorf".into(),
        name: "Bürgermeisteramt Musterdorf".into(),
        organisation: "Gemeinde Musterdorf".into(),
        salutation: salutation.into(),
        language: language.into(),
        attributes: rundruf::domain::attributes::Attributes::default(),
    }
}

fn instance() -> Result<Instance, Box<dyn Error>> {
    Ok(Instance {
        name: "Kommunalservice Eifel".into(),
        short_name: "KSE".into(),
        public_url: "https://notfall.kse.example".parse()?,
        language: "de".into(),
        timezone: TimeZone::get("Europe/Berlin")?,
        contacts: PathBuf::new(),
        templates: PathBuf::new(),
    })
}
