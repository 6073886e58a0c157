//! Read contact files.
