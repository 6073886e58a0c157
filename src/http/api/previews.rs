//! How a notice would read: texts with values, for one contact, and what the check finds in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::app::template_check::{check_all, check_settings, sender_domains};
use crate::domain::actor::{Actor, Right};
use crate::domain::address::Channel;
use crate::domain::contact::ContactCard;
use crate::domain::settings::Settings;
use crate::domain::template::{TemplateSpec, Values, parse_values};
use crate::templates::{Checked, Finding, FrozenTemplate, NoticeFacts, Prepared, Preview, check_send};

use super::body::JsonBody;
use super::caller::SignedIn;
use super::contacts::Visible;
use super::parameters::Named;
use super::problem::{FieldError, Problem};
use super::templates::{load, off_the_runtime, unloaded};

/// What a preview is made with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPreview {
    /// As they would be typed; the rest is filled with the template's examples.
    #[serde(default)]
    #[schema(example = json!({"beginn": "2026-11-20T05:40"}))]
    values: BTreeMap<String, String>,
    /// For whom; without it, for an invented contact. Needs the right `contacts:read`.
    #[serde(default)]
    contact: Option<String>,
    /// In which language; without it, in the contact's.
    #[serde(default)]
    #[schema(example = "de")]
    language: Option<String>,
}

/// What one contact would get.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(super) struct ShownPreview {
    /// Null where the template has no such text.
    email: Option<Email>,
    /// Null where the template has no such text.
    sms: Option<Sms>,
    /// The webhook's own JSON; null where the standard body is sent.
    #[schema(value_type = Option<Object>)]
    webhook: Option<serde_json::Value>,
    /// What the check has to say.
    findings: Vec<ShownFinding>,
}

/// An e-mail.
#[derive(Debug, Serialize, ToSchema)]
struct Email {
    /// One line.
    subject: String,
    /// The plain text.
    text: String,
    /// The HTML part, a whole document.
    html: String,
    /// The language of all three.
    language: String,
}

/// A text message.
#[derive(Debug, Serialize, ToSchema)]
struct Sms {
    /// As it is handed to the gateway.
    text: String,
    /// Its language.
    language: String,
    /// GSM-7 or UCS-2.
    encoding: String,
    /// Septets in GSM-7, UTF-16 units in UCS-2.
    units: usize,
    /// How many messages are paid for.
    segments: usize,
    /// The characters that force UCS-2.
    outside_gsm: String,
}

/// Something that the check found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(super) struct ShownFinding {
    /// The file, within the folder of templates.
    file: String,
    /// The line; 0: the whole file.
    line: u32,
    /// What is wrong, and what would be right.
    what: String,
    /// Whether the author of a notice may accept it.
    acceptable: bool,
}

impl ShownFinding {
    pub(super) fn new(finding: Finding, folder: &str) -> Self {
        let acceptable = finding.acceptable();
        let file =
            finding.file.strip_prefix(folder).unwrap_or(&finding.file).trim_start_matches('/').to_owned();
        Self { file, line: finding.line, what: finding.what, acceptable }
    }
}

impl ShownPreview {
    fn new(preview: Preview, findings: Vec<ShownFinding>) -> Self {
        Self {
            email: preview.email.map(|email| Email {
                subject: email.subject,
                text: email.text,
                html: email.html,
                language: email.language,
            }),
            sms: preview.sms.map(|sms| Sms {
                text: sms.text,
                language: sms.language,
                encoding: sms.size.encoding.to_string(),
                units: sms.size.units,
                segments: sms.size.segments,
                outside_gsm: sms.outside_gsm.into_iter().collect(),
            }),
            webhook: preview.webhook,
            findings,
        }
    }
}

/// Shows what one contact would receive
///
/// Nothing is kept and nothing is sent.
#[utoipa::path(
    post,
    path = "/templates/{name}/preview",
    tag = "templates",
    params(("name" = String, Path, description = "The template's name", example = "erst-kommune")),
    request_body = NewPreview,
    responses(
        (status = 200, description = "What would be received", body = ShownPreview),
        (status = 409, description = "The template's files are not right: `templates check` says what is wrong"),
    ),
)]
pub(super) async fn preview(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(wanted): JsonBody<NewPreview>,
) -> Result<Json<ShownPreview>, Problem> {
    let settings = instance.settings();
    let template = load(settings.clone(), name).await?;
    let values = values(&settings, &template.spec, wanted.values)?;
    let mut contact = contact(&instance, &actor, wanted.contact.as_deref()).await?;
    if let Some(language) = wanted.language {
        check_language(&template, &language)?;
        contact.language = language;
    }
    off_the_runtime(move || render(&settings, &template, &values, &contact)).await?.map(Json)
}

