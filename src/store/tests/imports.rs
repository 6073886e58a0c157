//! What an import does to the contacts that are there.

use super::*;

on_both_engines!(an_import_adds_changes_and_prunes,);

async fn an_import_adds_changes_and_prunes(bench: Bench) {
    let first = book(vec![contact("a", "a@x.example", &["towns"]), contact("b", "b@x.example", &["towns"])]);
    let report = bench.store.preview_import(&first, &bench.ids, false).await.unwrap();
    assert_eq!(
        (report.added.len(), bench.store.contacts().await.unwrap().len()),
        (2, 0),
        "a dry run writes nothing"
    );
    bench.store.import_contacts(&first, &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(bench.kept_contacts().await, ["a a@x.example", "b b@x.example"]);
    let key = bench.store.contacts().await.unwrap()[0].key;

    let mut changed = contact("a", "new@x.example", &["towns", "north"]);
    changed.points[0].rank = 1;
    let second = book(vec![changed]);
    let report = bench.store.import_contacts(&second, &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(
        report.changed,
        [Change { id: "a".to_owned(), fields: vec!["email".to_owned(), "groups".to_owned()] }]
    );
    assert_eq!(report.missing, ["b"]);
    let contacts = bench.store.contacts().await.unwrap();
    assert_eq!(contacts.len(), 2);
    assert_eq!((contacts[0].key, contacts[0].contact.points[0].address.as_str()), (key, "new@x.example"));
    assert_eq!(contacts[0].contact.groups, ["north", "towns"]);
    assert_eq!(contacts[0].contact.attributes.get("plz"), Some("01234"));
    assert_eq!(bench.kept_contacts().await, ["a new@x.example", "b b@x.example"], "what is kept is renewed");

    let report = bench.store.import_contacts(&second, &bench.ids, true, &entry()).await.unwrap();
    assert_eq!((report.removed, report.unchanged), (vec!["b".to_owned()], 1));
    assert_eq!(bench.store.contacts().await.unwrap().len(), 1);
    assert_eq!(bench.kept_contacts().await, ["a new@x.example"]);
    let report = bench.store.import_contacts(&first, &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(report.added, ["b"], "who was removed comes back");
}
