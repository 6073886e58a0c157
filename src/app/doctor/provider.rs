//! The identity provider that people may sign in by. Sending goes on without it, and so does signing in.

use crate::channels::openid::{IdentityProvider, ProviderFault};

use super::{Examination, Finding};

/// Whether the provider answers, and as we expect; nothing where none is set up.
pub(super) async fn identities(examination: &Examination) -> Option<Finding> {
    let settings = examination.settings.oidc.as_ref()?;
    let subject = format!("identity provider {}", settings.issuer);
    let provider = IdentityProvider::new(examination.clock.clone());
    Some(match provider.look(settings).await {
        Ok(state) => Finding::good(subject, format!("it answers, and shows {} of its keys", state.keys)),
        Err(fault) => Finding::warning(subject, fault.reason(), mend(&fault)),
    })
}

fn mend(fault: &ProviderFault) -> &'static str {
    if fault.is_passing() {
        "ask whoever runs it; until then everybody signs in with name and password"
    } else {
        "correct [oidc], or let whoever runs the provider correct their side"
    }
}
