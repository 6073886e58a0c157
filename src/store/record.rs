//! Writing outcomes: attempts and states, many deliveries in one transaction.

mod attempted;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::delivery::{DeliveryEvent, DeliveryState};
use crate::domain::ids::{NoticeId, ProcessId};

use super::StoreError;
use super::cascade::came_back;
use super::connection::Tx;
use super::counts::Tally;
use super::statement::{Ids, may_have_left, statements};
use super::stopping::end_like_these;

pub use attempted::{Attempted, Move};

statements! {
    /// Deliveries as they stand now.
    SELECT_STANDING = concat!("
        SELECT d.delivery_id, d.notice_id, d.channel, d.state, d.round, d.attempts, d.process_id,
               d.answered_at, n.state AS notice_state, n.expires_at,
               ", may_have_left!("d"), " AS may_have_left,
               EXISTS (SELECT 1 FROM suppressions s
                       WHERE s.channel = d.channel AND s.address = lower(d.address)
                         AND (s.until IS NULL OR s.until > $2)) AS suppressed
        FROM deliveries d JOIN notices n ON n.notice_id = d.notice_id
        WHERE d.delivery_id IN (SELECT unhex(value, '-') FROM json_each_ids($1))
        ORDER BY d.delivery_id /*lock*/");
    /// Tries that are not the usual one. A try that was written down as interrupted and whose answer came after all is
    /// corrected.
    INSERT_ATTEMPTS = "
        INSERT INTO attempts (delivery_id, round, number, process_id, provider, ended_at, outcome, code, text)
        SELECT unhex(value->>'id', '-'), CAST(value->>'round' AS BIGINT), CAST(value->>'number' AS BIGINT), $2,
               value->>'provider', CAST(value->>'ended_at' AS BIGINT), value->>'outcome', value->>'code',
               value->>'text'
        FROM json_each($1)
        WHERE TRUE
        ON CONFLICT (delivery_id, round, number) DO UPDATE SET
            process_id = excluded.process_id, provider = excluded.provider, ended_at = excluded.ended_at,
            outcome = excluded.outcome, code = excluded.code, text = excluded.text";
    /// The usual case in one step: what this process was sending for the first time has been accepted. The try stands in
    /// the delivery's own row: [id, when, code, text, the provider's own name for it] each.
    UPDATE_ACCEPTED = "
        UPDATE deliveries SET
            state = $4, process_id = NULL, attempts = 1, provider_ref = answered.provider_ref,
            reason_code = NULL, reason = NULL, updated_at = $3,
            answered_at = answered.at, answered_by = deliveries.provider,
            answer_code = answered.code, answer = answered.text
        FROM (SELECT unhex(value->>0, '-') AS delivery_id, CAST(value->>1 AS BIGINT) AS at, value->>2 AS code,
                     value->>3 AS text, value->>4 AS provider_ref
              FROM json_each($1)) AS answered
        WHERE deliveries.delivery_id = answered.delivery_id
          AND deliveries.process_id = $2 AND deliveries.state = 'sending'
          AND deliveries.round = 1 AND deliveries.attempts = 0";
    /// Where deliveries stand after their tries.
    UPDATE_DELIVERIES = "
        UPDATE deliveries SET
            state = moved.state, process_id = NULL, attempts = moved.attempts, due_at = moved.due_at,
            provider = COALESCE(moved.provider, deliveries.provider),
            provider_ref = COALESCE(moved.provider_ref, deliveries.provider_ref),
            reason_code = CASE WHEN moved.state IN ('sent', 'delivered') THEN NULL
                               ELSE COALESCE(moved.code, deliveries.reason_code) END,
            reason = CASE WHEN moved.state IN ('sent', 'delivered') THEN NULL ELSE COALESCE(moved.text, deliveries.reason) END,
            updated_at = $2
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'state' AS state,
                     CAST(value->>'attempts' AS BIGINT) AS attempts, CAST(value->>'due_at' AS BIGINT) AS due_at,
                     value->>'provider' AS provider, value->>'provider_ref' AS provider_ref,
                     value->>'code' AS code, value->>'text' AS text
              FROM json_each($1)) AS moved
        WHERE deliveries.delivery_id = moved.delivery_id";
    /// Addresses that turned out not to exist; what a dead domain answers says nothing about its mailboxes, and what
    /// has arrived proves that there is one.
    INSERT_SUPPRESSIONS = "
        INSERT INTO suppressions (channel, address, reason, detail, since, until, delivery_id)
        SELECT d.channel, lower(d.address), value->>'code', value->>'text', $2, CAST(value->>'until' AS BIGINT),
               d.delivery_id
        FROM json_each($1) JOIN deliveries d ON d.delivery_id = unhex(value->>'id', '-')
        WHERE d.state <> 'delivered' AND d.address NOT LIKE 'erased:%'
          AND NOT EXISTS (SELECT 1 FROM dead_domains dead
                          WHERE d.channel = 'email' AND d.address LIKE '%@' || dead.domain)
        ON CONFLICT (channel, address) DO UPDATE SET
            reason = excluded.reason, detail = excluded.detail, since = excluded.since, until = excluded.until,
            delivery_id = excluded.delivery_id
        WHERE suppressions.until <= excluded.since";
}

