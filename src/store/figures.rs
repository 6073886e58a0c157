//! How many people a notice has reached and who was told nothing: the figures that take a look at every delivery. They
//! are kept in memory with a stamp of everything they depend on, and counted anew when that has changed, in this process
//! or another.
//!
//! While a notice goes out, that is always. Then what was counted at most a second ago serves whoever asks meanwhile,
//! and says as of when it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::NoticeId;

use super::recipients::SilencedRecipient;
use super::shares::Shares;
use super::statement::statements;
use super::summaries::NoticeSummary;
use super::{Store, StoreError};

statements! {
    /// Which state of a notice and of its people this is.
    SELECT_STATE_OF_NOTICE = "
        SELECT (SELECT CAST(COALESCE(sum(changes), 0) AS BIGINT) FROM notice_counts WHERE notice_id = $1) AS changes,
               (SELECT CAST(count(*) AS BIGINT) FROM acknowledgements WHERE notice_id = $1) AS acknowledged,
               (SELECT CAST(count(*) AS BIGINT) FROM cascade_contacts
                WHERE notice_id = $1 AND ended_at IS NULL) AS followed,
               (SELECT value FROM instance_values WHERE name = 'contacts_changed') AS contacts,
               (SELECT value FROM instance_values WHERE name = 'generation') AS generation";
}

/// For how long what was counted serves although it has changed since.
const SERVES: Duration = Duration::from_secs(1);

/// Of how many notices the figures are kept.
const MOST_KEPT: usize = 64;

/// What a look at all deliveries of a notice gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeFigures {
    /// How many people and organisations there are, and how many were reached.
    pub shares: Shares,
    /// To whom nothing was sent because every address of theirs is suppressed.
    pub silenced: Vec<SilencedRecipient>,
    /// As of when that is.
    pub as_of: Timestamp,
}

/// What the figures depend on. Every change of a delivery's state is a change of counters; a name that is erased is a
/// change of the contacts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Stamp {
    changes: i64,
    acknowledged: i64,
    followed: i64,
    contacts: Option<String>,
    generation: Option<String>,
}

/// The figures of one notice, and which state they are of. Whoever comes while they are counted waits for them.
type OfNotice = Arc<Mutex<Option<(Stamp, NoticeFigures)>>>;

/// The figures that were asked for last.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<HashMap<NoticeId, OfNotice>>>);

impl Kept {
    async fn of(&self, notice: NoticeId) -> OfNotice {
        let mut all = self.0.lock().await;
        if all.len() >= MOST_KEPT && !all.contains_key(&notice) {
            all.clear();
        }
        all.entry(notice).or_default().clone()
    }
}

impl Store {
    /// The figures of a notice: as they are now, or, while they change, as they were at most a second before somebody
    /// began to ask.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_figures(&self, notice: &NoticeSummary) -> Result<NoticeFigures, StoreError> {
        let kept = self.figures.of(notice.id).await;
        let mut kept = kept.lock().await;
        // Before the figures: a change in between is noticed by the next look.
        let now = self.now();
        let row: Option<Stamp> = self.db.fetch_first(&SELECT_STATE_OF_NOTICE, (notice.id.0,)).await?;
        let stamp = row.ok_or_else(|| StoreError::Damaged("a notice has no state".to_owned()))?;
        if let Some((known, figures)) = &*kept {
            if *known == stamp {
                return Ok(NoticeFigures { as_of: now, ..figures.clone() });
            }
            // Not what a clock that was set back takes to be new.
            if figures.as_of <= now && now < figures.as_of.plus(SERVES) && known.is_of_the_same_life(&stamp) {
                return Ok(figures.clone());
            }
        }
        let shares = self.shares(notice.id, notice.alarm).await?;
        let silenced = match notice.counts().get(DeliveryState::Suppressed) {
            0 => Vec::new(),
            _ => self.silenced_recipients(notice.id).await?,
        };
        let figures = NoticeFigures { shares, silenced, as_of: now };
        *kept = Some((stamp, figures.clone()));
        Ok(figures)
    }
}

impl Stamp {
    /// Whether nobody was erased and nothing restored in between: then what is a second old names nobody who is gone.
    fn is_of_the_same_life(&self, other: &Self) -> bool {
        self.contacts == other.contacts && self.generation == other.generation
    }
}