/// The examples with what was typed over them.
fn values(
    settings: &Settings,
    spec: &TemplateSpec,
    typed: BTreeMap<String, String>,
) -> Result<Values, Problem> {
    let examples =
        spec.variables.iter().filter_map(|variable| Some((variable.name.clone(), variable.example.clone()?)));
    let mut raw: BTreeMap<String, String> = examples.collect();
    raw.extend(typed);
    parse_values(spec, &raw, &settings.instance.timezone).map_err(|faults| {
        let errors = faults.into_iter();
        let errors = errors
            .map(|fault| FieldError { field: format!("values.{}", fault.variable), detail: fault.reason });
        Problem::all_invalid(errors.collect())
    })
}

/// What the check of a template finds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TemplateCheck {
    /// Everything that is wrong, in the order of files and lines; with anything here it is not sent.
    findings: Vec<ShownFinding>,
}

/// Checks a template's files, as `templates check` does
#[utoipa::path(
    get,
    path = "/templates/{name}/check",
    tag = "templates",
    params(("name" = String, Path, description = "The template's name", example = "erst-kommune")),
    responses((status = 200, description = "What was found", body = TemplateCheck)),
)]
pub(super) async fn check(
    State(instance): State<Instance>,
    Named(name): Named<String>,
) -> Result<Json<TemplateCheck>, Problem> {
    let settings = instance.settings();
    let folder = settings.instance.templates.display().to_string();
    let checked = off_the_runtime(move || check_all(&settings, &[name])).await?.map_err(unloaded)?;
    let findings = checked.findings.into_iter().map(|finding| ShownFinding::new(finding, &folder)).collect();
    Ok(Json(TemplateCheck { findings }))
}

pub(super) async fn contact(
    instance: &Instance,
    actor: &Actor,
    id: Option<&str>,
) -> Result<ContactCard, Problem> {
    let Some(id) = id else {
        return Ok(ContactCard {
            id: "musterdorf-rathaus".to_owned(),
            name: "Erika Mustermann".to_owned(),
            organisation: "Gemeinde Musterdorf".to_owned(),
            salutation: "Sehr geehrte Frau Mustermann".to_owned(),
            ..ContactCard::default()
        });
    };
    actor.may(Right::ContactsRead)?;
    let visible = Visible::to(instance, actor).await?;
    let found = visible.contact(id).map(|known| known.contact.card());
    found.ok_or_else(|| {
        Problem::invalid("contact", "there is no such contact: GET /api/v1/contacts lists them")
    })
}

fn check_language(template: &FrozenTemplate, language: &str) -> Result<(), Problem> {
    let mut written: Vec<&str> =
        Channel::ALL.into_iter().flat_map(|channel| template.languages(channel)).collect();
    written.sort_unstable();
    written.dedup();
    if written.contains(&language) {
        return Ok(());
    }
    Err(Problem::invalid("language", format!("the template is written in {}", written.join(", "))))
}

pub(super) fn render(
    settings: &Settings,
    template: &FrozenTemplate,
    values: &Values,
    contact: &ContactCard,
) -> Result<ShownPreview, Problem> {
    let broken = |findings: Vec<Finding>| {
        Problem::conflict(format!("its texts are not right, at {} places", findings.len()))
    };
    let notice = NoticeFacts::example(&settings.instance);
    let sender_domains = sender_domains(settings);
    let how = check_settings(settings, &sender_domains);
    let folder = settings.instance.templates.display().to_string();
    let checked = Checked::new(template, &how).map_err(broken)?;
    let findings = check_send(&checked, values, &notice, &how);
    let findings = findings.into_iter().map(|finding| ShownFinding::new(finding, &folder)).collect();
    let unusable = |fault: crate::templates::RenderFault| Problem::invalid("values", fault.to_string());
    let compiled = Arc::clone(checked.compiled());
    let prepared = Prepared::new(compiled, values, &settings.instance, &notice).map_err(unusable)?;
    let preview = prepared.preview(contact, settings.sms.transliterate).map_err(unusable)?;
    Ok(ShownPreview::new(preview, findings))
}
