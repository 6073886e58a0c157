//! Idempotency keys: a request that is sent again under the same key is not carried out again.

use std::time::Duration;

use sqlx::types::Json;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

/// How long keys are kept.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// A request that had no effect and no answer for so long has died with its process.
const DEAD_AFTER: Duration = Duration::from_mins(10);

statements! {
    /// Keys that are too old.
    DELETE_OLD_KEYS = "DELETE FROM idempotency_keys WHERE reserved_at < $1";
    /// Takes a key.
    INSERT_KEY = "
        INSERT INTO idempotency_keys (actor, key, content, request, reserved_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (actor, key) DO NOTHING";
    /// What is known of a key; held until the transaction ends.
    SELECT_KEY = "
        SELECT content, reserved_at, effect, status, headers, body FROM idempotency_keys
        WHERE actor = $1 AND key = $2 /*lock*/";
    /// Takes over the key of a request that died without an effect.
    TAKE_KEY_OVER = "UPDATE idempotency_keys SET request = $3, reserved_at = $4 WHERE actor = $1 AND key = $2";
    /// The request under a key has its effect.
    UPDATE_EFFECT = "
        UPDATE idempotency_keys SET effect = $3
        WHERE actor = $1 AND request = $2 AND status IS NULL AND effect IS NULL";
    /// The request under a key is answered.
    UPDATE_ANSWER = "
        UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
        WHERE actor = $1 AND key = $2 AND request = $3";
    /// The request under a key changed nothing.
    DELETE_KEY = "
        DELETE FROM idempotency_keys WHERE actor = $1 AND key = $2 AND request = $3 AND effect IS NULL";
}

/// A request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sends it: see [`crate::domain::actor::Actor::label`].
    pub actor: String,
    /// The key.
    pub key: String,
    /// SHA-256 of method, address and body, hexadecimal.
    pub content: String,
    /// The request's id.
    pub request: String,
}

/// The answer that a request was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: i64,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; `None`: it has secrets in it, and is not kept.
    pub body: Option<String>,
}

/// What a key says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// It is the first: it may be carried out, and must be answered or released.
    First,
    /// It was answered.
    Answered(KeptAnswer),
    /// It is being carried out at this moment.
    InProgress,
    /// It was carried out, and its answer was lost with its process; what it changed: `notice 2026-0007`.
    AnswerLost(String),
    /// The key belongs to another request.
    OtherRequest,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    content: String,
    reserved_at: i64,
    effect: Option<String>,
    status: Option<i64>,
    headers: Option<Json<Vec<(String, String)>>>,
    body: Option<String>,
}

impl Store {
    /// Reserves the key of `request`, or says what is known of it. Keys are forgotten after a day.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn reserve_key(&self, request: &KeyedRequest) -> Result<Reservation, StoreError> {
        let now = self.now();
        let KeyedRequest { actor, key, content, request } = request.clone();
        let mut tx = self.db.begin().await?;
        tx.execute(&DELETE_OLD_KEYS, (now.minus(KEPT_FOR).0,)).await?;
        let values = (actor.clone(), key.clone(), content.clone(), request.clone(), now.0);
        let reserved = tx.execute(&INSERT_KEY, values).await?;
        let known: Option<KeyRow> = if reserved > 0 {
            None
        } else {
            tx.fetch_first(&SELECT_KEY, (actor.clone(), key.clone())).await?
        };
        let reservation = known.map_or(Reservation::First, |known| known.about(&content, now));
        if reserved == 0 && reservation == Reservation::First {
            tx.execute(&TAKE_KEY_OVER, (actor, key, request, now.0)).await?;
        }
        tx.commit().await?;
        Ok(reservation)
    }

    /// Keeps the answer to `request`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<(), StoreError> {
        let KeyedRequest { actor, key, request, .. } = request.clone();
        let mut tx = self.db.begin().await?;
        let values = (actor, key, request, answer.status, Json(&answer.headers), answer.body.clone());
        tx.execute(&UPDATE_ANSWER, values).await?;
        tx.commit().await
    }

    /// Gives the key of `request` back, which changed nothing. One that had an effect keeps its key.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn release_key(&self, request: &KeyedRequest) -> Result<(), StoreError> {
        let KeyedRequest { actor, key, request, .. } = request.clone();
        let mut tx = self.db.begin().await?;
        tx.execute(&DELETE_KEY, (actor, key, request)).await?;
        tx.commit().await
    }
}

impl KeyRow {
    fn about(self, content: &str, now: Timestamp) -> Reservation {
        if self.content != content {
            return Reservation::OtherRequest;
        }
        if let Some(status) = self.status {
            let headers = self.headers.map(|headers| headers.0).unwrap_or_default();
            return Reservation::Answered(KeptAnswer { status, headers, body: self.body });
        }
        let is_dead = now.since(Timestamp(self.reserved_at)) > DEAD_AFTER;
        match self.effect {
            Some(effect) if is_dead => Reservation::AnswerLost(effect),
            None if is_dead => Reservation::First,
            _ => Reservation::InProgress,
        }
    }
}

/// Writes down that the request which `entry` belongs to has had its effect, in the same transaction.
pub(super) async fn mark_effect(tx: &mut Tx, entry: &NewEntry) -> Result<(), StoreError> {
    if entry.request.is_empty() {
        return Ok(());
    }
    let effect = format!("{} {}", entry.subject.kind, entry.subject.id);
    tx.execute(&UPDATE_EFFECT, (entry.actor.clone(), entry.request.clone(), effect)).await?;
    Ok(())
}
