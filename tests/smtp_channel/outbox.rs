//! The folder instead of a relay.

use rundruf::channels::email::{SessionEnd, outbox};
use rundruf::domain::outcome::Outcome;

use crate::list_feed::Said::{Accepted, Ours, Returned};
use crate::list_feed::{ListFeed, id, mail};

#[tokio::test]
async fn each_message_is_a_file_of_its_own_and_a_repeat_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let outbox_folder = folder.path().join("var/outbox");
    for _ in 0..2 {
        let mut feed = ListFeed::many(150);
        feed.lapsed = [id(7)].into();
        assert_eq!(outbox::run(&outbox_folder, &mut feed).await, SessionEnd::Finished);
        feed.assert_every_mail_was_reported_once();
        let mut expected = vec![Accepted; 150];
        expected[6] = Returned;
        assert_eq!(feed.said(), expected);
    }
    let mut names: Vec<_> = std::fs::read_dir(&outbox_folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 149);
    assert_eq!(names[0], format!("{}.eml", id(1)));
    let text = std::fs::read_to_string(outbox_folder.join(&names[0])).unwrap();
    assert_eq!(text, format!("Return-Path: <b+1@bounce.example>\r\n{}", mail(1, "a@b.example").message()));
    assert!(text.ends_with("\r\n.\r\n..Text 1\r\n"), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_ours_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keinordner");
    std::fs::write(&file, "").unwrap();
    let mut feed = ListFeed::many(3);
    let end = outbox::run(&file, &mut feed).await;
    feed.assert_every_mail_was_reported_once();
    assert_eq!(feed.said(), [Ours, Returned, Returned]);
    let SessionEnd::Ours { reason } = end else { panic!("{end:?}") };
    assert!(reason.text.contains("keinordner is no folder"), "{}", reason.text);
}

#[tokio::test]
async fn a_full_disk_is_ours_and_says_so() {
    // Writing to /dev/full fails as a full disk does: the unfinished file of delivery 2 leads there.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join(format!(".{}.unfinished", id(2)))).unwrap();
    let mut feed = ListFeed::many(3);
    let end = outbox::run(folder.path(), &mut feed).await;
    feed.assert_every_mail_was_reported_once();
    assert_eq!(feed.said(), [Accepted, Ours, Returned]);
    let SessionEnd::Ours { reason } = end else { panic!("{end:?}") };
    assert!(reason.text.contains("is full"), "{}", reason.text);
    assert!(feed.outcomes.contains(&(id(2), Outcome::Ours { reason })));
}
