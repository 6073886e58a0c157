//! `contacts print`

use anyhow::Context;

use crate::app::contact_sheet::{SheetRequest, contact_sheet};
use crate::cli::arguments::PrintArguments;
use crate::cli::lookup::find_group;
use crate::cli::new_file::write_file;
use crate::cli::output::{counted, write_text};
use crate::cli::session::{Session, out, say};
use crate::store::Purpose;

/// Makes the list for the drawer.
pub(super) async fn run(session: &Session, arguments: PrintArguments) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let groups = store.groups().await?;
    let named = arguments.groups.iter().map(|name| Ok(find_group(&groups, name)?.name.clone()));
    let request = SheetRequest { groups: named.collect::<anyhow::Result<_>>()? };
    let instance = session.open_instance(&store).await?;
    let sheet = contact_sheet(&instance, &session.actor(), &request, "").await?;
    let Some(path) = &arguments.output else {
        write_text(&mut out(), &sheet.html)?;
        return Ok(());
    };
    write_file(path, sheet.html.as_bytes())
        .with_context(|| format!("{} cannot be written: check the path behind --output", path.display()))?;
    say(format_args!(
        "{} in {} written to {}. Print it, put it where it is found without a computer, and delete the file; shred the \
         old list.",
        counted(sheet.contacts as i128, "contact", "contacts"),
        counted(sheet.groups as i128, "group", "groups"),
        path.display()
    ));
    Ok(())
}
