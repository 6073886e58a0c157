//! Mail domains that nothing can be delivered to now: who entered them, and what becomes of deliveries that wait for
//! them.
//!
//! A domain that is down has a row in `dead_domains` and a lane `domain:NAME`. A claim that meets a delivery to it sets
//! the delivery aside there, as it does for a paused notice. From there it goes to the contact's next address, if there
//! is one that nobody else of the notice has, or on to the lane `held:NAME`, which no claim looks into. When the domain
//! is up again, both lanes are emptied onto the open road.
//!
//! Whoever moves deliveries out of these lanes first locks the row of `domain:NAME`, which every claim locks too: none
//! can set a delivery aside for a domain that has just come back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::address::{Address, Channel};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::NoticeId;

use super::audit::append;
use super::connection::Tx;
use super::lanes::{ensure_lane, lock_lanes};
use super::rounds::{AddressRow, SELECT_TAKEN, readdressed};
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// All, in the order in which they went down.
    SELECT_DEAD = "SELECT domain, hosted, since, reason, entered_by FROM dead_domains ORDER BY since, domain";
    /// Enters one; one that is down already stays so since then.
    UPSERT_DEAD = "
        INSERT INTO dead_domains (domain, hosted, since, reason, entered_by) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (domain) DO UPDATE SET
            hosted = excluded.hosted, reason = excluded.reason, entered_by = excluded.entered_by";
    /// Blocks that a failure or a bounce made there while the domain was about to go down, or was down already and nobody
    /// had said so: it said nothing about the mailbox.
    LIFT_MADE_BEFORE = "
        DELETE FROM suppressions
        WHERE channel = 'email' AND delivery_id IS NOT NULL AND since >= $2 AND address LIKE $1";
    /// Takes one out.
    DELETE_DEAD = "DELETE FROM dead_domains WHERE domain = $1";
    /// Since when it is up again: what bounces later and was handed over before, bounced for the domain's sake.
    UPSERT_BACK = "
        INSERT INTO domains_back (domain, back_at) VALUES ($1, $2)
        ON CONFLICT (domain) DO UPDATE SET back_at = excluded.back_at";
    /// Takes its lane away.
    DELETE_LANE = "DELETE FROM lanes WHERE channel = 'email' AND name = $1";
    /// Sets aside what waits for a domain, also what was held before.
    SET_ASIDE = "
        UPDATE deliveries SET lane = $1
        WHERE delivery_id IN (SELECT q.delivery_id FROM queue q WHERE q.channel = 'email' AND q.lane <> $1)
          AND channel = 'email' AND state = 'queued' AND lane <> $1 AND address LIKE $2";
    /// Domains for which something was set aside that nobody has looked at.
    SELECT_SET_ASIDE = "
        SELECT substr(l.name, 8) FROM lanes l
        WHERE l.channel = 'email' AND l.name LIKE 'domain:%'
          AND EXISTS (SELECT 1 FROM queue q WHERE q.channel = 'email' AND q.lane = l.name)";
    /// The notices of what was set aside for one.
    SELECT_NOTICES = "
        SELECT DISTINCT notice_id FROM queue WHERE channel = 'email' AND lane = $1 ORDER BY notice_id";
    /// What other addresses their contacts have: none in a dead domain.
    SELECT_OTHER_ADDRESSES = "
        SELECT a.delivery_id, a.channel, a.frozen, a.address, a.left_behind,
               (SELECT CAST(count(*) AS BIGINT) FROM suppressions s
                WHERE s.channel = a.channel AND s.address = lower(a.address) AND (s.until IS NULL OR s.until > $3))
                   AS suppressions
        FROM addresses_now a
        WHERE a.notice_id = $1 AND a.channel = 'email' AND a.lane = $2 AND a.state = 'queued'
          AND NOT EXISTS (SELECT 1 FROM dead_domains dead WHERE a.address LIKE '%@' || dead.domain)
        ORDER BY a.delivery_id, a.rank";
    /// Deliveries go elsewhere.
    REROUTE = "
        UPDATE deliveries SET address = moved.address, destination = moved.destination, lane = '', due_at = $2,
                              reason_code = NULL, reason = NULL, updated_at = $2
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'address' AS address,
                     value->>'destination' AS destination
              FROM json_each($1)) AS moved
        WHERE deliveries.delivery_id = moved.delivery_id AND deliveries.state = 'queued'";
    /// What is left of a lane is held.
    HOLD = "
        UPDATE deliveries SET lane = $2, reason_code = 'domain down', reason = $3, updated_at = $4
        WHERE delivery_id IN (SELECT q.delivery_id FROM queue q WHERE q.channel = 'email' AND q.lane = $1)
          AND channel = 'email' AND state = 'queued' AND lane = $1";
    /// What was held may leave.
    RELEASE = "
        UPDATE deliveries SET lane = '', due_at = $3, reason_code = NULL, reason = NULL, updated_at = $3
        WHERE delivery_id IN (SELECT q.delivery_id FROM queue q
                              WHERE q.channel = 'email' AND (q.lane = $1 OR q.lane = $2))
          AND channel = 'email' AND state = 'queued' AND (lane = $1 OR lane = $2)";
    /// How many deliveries wait for each domain.
    COUNT_WAITING = "
        SELECT dead.domain, CAST(count(*) AS BIGINT)
        FROM dead_domains dead
             JOIN queue q ON q.channel = 'email'
             JOIN deliveries d ON d.delivery_id = q.delivery_id AND d.address LIKE '%@' || dead.domain
        GROUP BY dead.domain ORDER BY dead.domain";
    /// The same for one notice.
    COUNT_WAITING_OF = "
        SELECT dead.domain, CAST(count(*) AS BIGINT)
        FROM dead_domains dead
             JOIN deliveries d ON d.notice_id = $1 AND d.channel = 'email' AND d.state = 'queued'
                              AND d.address LIKE '%@' || dead.domain
        GROUP BY dead.domain ORDER BY dead.domain";
}

