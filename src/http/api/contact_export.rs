//! `GET /contact-export`: contacts as a file that import takes again, encrypted unless it is told otherwise.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::contacts_export::{ExportError, Wanted, export};
use crate::app::encryption::{EncryptionError, EncryptionKey};
use crate::app::instance::Instance;
use crate::app::vault::VaultUnavailable;
use crate::domain::settings::Settings;
use crate::http::Shared;

use super::caller::SignedIn;
use super::parameters::Filters;
use super::problem::Problem;
use super::reach;

/// What is exported, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportWish {
    /// Only members of this group and of the groups in it.
    #[param(example = "press")]
    group: Option<String>,
    /// Instead of everybody's contact data, all that is held about this contact, as JSON: its id from the file.
    about: Option<String>,
    /// Not encrypted: whoever gets hold of the file can read it.
    #[serde(default)]
    #[param(required = false)]
    unencrypted: bool,
    /// Why you need it, which is logged: addresses and the secrets of webhooks stand in it as they are.
    #[param(min_length = 1, max_length = 300)]
    reveal: String,
}

/// The bytes of a file.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only describes what is no text")]
#[schema(value_type = String, format = Binary)]
pub(super) struct FileBytes(Vec<u8>);

/// Makes a file of all contacts, webhook secrets included, which import takes again
///
/// Encrypted with age for whom `[backup] recipients` (or `passphrase_file`) of the configuration says. That it was made
/// is logged. Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/contact-export",
    tag = "contacts",
    params(ExportWish),
    responses(
        (
            status = 200,
            description = "The file",
            content(
                (FileBytes = "application/octet-stream"),
                (String = "text/csv"),
                (serde_json::Value = "application/json"),
            ),
        ),
        (status = 404, description = "There is no such group or contact"),
        (
            status = 409,
            description = "Nothing is set to encrypt with, the key that seals secrets cannot be used, or somebody else \
                           is exporting at this moment",
        ),
    ),
)]
pub(super) async fn make(
    State(shared): State<Arc<Shared>>,
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wish): Filters<ExportWish>,
) -> Result<Response, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must export contacts")?;
    let reason = reach::check_reason(&wish.reveal)?;
    if wish.group.is_some() && wish.about.is_some() {
        return Err(Problem::invalid("about", "it is about one contact: leave group out"));
    }
    let key = encryption_key(&instance.settings(), wish.unencrypted)?;
    let is_encrypted = key.is_some();
    // A passphrase is stretched, which takes much memory.
    let _turn = shared.turns.export.take()?;
    let contacts;
    let (wanted, name, kind) = match (&wish.group, &wish.about) {
        (Some(group), _) => {
            let known = instance.store.groups().await?.contains_key(group);
            let missing = || Problem::not_found("such group: GET /api/v1/groups lists them");
            known
                .then_some((Wanted::Group(group), "contacts.csv", "text/csv; charset=utf-8"))
                .ok_or_else(missing)?
        }
        (None, Some(id)) => {
            contacts = instance.store.contacts().await?;
            let known = contacts.iter().find(|known| known.contact.id == *id);
            let missing = || Problem::not_found("such contact: GET /api/v1/contacts lists them");
            let known = known.ok_or_else(missing)?;
            (Wanted::About { known, contacts: &contacts }, "held-data.json", "application/json")
        }
        (None, None) => (Wanted::Everybody, "contacts.csv", "text/csv; charset=utf-8"),
    };
    let exported = export(&instance, &actor, wanted, key, reason).await?;
    let (kind, end) = if is_encrypted { ("application/octet-stream", ".age") } else { (kind, "") };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}{end}\"")),
    ];
    Ok((headers, exported.bytes).into_response())
}

/// What a file is encrypted with; `None` where it is to be readable by everybody.
///
/// # Errors
/// 409 when nothing is set to encrypt with.
pub(super) fn encryption_key(
    settings: &Settings,
    unencrypted: bool,
) -> Result<Option<EncryptionKey>, Problem> {
    if unencrypted {
        return Ok(None);
    }
    Ok(Some(EncryptionKey::from_settings(&settings.backup)?))
}

impl From<EncryptionError> for Problem {
    fn from(error: EncryptionError) -> Self {
        match error {
            EncryptionError::NoKey => Self::conflict(
                "there is nothing to encrypt with: set [backup] recipients (public keys of age) or passphrase_file in \
                 the configuration, or ask with unencrypted=true if the file is to be readable by whoever gets hold of \
                 it",
            ),
            EncryptionError::NoRecipient(_) => Self::conflict(error.to_string()),
            other => Self::failed(other),
        }
    }
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Denied(denied) => denied.into(),
            ExportError::Encryption(error) => error.into(),
            ExportError::Store(error) => error.into(),
            ExportError::Vault(VaultUnavailable::Store(error)) => error.into(),
            ExportError::Vault(error) => Self::conflict(error.to_string()),
            ExportError::Unwritable(why) => Self::failed(why),
        }
    }
}
