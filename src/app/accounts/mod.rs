//! Who may come in, and what they may do: accounts, sessions, API tokens.

mod bearer;

pub use bearer::{Caller, actor_of, caller_of};
