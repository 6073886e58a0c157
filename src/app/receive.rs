//! Takes in later news about deliveries: the one place where the pipe, the mailbox and the hooks all end.

use crate::channels::email::{ReturnPath, bounce};
use crate::channels::sms::report::Report;
use crate::domain::ids::IdSource;
use crate::domain::receipt::{CallbackVerdict, Receipt};
use crate::store::{Store, StoreError};

/// Reads a message that came back (`raw`: its bytes as they are on the wire, header first) and writes down what it
/// says; says what it was. `envelope_recipient` is the address that the mail server accepted it for, if it tells.
///
/// # Errors
/// When the store cannot be written: nothing has changed, and the message must be offered again.
pub async fn receive_bounce(
    store: &Store,
    return_path: &ReturnPath,
    ids: &IdSource,
    raw: &[u8],
    envelope_recipient: Option<&str>,
) -> Result<CallbackVerdict, StoreError> {
    receive_receipt(store, ids, bounce::read(raw, envelope_recipient, return_path), bounce::SOURCE).await
}

/// Writes down what the SMS gateway `provider` reported; says what it turned out to be. A message that the gateway
/// names in its own way and that is none of ours is no receipt: another program uses the same account.
///
/// # Errors
/// When the store fails: nothing has changed, and the callback must be offered again.
pub async fn receive_report(
    store: &Store,
    ids: &IdSource,
    read: Result<Report, CallbackVerdict>,
    provider: &str,
) -> Result<CallbackVerdict, StoreError> {
    let read = match read {
        Ok(Report::Sealed(receipt)) => Ok(receipt),
        Ok(Report::Named(named)) => {
            let found = store.delivery_by_reference(provider, &named.reference).await?;
            let receipt = |(delivery, round)| Receipt {
                delivery,
                round,
                source: provider.to_owned(),
                kind: named.kind,
                reason: named.reason,
            };
            found.map(receipt).ok_or(CallbackVerdict::NoReceipt)
        }
        Err(verdict) => Err(verdict),
    };
    receive_receipt(store, ids, read, provider).await
}

/// Writes down what a callback of `source` (the provider's name, or `bounce`) was read as: a receipt, or why it is
/// none; says what it turned out to be.
///
/// # Errors
/// When the store cannot be written: nothing has changed, and the callback must be offered again.
pub async fn receive_receipt(
    store: &Store,
    ids: &IdSource,
    read: Result<Receipt, CallbackVerdict>,
    source: &str,
) -> Result<CallbackVerdict, StoreError> {
    match read {
        Ok(receipt) => {
            let verdicts = store.receive(&[receipt], &|| ids.next()).await?;
            let missing = || StoreError::Damaged("a receipt was written without a verdict".to_owned());
            verdicts.first().copied().ok_or_else(missing)
        }
        Err(verdict) => {
            store.count_callback(source, verdict).await?;
            Ok(verdict)
        }
    }
}
