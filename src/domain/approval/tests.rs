use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::settings::ShellName;

fn settings() -> Approval {
    Approval {
        required: false,
        above: None,
        groups: Vec::new(),
        visibility: Vec::new(),
        tell: None,
        shell_name: ShellName::Uid,
    }
}

const ASKED: Asked<'static> =
    Asked { groups: &["press", "all"], recipients: 20, visibility: Visibility::Partner };

fn authors(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

#[test]
fn nothing_is_asked_where_nothing_is_set() {
    assert_eq!(needs_second_person(&settings(), &ASKED), None);
}

#[test]
fn each_of_the_four_rules_asks_for_itself_and_says_which_it_was() {
    let why = |settings: Approval| needs_second_person(&settings, &ASKED).unwrap_or_default();
    assert_eq!(why(Approval { required: true, ..settings() }), "[approval] required");
    assert!(why(Approval { above: Some(19), ..settings() }).contains("20 recipients"));
    assert_eq!(why(Approval { above: Some(20), ..settings() }), "", "not more than that");
    assert!(why(Approval { groups: vec!["press".to_owned()], ..settings() }).contains("group press"));
    assert_eq!(why(Approval { groups: vec!["towns".to_owned()], ..settings() }), "");
    assert!(why(Approval { visibility: vec![Visibility::Partner], ..settings() }).contains("it is partner"));
    assert_eq!(why(Approval { visibility: vec![Visibility::Public], ..settings() }), "");
}

#[test]
fn a_person_is_the_same_at_the_shell_and_signed_in() {
    assert!(is_same_person("shell:anna", "anna") && is_same_person("Anna", "shell:anna"));
    assert!(!is_same_person("anna", "bodo") && !is_same_person("token:anna", "anna"));
    let anna = Actor::shell("anna");
    assert!(second_person(&anna, &authors(&["anna"])).unwrap_err().contains("nobody approves their own"));
    assert!(second_person(&anna, &authors(&["shell:anna"])).is_err());
    assert!(second_person(&anna, &authors(&["bodo", "token:leitstelle", "anna"])).is_err(), "one of several");
    assert_eq!(second_person(&anna, &authors(&["shell:bodo"])), Ok(()));
    let nameless = Actor::shell("uid 70001");
    assert!(second_person(&nameless, &authors(&["bodo"])).unwrap_err().contains("has no name for you"));
}

#[test]
fn a_program_is_no_second_person() {
    let mut token = Actor::shell("leitstelle");
    token.way = Way::Token;
    assert!(second_person(&token, &authors(&["anna"])).unwrap_err().contains("no second person"));
    assert!(second_person(&Actor::program("dispatcher"), &authors(&["anna"])).is_err());
}

#[test]
fn a_reason_is_chosen_by_a_key_or_by_its_word() {
    for (key, reason) in ('1'..='4').zip(BreakGlass::ALL) {
        assert_eq!((BreakGlass::from_key(key), reason.as_str().parse()), (Some(reason), Ok(reason)));
    }
    assert_eq!([BreakGlass::from_key('0'), BreakGlass::from_key('5'), BreakGlass::from_key('x')], [None; 3]);
}

fn key(number: u8) -> ContactKey {
    ContactKey(Uuid::from_u128(u128::from(number)))
}

fn way() -> impl Strategy<Value = FrozenWay> {
    let channel = prop_oneof![
        Just(None),
        Just(Some(Channel::Email)),
        Just(Some(Channel::Sms)),
        Just(Some(Channel::Webhook))
    ];
    (any::<u8>(), channel, 0_i64..4, proptest::option::of(any::<u8>())).prop_map(
        |(contact, channel, step, deputy)| FrozenWay {
            contact: key(contact),
            channel,
            step,
            deputy: deputy.map(key),
        },
    )
}

fn hash(text: &str, value: &str, channels: &[Channel], ways: &[FrozenWay]) -> String {
    Frozen {
        template: &json!({"files": {"email.de.md": text}}),
        values: &json!({"ort": value}),
        channels,
        visibility: Visibility::Internal,
        priority: 1,
        lasts: 3_600_000,
        cascade_after: None,
        exercise: false,
        supersedes: None,
        incident: Value::Null,
        ways: ways.to_vec(),
    }
    .hash()
}

proptest! {
    #[test]
    fn another_word_is_another_hash(a in ".{0,40}", b in ".{0,40}") {
        prop_assert_eq!(hash(&a, "x", &[], &[]) == hash(&b, "x", &[], &[]), a == b);
        prop_assert_eq!(hash("x", &a, &[], &[]) == hash("x", &b, &[], &[]), a == b);
        // What moves from the text into a value is a change, too.
        prop_assert_eq!(hash(&a, &b, &[], &[]) == hash(&b, &a, &[], &[]), a == b);
    }

    #[test]
    fn one_way_more_or_less_is_another_hash(ways in proptest::collection::vec(way(), 1..20), at in any::<prop::sample::Index>()) {
        let without = ways[at.index(ways.len())];
        let fewer: Vec<FrozenWay> = ways.iter().copied().filter(|way| *way != without).collect();
        prop_assert_ne!(hash("x", "x", &[], &ways), hash("x", "x", &[], &fewer));
    }

    #[test]
    fn another_way_to_the_same_person_is_another_hash(ways in proptest::collection::vec(way(), 1..20), at in any::<prop::sample::Index>(), other in way()) {
        let mut changed = ways.clone();
        changed[at.index(ways.len())] = other;
        let set = |ways: &[FrozenWay]| ways.iter().copied().collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(hash("x", "x", &[], &ways) == hash("x", "x", &[], &changed), set(&ways) == set(&changed));
    }

    #[test]
    fn the_hash_is_that_of_one_object_in_canonical_form(ways in proptest::collection::vec(way(), 0..20), text in ".{0,40}") {
        let sorted: std::collections::BTreeSet<FrozenWay> = ways.iter().copied().collect();
        let form = json!({
            "cascade_after": null,
            "channels": ["email"],
            "exercise": false,
            "incident": null,
            "lasts": 3_600_000,
            "priority": 1,
            "supersedes": null,
            "template": {"files": {"email.de.md": text}},
            "values": {"ort": "x"},
            "visibility": "internal",
            "ways": sorted.iter().map(|way| json!([
                way.contact.to_string(),
                way.channel.map(Channel::as_str),
                way.step,
                way.deputy.map(|deputy| deputy.to_string())
            ])).collect::<Vec<_>>(),
        });
        prop_assert_eq!(hash(&text, "x", &[Channel::Email], &ways), sha256(&form));
    }

    #[test]
    fn the_order_in_which_people_are_read_is_no_change(ways in proptest::collection::vec(way(), 0..20)) {
        let mut turned = ways.clone();
        turned.reverse();
        let channels = [Channel::Sms, Channel::Email];
        prop_assert_eq!(
            hash("x", "x", &channels, &ways),
            hash("x", "x", &[Channel::Email, Channel::Sms, Channel::Email], &turned)
        );
    }
}

#[test]
fn channels_visibility_urgency_times_exercise_and_what_it_supersedes_count() {
    let base = Frozen {
        template: &json!({}),
        values: &json!({}),
        channels: &[Channel::Email],
        visibility: Visibility::Internal,
        priority: 1,
        lasts: 3_600_000,
        cascade_after: None,
        exercise: false,
        supersedes: None,
        incident: Value::Null,
        ways: Vec::new(),
    };
    let changed = [
        Frozen { channels: &[Channel::Email, Channel::Sms], ..base.clone() },
        Frozen { visibility: Visibility::Public, ..base.clone() },
        Frozen { priority: 0, ..base.clone() },
        Frozen { lasts: 3_600_001, ..base.clone() },
        Frozen { cascade_after: Some(600_000), ..base.clone() },
        Frozen { exercise: true, ..base.clone() },
        Frozen { supersedes: Some("2026-0001"), ..base.clone() },
        Frozen { incident: json!(["Ausfall", "resolved", null]), ..base.clone() },
    ];
    for other in changed {
        assert_ne!(other.hash(), base.hash(), "{other:?}");
    }
    assert_eq!(base.hash().len(), 64);
}
