//! Load, check and render templates.

mod check;
mod checked;
mod compile;
mod context;
mod declaration;
mod expression;
mod finding;
#[cfg(test)]
mod fixture;
mod front_matter;
mod helpers;
mod layout;
mod load;
mod markdown;
mod names;
mod plain;
mod preview;
mod reader;
mod render;
mod sms_meter;
mod source;
mod tag;
mod wording_list;
mod wrap;

pub use check::{CheckSettings, check, check_send, check_values, example_values};
pub use checked::{Checked, CheckedTemplates};
pub use compile::Compiled;
pub use context::{IncidentFacts, NoticeFacts};
pub use finding::{Finding, Origin, Place};
pub use load::{FrozenTemplate, LoadError, LoadedPack, built_in_template, load_pack, load_template};
pub use preview::Preview;
pub use reader::Reader;
pub use render::{Prepared, RenderFault};
pub use sms_meter::{SmsMeasure, SmsMeter};
pub use wording_list::{WordingListError, load_wording, wording_hints};
