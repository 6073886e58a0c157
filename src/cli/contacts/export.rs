//! `contacts export`

use std::io::{self, IsTerminal};

use anyhow::{Context, bail};

use crate::app::contacts_export::{Exported, Wanted, export};
use crate::app::encryption::EncryptionKey;
use crate::cli::arguments::ExportArguments;
use crate::cli::audit::say_not_written_down;
use crate::cli::lookup::{find_contact, find_group};
use crate::cli::new_file::write_file;
use crate::cli::output::{counted, write_bytes};
use crate::cli::session::{Session, out, say};
use crate::store::{Purpose, Store};

/// Writes contacts as a file that import takes, webhook secrets included; or all that is held about one of them.
pub(super) async fn run(session: &Session, arguments: ExportArguments) -> anyhow::Result<()> {
    let key = match arguments.unencrypted {
        true => None,
        false => Some(EncryptionKey::from_settings(&session.settings.backup)?),
    };
    let is_encrypted = key.is_some();
    let store = session.open_store(Purpose::Read).await?;
    let Exported { bytes, contacts, not_written_down } = file(session, &store, &arguments, key).await?;
    if let Some(error) = not_written_down {
        say_not_written_down(&error.into());
    }
    let Some(path) = &arguments.output else {
        if is_encrypted && io::stdout().is_terminal() {
            bail!(
                "an encrypted file is nothing for a terminal: name a file with --output, or send it into one"
            );
        }
        write_bytes(&mut out(), &bytes)?;
        return Ok(());
    };
    write_file(path, &bytes)
        .with_context(|| format!("{} cannot be written: check the path behind --output", path.display()))?;
    let what = counted(contacts as i128, "contact", "contacts");
    if is_encrypted {
        say(format_args!(
            "{what} written to {}, encrypted with age. Open it where the private key is: age --decrypt -i KEYFILE {}",
            path.display(),
            path.display()
        ));
    } else {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        say(format_args!(
            "{what} written to {}. It holds personal data, and the secrets of webhooks. Imported again, everybody in \
             it also belongs to the group of the file's name ({stem}).",
            path.display()
        ));
    }
    Ok(())
}

async fn file(
    session: &Session,
    store: &Store,
    arguments: &ExportArguments,
    key: Option<EncryptionKey>,
) -> anyhow::Result<Exported> {
    let (instance, actor) = (session.open_instance(store).await?, session.actor());
    if let Some(id) = &arguments.about {
        let contacts = store.contacts().await?;
        let about = Wanted::About { known: find_contact(&contacts, id)?, contacts: &contacts };
        return Ok(export(&instance, &actor, about, key, "").await?);
    }
    let groups = store.groups().await?;
    let wanted = match &arguments.group {
        Some(name) => Wanted::Group(&find_group(&groups, name)?.name),
        None => Wanted::Everybody,
    };
    Ok(export(&instance, &actor, wanted, key, "").await?)
}
