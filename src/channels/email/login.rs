//! Logs in (RFC 4954): PLAIN, or LOGIN where a relay knows nothing else.

use std::time::Duration;

use data_encoding::BASE64;
use secrecy::ExposeSecret;

use crate::domain::settings::Credentials;

use super::connection::{Capabilities, Connection};
use super::open_failure::OpenFailure;
use super::reply::Reply;

/// Logs in with `credentials`, each step within `limit`. A password only ever goes through TLS, or to this
/// very machine.
///
/// # Errors
/// When it would be readable on the way, or the relay does not take it.
pub(super) async fn log_in(
    connection: &mut Connection,
    capabilities: &Capabilities,
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), OpenFailure> {
    if !connection.is_encrypted() && !connection.wire().is_loopback() {
        return Err(OpenFailure::login_in_plain_text(connection.relay()));
    }
    let username = credentials.username.as_str();
    let password = credentials.password.expose_secret();
    let reply = if capabilities.has_login("PLAIN") {
        let secret = BASE64.encode(format!("\0{username}\0{password}").as_bytes());
        step(connection, &format!("AUTH PLAIN {secret}\r\n"), limit).await?
    } else if capabilities.has_login("LOGIN") {
        log_in_by_questions(connection, username, password, limit).await?
    } else {
        return Err(OpenFailure::no_login_offered(connection.relay()));
    };
    if reply.is_completion() {
        return Ok(());
    }
    Err(OpenFailure::login_refused(connection.relay(), username, &reply))
}

async fn log_in_by_questions(
    connection: &mut Connection,
    username: &str,
    password: &str,
    limit: Duration,
) -> Result<Reply, OpenFailure> {
    let mut reply = step(connection, "AUTH LOGIN\r\n", limit).await?;
    for answer in [username, password] {
        if reply.code != 334 {
            break;
        }
        let answer = BASE64.encode(answer.as_bytes());
        reply = step(connection, &format!("{answer}\r\n"), limit).await?;
    }
    Ok(reply)
}

async fn step(connection: &mut Connection, text: &str, limit: Duration) -> Result<Reply, OpenFailure> {
    connection.open_step(text, "the login", limit).await
}
