//! Who may come in, and what they may do: accounts, sessions, API tokens.

mod bearer;
mod error;
mod factor;
mod hashing;
mod link;
mod own;
mod provider;
mod sessions;
mod setup;
mod sign_in;
mod tokens;
mod users;

pub use bearer::{Caller, actor_of, caller_of};
pub use error::AccountsError;
pub use factor::{OfferedFactor, confirm_factor, drop_factor, offer_factor, renew_recovery_codes};
pub use link::{link, unlink};
pub use own::{change_password, own_account};
pub use provider::{
    ComingBack, PROVIDER_ANSWER_WITHIN, ProviderSignIn, SentAway, come_back, come_back_address, send_away,
    show_code,
};
pub use sessions::{end_own_session, end_session, sessions};
pub use setup::{SETUP_CODE_LASTS, offer_setup, set_up};
pub use sign_in::{Origin, Proof, SignedIn, sign_in};
pub use tokens::{MadeToken, TokenWish, create_token, revoke_token, tokens};
pub use users::{add_user, reset, set_contact, set_disabled, set_roles, user, users};

#[cfg(test)]
mod tests;