/// A mail domain that nothing can be delivered to now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadDomain {
    /// Its name in lower case.
    pub domain: String,
    /// Whether it is one of ours: who has an address nowhere else is told when it is up again.
    pub hosted: bool,
    /// Since when, UTC milliseconds.
    pub since: i64,
    /// Why, in a person's words; may be empty.
    pub reason: String,
    /// Who said so; empty: `[email] unreachable_domains`.
    pub entered_by: String,
}

/// What became of deliveries that waited for a domain when it went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetAside {
    /// How many go to another address of their contact.
    pub rerouted: usize,
    /// How many are held until the domain is up.
    pub held: usize,
    /// How many addresses there are no longer blocked, that failures and bounces had blocked since the day before.
    pub unblocked: usize,
}

/// A domain may have been down for so long before somebody said so, in milliseconds: a day.
const DOWN_UNSAID: i64 = 86_400_000;

/// Where an address is throttled; `None` where nothing can be sent to it.
type Destination<'a> = &'a (dyn Fn(&Address) -> Option<String> + Sync);

/// The lane in which claims put what they meet for a dead domain.
fn lane(domain: &str) -> String {
    format!("domain:{domain}")
}

/// The lane in which it waits.
fn held(domain: &str) -> String {
    format!("held:{domain}")
}

