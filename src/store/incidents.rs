//! Incidents: opened, changed by one at a time, never removed.

use std::collections::HashMap;

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Deadline, DeadlineMark, Incident};
use crate::domain::key::{IncidentKey, ServiceKey};

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A new incident, unless its key is taken.
    INSERT_INCIDENT = "
        INSERT INTO incidents (incident_id, incident_key, title, phase, exercise, known_at, opened_at, opened_by,
                               closed_at, next_update_at, version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11)
        ON CONFLICT (incident_key) DO NOTHING";
    /// What changes in one, if nobody has changed it since it was read.
    UPDATE_INCIDENT = "
        UPDATE incidents SET title = $3, phase = $4, known_at = $5, closed_at = $6, next_update_at = $7,
                             version = version + 1, updated_at = $8
        WHERE incident_id = $1 AND version = $2";
    /// It is about none of these any more.
    DELETE_SERVICES = "DELETE FROM incident_services WHERE incident_id = $1";
    /// What it is about.
    INSERT_SERVICES = "
        INSERT INTO incident_services (incident_id, service_key) SELECT $1, value FROM json_each_text($2)";
    /// Its deadlines are written anew.
    DELETE_DEADLINES = "DELETE FROM incident_deadlines WHERE incident_id = $1";
    /// Its deadlines.
    INSERT_DEADLINES = "
        INSERT INTO incident_deadlines (incident_id, kind, owner, mark)
        SELECT $1, value->>'kind', value->>'owner', value->'mark' FROM json_each($2)";
    /// All of them, or the one with a key; oldest first.
    SELECT_INCIDENTS = "
        SELECT incident_id, incident_key, title, phase, exercise, known_at, opened_at, opened_by, closed_at,
               next_update_at, version
        FROM incidents WHERE $1 = '' OR incident_key = $1 ORDER BY opened_at, incident_id";
    /// What all of them are about.
    SELECT_SERVICES = "SELECT incident_id, service_key FROM incident_services ORDER BY service_key";
    /// The deadlines of all of them.
    SELECT_DEADLINES = "SELECT incident_id, kind, owner, mark FROM incident_deadlines ORDER BY kind";
}

#[derive(sqlx::FromRow)]
struct IncidentRow {
    incident_id: Uuid,
    incident_key: String,
    title: String,
    phase: String,
    exercise: bool,
    known_at: i64,
    opened_at: i64,
    opened_by: String,
    closed_at: Option<i64>,
    next_update_at: Option<i64>,
    version: i64,
}

type DeadlineRow = (Uuid, String, String, Json<DeadlineMark>);

impl IncidentRow {
    fn parse(self, services: Vec<ServiceKey>, deadlines: Vec<Deadline>) -> Result<Incident, StoreError> {
        Ok(Incident {
            id: IncidentId(self.incident_id),
            key: self.incident_key.parse().map_err(StoreError::Damaged)?,
            title: self.title,
            phase: self.phase.parse().map_err(StoreError::Damaged)?,
            exercise: self.exercise,
            known_at: Timestamp(self.known_at),
            opened_at: Timestamp(self.opened_at),
            opened_by: self.opened_by,
            closed_at: self.closed_at.map(Timestamp),
            next_update_at: self.next_update_at.map(Timestamp),
            services,
            deadlines,
            version: self.version,
        })
    }
}

impl Store {
    /// Writes a new incident; says whether its key was free. If not, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn open_incident(&self, incident: &Incident, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let inserted = tx
            .execute(
                &INSERT_INCIDENT,
                (
                    incident.id.0,
                    incident.key.as_str().to_owned(),
                    incident.title.clone(),
                    incident.phase.as_str(),
                    incident.exercise,
                    incident.known_at.0,
                    incident.opened_at.0,
                    incident.opened_by.clone(),
                    incident.closed_at.map(|at| at.0),
                    incident.next_update_at.map(|at| at.0),
                    self.now().0,
                ),
            )
            .await?;
        if inserted == 0 {
            return Ok(false);
        }
        write_lists(&mut tx, incident).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Writes what has changed in `incident`, which carries the version that it was read with; says whether it is still
    /// that one. If not, somebody was quicker and nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn change_incident(&self, incident: &Incident, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let updated = tx
            .execute(
                &UPDATE_INCIDENT,
                (
                    incident.id.0,
                    incident.version,
                    incident.title.clone(),
                    incident.phase.as_str(),
                    incident.known_at.0,
                    incident.closed_at.map(|at| at.0),
                    incident.next_update_at.map(|at| at.0),
                    self.now().0,
                ),
            )
            .await?;
        if updated == 0 {
            return Ok(false);
        }
        tx.execute(&DELETE_SERVICES, (incident.id.0,)).await?;
        tx.execute(&DELETE_DEADLINES, (incident.id.0,)).await?;
        write_lists(&mut tx, incident).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All incidents, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.read_incidents("").await
    }

    /// The incident with this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn incident(&self, key: &IncidentKey) -> Result<Option<Incident>, StoreError> {
        Ok(self.read_incidents(key.as_str()).await?.into_iter().next())
    }

    async fn read_incidents(&self, key: &str) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = self.db.fetch(&SELECT_INCIDENTS, (key.to_owned(),)).await?;
        let mut services: HashMap<Uuid, Vec<ServiceKey>> = HashMap::new();
        for (incident, key) in self.db.fetch::<(Uuid, String), _>(&SELECT_SERVICES, ()).await? {
            services.entry(incident).or_default().push(key.parse().map_err(StoreError::Damaged)?);
        }
        let mut deadlines: HashMap<Uuid, Vec<Deadline>> = HashMap::new();
        for (incident, kind, owner, mark) in self.db.fetch::<DeadlineRow, _>(&SELECT_DEADLINES, ()).await? {
            let kind = kind.parse().map_err(StoreError::Damaged)?;
            deadlines.entry(incident).or_default().push(Deadline { kind, owner, mark: mark.0 });
        }
        rows.into_iter()
            .map(|row| {
                let services = services.remove(&row.incident_id).unwrap_or_default();
                let deadlines = deadlines.remove(&row.incident_id).unwrap_or_default();
                row.parse(services, deadlines)
            })
            .collect()
    }
}

async fn write_lists(tx: &mut Tx, incident: &Incident) -> Result<(), StoreError> {
    let services = json!(incident.services);
    tx.execute(&INSERT_SERVICES, (incident.id.0, Json(services))).await?;
    let deadline = |deadline: &Deadline| json!({ "kind": deadline.kind, "owner": deadline.owner, "mark": deadline.mark });
    let deadlines: Vec<_> = incident.deadlines.iter().map(deadline).collect();
    tx.execute(&INSERT_DEADLINES, (incident.id.0, Json(json!(deadlines)))).await?;
    Ok(())
}
