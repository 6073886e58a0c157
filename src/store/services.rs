//! What the organisation provides, and how it stands.

use std::collections::HashMap;

use serde_json::json;
use sqlx::types::Json;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::key::ServiceKey;
use crate::domain::service::Service;

use super::audit::append;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A new service, unless its key is taken.
    INSERT_SERVICE = "
        INSERT INTO services (service_key, title, state, version, updated_at) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (service_key) DO NOTHING";
    /// What changes in one, if nobody has changed it since it was read.
    UPDATE_SERVICE = "
        UPDATE services SET title = $3, state = $4, version = version + 1, updated_at = $5
        WHERE service_key = $1 AND version = $2";
    /// Nobody uses it any more.
    DELETE_GROUPS = "DELETE FROM service_groups WHERE service_key = $1";
    /// Who uses it.
    INSERT_GROUPS = "
        INSERT INTO service_groups (service_key, group_name) SELECT $1, value FROM json_each_text($2)";
    /// All of them.
    SELECT_SERVICES = "SELECT service_key, title, state, version, updated_at FROM services ORDER BY service_key";
    /// Who uses each.
    SELECT_GROUPS = "SELECT service_key, group_name FROM service_groups ORDER BY group_name";
}

type ServiceRow = (String, String, String, i64, i64);

impl Store {
    /// Writes a service: a new one where `service` has version 0, else what has changed since that version. Says whether
    /// that could be; if not, somebody was quicker and nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_service(&self, service: &Service, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let (key, title) = (service.key.as_str().to_owned(), service.title.clone());
        let (state, now) = (service.state.as_str(), self.now().0);
        let written = if service.version == 0 {
            tx.execute(&INSERT_SERVICE, (key.clone(), title, state, now)).await?
        } else {
            tx.execute(&UPDATE_SERVICE, (key.clone(), service.version, title, state, now)).await?
        };
        if written == 0 {
            return Ok(false);
        }
        tx.execute(&DELETE_GROUPS, (key.clone(),)).await?;
        tx.execute(&INSERT_GROUPS, (key, Json(json!(service.groups)))).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All services, in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn services(&self) -> Result<Vec<Service>, StoreError> {
        let mut groups: HashMap<String, Vec<String>> = HashMap::new();
        for (key, group) in self.db.fetch::<(String, String), _>(&SELECT_GROUPS, ()).await? {
            groups.entry(key).or_default().push(group);
        }
        let rows: Vec<ServiceRow> = self.db.fetch(&SELECT_SERVICES, ()).await?;
        rows.into_iter()
            .map(|(key, title, state, version, updated_at)| {
                Ok(Service {
                    groups: groups.remove(&key).unwrap_or_default(),
                    key: key.parse().map_err(StoreError::Damaged)?,
                    title,
                    state: state.parse().map_err(StoreError::Damaged)?,
                    updated_at: Timestamp(updated_at),
                    version,
                })
            })
            .collect()
    }

    /// The service with this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn service(&self, key: &ServiceKey) -> Result<Option<Service>, StoreError> {
        Ok(self.services().await?.into_iter().find(|service| service.key == *key))
    }
}
