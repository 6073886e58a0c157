//! Whatever happens in whatever order: nobody is forgotten, and nobody told twice.

use super::*;

on_both_engines!(nobody_is_forgotten_and_no_address_is_told_twice);

/// Whatever happens in whatever order: counts add up, no address has two deliveries, and in the end everybody was
/// reached, or stands on the list of those who were not with every usable way tried.
async fn nobody_is_forgotten_and_no_address_is_told_twice(bench: Bench) {
    let mut bench = bench;
    for seed in 0..6_u64 {
        let chance = Chance::seeded(seed);
        let below = |n: usize| (chance.fraction() * n as f64) as usize;
        let ids: Vec<String> = (0..8).map(|n| format!("s{seed}-{n}")).collect();
        let addresses: Vec<String> =
            (0..10)
                .map(|n| {
                    if n % 3 == 0 { format!("+49171{seed}00000{n}") } else { format!("m{n}@s{seed}.example") }
                })
                .collect();
        let own: Vec<Vec<&str>> = ids
            .iter()
            .map(|_| {
                let mut own: Vec<&str> = (0..below(4)).map(|_| addresses[below(10)].as_str()).collect();
                own.sort_by_key(|address| !address.starts_with('+'));
                own.dedup();
                own
            })
            .collect();
        let cast: Vec<Cast<'_>> = (0..8)
            .map(|n| (ids[n].as_str(), own[n].as_slice(), (below(2) == 0).then(|| ids[below(8)].as_str())))
            .map(|(id, own, deputy)| (id, own, deputy.filter(|deputy| *deputy != id)))
            .collect();
        let audience: Vec<&str> = ids[..6].iter().map(String::as_str).collect();
        let alarm = seed % 2 == 0;
        let stage = Stage::new(bench, alarm, &cast, &audience).await;
        for _ in 0..40 {
            match below(8) {
                0 | 1 => {
                    let moved = |fails| if fails { Move::Failed } else { Move::Sent { reference: None } };
                    stage.send(|_| moved(below(3) == 0)).await;
                }
                2 => {
                    stage.later().await;
                }
                3 | 4 => {
                    stage.cascade().await;
                }
                5 => {
                    let rows = stage.rows().await;
                    let sent: Vec<&DeliveryRow> = rows.iter().filter(|row| row.state == "sent").collect();
                    if alarm && !sent.is_empty() && below(3) == 0 {
                        let delivery = DeliveryId(sent[below(sent.len())].id);
                        stage.bench.store.acknowledge(&hash(delivery)).await.unwrap();
                    }
                }
                6 => {
                    let rows = stage.rows().await;
                    let sent: Vec<&DeliveryRow> = rows.iter().filter(|row| row.state == "sent").collect();
                    if !sent.is_empty() && below(2) == 0 {
                        stage.bounce(&sent[below(sent.len())].address).await;
                    }
                }
                _ => {
                    let event = if below(2) == 0 { NoticeEvent::Pause } else { NoticeEvent::Resume };
                    let _ = stage.bench.store.move_notice(stage.notice, event, &entry()).await;
                }
            }
            if stage.bench.clock.now() >= START.plus(Duration::from_secs(3_000 * (seed + 1))) {
                break;
            }
        }
        let _ = stage.bench.store.move_notice(stage.notice, NoticeEvent::Resume, &entry()).await;
        stage.bench.outlast(stage.bench.clock.now().plus(AFTER * 30)).await;
        for _ in 0..20 {
            stage.send_all().await;
            stage.later().await;
        }
        let summary = stage.bench.store.notice_summary(stage.notice).await.unwrap().unwrap();
        assert!(summary.state.is_final(), "seed {seed}: {:?}", summary.state);
        assert_eq!((summary.cascade_open, summary.counts().open()), (0, 0), "seed {seed}");
        assert_eq!(summary.recipients, summary.counts().total(), "seed {seed}");
        let people = stage.bench.store.notice_people(stage.notice).await.unwrap();
        assert_eq!(people.len(), 6);
        for person in people.iter().filter(|person| !person.is_reached(alarm)) {
            for step in stage.bench.store.cascade_steps(stage.notice, &person.person.id).await.unwrap() {
                assert!(
                    step.fired_by.is_some(),
                    "seed {seed}: {} was forgotten at {step:?}",
                    person.person.id
                );
            }
        }
        bench = stage.bench;
    }
}
