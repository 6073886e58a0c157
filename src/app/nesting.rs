//! Who belongs to a group when groups contain groups.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{Contact, Group};

/// The names of `group` and of all groups in it, however deep. A circle does no harm.
pub fn with_nested<'a>(groups: &'a BTreeMap<String, Group>, group: &'a str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    let mut open = vec![group];
    while let Some(name) = open.pop() {
        if names.insert(name)
            && let Some(group) = groups.get(name)
        {
            open.extend(group.contains.iter().map(String::as_str));
        }
    }
    names
}

/// The names of all groups that `contact` belongs to only because they contain one of its own.
pub fn inherited<'a>(groups: &'a BTreeMap<String, Group>, contact: &Contact) -> BTreeSet<&'a str> {
    groups
        .keys()
        .map(String::as_str)
        .filter(|name| !contact.groups.iter().any(|own| own == name))
        .filter(|name| is_member(&with_nested(groups, name), contact))
        .collect()
}

/// Whether `contact` is a direct member of one of `names`.
pub fn is_member(names: &BTreeSet<&str>, contact: &Contact) -> bool {
    contact.groups.iter().any(|own| names.contains(own.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(nesting: &[(&str, &[&str])]) -> BTreeMap<String, Group> {
        nesting
            .iter()
            .map(|(name, contains)| {
                let contains = contains.iter().map(|name| (*name).to_owned()).collect();
                ((*name).to_owned(), Group { name: (*name).to_owned(), title: String::new(), contains })
            })
            .collect()
    }

    #[test]
    fn a_group_has_the_members_of_all_groups_below_it() {
        let groups =
            groups(&[("all", &["towns"]), ("towns", &["north", "all"]), ("north", &[]), ("press", &[])]);
        assert_eq!(with_nested(&groups, "all"), ["all", "north", "towns"].into());
        assert_eq!(with_nested(&groups, "press"), ["press"].into());
    }
}
