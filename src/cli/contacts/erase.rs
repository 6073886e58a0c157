//! `contacts erase`

use crate::app::erasure::{erase, is_in_files};
use crate::cli::arguments::EraseArguments;
use crate::cli::lookup::{find_contact, open_existing};
use crate::cli::output::{counted, write_text};
use crate::cli::session::{Session, out, say};

/// Erases a contact everywhere in the store.
pub(super) async fn run(session: &Session, arguments: EraseArguments) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let contacts = store.contacts().await?;
    let known = find_contact(&contacts, &arguments.id)?;
    let in_files = is_in_files(&instance, &known.contact.id);
    let erased = erase(&instance, &session.actor(), known, &arguments.reason).await?;
    store.close().await;
    let mut text = format!(
        "{} is erased: {}, {}; where something is listed about it, it is {}\n",
        arguments.id,
        counted(erased.notices as i128, "notice", "notices"),
        counted(erased.deliveries as i128, "delivery", "deliveries"),
        erased.id,
    );
    if erased.cancelled > 0 {
        let waited =
            counted(erased.cancelled as i128, "delivery that waited was", "deliveries that waited were");
        text.push_str(&format!("{waited} cancelled\n"));
    }
    if erased.handed_over > 0 {
        let shared = counted(erased.handed_over as i128, "delivery goes", "deliveries go");
        text.push_str(&format!("{shared} on to another contact who has the same address\n"));
    }
    write_text(&mut out(), &text)?;
    if in_files {
        say(format_args!(
            "STILL IN THE FILES: {} has it too. Take it out there, or the next import is refused because of it.",
            session.settings.instance.contacts.display()
        ));
    }
    say(
        "Not reached from here: backups, exports, printed lists, the outboxes of relays, and what the contact was sent.",
    );
    Ok(())
}
