//! Groups that the rules of approval name and nobody has: a rule about one of these asks for no second person.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::contact::Group;
use crate::domain::nearest::hint;
use crate::domain::settings::Approval;

/// A group that `[approval]` names and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGroup {
    /// Which setting names it.
    pub named_in: NamedIn,
    /// Its name, as written.
    pub name: String,
    /// ` (did you mean "press"?)`; empty where nothing is near.
    pub hint: String,
}

/// A setting that names groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedIn {
    /// `[approval] groups`: whose notices need a second person.
    Groups,
    /// `[approval] tell`: who is told when somebody releases alone.
    Tell,
}

impl fmt::Display for MissingGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, hint, .. } = self;
        match self.named_in {
            NamedIn::Groups => write!(
                f,
                "[approval] groups names \"{name}\", and there is no such group{hint}: nothing is asked of a second \
                 person because of it"
            ),
            NamedIn::Tell => write!(
                f,
                "[approval] tell names \"{name}\", and there is no such group{hint}: nobody in it is told when somebody \
                 releases alone"
            ),
        }
    }
}

/// The groups that `approval` names and that are not among `groups`. Before the first import there is none at all, and
/// nothing is missing.
pub fn missing_groups(approval: &Approval, groups: &BTreeMap<String, Group>) -> Vec<MissingGroup> {
    if groups.is_empty() {
        return Vec::new();
    }
    let asked = approval.groups.iter().map(|name| (NamedIn::Groups, name));
    let told = approval.tell.iter().map(|name| (NamedIn::Tell, name));
    let missing = asked.chain(told).filter(|(_, name)| !groups.contains_key(*name));
    missing
        .map(|(named_in, name)| MissingGroup {
            named_in,
            name: name.escape_debug().to_string(),
            hint: hint(name, groups.keys().map(String::as_str)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_nobody_has_is_named_with_what_may_be_meant() {
        let group = |name: &str| Group { name: name.to_owned(), title: String::new(), contains: Vec::new() };
        let groups: BTreeMap<_, _> =
            ["press", "crisis-staff"].map(|name| (name.to_owned(), group(name))).into_iter().collect();
        let mut approval = crate::config::defaults().unwrap().approval;
        approval.groups = vec!["press".to_owned(), "pres".to_owned()];
        approval.tell = Some("crisis-staff".to_owned());
        let missing = missing_groups(&approval, &groups);
        assert_eq!(missing.len(), 1);
        let said = missing[0].to_string();
        assert!(said.contains("\"pres\"") && said.contains("did you mean \"press\"?"), "{said}");
        approval.tell = Some("nada".to_owned());
        assert_eq!(missing_groups(&approval, &groups)[1].named_in, NamedIn::Tell);
        assert_eq!(missing_groups(&approval, &BTreeMap::new()), [], "before the first import");
    }
}
