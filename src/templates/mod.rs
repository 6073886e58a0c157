//! Load, check and render templates.

mod declaration;
mod expression;
mod finding;
mod front_matter;
mod layout;
mod load;
mod source;
mod tag;

pub use finding::{Finding, Origin, Place};
pub use load::{FrozenTemplate, LoadError, LoadedPack, load_pack, load_template};
