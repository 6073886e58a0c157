//! A correction goes to exactly those who got the old notice.

use crate::desk::Desk;

const CORRECT: [&str; 5] = ["--template", "kurz", "--set", "ort=Schule", "--yes"];

#[test]
fn a_correction_goes_to_those_who_got_the_old_one_and_stops_the_rest() {
    let desk = Desk::new("required = false");
    desk.run("anna", &["suppressions", "add", "rathaus@dorf.test", "--reason", "falsch"]).ends(0);
    let sent = desk.send(&["--to", "towns", "--yes"]);
    let number = sent.json()[0]["notice"].as_str().unwrap().to_owned();
    let correct = [&["notices", "correct", &number][..], &CORRECT].concat();
    desk.run("anna", &[&correct[..], &["--next-update", "+4h"]].concat())
        .refused(&["belongs to no incident"]);
    let corrected = desk.run("anna", &correct).ends(0);
    assert!(corrected.err.contains("worker --drain"), "nothing is sent by it: {}", corrected.err);
    let neither = "1 contact gets neither: Dorf (dorf)";
    assert_eq!(
        corrected.err.matches(neither).count(),
        2,
        "the plan and the result say it: {}",
        corrected.err
    );
    desk.run("anna", &["suppressions", "lift", "rathaus@dorf.test"]).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    let old = desk.shown(&number);
    let new = old["superseded_by"].as_str().unwrap().to_owned();
    assert_eq!(desk.shown(&new)["supersedes"].as_str(), Some(number.as_str()));
    assert_eq!(desk.addresses(&new), ["stadt"], "the suppressed one never got the old one");
    desk.run("anna", &["notices", "retry", &number])
        .refused(&[&format!("{new} corrects it"), &format!("notices report {number}")]);
    let report = desk.run("anna", &["notices", "report", &number]).ends(0).out;
    assert!(report.contains(&format!("{new} corrects it.")), "{report}");
    assert!(report.contains("send TEMPLATE --contact dorf  "), "a step that works: {report}");
    assert!(!report.contains("notices retry"), "that is refused: {report}");
    desk.send(&["--contact", "dorf", "--yes"]).ends(0);
}

#[test]
fn a_notice_is_corrected_once_and_again_only_if_its_correction_was_cancelled() {
    let desk = Desk::new("required = false");
    let sent = desk.send(&["--to", "towns", "--yes"]).ends(0);
    let number = sent.json()[0]["notice"].as_str().unwrap().to_owned();
    let correct = [&["notices", "correct", &number][..], &CORRECT].concat();
    desk.run("anna", &correct).ends(0);
    let first = desk.shown(&number)["superseded_by"].as_str().unwrap().to_owned();
    for again in [correct.clone(), [&correct[..], &["--dry-run"]].concat()] {
        desk.run("anna", &again).refused(&[
            &format!("{number}: {first} corrects it already"),
            &format!("rundruf notices correct {first}"),
            "nothing was changed",
        ]);
    }
    desk.run("anna", &["notices", "cancel", &first]).ends(0);
    desk.run("anna", &correct).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    let second = desk.shown(&number)["superseded_by"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(desk.addresses(&second), ["dorf", "stadt"]);
}

#[test]
fn what_nobody_has_got_is_not_corrected() {
    let desk = Desk::new("required = false");
    let sent = desk.send(&["--to", "towns", "--yes", "--no-wait"]).ends(0);
    let number = sent.json()[0]["notice"].as_str().unwrap().to_owned();
    desk.run("anna", &[&["notices", "correct", &number][..], &CORRECT].concat())
        .refused(&["nobody has got it", "nothing was changed"]);
    assert_eq!(desk.shown(&number)["state"], "sending", "and it was not cancelled");
}
