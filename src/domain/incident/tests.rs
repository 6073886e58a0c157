use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::domain::chance::Chance;
use crate::domain::clock::ManualClock;
use crate::domain::ids::IdSource;

const HOUR: Duration = Duration::from_secs(3_600);

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn at(text: &str) -> Timestamp {
    jiff::Timestamp::from_str(text).unwrap().into()
}

fn rhythm(hours: &[(i8, i8)]) -> UpdateRhythm {
    UpdateRhythm {
        after: HOUR * 4,
        hours: hours.iter().map(|(hour, minute)| Time::constant(*hour, *minute, 0, 0)).collect(),
    }
}

fn incident() -> Incident {
    let clock = std::sync::Arc::new(ManualClock::new(at("2026-11-20T04:40:00Z")));
    let ids = IdSource::new(clock, std::sync::Arc::new(Chance::seeded(1)));
    Incident {
        id: IncidentId(ids.next()),
        key: "it-ausfall".parse().unwrap(),
        title: "IT-Ausfall".to_owned(),
        phase: Phase::Investigating,
        exercise: false,
        known_at: at("2026-11-20T04:40:00Z"),
        opened_at: at("2026-11-20T05:00:00Z"),
        opened_by: "anna".to_owned(),
        closed_at: None,
        next_update_at: Some(at("2026-11-20T09:00:00Z")),
        services: Vec::new(),
        deadlines: Vec::new(),
        version: 1,
    }
}

#[test]
fn four_hours_are_proposed_where_no_hours_are_fixed() {
    let from = at("2026-11-20T04:40:12.5Z");
    assert_eq!(rhythm(&[]).propose(from, &berlin()), at("2026-11-20T08:41:00Z"), "in whole minutes");
}

#[test]
fn the_next_fixed_hour_is_proposed_tomorrows_after_the_last() {
    let fixed = rhythm(&[(8, 0), (12, 0), (17, 0)]);
    assert_eq!(fixed.propose(at("2026-11-20T09:00:00Z"), &berlin()), at("2026-11-20T11:00:00Z"));
    assert_eq!(fixed.propose(at("2026-11-20T18:00:00Z"), &berlin()), at("2026-11-21T07:00:00Z"));
    let just_before = fixed.propose(at("2026-11-20T10:50:00Z"), &berlin());
    assert_eq!(just_before, at("2026-11-20T16:00:00Z"), "ten minutes ahead is no promise but a reminder");
}

#[test]
fn fixed_hours_are_right_across_both_clock_changes() {
    let fixed = rhythm(&[(8, 0)]);
    // Clocks go forward on 29 March 2026 and back on 25 October 2026.
    assert_eq!(fixed.propose(at("2026-03-28T12:00:00Z"), &berlin()), at("2026-03-29T06:00:00Z"));
    assert_eq!(fixed.propose(at("2026-10-24T12:00:00Z"), &berlin()), at("2026-10-25T07:00:00Z"));
    let left_out = rhythm(&[(2, 30)]);
    assert_eq!(left_out.propose(at("2026-03-28T12:00:00Z"), &berlin()), at("2026-03-29T01:30:00Z"));
    assert_eq!(left_out.propose(at("2026-10-24T12:00:00Z"), &berlin()), at("2026-10-25T00:30:00Z"));
}

proptest! {
    #[test]
    fn a_proposal_is_the_next_of_the_fixed_hours(
        // Two years around four clock changes, in seconds.
        from in 1_767_000_000_i64..1_830_000_000,
        hours in prop::collection::vec((0_i8..24, 0_i8..60), 1..5),
    ) {
        let (zone, fixed, from) = (berlin(), rhythm(&hours), Timestamp(from * 1_000));
        let next = fixed.propose(from, &zone);
        prop_assert!(next > from.plus(REMIND_BEFORE));
        prop_assert!(next <= from.plus(REMIND_BEFORE + HOUR * 25), "within a day, even the longest");
        let shown = next.in_zone(&zone);
        let fits = |time: &Time| {
            let civil = shown.date().to_datetime(*time);
            // An hour that is left out is shown an hour later.
            shown.time() == *time || zone.to_timestamp(civil).is_ok_and(|at| Timestamp::from(at) == next)
        };
        prop_assert!(fixed.hours.iter().any(fits), "{shown}");
    }

    #[test]
    fn hours_after_a_notice_are_hours_whatever_clocks_show(from in 1_767_000_000_i64..1_830_000_000) {
        let from = Timestamp(from * 1_000);
        let next = rhythm(&[]).propose(from, &berlin());
        prop_assert!(next.since(from) >= HOUR * 4 && next.since(from) < HOUR * 4 + Duration::from_secs(60));
    }

    #[test]
    fn a_promise_is_reminded_of_a_quarter_before_and_when_it_is_overdue(early in -86_400_i64..86_400) {
        let due = at("2026-10-25T01:00:00Z");
        let now = Timestamp(due.0 + early * 1_000);
        let expected = match early {
            1.. => Some(ReminderKind::UpdateOverdue),
            -900..=0 => Some(ReminderKind::UpdateSoon),
            _ => None,
        };
        prop_assert_eq!(Reminder::of_update(due, now).map(|reminder| reminder.kind), expected);
    }
}

