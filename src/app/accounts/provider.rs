//! Signing in by a provider of identities (OpenID Connect), beside name and password and never instead of them.
//!
//! Somebody is sent away with a sealed note that their browser keeps, and comes back with a code and that note. The
//! provider says who they are; which account that is, and whether it may be used, is decided here. An account with a
//! second factor of its own is asked for its code, unless the provider vouches for one in a word that the settings take.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::app::instance::Instance;
use crate::channels::openid::{Flow, Identity, IdentityProvider, ProviderFault};
use crate::domain::account::{AccountName, LinkedIdentity};
use crate::domain::actor::{Actor, Role};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::settings::Oidc;
use crate::domain::sign_in_wait::WaitKey;
use crate::store::{Account, NewAccount, StoreError, UsedFactor};

use super::error::AccountsError;
use super::sign_in::{Origin, Proof, SignedIn, WayIn, admit, begin, refused, shown};

/// Whoever was sent to the provider must come back within this time, and then show their code within it.
pub const PROVIDER_ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// Where people come back to, below the instance's public address.
const COME_BACK: &str = "/api/v1/session/oidc/callback";

/// What the two notes are sealed for.
const FLOW: &str = "oidc/flow";
const CODE: &str = "oidc/code";

/// Somebody is sent to the provider.
#[derive(Debug)]
pub struct SentAway {
    /// Where to.
    pub to: Url,
    /// What their browser keeps until they come back. Sealed.
    pub note: SecretString,
}

/// Somebody comes back from the provider.
#[derive(Debug, Default)]
pub struct ComingBack {
    /// What the provider gave them.
    pub code: Option<SecretString>,
    /// What we gave them.
    pub state: Option<SecretString>,
    /// What the provider says instead of a code.
    pub error: Option<String>,
    /// Which provider it was (RFC 9207).
    pub issuer: Option<String>,
}

/// How coming back has ended.
#[derive(Debug)]
pub enum ProviderSignIn {
    /// The session has begun.
    Began(SignedIn),
    /// The code of the account's own second factor is asked for; the browser keeps this note until then.
    CodeNeeded(SecretString),
}

/// What is in the note of somebody who was sent away.
#[derive(Serialize, Deserialize)]
struct FlowNote {
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    until: i64,
}

/// What is in the note of somebody whose code is asked for.
#[derive(Serialize, Deserialize)]
struct CodeNote {
    issuer: String,
    subject: String,
    account: String,
    until: i64,
}

/// Where the provider must be told that people come back to.
pub fn come_back_address(instance: &Instance) -> Option<Url> {
    let settings = instance.settings();
    Url::parse(&format!("{}{COME_BACK}", settings.instance.public_url.as_str().trim_end_matches('/'))).ok()
}

/// Sends somebody to the provider. Nothing is written down: anybody may ask for it.
///
/// # Errors
/// [`AccountsError::NoProvider`]; [`AccountsError::Provider`] when it cannot be asked what its address is.
pub async fn send_away(instance: &Instance, provider: &IdentityProvider) -> Result<SentAway, AccountsError> {
    let settings = instance.settings();
    let oidc = settings.oidc.as_ref().ok_or(AccountsError::NoProvider)?;
    let back = come_back_address(instance).ok_or(AccountsError::NoProvider)?;
    let flow = Flow::fresh(&instance.chance);
    let to = provider.authorization(oidc, &back, &flow).await.map_err(told)?;
    let text = |secret: &SecretString| secret.expose_secret().to_owned();
    let note = FlowNote {
        issuer: oidc.issuer.clone(),
        state: text(&flow.state),
        nonce: text(&flow.nonce),
        verifier: text(&flow.verifier),
        until: instance.now().plus(PROVIDER_ANSWER_WITHIN).0,
    };
    Ok(SentAway { to, note: seal(instance, FLOW, &note).await? })
}

/// Takes somebody in who comes back from the provider, with the note that their browser kept.
///
/// # Errors
/// Why they are not let in. What the provider, or somebody who pretends to be sent by it, got wrong is written into the
/// audit log.
pub async fn come_back(
    instance: &Instance,
    provider: &IdentityProvider,
    back: &ComingBack,
    note: Option<&SecretString>,
    origin: &Origin,
) -> Result<ProviderSignIn, AccountsError> {
    let settings = instance.settings();
    let oidc = settings.oidc.as_ref().ok_or(AccountsError::NoProvider)?;
    let keys = [WaitKey::provider_at_origin(&origin.address)];
    let waits_begin = admit(instance, &keys).await?;
    let came = taken_in(instance, provider, oidc, back, note, origin).await;
    match &came {
        Ok(_) => instance.store.take_back_try(&keys, false).await?,
        Err(AccountsError::Provider(ProviderFault::CodeRefused(why) | ProviderFault::Unbelievable(why))) => {
            refused(instance, None, &format!("provider: {why}"), waits_begin, origin).await?;
        }
        // Whoever comes back is not to blame for that.
        Err(AccountsError::Provider(_)) => instance.store.take_back_try(&keys, false).await?,
        Err(AccountsError::NotMade(why)) => {
            refused(instance, None, &format!("no account was made: {why}"), waits_begin, origin).await?;
        }
        Err(_) => {}
    }
    came
}

