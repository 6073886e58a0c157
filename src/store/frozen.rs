//! What is frozen of a notice when it is submitted, and what a second person agrees to.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::approval::{Frozen, FrozenWay};
use crate::domain::ids::{ContactKey, NoticeId};

use super::StoreError;
use super::connection::Tx;
use super::statement::statements;

statements! {
    /// What is frozen of a notice, but for its people.
    SELECT_FROZEN = "
        SELECT n.content, n.variables, n.channels, n.visibility, n.priority, n.exercise, n.cascade_after,
               n.expires_at - COALESCE(n.scheduled_at, n.created_at) AS lasts, o.number AS supersedes, l.title, l.phase,
               l.next_update_at
        FROM notices n LEFT JOIN notices o ON o.notice_id = n.supersedes
                       LEFT JOIN incident_notices l ON l.notice_id = n.notice_id
        WHERE n.notice_id = $1";
    /// Its people, and the ways to them.
    SELECT_FROZEN_WAYS = "
        SELECT contact_key, channel, step, deputy_key FROM cascade_steps WHERE notice_id = $1
        UNION ALL
        SELECT contact_key, channel, 0, NULL FROM recipients WHERE notice_id = $1
        UNION ALL
        SELECT m.contact_key, r.channel, 0, NULL
        FROM merged_recipients m JOIN recipients r ON r.notice_id = m.notice_id AND r.delivery_id = m.delivery_id
        WHERE m.notice_id = $1
        UNION ALL
        SELECT contact_key, NULL, 0, NULL FROM notice_people WHERE notice_id = $1";
}

#[derive(sqlx::FromRow)]
struct FrozenRow {
    content: Json<serde_json::Value>,
    variables: Json<serde_json::Value>,
    channels: Json<Vec<Channel>>,
    visibility: String,
    priority: i64,
    exercise: bool,
    cascade_after: Option<i64>,
    lasts: i64,
    supersedes: Option<String>,
    title: Option<String>,
    phase: Option<String>,
    next_update_at: Option<i64>,
}

/// Contact, channel, step, deputy.
type WayRow = (Uuid, Option<String>, i64, Option<Uuid>);

impl TryFrom<WayRow> for FrozenWay {
    type Error = String;

    fn try_from((contact, channel, step, deputy): WayRow) -> Result<Self, String> {
        Ok(Self {
            contact: ContactKey(contact),
            channel: channel.map(|channel| channel.parse()).transpose()?,
            step,
            deputy: deputy.map(ContactKey),
        })
    }
}

/// The hash of what lies frozen in the store now.
pub(super) async fn frozen_hash(tx: &mut Tx, notice: NoticeId) -> Result<String, StoreError> {
    let frozen: Option<FrozenRow> = tx.fetch_first(&SELECT_FROZEN, (notice.0,)).await?;
    let frozen = frozen.ok_or_else(|| StoreError::Conflict("there is no such notice".to_owned()))?;
    let mut ways: Result<Vec<FrozenWay>, StoreError> = Ok(Vec::new());
    let take = |row: WayRow| match (FrozenWay::try_from(row), &mut ways) {
        (Ok(way), Ok(ways)) => ways.push(way),
        (Err(why), Ok(_)) => ways = Err(StoreError::Damaged(why)),
        (_, Err(_)) => {}
    };
    tx.fetch_each(&SELECT_FROZEN_WAYS, (notice.0,), take).await?;
    Ok(Frozen {
        template: &frozen.content.0,
        values: &frozen.variables.0,
        channels: &frozen.channels.0,
        visibility: frozen.visibility.parse().map_err(StoreError::Damaged)?,
        priority: frozen.priority,
        lasts: frozen.lasts,
        cascade_after: frozen.cascade_after,
        exercise: frozen.exercise,
        supersedes: frozen.supersedes.as_deref(),
        incident: match frozen.title {
            Some(title) => serde_json::json!([title, frozen.phase, frozen.next_update_at]),
            None => serde_json::Value::Null,
        },
        ways: ways?,
    }
    .hash())
}
