//! `POST /backups`: everything in one file, made and sent while the instance goes on working.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use utoipa::ToSchema;

use crate::app::backup::{BackupError, Download, Wish, download, file_name, sent};
use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::http::Shared;
use crate::http::line::Line;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::configuration;
use super::contact_export::{FileBytes, encryption_key};
use super::pieces::{Pieces, Stream};
use super::problem::{Kind, Problem};
use super::reach;

/// How long the answer waits for the backup, so that what is wrong can still be told as a problem. Of a larger one the
/// answer begins before the first byte is there.
const PATIENCE: Duration = Duration::from_secs(15);
/// How much of the file is read at once, bytes.
const PIECE: usize = 64 * 1024;
/// When to try again after too many streams, seconds.
const ROOM_AGAIN: u64 = 10;

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBackup)]
pub(super) struct BackupWish {
    /// Not encrypted: whoever gets hold of it can read every contact in it. Needs all rights of an admin.
    #[serde(default)]
    unencrypted: bool,
    /// With the key that seals secrets in the store: then whoever can open the backup has everything. Only in one that
    /// is encrypted.
    #[serde(default)]
    with_key: bool,
}

/// Makes a backup of everything, and sends it
///
/// Encrypted with age for whom `[backup] recipients` (or `passphrase_file`) of the configuration says. It is put back at
/// the machine: `rundruf restore FILE`. That it was made is logged, whether or not it arrives; an answer that breaks off
/// is not complete, and HTTP clients say so. One at a time. Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/backups",
    tag = "operations",
    request_body = BackupWish,
    responses(
        (
            status = 200,
            description = "The backup",
            content((FileBytes = "application/octet-stream"), (FileBytes = "application/x-tar")),
        ),
        (status = 409, description = "Nothing is set to encrypt with, or another backup is being made"),
        (status = 429, description = "Too many long answers are under way"),
    ),
)]
pub(super) async fn make(
    State(shared): State<Arc<Shared>>,
    SignedIn(actor): SignedIn,
    line: Option<Extension<Arc<Line>>>,
    JsonBody(wish): JsonBody<BackupWish>,
) -> Result<Response, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must make backups")?;
    if wish.unencrypted && wish.with_key {
        return Err(Problem::invalid("with_key", "only an encrypted backup may hold the key: leave one out"));
    }
    let instance: Instance = shared.parts.instance.clone();
    if wish.with_key && !tokio::fs::try_exists(&instance.settings().database.key_file).await.unwrap_or(true) {
        return Err(Problem::invalid(
            "with_key",
            "there is no key yet, for nothing was sealed with one: leave it out",
        ));
    }
    let key = encryption_key(&instance.settings(), wish.unencrypted)?;
    let configuration = configuration::read(&shared)?;
    let turn = shared.turns.backup.take()?;
    if line.is_some_and(|Extension(line)| !line.begin_stream()) {
        return Err(Problem::new(Kind::TooMany, "too many long answers are under way: ask again in a while")
            .with_header(header::RETRY_AFTER, HeaderValue::from(ROOM_AGAIN)));
    }
    let kind = if key.is_some() { "application/octet-stream" } else { "application/x-tar" };
    let name = file_name(&instance, key.is_some());
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        // The connection has left its place among the ordinary ones: it ends with this answer.
        (header::CONNECTION, "close".to_owned()),
    ];
    let wish = Wish { name, key, configuration, with_key: wish.with_key };
    let body = Sending { instance, actor, wish, _turn: turn }.begin().await?;
    Ok((headers, body).into_response())
}

/// A backup on its way, and the turn that it takes until it is there.
struct Sending {
    instance: Instance,
    actor: Actor,
    wish: Wish,
    _turn: OwnedSemaphorePermit,
}

impl Sending {
    /// Makes the backup and begins to send it: in a task of its own, for whoever hangs up must leave nothing half-done.
    async fn begin(self) -> Result<Body, Problem> {
        let (pieces, stream) = Stream::begin();
        let (tell, told) = oneshot::channel();
        tokio::spawn(self.make(pieces, tell));
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(Err(error))) => Err(error.into()),
            Ok(Err(_)) => Err(Problem::failed("the making of a backup broke off")),
            Ok(Ok(Ok(()))) | Err(_) => Ok(Body::new(stream)),
        }
    }

    /// Makes it, tells how that went, and sends it.
    async fn make(self, pieces: Pieces, tell: oneshot::Sender<Result<(), BackupError>>) {
        let broken = match download(&self.instance, &self.actor, &self.wish).await {
            Ok(download) => {
                // Where nobody waits for this any more, the answer has begun already.
                let _ = tell.send(Ok(()));
                self.send(download, pieces).await.err()
            }
            // The answer has begun, and breaks off now.
            Err(error) => tell.send(Err(error)).err().and_then(Result::err).map(|error| error.to_string()),
        };
        if let Some(why) = broken {
            tracing::error!(target: "rundruf::http", "a backup that was asked for broke off: {why}");
        }
    }

    /// Sends it until its end, or until nobody reads any more.
    async fn send(&self, download: Download, pieces: Pieces) -> Result<(), String> {
        let mut file = File::from_std(download.file);
        loop {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece).await.map_err(|error| error.to_string())?;
            if length == 0 {
                break;
            }
            piece.truncate(length);
            if !pieces.put(piece).await {
                return Err("its reader has gone".to_owned());
            }
        }
        let written = sent(&self.instance, &self.actor, &self.wish.name, &download.made).await;
        written.map_err(|error| error.to_string())?;
        pieces.end().await;
        Ok(())
    }
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Denied(denied) => denied.into(),
            BackupError::Encryption(error) => error.into(),
            BackupError::Store(error) => error.into(),
            BackupError::File { ref why, .. } if why.kind() == ErrorKind::ResourceBusy => {
                Self::conflict("another backup is being made at this moment: ask again in a while")
            }
            other => Self::failed(other),
        }
    }
}