async fn taken_in(
    instance: &Instance,
    provider: &IdentityProvider,
    oidc: &Oidc,
    back: &ComingBack,
    note: Option<&SecretString>,
    origin: &Origin,
) -> Result<ProviderSignIn, AccountsError> {
    let note: FlowNote = open(instance, FLOW, note).await?;
    let state = back.state.as_ref().map(ExposeSecret::expose_secret);
    if note.issuer != oidc.issuer || instance.now().0 >= note.until || state != Some(note.state.as_str()) {
        return Err(AccountsError::FlowLost);
    }
    if back.issuer.as_ref().is_some_and(|issuer| *issuer != oidc.issuer) {
        return Err(ProviderFault::Unbelievable("the answer is of another provider".to_owned()).into());
    }
    if let Some(error) = &back.error {
        let words: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(AccountsError::ProviderRefused(words));
    }
    let code = back.code.as_ref().ok_or(AccountsError::FlowLost)?;
    let address = come_back_address(instance).ok_or(AccountsError::NoProvider)?;
    let flow = Flow { state: note.state.into(), nonce: note.nonce.into(), verifier: note.verifier.into() };
    let identity = provider.identity(oidc, &address, &flow, code, instance.now()).await.map_err(told)?;
    let account = account_for(instance, oidc, &identity, origin).await?;
    let vouched_factor = oidc.vouches(&identity.methods);
    if account.totp.is_some() && !vouched_factor {
        let note = CodeNote {
            issuer: identity.issuer,
            subject: identity.subject,
            account: account.name.to_string(),
            until: instance.now().plus(PROVIDER_ANSWER_WITHIN).0,
        };
        return Ok(ProviderSignIn::CodeNeeded(seal(instance, CODE, &note).await?));
    }
    let way = WayIn { how: "provider", vouched_factor };
    let began = begin(instance, &account, &UsedFactor::Nothing, way, origin).await?;
    began.map(ProviderSignIn::Began).ok_or_else(|| {
        StoreError::Conflict("somebody has changed your account at this moment: begin again".to_owned())
            .into()
    })
}

/// Lets somebody in who was let in by the provider, and shows the code of their own second factor now.
///
/// # Errors
/// [`AccountsError::FlowLost`], [`AccountsError::Wrong`] when the code is wrong, [`AccountsError::Wait`] after too many.
pub async fn show_code(
    instance: &Instance,
    note: Option<&SecretString>,
    proof: &Proof,
    origin: &Origin,
) -> Result<SignedIn, AccountsError> {
    if instance.settings().oidc.is_none() {
        return Err(AccountsError::NoProvider);
    }
    let note: CodeNote = open(instance, CODE, note).await?;
    if instance.now().0 >= note.until {
        return Err(AccountsError::FlowLost);
    }
    let identity = LinkedIdentity { issuer: note.issuer, subject: note.subject };
    let linked = instance.store.account_of(&identity).await?;
    let account =
        linked.filter(|account| account.name.as_str() == note.account).ok_or(AccountsError::FlowLost)?;
    if account.disabled_at.is_some() {
        return Err(AccountsError::Disabled);
    }
    let way = WayIn { how: "provider and code", vouched_factor: false };
    let began = match shown(instance, &account, Some(proof)).await {
        Ok(used) => begin(instance, &account, &used, way, origin).await?,
        Err(AccountsError::WrongCode) => None,
        Err(other) => return Err(other),
    };
    let Some(began) = began else {
        refused(instance, Some(account.name), "code", false, origin).await?;
        return Err(AccountsError::Wrong);
    };
    instance.store.take_back_try(&[WaitKey::codes(&began.account)], true).await?;
    Ok(began)
}

