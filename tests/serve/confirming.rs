//! The page by which a recipient confirms an alarm, as a browser and as a mail scanner meet it.

use std::sync::Arc;
use std::time::Duration;

use rundruf::domain::actor::Actor;
use rundruf::domain::address::Channel;
use rundruf::domain::audience::Audience;
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::contact::ContactCard;
use rundruf::domain::ids::{ContactKey, DeliveryId, NoticeId};
use rundruf::domain::notice::{Priority, Visibility};
use rundruf::domain::seal::token_hash;
use rundruf::store::{Following, NewNotice, Person, Recipient, Store};

use crate::client::Serving;
use crate::instance::database::new_ids;
use crate::instance::{Engine, Instance, on_both_engines};

const TOKEN: &str = "Zm9vYmFyYmF6cXV4MTIzNA";

on_both_engines!(only_a_post_confirms_and_a_second_one_is_the_same);

/// What the audit log is told where nobody asks it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

/// An alarm to one English contact, whose link holds `TOKEN`.
async fn send_alarm(store: &Store) -> NoticeId {
    let ids = new_ids();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (id, delivery, contact) = (NoticeId(ids.next()), DeliveryId(ids.next()), ContactKey(ids.next()));
    let card = ContactCard {
        id: "anna".to_owned(),
        name: "Anna".to_owned(),
        language: "en".to_owned(),
        ..ContactCard::default()
    };
    let person = Person {
        contact,
        id: card.id.clone(),
        name: card.name.clone(),
        organisation: String::new(),
        group: "all".to_owned(),
        deputy: None,
    };
    let notice = NewNotice {
        id,
        year: 2026,
        code: "ABCDEFGH".to_owned(),
        template: "alarm".to_owned(),
        title: "Alarm <des> Krisenstabs".to_owned(),
        priority: Priority::Urgent,
        visibility: Visibility::Internal,
        exercise: true,
        content: serde_json::json!({}),
        variables: serde_json::json!({}),
        audience: Audience::default(),
        created_by: "test".to_owned(),
        expires_at: clock.now().plus(Duration::from_secs(86_400)),
        incident: None,
        wording: rundruf::domain::wording::WordingRecord::default(),
        following: Following {
            alarm: true,
            people: vec![person.into()],
            links: vec![(delivery, token_hash(TOKEN))],
            ..Following::default()
        },
    };
    let recipient = Recipient {
        delivery,
        channel: Channel::Email,
        contact,
        card: card.into(),
        address: "anna@a.example".to_owned(),
        destination: "a.example".to_owned(),
        units: 1,
    };
    store.submit_notice(&notice, &[recipient], &[], &[], &entry()).await.unwrap();
    store.release_notice(id, &entry()).await.unwrap();
    while store.fan_out(id, 100).await.unwrap().is_some() {}
    id
}

async fn only_a_post_confirms_and_a_second_one_is_the_same(engine: Engine) {
    let serving = Serving::start(Instance::new(engine).await, "").await;
    let store = serving.instance.store().await;
    let notice = send_alarm(&store).await;
    let confirmed =
        async || store.acknowledgement(&token_hash(TOKEN)).await.unwrap().unwrap().acknowledged_at;
    let path = format!("/a/{TOKEN}");

    for method in ["GET", "HEAD", "GET"] {
        let page = serving.ask(method, &path, "", b"").await;
        assert_eq!(page.status, 200, "{page:?}");
        if method == "GET" {
            for words in ["<html lang=\"en\">", "Read and understood", "Alarm &#60;des&#62;", "EXERCISE"] {
                assert!(page.body.contains(words), "{words}: {}", page.body);
            }
        } else {
            assert_eq!(page.body, "");
        }
    }
    assert_eq!(serving.ask("PUT", &path, "", b"").await.status, 405);
    assert_eq!(confirmed().await, None, "looking confirms nothing");

    let first = serving.post(&path, "Origin: https://elsewhere.example\r\n", b"").await;
    assert_eq!(first.status, 200, "{first:?}");
    assert!(first.body.contains("Thank you, confirmed at") && !first.body.contains("<button"), "{first:?}");
    let at = confirmed().await;
    assert!(at.is_some());
    let second = serving.post(&path, "Content-Type: application/x-www-form-urlencoded\r\n", b"x=1").await;
    assert_eq!((second.status, &second.body), (200, &first.body));
    assert_eq!(confirmed().await, at, "the first moment stands");
    assert_eq!(serving.get(&path).await.body, first.body);
    assert_eq!(serving.counted("acknowledgement", "taken").await, 1);
    assert_eq!(serving.counted("acknowledgement", "repeated").await, 1);
    let people = store.notice_people(notice).await.unwrap();
    assert!(people.iter().all(|person| person.acknowledged.is_some()), "{people:?}");

    let wrong = serving.post(&format!("/a/{}", TOKEN.to_lowercase()), "", b"").await;
    assert_eq!(wrong.status, 404);
    assert!(!serving.err().contains(TOKEN), "the token is a secret");
    serving.signal("TERM");
    serving.end().await.exits(0);
}
