//! `backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::SecretString;

use crate::app::backup::{self, FilesBack, What, Wish};
use crate::app::encryption::{DecryptionKey, EncryptionKey};
use crate::domain::backup::Manifest;
use crate::store::Purpose;

use super::arguments::{BackupArguments, RestoreArguments};
use super::output::{counted, program};
use super::session::{Exit, Session, say};

/// Where the settings of a restored instance are written: secrets in them are masked, so that they are no configuration.
const CONFIGURATION: &str = "rundruf.restored.toml";

/// Makes a backup.
pub(super) async fn make(session: &Session, arguments: BackupArguments) -> anyhow::Result<Exit> {
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let key = match &arguments.passphrase_file {
        _ if arguments.unencrypted => None,
        Some(file) => Some(EncryptionKey::Passphrase(secret(file)?)),
        None => Some(EncryptionKey::from_settings(&session.settings.backup)?),
    };
    let is_encrypted = key.is_some();
    let file = arguments.file.unwrap_or_else(|| backup::file_name(&instance, is_encrypted).into());
    let configuration = session.configuration().to_toml()?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let wish = Wish { name, key, configuration, with_key: arguments.with_key };
    let made = backup::make(&instance, &session.actor(), &file, &wish).await?;
    store.close().await;
    say(format_args!(
        "{} holds everything as it was at {}: {}, {} KB.",
        file.display(),
        session.local(made.at),
        counted(i128::from(made.rows), "row", "rows"),
        made.bytes.div_ceil(1_000),
    ));
    if !is_encrypted {
        say("It is NOT encrypted: whoever gets hold of it can read every name and address in it.");
    }
    let key_file = &session.settings.database.key_file;
    if arguments.with_key {
        say("The key that seals secrets is in it, too: keep it where nobody else comes.");
    } else if key_file.exists() {
        say(format_args!(
            "The key that seals secrets ({}) is not in it: keep a copy of that file in another place.",
            key_file.display()
        ));
    }
    Ok(Exit::Done)
}

/// Puts a backup back, or only looks at it.
pub(super) async fn restore(session: &Session, arguments: RestoreArguments) -> anyhow::Result<Exit> {
    let key = decryption_key(session, &arguments)?;
    if arguments.check {
        let checked = backup::check(&arguments.file, key.as_ref())?;
        describe(session, &checked.manifest);
        say("It is whole, and its audit log is unbroken. Nothing was changed.");
        return Ok(Exit::Done);
    }
    // No store is made for a backup that is not there.
    std::fs::File::open(&arguments.file).with_context(|| {
        format!(
            "the backup {} cannot be opened: check the path; nothing was changed",
            arguments.file.display()
        )
    })?;
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let configuration = session.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let what = What {
        file: arguments.file.clone(),
        key,
        replace: arguments.replace,
        overwrite: arguments.overwrite_files,
        configuration: configuration.join(CONFIGURATION),
    };
    let restored = backup::restore(&instance, &session.actor(), &what).await?;
    store.close().await;
    describe(session, &restored.manifest);
    let (settled, program) = (restored.settled, program(session));
    say(format_args!(
        "It is restored. Nothing of it is sent by itself: {}, {} (rundruf deliveries list --state unclear).",
        counted(
            i128::from(settled.paused),
            "notice that was live is paused",
            "notices that were live are paused"
        ),
        counted(settled.unclear as i128, "delivery is unclear", "deliveries are unclear"),
    ));
    if settled.paused > 0 {
        say(format_args!(
            "What was waiting at that time may have been sent since. Look at each (\"{program} notices list\"), then \
             \"{program} notices resume NUMBER\" or \"{program} notices cancel NUMBER\"."
        ));
    }
    if settled.numbers_skipped > 0 {
        say(format_args!(
            "New notices leave out {} numbers: some may have been given after the backup was made.",
            settled.numbers_skipped
        ));
    }
    say(
        "Nobody is reminded of updates and deadlines that were due before now: look at the incidents. Accounts and \
         tokens are as they were then: disable again whom you have disabled since. Processes that ran \
         on this store send nothing any more: end them and start them again.",
    );
    Ok(if files_back(&restored.files) { Exit::Done } else { Exit::Refused })
}

/// Says what became of the files; `false`: not all are back.
fn files_back(files: &Result<FilesBack, String>) -> bool {
    let names = |paths: &[PathBuf]| {
        let shown: Vec<String> = paths.iter().map(|path| format!("  {}", path.display())).collect();
        shown.join("\n")
    };
    let FilesBack { written, kept } = match files {
        Ok(back) => back,
        Err(why) => {
            say(format_args!(
                "! The store is restored, but not all files are back ({why}): take the others out of the backup by hand"
            ));
            return false;
        }
    };
    if !written.is_empty() {
        say(format_args!("Files that are back:\n{}", names(written)));
    }
    if !kept.is_empty() {
        say(format_args!(
            "These files are not as they were then, and stayed as they are (--overwrite-files):\n{}",
            names(kept)
        ));
    }
    true
}

fn describe(session: &Session, manifest: &Manifest) {
    say(format_args!(
        "A backup of {}, as it was at {}: {}, made by rundruf {}{}.",
        manifest.instance,
        session.local(manifest.made_at()),
        counted(i128::from(manifest.rows()), "row", "rows"),
        manifest.program,
        if manifest.with_key { ", with the key that seals secrets" } else { "" },
    ));
}

fn decryption_key(session: &Session, arguments: &RestoreArguments) -> anyhow::Result<Option<DecryptionKey>> {
    if let Some(file) = &arguments.identity {
        let key = DecryptionKey::from_key_file(&text(file)?);
        return Ok(Some(key.with_context(|| file.display().to_string())?));
    }
    if let Some(file) = &arguments.passphrase_file {
        return Ok(Some(DecryptionKey::Passphrase(secret(file)?)));
    }
    Ok(session.settings.backup.passphrase.clone().map(DecryptionKey::Passphrase))
}

fn text(file: &Path) -> anyhow::Result<SecretString> {
    let read = std::fs::read_to_string(file);
    Ok(SecretString::from(read.with_context(|| format!("{} cannot be read", file.display()))?))
}

/// The first line of a file, which is a passphrase.
fn secret(file: &Path) -> anyhow::Result<SecretString> {
    use secrecy::ExposeSecret;
    let text = text(file)?;
    let line = text.expose_secret().lines().next().unwrap_or_default();
    anyhow::ensure!(
        !line.is_empty(),
        "{} is empty: write the passphrase into its first line",
        file.display()
    );
    Ok(SecretString::from(line))
}
