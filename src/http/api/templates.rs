//! `/templates`: what notices are written with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::domain::address::Channel;
use crate::domain::settings::Settings;
use crate::domain::template::{Labels, Phase, Variable};
use crate::templates::{FrozenTemplate, LoadError, load_pack, load_template};

use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::Problem;

/// A template in lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownTemplate {
    /// Its name.
    #[schema(example = "erst-kommune")]
    name: String,
    /// What people read.
    title: String,
    /// The phase of an incident that it is written for.
    phase: Option<&'static str>,
    /// The languages of its e-mail text.
    email: Vec<String>,
    /// The languages of its text message.
    sms: Vec<String>,
    /// The languages of its webhook body.
    webhook: Vec<String>,
    /// Whether recipients must confirm.
    alarm: bool,
    /// When to use it.
    description: String,
    /// Whom it is meant for.
    audience: String,
}

impl ShownTemplate {
    fn new(template: &FrozenTemplate) -> Self {
        let languages = |channel| template.languages(channel).into_iter().map(str::to_owned).collect();
        let spec = &template.spec;
        Self {
            name: spec.name.clone(),
            title: spec.title.clone(),
            phase: spec.phase.map(Phase::as_str),
            email: languages(Channel::Email),
            sms: languages(Channel::Sms),
            webhook: languages(Channel::Webhook),
            alarm: spec.alarm,
            description: spec.description.clone(),
            audience: spec.audience.clone(),
        }
    }
}

/// Lists templates by name
///
/// Those that cannot be read are not listed.
#[utoipa::path(
    get,
    path = "/templates",
    tag = "templates",
    params(PageParameters),
    responses((status = 200, description = "A page of templates", body = Page<ShownTemplate>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    paging: Paging,
) -> Result<Page<ShownTemplate>, Problem> {
    paging.without_filters()?;
    let settings = instance.settings();
    let pack =
        off_the_runtime(move || load_pack(&settings.instance.templates)).await?.map_err(Problem::failed)?;
    let page = paging.cut(pack.templates.into_values(), |template| template.spec.name.clone())?;
    Ok(page.map(|template| ShownTemplate::new(&template)))
}

/// A template with its variables.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeTemplate {
    #[serde(flatten)]
    listed: ShownTemplate,
    /// How many segments its text message may take.
    sms_segments: usize,
    /// What is to be filled in, in the order of a form.
    variables: Vec<ShownVariable>,
}

/// One thing to be filled in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Variable)]
struct ShownVariable {
    /// Its name.
    #[schema(example = "beginn")]
    name: String,
    /// Its name in forms, by language.
    #[schema(value_type = BTreeMap<String, String>)]
    label: Labels,
    /// text, long_text, date, datetime, duration, choice, flag or number.
    #[schema(example = "datetime")]
    r#type: &'static str,
    /// Whether a notice cannot do without it.
    required: bool,
    /// What it holds when nothing is said, as it would be typed.
    default: Option<String>,
    /// A value to try the template with, as it would be typed.
    example: Option<String>,
    /// What there is to choose from.
    choices: Vec<Choice>,
    /// Whether an alarm that is agreed to beforehand leaves it to whoever fires it.
    open: bool,
}

/// One thing to choose.
#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    /// As it is typed.
    value: String,
    /// As a text shows it, by language.
    #[schema(value_type = BTreeMap<String, String>)]
    label: Labels,
}

impl From<Variable> for ShownVariable {
    fn from(variable: Variable) -> Self {
        let choices = variable.choices.into_iter();
        Self {
            name: variable.name,
            label: variable.label,
            r#type: variable.kind.as_str(),
            required: variable.required,
            default: variable.default,
            example: variable.example,
            open: variable.open,
            choices: choices.map(|choice| Choice { value: choice.value, label: choice.label }).collect(),
        }
    }
}

/// Shows one template with its variables
#[utoipa::path(
    get,
    path = "/templates/{name}",
    tag = "templates",
    params(("name" = String, Path, description = "Its name", example = "erst-kommune")),
    responses(
        (status = 200, description = "The template", body = WholeTemplate),
        (status = 409, description = "Its files are not right: `templates check` says what is wrong"),
    ),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    Named(name): Named<String>,
) -> Result<Json<WholeTemplate>, Problem> {
    let template = load(instance.settings(), name).await?;
    Ok(Json(WholeTemplate {
        listed: ShownTemplate::new(&template),
        sms_segments: template.spec.sms_segments,
        variables: template.spec.variables.into_iter().map(ShownVariable::from).collect(),
    }))
}

/// The template called `name`.
///
/// # Errors
/// 404, or 409 when its files are not right.
pub(super) async fn load(settings: Arc<Settings>, name: String) -> Result<FrozenTemplate, Problem> {
    off_the_runtime(move || load_template(&settings.instance.templates, &name)).await?.map_err(unloaded)
}

/// Why there is no template to work with.
pub(super) fn unloaded(error: LoadError) -> Problem {
    match error {
        LoadError::Unknown { .. } => Problem::not_found("such template: GET /api/v1/templates lists them"),
        LoadError::Broken(findings) => Problem::conflict(format!(
            "its files are not right, at {} places: GET /api/v1/templates/NAME/check names them",
            findings.len()
        )),
        LoadError::Folder { .. } => Problem::failed(error),
    }
}

/// Files are read where nobody else waits.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::failed)
}
