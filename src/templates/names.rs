//! The names that texts use, and whether somebody declares them.

use std::collections::BTreeSet;

use super::context::{CONFIRM_URL, STANDING};
use super::expression::Operand;
use super::finding::{Finding, Place};
use super::load::FrozenTemplate;
use super::reader::CONFIRM_FIELD;
use super::source::Expanded;
use super::tag::{BlockName, PieceKind, Tag, check_nesting, scan};
use crate::domain::nearest::hint;
use crate::domain::template::{TemplateSpec, VariableType};

/// One name in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// `["contact", "name"]`
    pub(super) name: Vec<String>,
    /// Where.
    pub(super) place: Place,
    /// Whether `{{#each}}` goes through its lines.
    pub(super) repeated: bool,
    /// Whether its value comes into the text.
    pub(super) shown: bool,
    /// The literals that `eq` and `ne` compare it with, as they were written.
    pub(super) equated: Vec<String>,
}

/// All names in `source`, in conditions too.
///
/// # Errors
/// A tag that is wrong or out of place.
pub(super) fn uses(source: &Expanded) -> Result<Vec<Use>, Finding> {
    let pieces = scan(&source.text).map_err(|fault| source.finding(fault))?;
    check_nesting(&pieces).map_err(|fault| source.finding(fault))?;
    let mut uses = Vec::new();
    for piece in pieces {
        let (operand, repeated) = match &piece.kind {
            PieceKind::Tag(Tag::Value(operand) | Tag::Else(Some(operand))) => (operand, false),
            PieceKind::Tag(Tag::Open(name, operand)) => (operand, *name == BlockName::Each),
            _ => continue,
        };
        let place = source.place(piece.at);
        uses.extend(operand.names().into_iter().map(|name| Use {
            name: name.to_vec(),
            place: place.clone(),
            repeated,
            shown: matches!(piece.kind, PieceKind::Tag(Tag::Value(_))),
            equated: operand.equated(name).into_iter().map(str::to_owned).collect(),
        }));
    }
    Ok(uses)
}

/// The attributes and fields of the contact among them.
pub(super) fn contact_fields(uses: &[Use]) -> BTreeSet<String> {
    uses.iter()
        .filter_map(|used| match used.name.as_slice() {
            [first, field] if first == "contact" => Some(field.clone()),
            [first, field] if [first, field] == CONFIRM_URL => Some(CONFIRM_FIELD.to_owned()),
            _ => None,
        })
        .collect()
}

/// Names that nobody declares, or that cannot be used so.
pub(super) fn unknown(uses: &[Use], template: &FrozenTemplate) -> Vec<Finding> {
    uses.iter().filter_map(|used| problem(used, template).map(|what| used.place.finding(what))).collect()
}

fn problem(used: &Use, template: &FrozenTemplate) -> Option<String> {
    let spec = &template.spec;
    let name: Vec<&str> = used.name.iter().map(String::as_str).collect();
    match name.as_slice() {
        ["contact", _] if used.repeated => {
            Some("{{#each}} goes through the lines of a long_text variable only".into())
        }
        ["contact", _] => None,
        name if name == CONFIRM_URL && !spec.alarm => Some(
            "\"notice.confirm_url\" is in alarms only: write alarm = true in template.toml, or leave it out"
                .into(),
        ),
        ["language"] if used.place.file.starts_with(&template.layout_folder) => None,
        [first, field] if STANDING.iter().any(|(name, _)| name == first) => {
            let fields =
                STANDING.iter().find(|(name, _)| name == first).map_or(&[][..], |(_, fields)| *fields);
            (!fields.contains(field)).then(|| {
                let hint = hint(field, fields.iter().copied());
                format!(
                    "\"{first}.{field}\" does not exist{hint}: there are {first}.{}",
                    fields.join(&format!(", {first}."))
                )
            })
        }
        [variable] => match spec.variable(variable) {
            Some(declared) if used.repeated && declared.kind != VariableType::LongText => {
                Some("{{#each}} goes through the lines of a long_text variable only".into())
            }
            Some(_) => None,
            None => Some(undeclared(spec, variable)),
        },
        _ => Some(undeclared(spec, &name.join("."))),
    }
}

fn undeclared(spec: &TemplateSpec, name: &str) -> String {
    if name == "contact" || STANDING.iter().any(|(standing, _)| *standing == name) {
        return format!("\"{name}\" alone says nothing: write {name}.name or another of its fields");
    }
    let hint = hint(name, spec.variables.iter().map(|variable| variable.name.as_str()));
    format!("the variable \"{name}\" is not declared in template.toml{hint}")
}

/// Whether a value can stand in JSON outside of quotation marks: numbers and truth values.
pub(super) fn is_bare_json(spec: &TemplateSpec, operand: &Operand) -> bool {
    match operand {
        Operand::Name(name) => match name.as_slice() {
            [variable] => spec
                .variable(variable)
                .is_some_and(|variable| matches!(variable.kind, VariableType::Number | VariableType::Flag)),
            [first, second] => first == "notice" && second == "exercise",
            _ => false,
        },
        Operand::Local(_) => true,
        Operand::This | Operand::Literal(_) | Operand::Call(..) => false,
    }
}
