//! Deciding about deliveries that are unclear, and sending again to those who did not get it.

use super::*;

on_both_engines!(
    unclear_deliveries_are_resolved_all_or_none,
    retrying_reaches_those_who_did_not_get_it,
    retrying_goes_to_the_address_that_a_contact_has_now,
    retrying_leaves_nobody_behind_who_shares_a_delivery,
    an_accepted_first_try_stays_in_the_history,
);

async fn unclear_deliveries_are_resolved_all_or_none(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 3).await;
    let unclear = |claimed: &Claimed| ended(claimed, Move::Unclear);
    bench.record(process, &[unclear(&claimed[0]), unclear(&claimed[1]), sent(&claimed[2])]).await;
    let expires = bench.clock.now().plus(Duration::from_secs(7_200));
    let both = [claimed[0].delivery, claimed[2].delivery];
    let error = bench.store.resolve(&both, Resolution::Sent, expires, &entry()).await.unwrap_err();
    assert!(error.to_string().contains("is sent, not unclear"), "{error}");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1), (DeliveryState::Unclear, 2)]);
    bench.store.resolve(&[claimed[0].delivery], Resolution::Failed, expires, &entry()).await.unwrap();
    bench.store.resolve(&[claimed[1].delivery], Resolution::Resend, expires, &entry()).await.unwrap();
    assert_eq!(bench.state(notice).await, NoticeState::Sending);
    let again = bench.claim(process, 3).await;
    assert_eq!((again.len(), again[0].round, again[0].number), (1, 2, 1));
    bench.record(process, &[ended(&again[0], Move::Unclear)]).await;

    // Whoever has moved since is not sent it again where somebody else may live by now.
    let book = book(vec![contact("a", "a@elsewhere.example", &["all"])]);
    bench.store.import_contacts(&book, &bench.ids, true, &entry()).await.unwrap();
    let gone = [again[0].delivery];
    let refused = bench.store.resolve(&gone, Resolution::Resend, expires, &entry()).await.unwrap_err();
    assert!(refused.to_string().contains("no longer has the address"), "{refused}");
    bench.store.resolve(&gone, Resolution::Sent, expires, &entry()).await.unwrap();
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
}

async fn retrying_reaches_those_who_did_not_get_it(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 3).await;
    bench
        .record(
            process,
            &[sent(&claimed[0]), ended(&claimed[1], Move::Failed), ended(&claimed[2], Move::Failed)],
        )
        .await;
    bench.store.suppress("email", &claimed[2].address, "5.1.1", "", None, &entry()).await.unwrap();
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 0 });
    let again = bench.claim(process, 3).await;
    assert_eq!(again.iter().map(|claimed| claimed.delivery).collect::<Vec<_>>(), [claimed[1].delivery]);
    bench.record(process, &[sent(&claimed[1])]).await;
    assert_eq!(
        bench.counts(notice).await[0].0,
        DeliveryState::Sending,
        "an answer of an older round is no news"
    );
    bench.record(process, &[sent(&again[0])]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
}

async fn retrying_goes_to_the_address_that_a_contact_has_now(bench: Bench) {
    let notice = bench.notice(4, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 4).await;
    let failed: Vec<Attempted> = claimed.iter().map(|claimed| ended(claimed, Move::Failed)).collect();
    bench.record(process, &failed).await;
    let mut contacts: Vec<Contact> =
        bench.store.contacts().await.unwrap().into_iter().map(|known| known.contact).collect();
    let mut mend = |claimed: &Claimed, address: &str| {
        let contact = contacts.iter_mut().find(|contact| contact.id == claimed.card.id).unwrap();
        contact.points[0].address = Address::parse(Channel::Email, address).unwrap();
    };
    // The old address is suppressed, the new one is not; a suppressed one; one that another delivery has.
    bench.store.suppress("email", &claimed[0].address, "5.1.1", "", None, &entry()).await.unwrap();
    mend(&claimed[0], "mended@y.example");
    bench.store.suppress("email", "blocked@y.example", "manual", "", None, &entry()).await.unwrap();
    mend(&claimed[1], "blocked@y.example");
    mend(&claimed[2], &claimed[3].address);
    bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();

    assert_eq!(bench.retry(notice).await, Retried { deliveries: 2, readdressed: 1 });
    let again = bench.claim(process, 4).await;
    let goes = |claimed: &Claimed| {
        let found = again.iter().find(|again| again.delivery == claimed.delivery)?;
        Some((found.address.clone(), found.destination.clone()))
    };
    assert_eq!(goes(&claimed[0]), Some(("mended@y.example".to_owned(), "y.example".into())));
    assert_eq!(
        goes(&claimed[1]),
        None,
        "a suppressed address is no way, and the old one may be a stranger's"
    );
    assert_eq!(goes(&claimed[2]), None, "nobody gets it twice, and nobody else instead");
    assert_eq!(goes(&claimed[3]).unwrap().0, claimed[3].address);
}

async fn retrying_leaves_nobody_behind_who_shares_a_delivery(bench: Bench) {
    let notice = bench.notice_to_two_who_share("both@x.example").await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    let import = async |first: &str, second: &str| {
        let contacts = vec![contact("a", first, &["all"]), contact("b", second, &["all"])];
        bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();
    };
    import("a@x.example", "both@x.example").await;
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 0 });
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    import("new@x.example", "new@x.example").await;
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 1 });
}

async fn an_accepted_first_try_stays_in_the_history(bench: Bench) {
    let notice = bench.notice(1, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    let history = async || {
        let detail = bench.store.delivery(claimed[0].delivery).await.unwrap().unwrap();
        let line = |one: &AttemptRow| {
            format!("{}.{} {} {} {} {}", one.round, one.number, one.provider, one.outcome, one.code, one.text)
        };
        detail.attempts.iter().map(line).collect::<Vec<_>>()
    };
    let accepted = sent(&claimed[0]);
    bench.record(process, std::slice::from_ref(&accepted)).await;
    assert_eq!(history().await, ["1.1 relay accepted 2.0.0 Ok"]);
    bench.record(process, &[accepted]).await;
    assert_eq!(
        history().await.len(),
        1,
        "it is the same try, of which the store could not say that it has it"
    );

    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 0 });
    let again = bench.claim(process, 1).await;
    bench.record(process, &[sent(&again[0])]).await;
    let expected =
        ["1.1 relay accepted 2.0.0 Ok", "1.1 relay refused 2.0.0 Ok", "2.1 relay accepted 2.0.0 Ok"];
    assert_eq!(history().await, expected);
}
