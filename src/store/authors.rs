//! Who stands behind a notice: whoever wrote, submitted or prepared it, and the people behind their tokens. None of them
//! is its second person.

use std::collections::BTreeSet;

use crate::domain::ids::NoticeId;

use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Whoever has written at the draft that a notice was: it has the same id, and the log knows every change.
    SELECT_WRITERS = "
        SELECT DISTINCT actor FROM audit_entries
        WHERE subject_kind = 'draft' AND subject = $1 AND action = 'notice.drafted'";
    /// Whose a token is, and who made it.
    SELECT_TOKEN_MAKER = "SELECT account, created_by FROM api_tokens WHERE name = $1";
}

impl Store {
    /// Everybody who has a part in a notice that `submitter` submitted, as labels of
    /// [`Actor::label`](crate::domain::actor::Actor::label): those who wrote its draft, and for every token among them
    /// the account that it belongs to and whoever made it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn authors(&self, notice: NoticeId, submitter: &str) -> Result<BTreeSet<String>, StoreError> {
        let writers: Vec<(String,)> = self.db.fetch(&SELECT_WRITERS, (notice.to_string(),)).await?;
        self.with_those_behind(writers.into_iter().map(|(writer,)| writer).chain([submitter.to_owned()]))
            .await
    }

    /// `labels`, and for every token among them the account that it belongs to and whoever made it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn with_those_behind(
        &self,
        labels: impl IntoIterator<Item = String>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut found = BTreeSet::new();
        let mut open: Vec<String> = labels.into_iter().collect();
        while let Some(label) = open.pop() {
            if let Some(token) = label.strip_prefix("token:") {
                let row: Option<(Option<String>, String)> =
                    self.db.fetch_first(&SELECT_TOKEN_MAKER, (token.to_owned(),)).await?;
                let behind = row.into_iter().flat_map(|(account, maker)| account.into_iter().chain([maker]));
                open.extend(behind.filter(|label| !found.contains(label)));
            }
            found.insert(label);
        }
        Ok(found)
    }
}
