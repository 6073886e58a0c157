//! Shares of connections, and what waits behind whom.

use super::*;
use crate::channels::email::Mail;
use crate::dispatch::message::Message;
use crate::domain::chance::Chance;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::ids::IdSource;
use crate::domain::notice::Priority;

struct Desk {
    ready: Ready,
    ids: IdSource,
}

impl Desk {
    fn new(connections: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        Self { ready: Ready::new(connections, &[]), ids: IdSource::new(clock, Arc::new(Chance::seeded(7))) }
    }

    fn push(&self, destination: &str, count: usize) {
        self.ready.claimed(std::iter::repeat_n(&Arc::from(destination), count));
        self.ready.push((0..count).map(|_| self.item(destination)).collect());
    }

    fn push_urgent(&self, destination: &str) {
        self.ready.claimed(std::iter::once(&Arc::from(destination)));
        self.ready.push(vec![Item { priority: Priority::Urgent, ..self.item(destination) }]);
    }

    fn item(&self, destination: &str) -> Item {
        let to = format!("a@{destination}").parse().unwrap();
        let mail =
            Mail::new(DeliveryId(self.ids.next()), "b@x.example".to_owned(), to, "Subject: x\r\n\r\nx");
        Item {
            message: Message::Email(mail),
            destination: Arc::from(destination),
            priority: Priority::Normal,
            units: 1,
            epoch: 0,
            exercise: false,
        }
    }

    fn take(&self, connection: u64) -> Option<Item> {
        match self.ready.take(connection, Duration::ZERO) {
            Take::Message(item, _) => Some(*item),
            Take::Nothing | Take::Closed => None,
        }
    }
}

#[test]
fn an_unknown_destination_gets_half_of_the_connections() {
    let desk = Desk::new(10);
    desk.push("new.example", 20);
    let taken = (0..10).filter_map(|connection| desk.take(connection)).count();
    assert_eq!(taken, 5);
}

#[test]
fn a_quick_destination_gets_all_of_them_while_nobody_else_waits() {
    let desk = Desk::new(10);
    desk.push("quick.example", 20);
    let first = desk.take(0).unwrap();
    desk.ready.ended(0, first.delivery(), Some(true), Duration::from_millis(5));
    assert_eq!((0..10).filter_map(|connection| desk.take(connection)).count(), 10);
}

#[test]
fn others_go_before_a_quick_destination_beyond_its_half() {
    let desk = Desk::new(4);
    desk.push("quick.example", 20);
    let first = desk.take(0).unwrap();
    desk.ready.ended(0, first.delivery(), Some(true), Duration::from_millis(5));
    desk.push("other.example", 2);
    let taken: Vec<String> = (0..4)
        .filter_map(|connection| desk.take(connection))
        .map(|item| item.destination.to_string())
        .collect();
    assert_eq!(taken, ["quick.example", "quick.example", "other.example", "other.example"]);
}

#[test]
fn a_stalled_destination_keeps_one_connection_and_gives_the_rest_back() {
    let desk = Desk::new(10);
    desk.push("slow.example", 10);
    let taken: Vec<Item> = (0..10).filter_map(|connection| desk.take(connection)).collect();
    assert_eq!(taken.len(), 5);
    assert!(desk.ready.give_back(Duration::from_millis(900)).is_empty());
    assert_eq!(desk.ready.give_back(Duration::from_millis(1_100)).len(), 4);
    assert_eq!(desk.ready.limited(), [Limited { destination: "slow.example".to_owned(), room: 0 }]);
    for (connection, item) in taken.iter().enumerate() {
        desk.ready.ended(connection as u64, item.delivery(), Some(true), Duration::from_secs(5));
    }
    assert!(desk.take(0).is_some() && desk.take(1).is_none(), "a single one until it recovers");
}

#[test]
fn nothing_waits_behind_a_destination_that_is_not_known_to_be_quick() {
    let desk = Desk::new(10);
    desk.push("unknown.example", 1);
    desk.push("other.example", 1);
    assert_eq!(&*desk.take(0).unwrap().destination, "unknown.example");
    assert!(desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).is_none());
    desk.push("unknown.example", 1);
    assert_eq!(
        &*desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).unwrap().destination,
        "unknown.example"
    );
}

#[test]
fn what_went_out_behind_a_slow_answer_is_not_blamed_for_it() {
    let desk = Desk::new(10);
    desk.push("quick.example", 2);
    let first = desk.take(0).unwrap();
    desk.ready.ended(0, first.delivery(), Some(true), Duration::ZERO);
    let slow = desk.take(0).unwrap();
    desk.push("other.example", 1);
    let behind = desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).unwrap();
    desk.ready.ended(0, slow.delivery(), Some(true), Duration::from_secs(5));
    desk.ready.ended(0, behind.delivery(), Some(true), Duration::from_millis(5_010));
    let limited: Vec<String> = desk.ready.limited().into_iter().map(|limited| limited.destination).collect();
    assert_eq!(limited, ["quick.example"]);
}

#[test]
fn closing_gives_everything_back() {
    let desk = Desk::new(10);
    desk.push("x.example", 3);
    assert_eq!(desk.ready.close().len(), 3);
    assert!(matches!(desk.ready.take(0, Duration::ZERO), Take::Closed));
}

#[test]
fn what_is_urgent_stands_before_everything_that_is_not_and_behind_what_is() {
    let desk = Desk::new(10);
    desk.push("ordinary.example", 2);
    desk.push_urgent("first.example");
    desk.push_urgent("second.example");
    desk.push("ordinary.example", 1);
    let destinations: Vec<String> = (0..4).map(|n| desk.take(n).unwrap().destination.to_string()).collect();
    assert_eq!(destinations, ["first.example", "second.example", "ordinary.example", "ordinary.example"]);
}

#[test]
fn a_line_that_is_too_long_is_shortened_from_its_end() {
    let desk = Desk::new(10);
    desk.push("ordinary.example", 3);
    desk.push_urgent("urgent.example");
    desk.push("last.example", 2);
    let back = desk.ready.shorten(2);
    let destinations: Vec<&str> = back.iter().map(|item| &*item.destination).collect();
    assert_eq!(destinations, ["ordinary.example", "ordinary.example", "last.example", "last.example"]);
    assert_eq!(desk.ready.waiting(), 2);
    assert!(desk.ready.shorten(2).is_empty(), "it is as short as it may be");
}
