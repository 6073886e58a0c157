//! What partners' systems are told: how notices, incidents and services stand, and never anything about a contact.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::nearest::hint;
use super::notice::Visibility;

/// What kind of thing an event is about: what a partner may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Notices: released, corrected, completed, cancelled.
    Notices,
    /// Incidents: opened, moved, closed; and when news was promised.
    Incidents,
    /// Services: how they stand.
    Services,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Notices, Self::Incidents, Self::Services];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notices => "notices",
            Self::Incidents => "incidents",
            Self::Services => "services",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!(
                "\"{text}\" is nothing to be told: write one of {}{}",
                words.join(", "),
                hint(text, words)
            )
        })
    }
}

/// What has happened, as the member `type` of a call says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A notice goes out.
    NoticeReleased,
    /// It has gone out to everybody whom it can reach.
    NoticeCompleted,
    /// It goes out no further.
    NoticeCancelled,
    /// It ran out before it went out.
    NoticeExpired,
    /// There is an incident.
    IncidentOpened,
    /// Its phase, title, services or promise changed.
    IncidentUpdated,
    /// It is over.
    IncidentClosed,
    /// A service stands differently.
    ServiceUpdated,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NoticeReleased,
        Self::NoticeCompleted,
        Self::NoticeCancelled,
        Self::NoticeExpired,
        Self::IncidentOpened,
        Self::IncidentUpdated,
        Self::IncidentClosed,
        Self::ServiceUpdated,
    ];

    /// As a call names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoticeReleased => "status.notice.released",
            Self::NoticeCompleted => "status.notice.completed",
            Self::NoticeCancelled => "status.notice.cancelled",
            Self::NoticeExpired => "status.notice.expired",
            Self::IncidentOpened => "status.incident.opened",
            Self::IncidentUpdated => "status.incident.updated",
            Self::IncidentClosed => "status.incident.closed",
            Self::ServiceUpdated => "status.service.updated",
        }
    }

    /// What it is about.
    pub const fn topic(self) -> Topic {
        match self {
            Self::NoticeReleased | Self::NoticeCompleted | Self::NoticeCancelled | Self::NoticeExpired => {
                Topic::Notices
            }
            Self::IncidentOpened | Self::IncidentUpdated | Self::IncidentClosed => Topic::Incidents,
            Self::ServiceUpdated => Topic::Services,
        }
    }

    /// The actions in the audit log that may mean something to partners.
    pub const ACTIONS: [&'static str; 10] = [
        "notice.released",
        "notice.approved",
        "notice.corrected",
        "notice.completed",
        "notice.cancelled",
        "notice.expired",
        "incident.opened",
        "incident.updated",
        "incident.closed",
        "service.set",
    ];

    /// What an entry of the audit log means for partners; `None`: nothing.
    pub fn of_action(action: &str) -> Option<Self> {
        Some(match action {
            "notice.released" | "notice.approved" | "notice.corrected" => Self::NoticeReleased,
            "notice.completed" => Self::NoticeCompleted,
            "notice.cancelled" => Self::NoticeCancelled,
            "notice.expired" => Self::NoticeExpired,
            "incident.opened" => Self::IncidentOpened,
            "incident.updated" => Self::IncidentUpdated,
            "incident.closed" => Self::IncidentClosed,
            "service.set" => Self::ServiceUpdated,
            _ => return None,
        })
    }
}

impl FromStr for EventKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| format!("there is no event called {text}"))
    }
}

/// What a partner is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    /// The kinds of things.
    pub topics: BTreeSet<Topic>,
    /// [`Visibility::Public`]: what everybody may know. [`Visibility::Partner`]: what partners may know, too.
    pub visibility: Visibility,
    /// What concerns these groups only; `None`: whomever it concerns.
    pub groups: Option<BTreeSet<String>>,
}

impl Interest {
    /// Whether a partner is told of something of this kind that is for `visibility` and concerns `groups`. What is
    /// internal is told to nobody.
    pub fn takes(&self, kind: EventKind, visibility: Visibility, groups: &[String]) -> bool {
        let may_know = match visibility {
            Visibility::Internal => false,
            Visibility::Partner => self.visibility == Visibility::Partner,
            Visibility::Public => true,
        };
        let concerned = self.groups.as_ref().is_none_or(|own| groups.iter().any(|group| own.contains(group)));
        may_know && concerned && self.topics.contains(&kind.topic())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(visibility: Visibility, groups: Option<&[&str]>) -> Interest {
        Interest {
            topics: [Topic::Notices].into(),
            visibility,
            groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
        }
    }

    #[test]
    fn what_is_internal_is_told_to_nobody_and_what_is_for_partners_to_no_outsider() {
        let told = |own, visibility| interest(own, None).takes(EventKind::NoticeReleased, visibility, &[]);
        for own in [Visibility::Partner, Visibility::Public] {
            assert!(!told(own, Visibility::Internal));
            assert!(told(own, Visibility::Public));
        }
        assert!(told(Visibility::Partner, Visibility::Partner));
        assert!(!told(Visibility::Public, Visibility::Partner));
    }

    #[test]
    fn a_partner_of_some_groups_hears_of_those_and_of_what_was_asked_for() {
        let schools = interest(Visibility::Partner, Some(&["schools"]));
        let told = |kind, groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            schools.takes(kind, Visibility::Public, &groups)
        };
        assert!(told(EventKind::NoticeReleased, &["press", "schools"]));
        assert!(!told(EventKind::NoticeReleased, &["press"]) && !told(EventKind::NoticeReleased, &[]));
        assert!(!told(EventKind::ServiceUpdated, &["schools"]), "services were not asked for");
    }

    #[test]
    fn words_are_read_back() {
        for topic in Topic::ALL {
            assert_eq!(topic.as_str().parse(), Ok(topic));
        }
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("notice".parse::<Topic>().unwrap_err().contains("notices"));
        assert_eq!(EventKind::of_action("account.added"), None);
    }
}
