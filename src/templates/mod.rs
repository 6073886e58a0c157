//! Load, check and render templates.
