//! The first notices of a crisis, and the alarm: which template goes to whom, and what is filled in.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Unit, Zoned, ZonedRound};

use crate::app::compose::Wish;
use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::notice::{Priority, Visibility};

/// Where people call; a number that is kept free for films.
const HOTLINE: &str = "030 23125-100";

/// A template and the group that it is for.
pub(super) struct FirstNotice {
    pub(super) template: &'static str,
    pub(super) group: &'static str,
    values: &'static [(&'static str, Fill)],
}

/// What is filled in for a variable.
#[derive(Clone, Copy)]
enum Fill {
    Text(&'static str),
    /// When it began: three quarters of an hour ago.
    Beginning,
    /// In two hours, at a full half hour.
    Answer,
    /// In three hours, at a full half hour.
    Next,
}

/// In the order in which they are sent.
pub(super) const ALL: [FirstNotice; 4] = [
    FirstNotice {
        template: "erst-kommune",
        group: "municipalities",
        values: &[
            ("beginn", Fill::Beginning),
            ("dienste", Fill::Text("E-Mail, Internet, SAP")),
            ("naechste", Fill::Next),
            ("hotline", Fill::Text(HOTLINE)),
        ],
    },
    FirstNotice {
        template: "erst-schule",
        group: "schools",
        values: &[("beginn", Fill::Beginning), ("naechste", Fill::Next), ("hotline", Fill::Text(HOTLINE))],
    },
    FirstNotice {
        template: "erst-versorger",
        group: "utilities",
        values: &[
            ("beginn", Fill::Beginning),
            ("rueckmeldung_bis", Fill::Answer),
            ("naechste", Fill::Next),
            ("hotline", Fill::Text(HOTLINE)),
        ],
    },
    FirstNotice {
        template: "erst-mitarbeitende",
        group: "staff",
        values: &[
            ("beginn", Fill::Beginning),
            ("auskunftsregel", Fill::Text("030 23125-120")),
            ("naechste", Fill::Next),
            ("hotline", Fill::Text(HOTLINE)),
        ],
    },
];

impl FirstNotice {
    /// What `rundruf send TEMPLATE --to GROUP --set … --exercise` would wish.
    pub(super) fn wish(&self, now: Timestamp, zone: &TimeZone) -> Wish {
        wish(self.template, self.group, self.values, now, zone)
    }
}

/// What `rundruf send alarm-stab --to crisis-staff --cascade sms,email --after … --priority urgent --set … --exercise`
/// would wish.
pub(super) fn alarm_wish(now: Timestamp, zone: &TimeZone, after: Duration) -> Wish {
    let values = [
        ("beginn", Fill::Answer),
        ("ort", Fill::Text("Feuerwache 2")),
        ("konferenz", Fill::Text("030 23125-150")),
    ];
    Wish {
        cascade: vec![Channel::Sms, Channel::Email],
        after: Some(after),
        priority: Priority::Urgent,
        ..wish("alarm-stab", super::alarm::GROUP, &values, now, zone)
    }
}

fn wish(template: &str, group: &str, values: &[(&str, Fill)], now: Timestamp, zone: &TimeZone) -> Wish {
    let values = values.iter().map(|(name, fill)| ((*name).to_owned(), fill.text(now, zone)));
    Wish {
        template: template.to_owned(),
        values: values.collect(),
        audience: Audience { groups: vec![group.to_owned()], ..Audience::default() },
        channels: Vec::new(),
        cascade: Vec::new(),
        after: None,
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: true,
        at: None,
        expires_after: None,
        incident: None,
        accept_wording: false,
        hints_seen: Vec::new(),
    }
}

impl Fill {
    fn text(self, now: Timestamp, zone: &TimeZone) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Beginning => typed(&now.minus(Duration::from_mins(45)).in_zone(zone), RoundMode::Floor, 5),
            Self::Answer => half_hour(now.plus(Duration::from_hours(2)), zone),
            Self::Next => half_hour(now.plus(Duration::from_hours(3)), zone),
        }
    }
}

/// What is filled in for a situation notice that follows: the variables of template `lage-ohne-neues`.
pub(super) fn following(now: Timestamp, zone: &TimeZone) -> [(&'static str, String); 3] {
    [
        ("stand", typed(&now.in_zone(zone), RoundMode::Floor, 5)),
        ("naechste", half_hour(now.plus(Duration::from_hours(5)), zone)),
        ("hotline", HOTLINE.to_owned()),
    ]
}

fn half_hour(at: Timestamp, zone: &TimeZone) -> String {
    typed(&at.in_zone(zone), RoundMode::Ceil, 30)
}

/// As a person would type it, rounded to so many minutes.
fn typed(at: &Zoned, mode: RoundMode, minutes: i64) -> String {
    let round = ZonedRound::new().smallest(Unit::Minute).increment(minutes).mode(mode);
    at.round(round).as_ref().unwrap_or(at).strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_about_now_and_are_round() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Timestamp::from("2026-11-20T05:43:12Z".parse::<jiff::Timestamp>().unwrap());
        let wish = ALL[2].wish(now, &zone);
        let values: Vec<&str> = wish.values.values().map(String::as_str).collect();
        assert_eq!(values, ["2026-11-20T05:55", HOTLINE, "2026-11-20T10:00", "2026-11-20T09:00"]);
        assert!(wish.exercise);
    }
}
