//! A folder instead of a gateway: one text file a message, for setting up and exercises.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::domain::outcome::{Outcome, Reason};

use super::OutgoingSms;

/// More files of one delivery than rounds that anybody starts.
const MOST_REPEATS: usize = 1000;

/// Writes one message into `folder` (made if missing).
///
/// A file appears under its name `DELIVERY.txt` when it is complete and on the disk. One that is there is never
/// replaced: a repeat is `DELIVERY-2.txt`, so that whoever looks sees that it went out twice.
pub async fn write_to_outbox(folder: &Path, message: &OutgoingSms) -> Outcome {
    let target = folder.to_owned();
    let delivery = message.delivery.to_string();
    let text = file_text(message);
    let written = tokio::task::spawn_blocking(move || write(&target, &delivery, &text))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    match written {
        Ok(name) => {
            let reason = Reason::new("outbox", format!("written to {name}"));
            Outcome::Accepted { reference: Some(name), reason }
        }
        Err(error) => Outcome::Ours { reason: explain(folder, &error) },
    }
}

fn file_text(message: &OutgoingSms) -> String {
    let size = &message.content.size;
    format!(
        "To: {}\nLanguage: {}\nValid for: {} min\nSize: {} units in {}, segments: {}\nName: {}\n\n{}\n",
        message.to,
        message.content.language,
        message.valid_minutes(),
        size.units,
        size.encoding,
        size.segments,
        message.name,
        message.content.text,
    )
}

fn write(folder: &Path, delivery: &str, text: &str) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{delivery}.sms.unfinished"));
    let result = write_file(&unfinished, text).and_then(|()| give_name(folder, &unfinished, delivery));
    let _ = fs::remove_file(&unfinished);
    let name = result?;
    // A name is only safe when the folder is on the disk as well.
    File::open(folder)?.sync_all()?;
    Ok(name)
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A link, unlike a new name, never takes the place of a file that is there.
fn give_name(folder: &Path, unfinished: &Path, delivery: &str) -> io::Result<String> {
    for repeat in 1..=MOST_REPEATS {
        let name = if repeat == 1 { format!("{delivery}.txt") } else { format!("{delivery}-{repeat}.txt") };
        match fs::hard_link(unfinished, folder.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("this delivery has been written a thousand times"))
}

fn explain(folder: &Path, error: &io::Error) -> Reason {
    let folder = folder.display();
    let text = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk of the outbox {folder} is full: make room there")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("the outbox {folder} cannot be written to ({error}): give this user the right to")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("the outbox {folder} is no folder: correct the provider's url, or remove the file")
        }
        _ => format!("the outbox {folder} cannot be written to ({error})"),
    };
    Reason::new("disk", text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::message::SmsContent;
    use crate::domain::sms_text::measure;

    fn message() -> OutgoingSms {
        let text = "KDM: Störung seit 05:40.";
        OutgoingSms {
            delivery: "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap(),
            name: "name.mac".to_owned(),
            to: "+4915228817386".parse().unwrap(),
            content: SmsContent {
                text: text.to_owned(),
                size: measure(text),
                outside_gsm: Vec::new(),
                language: "de".to_owned(),
            },
            valid_for: Duration::from_secs(3601),
        }
    }

    #[tokio::test]
    async fn a_message_is_one_readable_file_and_a_repeat_another() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = folder.path().join("var/outbox");
        let delivery = message().delivery;
        for expected in [format!("{delivery}.txt"), format!("{delivery}-2.txt")] {
            let Outcome::Accepted { reference, .. } = write_to_outbox(&outbox, &message()).await else {
                panic!()
            };
            assert_eq!(reference, Some(expected.clone()));
            let text = fs::read_to_string(outbox.join(expected)).unwrap();
            assert!(text.starts_with("To: +4915228817386\n"), "{text}");
            assert!(text.contains("Valid for: 61 min\nSize: 24 units in GSM-7, segments: 1\n"), "{text}");
            assert!(text.ends_with("\n\nKDM: Störung seit 05:40.\n"), "{text}");
        }
        assert_eq!(fs::read_dir(&outbox).unwrap().count(), 2, "nothing unfinished remains");
    }

    #[tokio::test]
    async fn a_folder_that_is_a_file_is_ours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let Outcome::Ours { reason } = write_to_outbox(file.path(), &message()).await else { panic!() };
        assert!(reason.text.contains("is no folder"), "{}", reason.text);
    }
}
