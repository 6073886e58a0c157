//! A message that comes back: the report of a mail server that took it and found nobody to give it to (RFC 3464).

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::call;

/// How long the recipient's mail server needs to find out.
const FINDING_OUT: Duration = Duration::from_millis(1_200);

/// What separates the parts of the report.
const BOUNDARY: &str = "returned-by-demo.rundruf.example";

/// Returns a message for `recipient` to the instance at `instance`, as its mail server hands in what comes back to
/// `return_path`; a moment later, and unless `stop` comes first.
pub(super) fn send_back(
    instance: &Url,
    return_path: &str,
    recipient: &str,
    message: &[u8],
    stop: CancellationToken,
) {
    let Ok(mut hook) = instance.join("/hooks/bounce") else { return };
    hook.query_pairs_mut().append_pair("recipient", return_path);
    let report = report(return_path, recipient, message);
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        tokio::time::sleep(FINDING_OUT).await;
        match call(&hook, Some(("message/rfc822", &report))).await {
            Ok(200) => {}
            refused => tracing::warn!(target: "rundruf::demo", ?refused, "a returned message was not taken"),
        }
    }));
}

fn report(return_path: &str, recipient: &str, message: &[u8]) -> Vec<u8> {
    let domain = recipient.rsplit_once('@').map_or(recipient, |(_, domain)| domain);
    let head = String::from_utf8_lossy(message).into_owned();
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@{domain}>\r\nTo: <{return_path}>\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"{BOUNDARY}\"\r\n\r\n\
         --{BOUNDARY}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Your message could not be delivered: there is no such mailbox here.\r\n\
         --{BOUNDARY}\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mail.{domain}\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected: no such mailbox\r\n\
         --{BOUNDARY}\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--{BOUNDARY}--\r\n"
    )
    .into_bytes()
}
