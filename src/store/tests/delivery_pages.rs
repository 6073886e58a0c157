//! Deliveries in pages, with and without indexes for what is wanted.

use super::*;
use crate::domain::contact::ContactCard;

on_both_engines!(
    a_page_that_looked_far_enough_is_short_and_goes_on,
    what_went_wrong_is_read_in_its_order,
    what_is_sent_while_it_is_read_is_read_once
);

/// What is left of the notices is read page by page: ids and states, and how many pages that took.
async fn read(
    bench: &Bench,
    notice: Option<NoticeId>,
    filter: &DeliveryFilter,
    limit: usize,
) -> (Vec<DeliveryRow>, usize) {
    let (mut rows, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = bench.store.delivery_page(notice, filter, after, limit).await.unwrap();
        assert!(page.rows.len() <= limit);
        rows.extend(page.rows);
        pages += 1;
        after = page.next;
        if after.is_none() {
            assert!(rows.is_sorted_by_key(|row| row.id), "oldest first");
            return (rows, pages);
        }
    }
}

async fn a_page_that_looked_far_enough_is_short_and_goes_on(bench: Bench) {
    let id = NoticeId(bench.ids.next());
    let known = book(vec![contact("a", "a@x.example", &["all"])]);
    bench.store.import_contacts(&known, &bench.ids, false, &entry()).await.unwrap();
    let key = bench.store.contacts().await.unwrap()[0].key;
    let recipients: Vec<Recipient> = (0..12_000)
        .map(|n| Recipient {
            delivery: DeliveryId(bench.ids.next()),
            channel: if n == 11_000 { Channel::Sms } else { Channel::Email },
            contact: key,
            card: ContactCard::default().into(),
            address: format!("c{n}@x.example"),
            destination: "x.example".to_owned(),
            units: 1,
        })
        .collect();
    bench.submit(id, Priority::Normal, &recipients, &[]).await;
    while bench.store.fan_out(id, 5_000).await.unwrap().is_some() {}
    let by_sms = DeliveryFilter { channels: vec![Channel::Sms], ..DeliveryFilter::default() };
    let (first, pages) = read(&bench, Some(id), &by_sms, 50).await;
    assert_eq!((first.len(), pages), (1, 3), "pages that found nothing say where to go on");
    let (all, pages) = read(&bench, Some(id), &DeliveryFilter::default(), 200).await;
    assert_eq!((all.len(), pages), (12_000, 60));
    let none = DeliveryFilter { states: vec![DeliveryState::Sent], ..DeliveryFilter::default() };
    assert_eq!(read(&bench, Some(id), &none, 50).await.1, 1, "what is not there is not looked for");
}

async fn what_went_wrong_is_read_in_its_order(bench: Bench) {
    let first = bench.notice(20, &["x.example"], Priority::Normal).await;
    let second = bench.notice(20, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 30).await;
    let attempts: Vec<Attempted> = claimed
        .iter()
        .zip([Move::Failed, Move::Unclear, Move::Expired].iter().cycle())
        .map(|(claimed, moved)| ended(claimed, moved.clone()))
        .collect();
    bench.record(process, &attempts).await;
    for (limit, states) in
        [(3, vec![DeliveryState::Failed]), (4, vec![DeliveryState::Failed, DeliveryState::Unclear])]
    {
        let filter = DeliveryFilter { states: states.clone(), ..DeliveryFilter::default() };
        let (rows, pages) = read(&bench, None, &filter, limit).await;
        assert_eq!(rows.len(), states.len() * 10);
        assert_eq!(pages, rows.len().div_ceil(limit));
        let mut of_each = 0;
        for notice in [first, second] {
            let (own, _) = read(&bench, Some(notice), &filter, limit).await;
            of_each += own.len();
        }
        assert_eq!(of_each, rows.len(), "each belongs to one notice");
    }
}

/// Each of 40 deliveries goes from one index to another state's, or to none, while all are listed.
async fn what_is_sent_while_it_is_read_is_read_once(bench: Bench) {
    let id = bench.notice(40, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 40).await;
    assert_eq!(claimed.len(), 40);
    let all = DeliveryFilter::default();
    let sending = async {
        for (number, claimed) in claimed.iter().enumerate() {
            let moved = if number < 20 { Move::Failed } else { Move::Sent { reference: None } };
            bench.record(process, &[ended(claimed, moved)]).await;
        }
    };
    let reading = async {
        for round in 0.. {
            let (of, limit) = ([None, Some(id)][round % 2], [50, 50, 7][round % 3]);
            let (rows, _) = read(&bench, of, &all, limit).await;
            assert_eq!(rows.len(), 40, "round {round}");
            if rows.iter().all(|row| row.state != DeliveryState::Sending.as_str()) {
                return;
            }
        }
    };
    tokio::join!(sending, reading);
}
