//! A feed that holds its messages in a list, and keeps the outcomes.

use std::collections::{HashSet, VecDeque};

use rundruf::channels::email::{Feed, Mail};
use rundruf::domain::ids::DeliveryId;
use rundruf::domain::outcome::{Fault, Outcome};
use tokio::sync::mpsc;
use uuid::Uuid;

#[derive(Default)]
pub struct ListFeed {
    pub ready: VecDeque<Mail>,
    /// Where more comes from when the list is empty.
    pub later: Option<mpsc::Receiver<Mail>>,
    /// What may not be sent any more.
    pub lapsed: HashSet<DeliveryId>,
    pub outcomes: Vec<(DeliveryId, Outcome)>,
    pub taken: Vec<DeliveryId>,
}

/// What an outcome says, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Accepted,
    Transient,
    Address,
    Recipient,
    Policy,
    Ours,
    Unclear,
    Returned,
}

pub fn id(number: u128) -> DeliveryId {
    DeliveryId(Uuid::from_u128(number))
}

pub fn mail(number: u128, to: &str) -> Mail {
    let text = format!("Subject: {number}\r\n\r\n.\r\n..Text {number}\r\n");
    let return_path = format!("b+{number}@bounce.example");
    Mail::new(id(number), return_path, to.parse().expect("a good address"), &text)
}

impl ListFeed {
    /// Messages 1, 2, 3 … to these recipients.
    pub fn to(recipients: &[&str]) -> Self {
        let numbered = (1..).zip(recipients);
        Self { ready: numbered.map(|(number, to)| mail(number, to)).collect(), ..Self::default() }
    }

    /// `count` messages to one domain.
    pub fn many(count: u128) -> Self {
        let ready = (1..=count).map(|number| mail(number, &format!("r{number}@a.example"))).collect();
        Self { ready, ..Self::default() }
    }

    /// The outcomes in the order of the messages.
    pub fn said(&self) -> Vec<Said> {
        let mut outcomes: Vec<_> = self.outcomes.iter().collect();
        outcomes.sort_by_key(|(delivery, _)| *delivery);
        outcomes
            .into_iter()
            .map(|(_, outcome)| match outcome {
                Outcome::Accepted { .. } => Said::Accepted,
                Outcome::Transient { .. } => Said::Transient,
                Outcome::Permanent { fault: Fault::Address, .. } => Said::Address,
                Outcome::Permanent { fault: Fault::Recipient, .. } => Said::Recipient,
                Outcome::Permanent { fault: Fault::Policy, .. } => Said::Policy,
                Outcome::Ours { .. } => Said::Ours,
                Outcome::Unclear { .. } => Said::Unclear,
                Outcome::Returned => Said::Returned,
            })
            .collect()
    }

    pub fn assert_every_mail_was_reported_once(&self) {
        let mut taken = self.taken.clone();
        let mut reported: Vec<_> = self.outcomes.iter().map(|(delivery, _)| *delivery).collect();
        taken.sort();
        reported.sort();
        assert_eq!(taken, reported);
    }
}

impl Feed for ListFeed {
    async fn next(&mut self) -> Option<Mail> {
        if let Some(mail) = self.try_next() {
            return Some(mail);
        }
        let mail = self.later.as_mut()?.recv().await?;
        self.taken.push(mail.delivery);
        Some(mail)
    }

    fn try_next(&mut self) -> Option<Mail> {
        let mail = self.ready.pop_front()?;
        self.taken.push(mail.delivery);
        Some(mail)
    }

    fn may_send(&mut self, mail: &Mail) -> bool {
        !self.lapsed.contains(&mail.delivery)
    }

    fn report(&mut self, delivery: DeliveryId, outcome: Outcome) {
        self.outcomes.push((delivery, outcome));
    }
}
