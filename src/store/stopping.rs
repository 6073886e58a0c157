//! What waits for an address that is not to be used any more does not leave: it ends as suppressed, in the transaction
//! that suppresses the address.

use std::collections::BTreeSet;

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::delivery::DeliveryState;

use super::StoreError;
use super::connection::Tx;
use super::counts::{Tally, complete_notices, write_counts};
use super::statement::{Ids, may_have_left, statements};

/// Ends queued deliveries whose address is suppressed now. What may have left is unclear.
macro_rules! end_the_suppressed {
    ($which:literal) => {
        concat!(
            "UPDATE deliveries SET
                 state = CASE WHEN ",
            may_have_left!("deliveries"),
            " THEN 'unclear' ELSE 'suppressed' END,
                 reason_code = s.reason, reason = s.detail, updated_at = $2
             FROM suppressions s
             WHERE s.channel = deliveries.channel AND s.address = lower(deliveries.address)
               AND (s.until IS NULL OR s.until > $2)
               AND deliveries.state = 'queued' AND deliveries.delivery_id IN (",
            $which,
            ")
             RETURNING deliveries.notice_id, deliveries.channel, deliveries.state"
        )
    };
}

statements! {
    /// Of all open notices, what goes to the same addresses as some deliveries. By the index that has one delivery for
    /// each address of a notice: a bounce must not read all that waits.
    END_LIKE_THESE = end_the_suppressed!("
        SELECT same.delivery_id
        FROM deliveries d
             JOIN notices n ON n.state IN ('sending', 'paused')
             JOIN deliveries same ON same.notice_id = n.notice_id AND same.channel = d.channel
                                 AND same.address = d.address
        WHERE d.delivery_id IN (SELECT unhex(value, '-') FROM json_each_ids($1)) AND same.state = 'queued'");
    /// What waits for some addresses, in lower case as suppressions have them.
    END_TO_ADDRESSES = end_the_suppressed!("
        SELECT q.delivery_id
        FROM queue q JOIN deliveries d ON d.delivery_id = q.delivery_id
        WHERE q.channel = $3 AND lower(d.address) IN (SELECT CAST(value AS TEXT) FROM json_each_text($1))");
}

/// Ends what waits for the addresses of `deliveries`, if these are suppressed now.
pub(super) async fn end_like_these(
    tx: &mut Tx,
    deliveries: Vec<Uuid>,
    now: i64,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    if !deliveries.is_empty() {
        count(tx.fetch(&END_LIKE_THESE, (Ids(deliveries), now)).await?, tally)?;
    }
    Ok(())
}

/// Ends what waits for `addresses` of `channel`, if these are suppressed now; gives how many deliveries.
pub(super) async fn end_to_addresses(
    tx: &mut Tx,
    channel: &str,
    addresses: &[String],
    now: i64,
    tally: &mut Tally,
) -> Result<usize, StoreError> {
    let addresses: Vec<String> = addresses.iter().map(|address| address.to_lowercase()).collect();
    count(tx.fetch(&END_TO_ADDRESSES, (Json(&addresses), now, channel.to_owned())).await?, tally)
}

/// Writes the counts of what was stopped outside a cycle, and ends the notices that waited for nothing else.
pub(super) async fn write_what_was_stopped(tx: &mut Tx, tally: Tally, now: i64) -> Result<(), StoreError> {
    let deltas = tally.into_deltas();
    write_counts(tx, &deltas).await?;
    let notices: BTreeSet<Uuid> = deltas.iter().map(|delta| delta.notice).collect();
    complete_notices(tx, notices, now).await.map(|_| ())
}

fn count(ended: Vec<(Uuid, String, String)>, tally: &mut Tally) -> Result<usize, StoreError> {
    for (notice, channel, state) in &ended {
        let to = state.parse().map_err(StoreError::Damaged)?;
        tally.moved(*notice, channel, DeliveryState::Queued, to);
    }
    Ok(ended.len())
}
