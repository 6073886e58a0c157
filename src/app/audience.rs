//! Whom an audience names: groups with what they contain, single contacts, exclusions, filters.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::audience::{Audience, Filter};
use crate::domain::contact::{Contact, KnownContact};
use crate::domain::nearest::hint;
use crate::store::{Everybody, FrozenPerson};

use super::nesting::{is_member, with_nested};

/// Everybody who can be addressed.
#[derive(Debug)]
pub struct Directory(Arc<Everybody>);

/// A contact of an audience, and what brought it in.
#[derive(Debug, Clone, Copy)]
pub struct Addressed<'a> {
    /// Who.
    pub contact: &'a Arc<KnownContact>,
    /// The first of the named groups that it is in; `None` when it was named itself.
    pub group: Option<&'a str>,
}

/// The same, for as long as a draft is looked at.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// Who.
    pub contact: Arc<KnownContact>,
    /// The first of the named groups that it is in; `None` when it was named itself.
    pub group: Option<Arc<str>>,
}

impl Addressee {
    /// As it is frozen with a notice.
    pub fn person(&self) -> FrozenPerson {
        FrozenPerson::Of { contact: Arc::clone(&self.contact), group: self.group.clone() }
    }
}

/// Everybody in `addressed`, in the same order.
pub fn addressees(addressed: &[Addressed<'_>]) -> Vec<Addressee> {
    let mut last: Option<Arc<str>> = None;
    let mut addressees = Vec::with_capacity(addressed.len());
    for one in addressed {
        // Members of a group stand together: one name serves them all.
        if one.group != last.as_deref() {
            last = one.group.map(Arc::from);
        }
        addressees.push(Addressee { contact: Arc::clone(one.contact), group: last.clone() });
    }
    addressees
}

/// One thing that an audience names, and the groups that it touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The group, or the contact's id.
    pub name: String,
    /// The groups that hold all of it: itself, if it is a group, and those that contain it.
    pub within: BTreeSet<String>,
    /// All groups that it touches: those, and the ones inside it.
    pub groups: BTreeSet<String>,
}

/// Why an audience cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// No group or contact was named.
    #[error("nobody is named: name a group or a contact (--to, --contact); \"groups list\" shows the groups")]
    Nobody,
    /// A group that does not exist.
    #[error("there is no group \"{name}\"{hint}: \"groups list\" shows them all")]
    UnknownGroup {
        /// As it was typed.
        name: String,
        /// The nearest, in words.
        hint: String,
    },
    /// A contact that does not exist.
    #[error("there is no contact \"{id}\"{hint}: \"contacts list\" shows them all")]
    UnknownContact {
        /// As it was typed.
        id: String,
        /// The nearest, in words.
        hint: String,
    },
    /// A filter on something that no contact of the groups has.
    #[error("no contact of these groups has the attribute \"{name}\"{hint}: check --where")]
    UnknownAttribute {
        /// As it was typed.
        name: String,
        /// The nearest, in words.
        hint: String,
    },
    /// Nobody is left.
    #[error("the audience is empty: the groups have no members, or --except and --where leave nobody")]
    Empty,
}

impl Directory {
    /// Everybody that the store knows.
    pub const fn new(everybody: Arc<Everybody>) -> Self {
        Self(everybody)
    }

    /// The contact with this id from the files.
    pub fn contact(&self, id: &str) -> Option<&KnownContact> {
        self.0.place(id).map(|at| self.0.contacts()[at].as_ref())
    }

    /// How many contacts there are.
    pub fn len(&self) -> usize {
        self.0.contacts().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.contacts().is_empty()
    }

