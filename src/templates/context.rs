//! What stands behind the names in a text.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};

use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::settings::Instance;
use crate::domain::template::{Phase, TemplateSpec, Value, Values, VariableType, shown, shown_datetime};

use super::expression::Operand;
use super::reader::CONFIRM_FIELD;

/// What a notice is, for its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeFacts {
    /// `2026-0007`
    pub number: String,
    /// The code that proves it: eight characters.
    pub code: String,
    /// The page that shows it.
    pub url: String,
    /// When it is no longer worth sending.
    pub expires_at: Timestamp,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The incident it belongs to; its names render as nothing where there is none.
    pub incident: Option<IncidentFacts>,
}

impl NoticeFacts {
    /// A notice to try a template with.
    pub fn example(instance: &Instance) -> Self {
        let at = Timestamp(1_795_170_000_000);
        Self {
            number: "2026-0007".into(),
            code: "K7M3QX9P".into(),
            url: instance.notice_url("2026-0007"),
            expires_at: at,
            exercise: false,
            incident: Some(IncidentFacts {
                title: "IT-Ausfall".into(),
                phase: Phase::Investigating,
                next_update_at: Some(at),
            }),
        }
    }
}

/// What an incident is, for the text of its notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentFacts {
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// The promised next update.
    pub next_update_at: Option<Timestamp>,
}

/// The fields that always stand behind these names; behind `contact` also every attribute.
pub(super) const STANDING: [(&str, &[&str]); 3] = [
    ("instance", &["name", "short_name", "public_url"]),
    ("notice", &["number", "code", "url", "confirm_url", "expires_at", "exercise"]),
    ("incident", &["title", "phase", "next_update_at"]),
];

/// What every contact has behind `contact`, if only empty.
pub(super) const CONTACT_FIELDS: [&str; 5] = ["id", "name", "organisation", "salutation", "language"];

/// The address by which a recipient confirms an alarm. It differs from one delivery to the next; conditions see only
/// whether there is one.
pub(super) const CONFIRM_URL: [&str; 2] = ["notice", "confirm_url"];

/// Behind a name whose value is compared in one form and read in another stands the second one.
pub(super) const SHOWN: &str = "__shown";

/// The inner text of the tag that shows `operand`: a choice is compared by its value and shown by its label.
pub(super) fn shown_name(spec: &TemplateSpec, operand: &Operand) -> String {
    let Operand::Name(name) = operand else { return operand.to_string() };
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    if name == CONFIRM_URL {
        return Operand::Name(vec!["contact".to_owned(), CONFIRM_FIELD.to_owned()]).to_string();
    }
    let two_forms = match name.as_slice() {
        ["incident", "phase"] | ["notice", "exercise"] => true,
        [variable] => spec.variable(variable).is_some_and(|variable| has_two_forms(variable.kind)),
        _ => false,
    };
    if !two_forms {
        return operand.to_string();
    }
    let mut name: Vec<String> = name.into_iter().map(str::to_owned).collect();
    if let Some(last) = name.last_mut() {
        last.push_str(SHOWN);
    }
    Operand::Name(name).to_string()
}

pub(super) const fn has_two_forms(kind: VariableType) -> bool {
    matches!(kind, VariableType::Number | VariableType::Flag | VariableType::Choice)
}

/// Everything but the contact, in the words of `language`.
pub(super) fn base(
    spec: &TemplateSpec,
    values: &Values,
    instance: &Instance,
    notice: &NoticeFacts,
    language: &str,
) -> Map<String, Json> {
    let zone = &instance.timezone;
    let time = |at: Timestamp| shown_datetime(at, language, zone);
    let mut context = Map::new();
    for variable in &spec.variables {
        let value = values.get(&variable.name);
        let words = value.map(|value| shown(value, variable, language, zone)).unwrap_or_default();
        if has_two_forms(variable.kind) {
            context.insert(format!("{}{SHOWN}", variable.name), Json::String(words));
            context.insert(variable.name.clone(), compared(variable.kind, value));
        } else {
            context.insert(variable.name.clone(), Json::String(words));
        }
    }
    let exercise = match (notice.exercise, language) {
        (true, "de") => "ja",
        (true, _) => "yes",
        (false, "de") => "nein",
        (false, _) => "no",
    };
    let incident = notice.incident.as_ref();
    context.insert("language".into(), json!(language));
    context.insert(
        "instance".into(),
        json!({"name": instance.name, "short_name": instance.short_name, "public_url": public_url(instance)}),
    );
    context.insert(
        "notice".into(),
        json!({
            "number": notice.number, "code": notice.code, "url": notice.url, "confirm_url": spec.alarm, "expires_at": time(notice.expires_at),
            "exercise": notice.exercise, format!("exercise{SHOWN}"): exercise,
        }),
    );
    context.insert(
        "incident".into(),
        json!({
            "title": incident.map_or("", |incident| &incident.title),
            "phase": incident.map_or("", |incident| incident.phase.as_str()),
            format!("phase{SHOWN}"): incident.map_or("", |incident| incident.phase.shown(language)),
            "next_update_at": incident.and_then(|incident| incident.next_update_at).map(time).unwrap_or_default(),
        }),
    );
    context
}

/// What comparisons see: a truth value, a number, a choice's own word.
fn compared(kind: VariableType, value: Option<&Value>) -> Json {
    match value {
        Some(Value::Flag(flag)) => Json::Bool(*flag),
        Some(Value::Number(digits)) => serde_json::from_str(digits).unwrap_or_else(|_| json!(digits)),
        Some(Value::Choice(chosen)) => json!(chosen),
        _ if kind == VariableType::Flag => Json::Bool(false),
        _ => json!(""),
    }
}

/// The address of the instance, without a slash at its end.
pub(super) fn public_url(instance: &Instance) -> String {
    instance.public_url.as_str().trim_end_matches('/').to_owned()
}

/// What stands behind `contact.FIELD`; nothing where this contact has no such attribute. Contacts come from
/// files, so control characters and marks of the engine are left out.
pub(super) fn contact_field<'a>(contact: &'a ContactCard, field: &str, language: &str) -> Cow<'a, str> {
    let text = match field {
        "id" => &contact.id,
        "name" => &contact.name,
        "organisation" => &contact.organisation,
        "salutation" if contact.salutation.trim().is_empty() => {
            return Cow::Borrowed(neutral_salutation(language));
        }
        "salutation" => &contact.salutation,
        "language" => &contact.language,
        attribute => match contact.attributes.get(attribute) {
            Some(text) => text,
            None => return Cow::Borrowed(""),
        },
    };
    let strange = |c: char| c.is_control() || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    if text.contains(strange) {
        return Cow::Owned(text.chars().map(|c| if strange(c) { ' ' } else { c }).collect());
    }
    Cow::Borrowed(text)
}

/// How somebody is addressed of whom nothing is known.
pub(super) fn neutral_salutation(language: &str) -> &'static str {
    if language == "de" { "Guten Tag" } else { "Good day" }
}

/// What stands before the subject and the text message of an exercise.
pub(super) fn exercise_prefix(language: &str) -> &'static str {
    if language == "de" { "ÜBUNG: " } else { "EXERCISE: " }
}
