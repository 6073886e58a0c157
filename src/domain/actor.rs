//! Who does something, with which rights, and from where.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::audience::Audience;

/// What somebody may be allowed to do. A token is scoped to some of these; a role holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See notices, deliveries, incidents, services, templates, suppressions and domains; addresses masked.
    NoticesRead,
    /// Draft, check, preview and submit notices; write down who was reached by hand.
    NoticesWrite,
    /// Approve and reject; pause, resume, cancel; send again; decide unclear deliveries.
    NoticesRelease,
    /// Fire an alarm that was released beforehand.
    AlarmsFire,
    /// Open, update and close incidents; set the state of services.
    IncidentsWrite,
    /// See contacts and groups; addresses masked.
    ContactsRead,
    /// See addresses unmasked, with a reason that is logged; the live call list.
    ContactsReveal,
    /// Import, change and erase contacts; suppressions and dead domains.
    ContactsWrite,
    /// Manage accounts, tokens and their sessions.
    AccountsWrite,
    /// Read the audit log, verify and export it.
    AuditRead,
    /// Templates, services, retention, legal hold, and how the instance is set.
    SettingsWrite,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoticesRead,
        Self::NoticesWrite,
        Self::NoticesRelease,
        Self::AlarmsFire,
        Self::IncidentsWrite,
        Self::ContactsRead,
        Self::ContactsReveal,
        Self::ContactsWrite,
        Self::AccountsWrite,
        Self::AuditRead,
        Self::SettingsWrite,
    ];

    /// As a token's scope names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoticesRead => "notices:read",
            Self::NoticesWrite => "notices:write",
            Self::NoticesRelease => "notices:release",
            Self::AlarmsFire => "alarms:fire",
            Self::IncidentsWrite => "incidents:write",
            Self::ContactsRead => "contacts:read",
            Self::ContactsReveal => "contacts:reveal",
            Self::ContactsWrite => "contacts:write",
            Self::AccountsWrite => "accounts:write",
            Self::AuditRead => "audit:read",
            Self::SettingsWrite => "settings:write",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        let known = Self::ALL.into_iter().find(|right| right.as_str() == text);
        known.ok_or_else(|| format!("there is no right \"{text}\": choose from {}", names()))
    }
}

/// What an account is for. One account may hold several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything, changes nothing.
    Auditor,
    /// Drafts, previews, submits.
    Author,
    /// Releases, pauses, cancels.
    Approver,
    /// Contacts, templates, accounts, settings.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Author, Self::Approver, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// What it allows.
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::Auditor => {
                &[Right::NoticesRead, Right::ContactsRead, Right::ContactsReveal, Right::AuditRead]
            }
            Self::Author => &[
                Right::NoticesRead,
                Right::NoticesWrite,
                Right::AlarmsFire,
                Right::IncidentsWrite,
                Right::ContactsRead,
                Right::ContactsReveal,
            ],
            Self::Approver => &[
                Right::NoticesRead,
                Right::NoticesRelease,
                Right::AlarmsFire,
                Right::ContactsRead,
                Right::ContactsReveal,
            ],
            Self::Admin => &[
                Right::NoticesRead,
                Right::ContactsRead,
                Right::ContactsReveal,
                Right::ContactsWrite,
                Right::AccountsWrite,
                Right::AuditRead,
                Right::SettingsWrite,
            ],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| format!("there is no role \"{text}\": choose from {}", names()))
    }
}

/// Who acts, and by which way in: what the audit log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// A person at the machine's own shell.
    Shell,
    /// A person who has signed in.
    Account,
    /// Another program, by its token.
    Token,
    /// The program itself: the dispatcher, a clock that ran out.
    Program,
}

/// Somebody who does something now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Their name: an account's, a token's, the operator's at the shell, or the part of the program.
    pub name: String,
    /// The way in.
    pub way: Way,
    /// What they may do.
    pub rights: BTreeSet<Right>,
    /// The groups that a token is limited to; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// Where they are: a network address, or `shell`.
    pub origin: String,
    /// The request that this belongs to, as the logs name it; empty at the shell.
    pub request: String,
}