    /// The contacts of `audience`, each once, in the order of their ids within each group.
    ///
    /// # Errors
    /// When it names somebody who does not exist, or nobody is left.
    pub fn resolve<'a>(&'a self, audience: &'a Audience) -> Result<Vec<Addressed<'a>>, AudienceError> {
        if audience.groups.is_empty() && audience.contacts.is_empty() {
            return Err(AudienceError::Nobody);
        }
        let mut except = BTreeSet::new();
        for name in &audience.except {
            except.extend(self.names_within(name)?);
        }
        let left_out = |contact: &Contact| is_member(&except, contact);

        let mut taken = vec![false; self.len()];
        let mut take = |at: usize| !std::mem::replace(&mut taken[at], true);
        let mut addressed = Vec::new();
        for id in &audience.contacts {
            let at = self.0.place(id).ok_or_else(|| self.unknown_contact(id))?;
            if take(at) {
                addressed.push(Addressed { contact: &self.0.contacts()[at], group: None });
            }
        }
        let mut seen: Vec<&Contact> = Vec::new();
        for name in &audience.groups {
            let names = self.names_within(name)?;
            for (at, known) in self.0.contacts().iter().enumerate() {
                if !is_member(&names, &known.contact) {
                    continue;
                }
                seen.push(&known.contact);
                let matches = audience.filters.iter().all(|filter| matches_filter(&known.contact, filter));
                if matches && !left_out(&known.contact) && take(at) {
                    addressed.push(Addressed { contact: known, group: Some(name) });
                }
            }
        }
        check_filters(&audience.filters, &seen)?;
        if addressed.is_empty() { Err(AudienceError::Empty) } else { Ok(addressed) }
    }

    /// What `audience` names, and which groups that touches.
    pub fn reach(&self, audience: &Audience) -> Vec<Reach> {
        let containing = |holds: &dyn Fn(&BTreeSet<&str>) -> bool| -> BTreeSet<String> {
            let groups = self.0.groups();
            groups.keys().filter(|name| holds(&with_nested(groups, name))).cloned().collect()
        };
        let groups = audience.groups.iter().map(|name| {
            let within = containing(&|nested| nested.contains(name.as_str()));
            let inside = with_nested(self.0.groups(), name).into_iter().map(str::to_owned);
            Reach { name: name.clone(), groups: within.iter().cloned().chain(inside).collect(), within }
        });
        let contacts = audience.contacts.iter().filter_map(|id| self.contact(id)).map(|known| {
            let within = containing(&|nested| is_member(nested, &known.contact));
            Reach { name: known.contact.id.clone(), groups: within.clone(), within }
        });
        groups.chain(contacts).collect()
    }

    /// The name of a group and of all groups that it contains, however deep.
    fn names_within<'a>(&'a self, name: &'a str) -> Result<BTreeSet<&'a str>, AudienceError> {
        if !self.0.groups().contains_key(name) {
            let hint = hint(name, self.0.groups().keys().map(String::as_str));
            return Err(AudienceError::UnknownGroup { name: name.to_owned(), hint });
        }
        Ok(with_nested(self.0.groups(), name))
    }

    fn unknown_contact(&self, id: &str) -> AudienceError {
        let hint = hint(id, self.0.ids());
        AudienceError::UnknownContact { id: id.to_owned(), hint }
    }
}

fn field<'a>(contact: &'a Contact, name: &str) -> Option<&'a str> {
    match name {
        "id" => Some(&contact.id),
        "language" => Some(&contact.language),
        "organisation" => Some(&contact.organisation),
        _ => contact.attributes.get(name),
    }
}

fn matches_filter(contact: &Contact, filter: &Filter) -> bool {
    field(contact, &filter.attribute).is_some_and(|value| value.to_lowercase() == filter.value.to_lowercase())
}