impl Store {
    /// All dead domains, in the order in which they went down.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_domains(&self) -> Result<Vec<DeadDomain>, StoreError> {
        self.db.fetch(&SELECT_DEAD, ()).await
    }

    /// How many deliveries wait for each dead domain, of `notice` or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waiting_for_domains(
        &self,
        notice: Option<NoticeId>,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        // Usually none is down: then nothing of what waits need be looked at.
        if self.dead_domains().await?.is_empty() {
            return Ok(BTreeMap::new());
        }
        let counts: Vec<(String, i64)> = match notice {
            Some(notice) => self.db.fetch(&COUNT_WAITING_OF, (notice.0,)).await?,
            None => self.db.fetch(&COUNT_WAITING, ()).await?,
        };
        Ok(counts.into_iter().collect())
    }

    /// Enters `domains` (name, and whether it is one of ours) as dead. Running processes heed it from their next claim
    /// on. What waits for them goes to the contact's next address that has a `destination` and that no other delivery
    /// of the notice has, and is held where there is none; also what was held before, for a contact may have another
    /// address by now.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn take_domains_down(
        &self,
        domains: &[(String, bool)],
        reason: &str,
        entered_by: &str,
        destination: Destination<'_>,
        entry: &NewEntry,
    ) -> Result<SetAside, StoreError> {
        let mut tx = self.db.begin().await?;
        lock_lanes(&mut tx, Channel::Email).await?;
        let names: BTreeSet<String> = domains.iter().map(|(domain, _)| domain.clone()).collect();
        let mut unblocked = 0;
        for (domain, hosted) in domains {
            unblocked += self.enter(&mut tx, domain, *hosted, reason, entered_by).await?;
        }
        let done = SetAside { unblocked, ..self.part(&mut tx, &names, destination).await? };
        let after = json!({
            "domains": names, "rerouted": done.rerouted, "held": done.held, "unblocked": unblocked
        });
        append(&mut tx, &entry.clone().with(after), self.now()).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Takes `domains` out again: what was held for them leaves at once. Gives those that were down, and the number of
    /// deliveries. Where nothing changes, there is no entry.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn bring_domains_up(
        &self,
        domains: &[String],
        entry: &NewEntry,
    ) -> Result<(Vec<String>, u64), StoreError> {
        let mut tx = self.db.begin().await?;
        lock_lanes(&mut tx, Channel::Email).await?;
        let (up, released) = self.free(&mut tx, domains).await?;
        if !up.is_empty() || released > 0 {
            let after = json!({"domains": up, "released": released});
            append(&mut tx, &entry.clone().with(after), self.now()).await?;
        }
        tx.commit().await?;
        Ok((up, released))
    }

    /// Makes the domains that the configuration calls dead those that it entered, and takes out those that it does not
    /// call so any more. What a person entered stays.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn take_configured_domains_down(
        &self,
        unreachable: &[String],
        hosted: &[String],
        destination: Destination<'_>,
    ) -> Result<(), StoreError> {
        let known = self.dead_domains().await?;
        let is_known = |domain: &String| known.iter().any(|dead| dead.domain == *domain);
        let fresh: BTreeSet<String> =
            unreachable.iter().filter(|domain| !is_known(domain)).cloned().collect();
        let gone: Vec<String> = known
            .iter()
            .filter(|dead| dead.entered_by.is_empty() && !unreachable.contains(&dead.domain))
            .map(|dead| dead.domain.clone())
            .collect();
        if fresh.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        lock_lanes(&mut tx, Channel::Email).await?;
        self.free(&mut tx, &gone).await?;
        let mut unblocked = 0;
        for domain in &fresh {
            unblocked +=
                self.enter(&mut tx, domain, hosted.contains(domain), "unreachable_domains", "").await?;
        }
        let done = self.part(&mut tx, &fresh, destination).await?;
        let entry = NewEntry::new(
            &Actor::program("dispatcher"),
            "domains.configured",
            Subject::new("setting", "email.unreachable_domains"),
        );
        let after = json!({
            "down": fresh, "up": gone, "rerouted": done.rerouted, "held": done.held, "unblocked": unblocked
        });
        append(&mut tx, &entry.with(after), self.now()).await?;
        tx.commit().await
    }

    /// Looks at what claims have set aside for dead domains since the last look: it is rerouted or held.
    ///
    /// # Errors
    /// When the store cannot be written; then the next look does it.
    pub async fn part_set_aside(&self, destination: Destination<'_>) -> Result<SetAside, StoreError> {
        let domains: Vec<(String,)> = self.db.fetch(&SELECT_SET_ASIDE, ()).await?;
        if domains.is_empty() {
            return Ok(SetAside::default());
        }
        let mut tx = self.db.begin().await?;
        let lanes = lock_lanes(&mut tx, Channel::Email).await?;
        let domains: BTreeSet<String> = domains
            .into_iter()
            .map(|(domain,)| domain)
            .filter(|domain| lanes.contains_key(&lane(domain)))
            .collect();
        let done = self.part(&mut tx, &domains, destination).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Gives how many addresses there are no longer blocked.
    async fn enter(
        &self,
        tx: &mut Tx,
        domain: &str,
        hosted: bool,
        reason: &str,
        entered_by: &str,
    ) -> Result<usize, StoreError> {
        let now = self.now().0;
        let words = (domain.to_owned(), hosted, now, reason.to_owned(), entered_by.to_owned());
        tx.execute(&UPSERT_DEAD, words).await?;
        ensure_lane(tx, Channel::Email, &lane(domain), 0.0, now).await?;
        let addresses = format!("%@{domain}");
        tx.execute(&SET_ASIDE, (lane(domain), addresses.clone())).await?;
        let unblocked = tx.execute(&LIFT_MADE_BEFORE, (addresses, now - DOWN_UNSAID)).await?;
        Ok(usize::try_from(unblocked).unwrap_or(usize::MAX))
    }

    /// The lane's row goes first: a claim that still knows it has ended then.
    async fn free(&self, tx: &mut Tx, domains: &[String]) -> Result<(Vec<String>, u64), StoreError> {
        let (mut up, mut released) = (Vec::new(), 0);
        for domain in domains {
            tx.execute(&DELETE_LANE, (lane(domain),)).await?;
            if tx.execute(&DELETE_DEAD, (domain.clone(),)).await? > 0 {
                tx.execute(&UPSERT_BACK, (domain.clone(), self.now().0)).await?;
                up.push(domain.clone());
            }
            released += tx.execute(&RELEASE, (lane(domain), held(domain), self.now().0)).await?;
        }
        Ok((up, released))
    }

    /// Reroutes what was set aside for `domains`, or holds it.
    async fn part(
        &self,
        tx: &mut Tx,
        domains: &BTreeSet<String>,
        destination: Destination<'_>,
    ) -> Result<SetAside, StoreError> {
        let mut done = SetAside::default();
        if domains.is_empty() {
            return Ok(done);
        }
        let dead: Vec<DeadDomain> = tx.fetch(&SELECT_DEAD, ()).await?;
        for domain in domains {
            let notices: Vec<(Uuid,)> = tx.fetch(&SELECT_NOTICES, (lane(domain),)).await?;
            for (notice,) in notices {
                done.rerouted += self.reroute(tx, notice, domain, destination).await?;
            }
            let reason = dead.iter().find(|dead| dead.domain == *domain).map_or("", |dead| &dead.reason);
            let reason = if reason.is_empty() {
                format!("{domain} is down")
            } else {
                format!("{domain} is down: {reason}")
            };
            let words = (lane(domain), held(domain), reason, self.now().0);
            done.held += usize::try_from(tx.execute(&HOLD, words).await?).unwrap_or(usize::MAX);
        }
        Ok(done)
    }

    async fn reroute(
        &self,
        tx: &mut Tx,
        notice: Uuid,
        domain: &str,
        destination: Destination<'_>,
    ) -> Result<usize, StoreError> {
        let now = self.now().0;
        let others: Vec<AddressRow> = tx.fetch(&SELECT_OTHER_ADDRESSES, (notice, lane(domain), now)).await?;
        if others.is_empty() {
            return Ok(0);
        }
        let taken: Vec<(String, String)> = tx.fetch(&SELECT_TAKEN, (notice,)).await?;
        let moved = readdressed(&others, taken, destination);
        if !moved.is_empty() {
            tx.execute(&REROUTE, (Json(&moved), now)).await?;
        }
        Ok(moved.len())
    }
}
