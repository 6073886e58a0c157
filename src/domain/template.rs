//! What a template declares, and what its variables may hold.

mod kind;
mod parse;
mod phase;
mod shown;
mod spec;
mod value;

pub use kind::NoticeKind;
pub(super) use parse::parse_civil;
pub use parse::{ValueFault, parse_value, parse_values};
pub use phase::Phase;
pub use shown::{shown, shown_date, shown_datetime};
pub use spec::{ChoiceOption, Labels, TemplateSpec, Variable, VariableType};
pub use value::{Value, Values};

/// What a notice's text language falls back to when neither the contact nor the instance has one that the
/// template is written in.
pub const LAST_LANGUAGE: &str = "de";
