//! What a caller is told when something about accounts is refused.

use axum::http::{HeaderValue, header};

use crate::app::accounts::AccountsError;
use crate::channels::openid::ProviderFault;

use super::super::problem::{Kind, Problem};

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let words = error.to_string();
        let again = error.retry_after().map(HeaderValue::from);
        match error {
            AccountsError::Denied(denied) => denied.into(),
            AccountsError::Store(error) => error.into(),
            AccountsError::Vault(error) => Self::failed(error),
            AccountsError::NotAPerson
            | AccountsError::BeyondTheToken
            | AccountsError::LimitedToken
            | AccountsError::FactorDemanded => Self::new(Kind::Forbidden, words),
            AccountsError::Wrong | AccountsError::WrongSetupCode => Self::new(Kind::Unauthenticated, words)
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rundruf\"")),
            AccountsError::FactorNeeded => Self::new(Kind::Unauthenticated, words)
                .about("code")
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rundruf\"")),
            AccountsError::Wait { .. } | AccountsError::Busy => {
                let problem = Self::new(Kind::TooMany, words);
                match again {
                    Some(again) => problem.with_header(header::RETRY_AFTER, again),
                    None => problem,
                }
            }
            AccountsError::NoSuchAccount(_)
            | AccountsError::NoSuchToken(_)
            | AccountsError::NoSuchSession => Self::new(Kind::NotFound, words),
            AccountsError::NoProvider => Self::new(Kind::NotFound, words),
            AccountsError::Provider(fault) if fault.is_passing() => Self::new(Kind::Unavailable, words),
            AccountsError::Provider(ProviderFault::Misfit(_)) => Self::new(Kind::Unavailable, words),
            AccountsError::Provider(_) | AccountsError::ProviderRefused(_) | AccountsError::FlowLost => {
                Self::new(Kind::Unauthenticated, words).with_header(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"rundruf\""),
                )
            }
            AccountsError::NotLinked(_) | AccountsError::NotMade(_) | AccountsError::Disabled => {
                Self::new(Kind::Forbidden, words)
            }
            AccountsError::Subject => Self::invalid("subject", words),
            AccountsError::Issuer => Self::invalid("issuer", words),
            AccountsError::NothingOffered => Self::conflict(words),
            AccountsError::Name(_) => Self::invalid("name", words),
            AccountsError::Password(_) => Self::invalid("password", words),
            AccountsError::NoRole => Self::invalid("roles", words),
            AccountsError::NoRight => Self::invalid("rights", words),
            AccountsError::NoSuchGroup(_) => Self::invalid("groups", words),
            AccountsError::NoSuchContact(_) => Self::invalid("contact", words),
            AccountsError::End => Self::invalid("expires_at", words),
            AccountsError::WrongCode => Self::invalid("code", words),
        }
    }
}
