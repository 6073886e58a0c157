//! Accounts: their names, and what they must do before they may do anything else.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::actor::{Right, Role};

/// The fewest characters of a name.
const SHORTEST_NAME: usize = 2;
/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// The name of an account or an API token: 2 to 64 of `a-z 0-9 . - _`, beginning with a letter or a digit. It holds no
/// colon, so that nobody can look like the shell or a part of the program in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

impl AccountName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = NameRefused;

    fn from_str(text: &str) -> Result<Self, NameRefused> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let right = begins && text.bytes().all(fits) && (SHORTEST_NAME..=LONGEST_NAME).contains(&text.len());
        if right { Ok(Self(text.to_owned())) } else { Err(NameRefused) }
    }
}

/// It is no name. It is not repeated: what was typed there may have been a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no name: take 2 to 64 small letters, digits, \".\", \"-\" and \"_\", the first a letter or a digit, such as \
     anna.berger"
)]
pub struct NameRefused;

/// Somebody at a provider of identities (OpenID Connect): its own name, and what it calls them for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The provider, exactly as it calls itself.
    pub issuer: String,
    /// What it calls them; given to nobody else.
    pub subject: String,
}

/// What somebody who has signed in must do first; until then their account has no rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Replace the password that somebody handed to them.
    ChangePassword,
    /// Set up a second factor, which their role demands.
    EnrolSecondFactor,
}

impl Duty {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangePassword => "change_password",
            Self::EnrolSecondFactor => "enrol_second_factor",
        }
    }
}

/// What an account must do first, in this order. `demanding` are the roles that need a second factor.
pub fn duties(
    must_change: bool,
    has_second_factor: bool,
    roles: &BTreeSet<Role>,
    demanding: &BTreeSet<Role>,
) -> Vec<Duty> {
    let needs_factor = !has_second_factor && !roles.is_disjoint(demanding);
    let change = must_change.then_some(Duty::ChangePassword);
    change.into_iter().chain(needs_factor.then_some(Duty::EnrolSecondFactor)).collect()
}

/// What roles allow together.
pub fn rights_of(roles: &BTreeSet<Role>) -> BTreeSet<Right> {
    roles.iter().flat_map(|role| role.rights()).copied().collect()
}

/// Names in a list, as the store and the command line write them: separated by commas.
pub fn comma_separated<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

/// Reads what [`comma_separated`] wrote; blanks around names and empty parts count for nothing.
///
/// # Errors
/// What is wrong with the first name that is none.
pub fn read_list<T: FromStr + Ord>(text: &str) -> Result<BTreeSet<T>, T::Err> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(T::from_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_hold_no_colon() {
        for right in ["anna", "a1", "0x", "anna.berger-2_b", &"a".repeat(64)] {
            assert_eq!(right.parse::<AccountName>().unwrap().as_str(), right);
        }
        for wrong in
            ["", "a", "Anna", "anna berger", "shell:anna", "änne", ".anna", "-anna", "a\n", &"a".repeat(65)]
        {
            assert!(wrong.parse::<AccountName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_refused_name_is_not_repeated() {
        let refused = "Correct Horse Battery".parse::<AccountName>().unwrap_err();
        assert!(!refused.to_string().contains("Horse"));
    }

    #[test]
    fn a_handed_over_password_comes_before_the_second_factor() {
        let roles: BTreeSet<Role> = [Role::Author, Role::Admin].into();
        let demanding: BTreeSet<Role> = [Role::Admin, Role::Approver].into();
        assert_eq!(duties(true, false, &roles, &demanding), [Duty::ChangePassword, Duty::EnrolSecondFactor]);
        assert_eq!(duties(false, false, &roles, &demanding), [Duty::EnrolSecondFactor]);
        assert_eq!(duties(false, true, &roles, &demanding), []);
        assert_eq!(duties(false, false, &[Role::Author].into(), &demanding), []);
        assert_eq!(duties(false, false, &roles, &BTreeSet::new()), []);
    }

    #[test]
    fn lists_are_read_back() {
        let roles: BTreeSet<Role> = Role::ALL.into();
        assert_eq!(read_list(&comma_separated(&roles)), Ok(roles));
        assert_eq!(read_list::<Role>(""), Ok(BTreeSet::new()));
        assert!(read_list::<Role>("admin, cook").unwrap_err().contains("cook"));
    }
}