/// What recording did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Notices that came to their end.
    pub completed: Vec<NoticeId>,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    delivery_id: Uuid,
    notice_id: Uuid,
    channel: String,
    state: String,
    round: i64,
    attempts: i64,
    process_id: Option<Uuid>,
    answered_at: Option<i64>,
    notice_state: String,
    expires_at: i64,
    may_have_left: bool,
    suppressed: bool,
}

#[derive(Serialize)]
struct AttemptInput<'a> {
    id: Uuid,
    round: i64,
    number: i64,
    provider: &'a str,
    ended_at: i64,
    outcome: &'static str,
    code: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct SuppressionInput<'a> {
    id: Uuid,
    code: &'a str,
    text: &'a str,
    until: i64,
}

#[derive(Serialize)]
struct DeliveryInput<'a> {
    id: Uuid,
    state: &'static str,
    attempts: i64,
    due_at: i64,
    provider: Option<&'a str>,
    provider_ref: Option<&'a str>,
    code: Option<&'a str>,
    text: Option<&'a str>,
}

/// What recording found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Everything was as this process had left it.
    AsExpected,
    /// Some of what was accepted is not, or no longer, being sent by this process: nothing may be committed, and all
    /// has to be recorded with care.
    Changed,
}

/// Writes what `attempts` of `process` mean. With `care`, every delivery is looked at first; without, what was
/// accepted is taken to be still ours, and if that is not so, the transaction has to be begun again.
pub(super) async fn record(
    tx: &mut Tx,
    process: ProcessId,
    attempts: &[Attempted],
    now: i64,
    care: bool,
    tally: &mut Tally,
) -> Result<Standing, StoreError> {
    // All others are few, and an answer may belong to an earlier round.
    let (accepted, others): (Vec<&Attempted>, Vec<&Attempted>) =
        attempts.iter().partition(|attempt| !care && attempt.is_usual());
    record_with_care(tx, process, &others, now, tally).await?;
    let (delivered, sent): (Vec<&Attempted>, Vec<&Attempted>) =
        accepted.into_iter().partition(|attempt| attempt.moved == Move::Delivered);
    for (accepted, state) in [(sent, DeliveryState::Sent), (delivered, DeliveryState::Delivered)] {
        if record_accepted(tx, process, &accepted, state, now, tally).await? == Standing::Changed {
            return Ok(Standing::Changed);
        }
    }
    Ok(Standing::AsExpected)
}

/// The usual case: `accepted` are being sent by `process` for the first time, and are `state` now.
async fn record_accepted(
    tx: &mut Tx,
    process: ProcessId,
    accepted: &[&Attempted],
    state: DeliveryState,
    now: i64,
    tally: &mut Tally,
) -> Result<Standing, StoreError> {
    if accepted.is_empty() {
        return Ok(Standing::AsExpected);
    }
    let answers: Vec<_> = accepted
        .iter()
        .map(|attempt| {
            let reason = &attempt.reason;
            (attempt.delivery.0, attempt.ended_at.0, &reason.code, &reason.text, attempt.moved.reference())
        })
        .collect();
    let written = tx.execute(&UPDATE_ACCEPTED, (Json(&answers), process.0, now, state.as_str())).await?;
    if written != accepted.len() as u64 {
        return Ok(Standing::Changed);
    }
    let mut notices: BTreeMap<(Uuid, &str), i64> = BTreeMap::new();
    for attempt in accepted {
        *notices.entry((attempt.notice.0, attempt.channel.as_str())).or_default() += 1;
    }
    for ((notice, channel), count) in notices {
        tally.all_moved(notice, channel, DeliveryState::Sending, state, count);
    }
    Ok(Standing::AsExpected)
}

