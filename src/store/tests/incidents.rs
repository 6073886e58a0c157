//! Incidents, the notices that belong to them, and what only one of several may do.

use super::*;
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Deadline, DeadlineKind, DeadlineMark, Incident, Reminder, ReminderKind};
use crate::domain::service::{Service, ServiceState};
use crate::domain::template::Phase;
use crate::domain::wording::WordingHint;
use crate::store::NewNotice;

const HOUR: Duration = Duration::from_secs(3_600);

on_both_engines!(
    an_incident_reads_back_as_it_was_written,
    a_key_is_given_once,
    of_two_who_change_an_incident_the_second_is_told,
    a_released_notice_takes_its_place_and_moves_the_clock,
    a_notice_that_waits_moves_nothing,
    a_reminder_is_given_once,
    words_are_ticked_once,
    a_service_keeps_its_groups_and_its_version,
    what_belongs_to_an_incident_is_kept_until_that_has_ended,
);

impl Bench {
    fn incident(&self, key: &str) -> Incident {
        Incident {
            id: IncidentId(self.ids.next()),
            key: key.parse().unwrap(),
            title: "IT-Ausfall".to_owned(),
            phase: Phase::Investigating,
            exercise: true,
            known_at: START,
            opened_at: START,
            opened_by: "anna".to_owned(),
            closed_at: None,
            next_update_at: None,
            services: vec!["mail".parse().unwrap(), "sap".parse().unwrap()],
            deadlines: vec![Deadline::open(DeadlineKind::BsiEarly, "Ümit".to_owned())],
            version: 1,
        }
    }

    async fn opened(&self, key: &str) -> Incident {
        let incident = self.incident(key);
        assert!(self.store.open_incident(&incident, &entry()).await.unwrap());
        incident
    }

    async fn read(&self, key: &str) -> Incident {
        self.store.incident(&key.parse().unwrap()).await.unwrap().unwrap()
    }

    fn notice_of(&self, incident: &Incident, promised_at: Option<Timestamp>) -> NewNotice {
        let link = IncidentLink {
            incident: incident.id,
            key: incident.key.clone(),
            title: incident.title.clone(),
            phase: incident.phase,
            services: vec!["mail".to_owned()],
            next_update_at: promised_at,
            promised_at,
            reminder: None,
        };
        NewNotice { incident: Some(link), ..self.new_notice(NoticeId(self.ids.next()), Priority::Normal) }
    }
}

async fn an_incident_reads_back_as_it_was_written(bench: Bench) {
    let mut incident = bench.opened("it-ausfall").await;
    bench.opened("zweiter").await;
    assert_eq!(bench.read("it-ausfall").await, incident);
    incident.phase = Phase::Restoring;
    incident.next_update_at = Some(START.plus(HOUR));
    incident.services.clear();
    incident.deadlines[0].mark =
        DeadlineMark::Done { at: START, by: "anna".to_owned(), proof: "Az. 4711 \"eilig\"".to_owned() };
    assert!(bench.store.change_incident(&incident, &entry()).await.unwrap());
    incident.version = 2;
    assert_eq!(bench.read("it-ausfall").await, incident);
    assert_eq!(bench.store.incidents().await.unwrap().len(), 2);
}

async fn a_key_is_given_once(bench: Bench) {
    bench.opened("it-ausfall").await;
    let head = bench.store.audit_head().await.unwrap();
    assert!(!bench.store.open_incident(&bench.incident("it-ausfall"), &entry()).await.unwrap());
    assert_eq!(bench.store.audit_head().await.unwrap(), head, "what did not happen leaves no entry");
}

async fn of_two_who_change_an_incident_the_second_is_told(bench: Bench) {
    let first = bench.opened("it-ausfall").await;
    let mut second = first.clone();
    assert!(bench.store.change_incident(&first, &entry()).await.unwrap());
    second.title = "Anders".to_owned();
    assert!(!bench.store.change_incident(&second, &entry()).await.unwrap());
    assert_eq!(bench.read("it-ausfall").await.title, "IT-Ausfall");
}

async fn a_released_notice_takes_its_place_and_moves_the_clock(bench: Bench) {
    let incident = bench.opened("it-ausfall").await;
    let (first, second) = (START.plus(HOUR), START.plus(HOUR * 2));
    for promised_at in [Some(first), None, Some(second)] {
        let new = bench.notice_of(&incident, promised_at);
        bench.store.submit_notice(&new, &[], &[], &[], &entry()).await.unwrap();
        bench.store.release_notice(new.id, &entry()).await.unwrap();
        bench.store.release_notice(new.id, &entry()).await.unwrap();
    }
    let after = bench.read("it-ausfall").await;
    assert_eq!(
        (after.next_update_at, after.version),
        (Some(second), 3),
        "twice moved, however often released"
    );
    let timeline = bench.store.incident_timeline(incident.id).await.unwrap();
    let positions: Vec<Option<i64>> = timeline.iter().map(|notice| notice.position).collect();
    assert_eq!(positions, [Some(1), Some(2), Some(3)]);
    assert_eq!(timeline[0].promised_at, Some(first));
    let link =
        bench.store.notice_incident(bench.store.notice_id(&timeline[2].number).await.unwrap().unwrap());
    let link = link.await.unwrap().unwrap();
    assert_eq!((link.key.as_str(), link.services.as_slice()), ("it-ausfall", ["mail".to_owned()].as_slice()));
    assert_eq!(bench.store.incidents_of_notices().await.unwrap().len(), 3);
}

