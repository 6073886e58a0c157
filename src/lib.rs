//! Rundruf: a call to everyone. From contact files and a template to every recipient, tracked to the last one.
//!
//! Floors, lowest first; a file imports only from floors below its own and from its own folder:
//! `domain`; then `store`, `channels`, `templates`, `contacts`, `config`, which do not know each other;
//! then `app`, `dispatch`; then `http`, `cli`, which do not know each other; then `wiring`.

pub mod app;
pub mod channels;
pub mod cli;
pub mod config;
pub mod contacts;
pub mod dispatch;
pub mod domain;
pub mod http;
pub mod store;
pub mod templates;
pub mod wiring;
