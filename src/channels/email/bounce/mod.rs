//! What a message that came back says about the delivery it belongs to (RFC 3461 to 3464).

use crate::domain::receipt::{CallbackVerdict, Receipt};

use super::return_path::ReturnPath;

/// What receipts that come from bounces name as their source.
pub const SOURCE: &str = "bounce";

/// Reads a message that came back.
///
/// # Errors
/// Why it is no receipt.
pub fn read(
    raw: &[u8],
    envelope_recipient: Option<&str>,
    return_path: &ReturnPath,
) -> Result<Receipt, CallbackVerdict> {
    let _ = (raw, envelope_recipient, return_path);
    Err(CallbackVerdict::NoReceipt)
}