/// The account of somebody whom the provider vouches for.
async fn account_for(
    instance: &Instance,
    oidc: &Oidc,
    identity: &Identity,
    origin: &Origin,
) -> Result<Account, AccountsError> {
    let linked = LinkedIdentity { issuer: identity.issuer.clone(), subject: identity.subject.clone() };
    match instance.store.account_of(&linked).await? {
        Some(account) if account.disabled_at.is_some() => {
            refused(instance, Some(account.name), "disabled", false, origin).await?;
            Err(AccountsError::Disabled)
        }
        Some(account) => Ok(account),
        None if oidc.new_accounts.is_empty() => {
            let entry =
                NewEntry::new(&origin.stranger(), "session.refused", Subject::new("account", "unknown"))
                    .because("no account is linked")
                    .with(json!({"issuer": linked.issuer, "subject": linked.subject}));
            instance.store.write_entry(&entry).await?;
            Err(AccountsError::NotLinked(shell_word(&linked.subject)))
        }
        None => made(instance, oidc, identity, linked, origin).await,
    }
}

/// Makes an account for somebody whom the provider vouches for, as the settings say.
async fn made(
    instance: &Instance,
    oidc: &Oidc,
    identity: &Identity,
    linked: LinkedIdentity,
    origin: &Origin,
) -> Result<Account, AccountsError> {
    let not_made = |why: &str| AccountsError::NotMade(why.to_owned());
    // The first account is an admin's, who can sign in without any provider.
    if instance.store.accounts().await?.is_empty() {
        return Err(not_made("there is no admin yet"));
    }
    let claimed = identity.claim(&oidc.name_claim).unwrap_or_default().trim().to_lowercase();
    let name: AccountName =
        claimed.parse().map_err(|_| not_made("the provider gives no name that can be taken"))?;
    let roles: BTreeSet<Role> = match &oidc.roles_claim {
        None => oidc.new_accounts.clone(),
        Some(claim) => identity.list(claim).into_iter().filter_map(|role| role.parse().ok()).collect(),
    };
    if roles.is_empty() {
        return Err(not_made("the provider names no role for you"));
    }
    let entry = NewEntry::new(
        &Actor { origin: origin.address.clone(), request: origin.request.clone(), ..Actor::program("oidc") },
        "account.added",
        Subject::new("account", &name),
    )
    .because("first sign-in by the provider")
    .with(json!({
        "roles": roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "identity": {"issuer": linked.issuer, "subject": linked.subject},
    }));
    let new = NewAccount {
        name: name.clone(),
        roles,
        password: None,
        must_change: false,
        linked: Some(linked),
        created_by: "program:oidc".to_owned(),
    };
    match instance.store.add_account(&new, &entry).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Err(not_made("there is already an account of your name")),
        Err(error) => return Err(error.into()),
    }
    instance.store.account(&name).await?.ok_or(AccountsError::NoSuchAccount(name))
}

/// `text` as one word of a shell, which an admin may paste as it stands: some providers have `|` in what they call people.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:@/+=".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// An admin is to see it in the log too.
fn told(fault: ProviderFault) -> AccountsError {
    match &fault {
        ProviderFault::CodeRefused(_) => {}
        fault => tracing::warn!("signing in by the identity provider: {}", fault.reason()),
    }
    fault.into()
}

async fn seal(
    instance: &Instance,
    place: &str,
    note: &impl Serialize,
) -> Result<SecretString, AccountsError> {
    let damaged = |_| AccountsError::Store(StoreError::Damaged("a note cannot be written".to_owned()));
    let text = SecretString::from(serde_json::to_string(note).map_err(damaged)?);
    let vault = instance.vault().await?;
    let sealed =
        vault.seal(&instance.chance, place, &text).map_err(|error| AccountsError::Vault(error.into()))?;
    Ok(sealed.into())
}

async fn open<T: DeserializeOwned>(
    instance: &Instance,
    place: &str,
    note: Option<&SecretString>,
) -> Result<T, AccountsError> {
    let note = note.ok_or(AccountsError::FlowLost)?;
    let opened =
        instance.vault().await?.open(place, note.expose_secret()).map_err(|_| AccountsError::FlowLost)?;
    serde_json::from_str(opened.expose_secret()).map_err(|_| AccountsError::FlowLost)
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn what_a_provider_calls_somebody_is_one_word_for_a_shell() {
        for (subject, word) in [
            ("f3b1c9d0-1111-4222-8333-444455556666", "f3b1c9d0-1111-4222-8333-444455556666"),
            ("auth0|5f7c8ec7", "'auth0|5f7c8ec7'"),
            ("x; reboot", "'x; reboot'"),
            ("o'neill", r"'o'\''neill'"),
        ] {
            assert_eq!(shell_word(subject), word);
        }
    }
}