#[test]
fn a_setback_is_told_as_it_is_and_resolved_is_entered_by_closing() {
    let mut incident = incident();
    incident.apply(IncidentEvent::Enter(Phase::Restoring), at("2026-11-21T08:00:00Z")).unwrap();
    incident.apply(IncidentEvent::Enter(Phase::Investigating), at("2026-11-21T09:00:00Z")).unwrap();
    let refused = incident.apply(IncidentEvent::Enter(Phase::Resolved), at("2026-11-21T09:00:00Z"));
    assert!(refused.unwrap_err().contains("incidents close"));
    assert_eq!(incident.phase, Phase::Investigating);
}

#[test]
fn a_closed_incident_promises_nothing_and_can_be_opened_again() {
    let mut incident = incident();
    assert!(incident.is_overdue(at("2026-11-20T09:00:01Z")));
    let end = at("2026-11-22T08:00:00Z");
    incident.apply(IncidentEvent::Close, end).unwrap();
    incident.apply(IncidentEvent::Close, at("2026-11-23T08:00:00Z")).unwrap();
    assert_eq!(
        (incident.phase, incident.closed_at, incident.next_update_at),
        (Phase::Resolved, Some(end), None)
    );
    assert!(!incident.is_overdue(at("2027-01-01T00:00:00Z")));
    incident.apply(IncidentEvent::Enter(Phase::Restoring), at("2026-11-24T08:00:00Z")).unwrap();
    assert!(incident.is_open());
}

fn done(kind: DeadlineKind, when: &str) -> Deadline {
    let mark = DeadlineMark::Done { at: at(when), by: "anna".to_owned(), proof: "2026-0007".to_owned() };
    Deadline { kind, owner: "anna".to_owned(), mark }
}

fn open(kind: DeadlineKind) -> Deadline {
    Deadline::open(kind, "anna".to_owned())
}

#[test]
fn deadlines_count_from_when_it_became_known_in_real_hours() {
    let deadlines: Vec<Deadline> = DeadlineKind::ALL.into_iter().map(open).collect();
    // The clocks go back in between: 72 hours stay 72 hours, a month ends at the same time of day.
    let known = at("2026-10-23T22:00:00Z");
    let due: Vec<Option<Timestamp>> =
        DueDeadline::all(&deadlines, known, &berlin()).iter().map(|due| due.due_at).collect();
    let report = at("2026-10-26T22:00:00Z");
    assert_eq!(
        due,
        [
            None,
            Some(at("2026-10-24T22:00:00Z")),
            Some(report),
            Some(report),
            Some(at("2026-11-26T22:00:00Z")),
        ]
    );
}

#[test]
fn the_final_report_is_due_a_month_after_the_report_was_given() {
    let deadlines = [open(DeadlineKind::BsiFinal), done(DeadlineKind::BsiReport, "2026-01-31T10:00:00Z")];
    let all = DueDeadline::all(&deadlines, at("2026-01-30T10:00:00Z"), &berlin());
    let last = all.last().unwrap();
    assert_eq!(last.due_at, Some(at("2026-02-28T10:00:00Z")), "February has no 31st");
}

#[test]
fn a_deadline_is_missed_when_its_time_has_passed_and_done_late_stays_done() {
    let known = at("2026-11-20T04:40:00Z");
    let deadlines = [open(DeadlineKind::BsiEarly), done(DeadlineKind::BsiReport, "2026-11-25T04:40:00Z")];
    let all = DueDeadline::all(&deadlines, known, &berlin());
    assert_eq!(all[0].state(at("2026-11-21T04:40:00Z")), DeadlineState::Open);
    assert_eq!(all[0].state(at("2026-11-21T04:40:01Z")), DeadlineState::Missed);
    assert_eq!((all[1].state(at("2026-12-01T00:00:00Z")), all[1].was_late()), (DeadlineState::Done, true));
}

#[test]
fn deadlines_are_reminded_of_before_they_end_and_when_they_are_missed() {
    let known = at("2026-11-20T04:40:00Z");
    let deadlines = [open(DeadlineKind::Controllers), open(DeadlineKind::BsiEarly)];
    let all = DueDeadline::all(&deadlines, known, &berlin());
    let reminders = |hours: u32| -> Vec<String> {
        let now = known.plus(HOUR * hours);
        all.iter().filter_map(|due| due.reminder(now)).map(|one| one.kind.to_string()).collect()
    };
    assert_eq!(reminders(1), Vec::<String>::new());
    assert_eq!(reminders(2), ["soon:controllers"]);
    assert_eq!(reminders(20), ["soon:controllers", "soon:bsi-early"]);
    assert_eq!(reminders(25), ["soon:controllers", "missed:bsi-early"]);
}

#[test]
fn names_of_reminders_and_deadlines_read_back() {
    for kind in DeadlineKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        for reminder in [ReminderKind::DeadlineSoon(kind), ReminderKind::DeadlineMissed(kind)] {
            assert_eq!(reminder.to_string().parse(), Ok(reminder));
        }
    }
    assert_eq!("update-soon".parse(), Ok(ReminderKind::UpdateSoon));
    assert_eq!(parse_deadlines("bsi").unwrap().len(), 3);
    assert!(parse_deadlines("bis-early").unwrap_err().contains("did you mean"));
}

#[test]
fn a_title_is_one_short_line() {
    assert_eq!(parse_title(" IT-Ausfall ").unwrap(), "IT-Ausfall");
    for wrong in ["", " ", "a\nb", &"x".repeat(61)] {
        assert!(parse_title(wrong).is_err(), "{wrong:?}");
    }
}