/// A slip in an attribute's name would silently address nobody.
fn check_filters(filters: &[Filter], seen: &[&Contact]) -> Result<(), AudienceError> {
    for filter in filters {
        if seen.iter().any(|contact| field(contact, &filter.attribute).is_some()) {
            continue;
        }
        let known: BTreeSet<&str> = seen
            .iter()
            .flat_map(|contact| contact.attributes.names())
            .chain(["id", "language", "organisation"])
            .collect();
        let hint = hint(&filter.attribute, known);
        return Err(AudienceError::UnknownAttribute { name: filter.attribute.clone(), hint });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::Group;
    use crate::domain::ids::ContactKey;

    fn contact(id: &str, groups: &[&str], state: &str) -> KnownContact {
        KnownContact {
            key: ContactKey(uuid::Uuid::nil()),
            contact: Contact {
                id: id.to_owned(),
                name: id.to_owned(),
                organisation: String::new(),
                salutation: String::new(),
                language: "de".to_owned(),
                deputy: None,
                points: Vec::new(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                attributes: [("bundesland", state)].into(),
            },
        }
    }

    fn directory() -> Directory {
        let group = |name: &str, contains: &[&str]| {
            let contains = contains.iter().map(|name| (*name).to_owned()).collect();
            (name.to_owned(), Group { name: name.to_owned(), title: name.to_owned(), contains })
        };
        let contacts = vec![
            contact("dorf", &["towns.north"], "NRW"),
            contact("stadt", &["towns", "press"], "NRW"),
            contact("weiler", &["towns.south"], "Hessen"),
        ];
        let groups = [
            group("towns", &["towns.north", "towns.south"]),
            group("towns.north", &[]),
            group("towns.south", &["towns"]),
            group("press", &[]),
        ];
        Directory::new(Arc::new(Everybody::new(contacts, groups.into())))
    }

    fn ids(audience: &Audience) -> Result<Vec<String>, AudienceError> {
        let directory = directory();
        let addressed = directory.resolve(audience)?;
        Ok(addressed.iter().map(|addressed| addressed.contact.contact.id.clone()).collect())
    }

    fn to(groups: &[&str]) -> Audience {
        Audience { groups: groups.iter().map(|group| (*group).to_owned()).collect(), ..Audience::default() }
    }

    #[test]
    fn a_group_brings_all_it_contains_and_nobody_twice() {
        assert_eq!(ids(&to(&["towns", "press"])).unwrap(), ["dorf", "stadt", "weiler"]);
        assert_eq!(ids(&to(&["towns.north"])).unwrap(), ["dorf"]);
    }

    #[test]
    fn a_group_touches_what_contains_it_and_what_it_contains() {
        let directory = directory();
        let touched = |audience: &Audience| directory.reach(audience).remove(0).groups;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(
            touched(&to(&["towns.north"])),
            names(&["towns", "towns.north", "towns.south"]),
            "a circle"
        );
        assert_eq!(touched(&to(&["press"])), names(&["press"]));
        let contact = Audience { contacts: vec!["stadt".to_owned()], ..Audience::default() };
        assert_eq!(touched(&contact), names(&["press", "towns", "towns.south"]));
    }

    #[test]
    fn exclusions_and_filters_take_away() {
        let except = Audience { except: vec!["press".to_owned()], ..to(&["towns"]) };
        assert_eq!(ids(&except).unwrap(), ["dorf", "weiler"]);
        let filter = Filter { attribute: "bundesland".to_owned(), value: "hessen".to_owned() };
        let filtered = Audience { filters: vec![filter], ..to(&["towns"]) };
        assert_eq!(ids(&filtered).unwrap(), ["weiler"]);
    }

    #[test]
    fn a_slip_is_named_with_the_nearest() {
        let error = ids(&to(&["twons"])).unwrap_err().to_string();
        assert!(error.contains("\"twons\" (did you mean \"towns\"?)"), "{error}");
        let filter = Filter { attribute: "bundesand".to_owned(), value: "x".to_owned() };
        let error = ids(&Audience { filters: vec![filter], ..to(&["towns"]) }).unwrap_err().to_string();
        assert!(error.contains("did you mean \"bundesland\"?"), "{error}");
        let contact = Audience { contacts: vec!["dorv".to_owned()], ..Audience::default() };
        assert!(ids(&contact).unwrap_err().to_string().contains("did you mean \"dorf\"?"));
    }

    #[test]
    fn an_audience_of_nobody_is_refused() {
        assert_eq!(ids(&Audience::default()), Err(AudienceError::Nobody));
        let nobody = Audience { except: vec!["towns".to_owned()], ..to(&["towns"]) };
        assert_eq!(ids(&nobody), Err(AudienceError::Empty));
    }
}
