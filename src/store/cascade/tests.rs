//! Cascades on both engines.