async fn a_notice_that_waits_moves_nothing(bench: Bench) {
    let incident = bench.opened("it-ausfall").await;
    let new = bench.notice_of(&incident, Some(START.plus(HOUR)));
    bench.store.submit_notice(&new, &[], &[], &[], &entry()).await.unwrap();
    assert_eq!(bench.read("it-ausfall").await, incident);
    let timeline = bench.store.incident_timeline(incident.id).await.unwrap();
    assert_eq!((timeline.len(), timeline[0].position), (1, None));

    let mut closed = incident.clone();
    closed.closed_at = Some(START);
    assert!(bench.store.change_incident(&closed, &entry()).await.unwrap());
    bench.store.release_notice(new.id, &entry()).await.unwrap();
    assert_eq!(
        bench.read("it-ausfall").await.next_update_at,
        None,
        "an incident that is over promises nothing"
    );
}

async fn a_reminder_is_given_once(bench: Bench) {
    let incident = bench.opened("it-ausfall").await;
    let reminder = Reminder { kind: ReminderKind::UpdateSoon, due_at: START };
    let remind = |reminder: Reminder| {
        let mut new = bench.notice_of(&incident, None);
        if let Some(link) = &mut new.incident {
            link.reminder = Some(reminder);
        }
        new
    };
    let (first, second) = (remind(reminder), remind(reminder));
    let released = |new: NewNotice| submission(new, Vec::new(), Vec::new(), Release::Now);
    let second_id = second.id;
    bench.store.submit(&released(first), &entry()).await.unwrap();
    let refused = bench.store.submit(&released(second), &entry()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert!(bench.store.notice(second_id).await.unwrap().is_none(), "no notice without its reminder");

    let later = Reminder { due_at: START.plus(HOUR), ..reminder };
    bench.store.submit(&released(remind(later)), &entry()).await.unwrap();
    let mut given = bench.store.reminders_given(incident.id).await.unwrap();
    given.sort_unstable();
    assert_eq!(given, [reminder, later]);
    assert!(bench.store.incident_timeline(incident.id).await.unwrap().is_empty(), "the staff's own business");
}

async fn words_are_ticked_once(bench: Bench) {
    let hint = WordingHint {
        place: "email.de".to_owned(),
        claim: "ransomware*".to_owned(),
        sentence: "Es ist Ransomware.".to_owned(),
        phase: Phase::Investigating,
    };
    let wording = WordingRecord { hints: vec![hint], accepted: false };
    let id = NoticeId(bench.ids.next());
    let new = NewNotice { wording: wording.clone(), ..bench.new_notice(id, Priority::Normal) };
    bench.store.submit_notice(&new, &[], &[], &[], &entry()).await.unwrap();
    assert_eq!(bench.store.notice_wording(id).await.unwrap(), wording);
    assert!(bench.store.accept_wording(id, "bert", &entry()).await.unwrap());
    assert!(!bench.store.accept_wording(id, "anna", &entry()).await.unwrap());
    assert!(bench.store.notice_wording(id).await.unwrap().accepted);
}

async fn a_service_keeps_its_groups_and_its_version(bench: Bench) {
    let service = Service {
        key: "mail".parse().unwrap(),
        title: "E-Mail".to_owned(),
        state: ServiceState::Down,
        groups: vec!["municipalities".to_owned(), "schools".to_owned()],
        updated_at: START,
        version: 0,
    };
    assert!(bench.store.set_service(&service, &entry()).await.unwrap());
    assert!(!bench.store.set_service(&service, &entry()).await.unwrap(), "it is there already");
    let read = bench.store.service(&service.key).await.unwrap().unwrap();
    assert_eq!(read, Service { version: 1, ..service });
    let up = Service { state: ServiceState::Up, groups: Vec::new(), ..read.clone() };
    assert!(bench.store.set_service(&up, &entry()).await.unwrap());
    assert!(!bench.store.set_service(&up, &entry()).await.unwrap(), "somebody was quicker");
    assert_eq!(bench.store.services().await.unwrap(), [Service { version: 2, ..up }]);
}

async fn what_belongs_to_an_incident_is_kept_until_that_has_ended(bench: Bench) {
    let mut incident = bench.opened("it-ausfall").await;
    let new = bench.notice_of(&incident, None);
    bench.store.submit_notice(&new, &[], &[], &[], &entry()).await.unwrap();
    bench.store.move_notice(new.id, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.clock.advance(HOUR);
    let closed_at = bench.clock.now();
    let due = async || {
        let kind = crate::domain::retention::DataKind::Deliveries;
        bench.store.due_for(kind, closed_at.plus(HOUR), 10).await.unwrap()
    };
    assert!(due().await.is_empty(), "the incident goes on");
    incident.closed_at = Some(closed_at);
    assert!(bench.store.change_incident(&incident, &entry()).await.unwrap());
    assert_eq!(due().await.iter().map(|due| due.ended_at).collect::<Vec<_>>(), [closed_at.0]);
}
