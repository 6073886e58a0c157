//! What gateways report about a message that they have taken.
//!
//! Whoever can reach the address can call it, so nothing is believed without the delivery's sealed name, which only
//! the gateway was given; Twilio, and seven where a signing secret is set, must have signed the call as well. A report
//! may come twice, late or out of order; that is for the receiver of the [`Receipt`] to bear.

mod fields;
mod kannel;
mod seven;
mod signature;
mod twilio;
mod word;

use crate::domain::outcome::{Reason, is_reference};
use crate::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};
use crate::domain::seal::{Seal, SealPurpose};
use crate::domain::settings::{SmsGateway, SmsGatewayKind, SmsProvider, SmsTransport};

use fields::Fields;

/// A call of `/hooks/sms/PROVIDER`.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// What stands behind the `?`, decoded, in order.
    pub query: &'a [(String, String)],
    /// The headers; names in lower case.
    pub headers: &'a [(String, String)],
    /// The whole address as the gateway called it, from `https://` to the end of the query: what it signed. Behind a
    /// proxy that is the public one, not the one that the proxy asked.
    pub url: &'a str,
    /// The body, at most a few KB; empty for a GET.
    pub body: &'a [u8],
}

impl Callback<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A report that is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It names the delivery as we do.
    Sealed(Receipt),
    /// It names the message as the gateway does.
    Named(NamedReport),
}

/// A report that names the message as the gateway does, and that the gateway has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedReport {
    /// The gateway's name for the message: what it answered when it took it.
    pub reference: String,
    /// What became of it.
    pub kind: ReceiptKind,
    /// In the gateway's words.
    pub reason: Reason,
}

/// What a report says, in the gateway's words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    kind: ReceiptKind,
    reason: Reason,
}

/// Reads what `provider` reports.
///
/// # Errors
/// [`CallbackVerdict::Forged`]: the sealed name or the signature is missing or not right.
/// [`CallbackVerdict::Unreadable`]: it is genuine and says nothing that is known.
/// [`CallbackVerdict::NoReceipt`]: it is signed, and about something else than a message of ours.
pub fn read(provider: &SmsProvider, seal: &Seal, callback: &Callback<'_>) -> Result<Report, CallbackVerdict> {
    let SmsTransport::Gateway(gateway) = &provider.transport else { return Err(CallbackVerdict::Forged) };
    let fields = Fields::read(callback);
    let signed = is_signed(gateway, callback)?;
    let names = names(gateway, &fields);
    let opened = names.iter().find_map(|name| seal.open(SealPurpose::SmsReport, name));
    let Some((delivery, round)) = opened else {
        // seven signs what it reports, and leaves out what we called the message, or has another program's name for it.
        return match seven::reference(&fields)
            .filter(|name| signed && matches!(gateway.kind, SmsGatewayKind::Seven) && is_reference(name))
        {
            Some(reference) => {
                let News { kind, reason } = seven::read(&fields).ok_or(CallbackVerdict::Unreadable)?;
                Ok(Report::Named(NamedReport { reference: reference.to_owned(), kind, reason }))
            }
            None if signed && names.is_empty() => Err(CallbackVerdict::NoReceipt),
            None => Err(CallbackVerdict::Forged),
        };
    };
    let news = match gateway.kind {
        SmsGatewayKind::Kannel => kannel::read(&fields),
        SmsGatewayKind::Seven => seven::read(&fields),
        SmsGatewayKind::Twilio => twilio::read(&fields),
        SmsGatewayKind::Http(_) => word::read(&fields),
    };
    let News { kind, reason } = news.ok_or(CallbackVerdict::Unreadable)?;
    Ok(Report::Sealed(Receipt { delivery, round, source: provider.name.clone(), kind, reason }))
}

/// Whether the call is signed; an error if it should be and is not, or wrongly.
fn is_signed(gateway: &SmsGateway, callback: &Callback<'_>) -> Result<bool, CallbackVerdict> {
    let (secret, verify): (_, fn(&str, &Callback<'_>) -> bool) = match gateway.kind {
        SmsGatewayKind::Twilio => (&gateway.password, signature::is_twilios),
        SmsGatewayKind::Seven => (&gateway.signing_secret, signature::is_sevens),
        SmsGatewayKind::Kannel | SmsGatewayKind::Http(_) => return Ok(false),
    };
    let Some(secret) = secret else { return Ok(false) };
    if verify(secrecy::ExposeSecret::expose_secret(secret), callback) {
        Ok(true)
    } else {
        Err(CallbackVerdict::Forged)
    }
}

/// What may be the delivery's sealed name: in the address that we handed out, or, with seven and `http`, in the report
/// itself, where the gateway's own name for the message may stand beside it.
fn names<'a>(gateway: &SmsGateway, fields: &'a Fields) -> Vec<&'a str> {
    match gateway.kind {
        SmsGatewayKind::Kannel | SmsGatewayKind::Twilio => fields.query("delivery").into_iter().collect(),
        SmsGatewayKind::Seven => fields.all(&["delivery", "foreign_id"]),
        SmsGatewayKind::Http(_) => {
            fields.all(&["delivery", "foreign_id", "reference", "client_ref", "custom_id", "user_reference"])
        }
    }
}

#[cfg(test)]
mod tests;