/// An outcome is recorded whoever holds the lease by now; a state only moves to stronger evidence.
async fn record_with_care(
    tx: &mut Tx,
    process: ProcessId,
    attempts: &[&Attempted],
    now: i64,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = attempts.iter().map(|attempt| attempt.delivery.0).collect();
    let standing: HashMap<Uuid, StandingRow> = tx
        .fetch::<StandingRow, _>(&SELECT_STANDING, (Ids(ids), now))
        .await?
        .into_iter()
        .map(|row| (row.delivery_id, row))
        .collect();

    let mut tried = Vec::with_capacity(attempts.len());
    let mut moved = Vec::with_capacity(attempts.len());
    let mut returned = Vec::new();
    // Put off, while its address came not to be used any more.
    let mut suppressed = Vec::new();
    for attempt in attempts {
        let is_try = !matches!(attempt.moved, Move::Return { .. });
        let row = standing.get(&attempt.delivery.0);
        let stands_already = attempt.is_usual() && row.is_some_and(|row| row.answered_at.is_some());
        if is_try && !stands_already {
            tried.push(AttemptInput::of(attempt));
        }
        let Some(row) = row else { continue };
        let Some((from, to, due_at)) = next_state(row, attempt, process, now)? else { continue };
        if (from, to) == (DeliveryState::Sent, DeliveryState::Failed) {
            returned.push((row.notice_id, row.delivery_id));
        }
        if to == DeliveryState::Queued && row.suppressed {
            suppressed.push(row.delivery_id);
        }
        // The words of an acceptance must not take the place of what a receipt has said since.
        let is_news = is_try && from != to;
        tally.moved(row.notice_id, &row.channel, from, to);
        moved.push(DeliveryInput {
            id: attempt.delivery.0,
            state: to.as_str(),
            attempts: if is_try { attempt.number } else { attempt.number - 1 },
            due_at,
            provider: is_try.then_some(attempt.provider.as_str()),
            provider_ref: attempt.moved.reference(),
            code: is_news.then_some(attempt.reason.code.as_str()),
            text: is_news.then_some(attempt.reason.text.as_str()),
        });
    }
    if !tried.is_empty() {
        tx.execute(&INSERT_ATTEMPTS, (Json(&tried), process.0)).await?;
    }
    if !moved.is_empty() {
        tx.execute(&UPDATE_DELIVERIES, (Json(&moved), now)).await?;
    }
    for (notice, delivery) in returned {
        came_back(tx, notice, delivery, now).await?;
    }
    suppressed.extend(suppress(tx, attempts, now).await?);
    end_like_these(tx, suppressed, now, tally).await
}

/// Suppresses the addresses that turned out not to exist; gives their deliveries.
async fn suppress(tx: &mut Tx, attempts: &[&Attempted], now: i64) -> Result<Vec<Uuid>, StoreError> {
    let dead: Vec<SuppressionInput> = attempts
        .iter()
        .filter_map(|attempt| {
            Some(SuppressionInput {
                id: attempt.delivery.0,
                code: &attempt.reason.code,
                text: &attempt.reason.text,
                until: attempt.suppress_until?.0,
            })
        })
        .collect();
    if !dead.is_empty() {
        tx.execute(&INSERT_SUPPRESSIONS, (Json(&dead), now)).await?;
    }
    Ok(dead.iter().map(|dead| dead.id).collect())
}

impl<'a> AttemptInput<'a> {
    fn of(attempt: &'a Attempted) -> Self {
        Self {
            id: attempt.delivery.0,
            round: attempt.round,
            number: attempt.number,
            provider: &attempt.provider,
            ended_at: attempt.ended_at.0,
            outcome: attempt.moved.word(),
            code: &attempt.reason.code,
            text: &attempt.reason.text,
        }
    }
}

/// From which state to which, and when due; `None` when the news is of no consequence any more.
fn next_state(
    row: &StandingRow,
    attempt: &Attempted,
    process: ProcessId,
    now: i64,
) -> Result<Option<(DeliveryState, DeliveryState, i64)>, StoreError> {
    let from: DeliveryState = row.state.parse().map_err(StoreError::Damaged)?;
    let ours = row.process_id == Some(process.0);
    // A later round is another story; and what somebody else is sending now is theirs to give back.
    if row.round != attempt.round
        || (from == DeliveryState::Sending
            && !ours
            && !matches!(attempt.moved, Move::Sent { .. } | Move::Delivered))
    {
        return Ok(None);
    }
    let over = !matches!(row.notice_state.as_str(), "sending" | "paused" | "completed" | "expired");
    let (event, due_at) = match attempt.moved {
        Move::Retry { .. } | Move::Repeat { .. } | Move::Return { .. } if over => {
            (DeliveryEvent::Cancelled, now)
        }
        Move::Retry { due_at } | Move::Repeat { due_at } | Move::Return { due_at } => {
            if due_at.0 >= row.expires_at {
                (DeliveryEvent::Expired, now)
            } else {
                (DeliveryEvent::Requeued, due_at.0)
            }
        }
        _ => (attempt.moved.event(), now),
    };
    let may_have_left = row.may_have_left || matches!(attempt.moved, Move::Repeat { .. });
    let event = match event {
        DeliveryEvent::Cancelled | DeliveryEvent::Expired if may_have_left => DeliveryEvent::BecameUnclear,
        event => event,
    };
    let to = from.apply(event);
    // A receipt may have come before the try was written down: that there was one is worth knowing all the same.
    let is_late = !matches!(attempt.moved, Move::Return { .. }) && row.attempts < attempt.number;
    Ok((from != to || is_late).then_some((from, to, due_at)))
}
