//! What a caller may see: tokens that are limited to groups see those only, and addresses stand masked unless somebody
//! has a reason, which is logged.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::audit::reading::{Looked, Manner, record_reading};
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audience::Audience;
use crate::domain::mask::{mask_address, mask_addresses_in};
use crate::store::NoticeHead;

use super::problem::{Kind, Problem};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// Whether `actor` may see a notice to `audience`: all of it is within the groups that they are limited to.
pub(crate) fn may_see(actor: &Actor, audience: &Audience) -> bool {
    actor.may_see(audience)
}

/// The notice called `number`, if there is one that `actor` may see.
///
/// # Errors
/// 404 otherwise: whoever may not see it is not told that it exists.
pub(crate) async fn notice(instance: &Instance, actor: &Actor, number: &str) -> Result<NoticeHead, Problem> {
    let head = instance.store.notice_head(number).await?.filter(|head| may_see(actor, &head.audience));
    head.ok_or_else(|| Problem::not_found("such notice: GET /api/v1/notices lists those that you may see"))
}

/// Somebody whose token is limited to groups must name what they ask for.
///
/// # Errors
/// 403 for such tokens.
pub(crate) fn unlimited(actor: &Actor, instead: &str) -> Result<(), Problem> {
    if actor.groups.is_none() {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, format!("this token is limited to groups: {instead}")))
}

/// Whether addresses are wanted as they are, where that is all that can be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Revealing {
    /// Shows addresses, and a contact's attributes, as they are: why you need them, which is logged. Needs the right
    /// `contacts:reveal`.
    #[param(min_length = 1, max_length = 300)]
    pub(crate) reveal: Option<String>,
}

/// The reason for which something is revealed, without spaces around it.
///
/// # Errors
/// 422 when it is none.
pub(crate) fn check_reason(reason: &str) -> Result<&str, Problem> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > LONGEST_REASON || reason.chars().any(char::is_control) {
        let why = format!("say why, in 1 to {LONGEST_REASON} characters on one line");
        return Err(Problem::invalid("reveal", why));
    }
    Ok(reason)
}

/// Whether addresses are shown as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// As much as tells them apart.
    Masked,
    /// As they are; that was logged.
    Revealed,
}

impl Addresses {
    /// Shows the addresses of what is `looked` at, `count` rows, if there is a `reason`, and writes down who saw them
    /// and why.
    ///
    /// # Errors
    /// 403 without the right, 422 when the reason is none, 503 when it cannot be logged: then nothing is shown.
    pub(crate) async fn open(
        instance: &Instance,
        actor: &Actor,
        reason: Option<&str>,
        looked: &Looked<'_>,
        count: usize,
    ) -> Result<Self, Problem> {
        let Some(reason) = reason else { return Ok(Self::Masked) };
        actor.may(Right::ContactsReveal)?;
        let reason = check_reason(reason)?;
        record_reading(instance, actor, looked, Manner::Revealed, count, reason).await?;
        Ok(Self::Revealed)
    }

    /// The same of contacts, whose names are shown in any case: that is written down without a reason too.
    ///
    /// # Errors
    /// As [`Addresses::open`].
    pub(crate) async fn open_contacts(
        instance: &Instance,
        actor: &Actor,
        reason: Option<&str>,
        looked: &Looked<'_>,
        count: usize,
    ) -> Result<Self, Problem> {
        let addresses = Self::open(instance, actor, reason, looked, count).await?;
        if addresses == Self::Masked {
            record_reading(instance, actor, looked, Manner::Read, count, "").await?;
        }
        Ok(addresses)
    }

    /// An address as it may be shown.
    pub(crate) fn show(self, address: &str) -> String {
        match self {
            Self::Masked => mask_address(address),
            Self::Revealed => address.to_owned(),
        }
    }

    /// Another program's sentence as it may be shown.
    pub(crate) fn show_in(self, text: &str) -> String {
        match self {
            Self::Masked => mask_addresses_in(text),
            Self::Revealed => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_token_sees_what_went_to_its_groups_alone() {
        let mut actor = Actor::shell("anna");
        let audience = |groups: &[&str], contacts: &[&str]| Audience {
            groups: groups.iter().map(|name| (*name).to_owned()).collect(),
            contacts: contacts.iter().map(|id| (*id).to_owned()).collect(),
            ..Audience::default()
        };
        assert!(may_see(&actor, &audience(&["press"], &["x"])));
        actor.groups = Some(["schools".to_owned(), "press".to_owned()].into());
        assert!(may_see(&actor, &audience(&["schools", "press"], &[])));
        assert!(!may_see(&actor, &audience(&["schools", "towns"], &[])));
        assert!(!may_see(&actor, &audience(&["schools"], &["mayor"])));
        assert!(!may_see(&actor, &audience(&[], &[])), "what names nobody yet is somebody else's draft");
    }
}