impl Actor {
    /// The operator at the shell: whoever can read the store's file may do all of this, but what needs a second person
    /// needs one here too.
    pub fn shell(operator: &str) -> Self {
        Self {
            name: operator.to_owned(),
            way: Way::Shell,
            rights: Right::ALL.into_iter().collect(),
            groups: None,
            origin: "shell".to_owned(),
            request: String::new(),
        }
    }

    /// A part of the program that acts by itself, for instance `dispatcher`.
    pub fn program(part: &str) -> Self {
        Self { name: part.to_owned(), way: Way::Program, origin: "program".to_owned(), ..Self::shell(part) }
    }

    /// How the audit log and the tables name them: `anna`, `shell:anna`, `token:leitstelle`, `program:dispatcher`.
    /// An account's name holds no colon, so that nobody can look like somebody else.
    pub fn label(&self) -> String {
        match self.way {
            Way::Shell => format!("shell:{}", self.name),
            Way::Account => self.name.clone(),
            Way::Token => format!("token:{}", self.name),
            Way::Program => format!("program:{}", self.name),
        }
    }

    /// Says whether they may.
    ///
    /// # Errors
    /// [`Denied`], which names the right and the roles that hold it.
    pub fn may(&self, right: Right) -> Result<(), Denied> {
        if self.rights.contains(&right) { Ok(()) } else { Err(Denied { right }) }
    }

    /// Says whether they may address `group`, or see its members.
    pub fn may_reach(&self, group: &str) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.contains(group))
    }

    /// Says whether they may see and handle what is for `audience`: all of it is within the groups that they are
    /// limited to. What names nobody yet is within no group.
    pub fn may_see(&self, audience: &Audience) -> bool {
        self.groups.is_none()
            || (audience.contacts.is_empty()
                && !audience.groups.is_empty()
                && audience.groups.iter().all(|group| self.may_reach(group)))
    }
}

/// Somebody may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// What they would need.
    pub right: Right,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holders: Vec<&str> = Role::ALL
            .into_iter()
            .filter(|role| role.rights().contains(&self.right))
            .map(Role::as_str)
            .collect();
        write!(
            f,
            "that needs the right {}, which the role{} {} {}: ask somebody who has it, or an admin",
            self.right,
            if holders.len() == 1 { "" } else { "s" },
            holders.join(", "),
            if holders.len() == 1 { "holds" } else { "hold" },
        )
    }
}

impl std::error::Error for Denied {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rights_and_roles_are_read_back() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse(), Ok(right));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("notices:eat".parse::<Right>().unwrap_err().contains("notices:read"));
    }

    #[test]
    fn every_right_is_held_by_some_role() {
        for right in Right::ALL {
            assert!(Role::ALL.iter().any(|role| role.rights().contains(&right)), "{right}");
        }
    }

    #[test]
    fn an_auditor_changes_nothing_and_an_author_releases_nothing() {
        let changing = [
            Right::NoticesWrite,
            Right::NoticesRelease,
            Right::AlarmsFire,
            Right::IncidentsWrite,
            Right::ContactsWrite,
            Right::AccountsWrite,
            Right::SettingsWrite,
        ];
        for right in changing {
            assert!(!Role::Auditor.rights().contains(&right), "{right}");
        }
        assert!(!Role::Author.rights().contains(&Right::NoticesRelease));
        assert!(!Role::Approver.rights().contains(&Right::NoticesWrite));
    }

    #[test]
    fn a_refusal_says_who_may() {
        let mut anna = Actor::shell("anna");
        anna.rights.remove(&Right::NoticesRelease);
        let refused = anna.may(Right::NoticesRelease).unwrap_err().to_string();
        assert!(refused.contains("notices:release") && refused.contains("approver"), "{refused}");
    }

    #[test]
    fn nobody_can_look_like_somebody_else() {
        assert_eq!(Actor::shell("anna").label(), "shell:anna");
        assert_eq!(Actor::program("dispatcher").label(), "program:dispatcher");
    }
}
