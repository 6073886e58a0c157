//! `audit proof`

use std::path::PathBuf;

use anyhow::Context;

use crate::app::audit::proof::{Wish, make};
use crate::cli::arguments::ProofArguments;
use crate::cli::lookup::find_notice;
use crate::cli::new_file::write_file;
use crate::cli::session::{Session, say};
use crate::store::Purpose;

/// Writes the proof of a notice, and says where.
pub(super) async fn run(session: &Session, arguments: ProofArguments) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let notice = find_notice(session, &store, &arguments.notice.number).await?;
    let instance = session.open_instance(&store).await?;
    let wish = Wish { file_number: arguments.file_number, reveal: arguments.reveal };
    let html = make(&instance, &session.actor(), &notice, &wish).await?;
    store.close().await;
    let path = arguments.output.unwrap_or_else(|| PathBuf::from(format!("proof-{}.html", notice.number)));
    let replaces = path.exists();
    write_file(&path, &html)
        .with_context(|| format!("{} cannot be written: check the path behind --output", path.display()))?;
    let whose = if wish.reveal.is_some() {
        "It holds names and addresses in full; that is in the audit log."
    } else {
        "Names and addresses are masked; --reveal REASON shows them."
    };
    say(format_args!(
        "The proof of {} is in {}: open it in a browser and print it. {whose}",
        notice.number,
        path.display()
    ));
    if replaces {
        say("! It took the place of a file of that name.");
    }
    if !notice.state.is_final() {
        say("! The notice has not ended: make the proof again when it has.");
    }
    Ok(())
}
