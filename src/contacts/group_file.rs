//! `groups.toml`: what groups are called, and which contain which.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::domain::contact::Group;
use crate::domain::nearest::hint;

use super::names;

/// The file's name, in the folder of the contact files.
pub(super) const FILE_NAME: &str = "groups.toml";

/// Reads the file's text. A group with a dot in its name may be written `["a.b"]` or `[a.b]`.
///
/// # Errors
/// Every fault of the file, each with its mend.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Group>, Vec<String>> {
    let table: Table = match text.trim_start_matches('\u{feff}').parse() {
        Ok(table) => table,
        Err(error) => return Err(vec![not_toml(text, &error)]),
    };
    let mut reading = GroupReading::default();
    for (name, value) in table {
        match value {
            Value::Table(group) => reading.read_group(&name, group),
            _ => reading.wrong.push(format!(
                "\"{name}\" stands outside of a group: write the group's name in brackets above it, such as \
                 [municipalities]"
            )),
        }
    }
    if reading.wrong.is_empty() { Ok(reading.groups) } else { Err(reading.wrong) }
}

fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    format!("line {line} is no TOML: {}", super::finding::shown(error.message()))
}

#[derive(Default)]
struct GroupReading {
    groups: BTreeMap<String, Group>,
    wrong: Vec<String>,
}

impl GroupReading {
    fn read_group(&mut self, name: &str, table: Table) {
        let mut group = Group { name: String::new(), title: name.to_owned(), contains: Vec::new() };
        let mut own = table.is_empty();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("title", Value::String(title)) if is_title(&title) => {
                    own = true;
                    title.trim().clone_into(&mut group.title);
                }
                ("title", _) => self.wrong.push(format!(
                    "title of group \"{name}\" must be one line of text, such as title = \"Kommunen\""
                )),
                ("contains", Value::Array(list)) => {
                    own = true;
                    group.contains = self.read_contains(name, list);
                }
                ("contains", _) => self.wrong.push(wrong_contains(name)),
                (_, Value::Table(nested)) => self.read_group(&format!("{name}.{key}"), nested),
                (unknown, _) => self.wrong.push(format!(
                    "group \"{name}\" has the unknown key \"{unknown}\"{}: there are title and contains",
                    hint(unknown, ["title", "contains"])
                )),
            }
        }
        // `[a.b]` makes a table `a` too, which says nothing of a group `a`.
        if own {
            self.add(name, group);
        }
    }

    fn read_contains(&mut self, name: &str, list: Vec<Value>) -> Vec<String> {
        let mut contains = Vec::new();
        for value in list {
            match value.as_str().map(|nested| names::group_name(nested.trim())) {
                Some(Ok(nested)) if contains.contains(&nested) => {}
                Some(Ok(nested)) => contains.push(nested),
                Some(Err(reason)) => {
                    self.wrong.push(format!("group \"{name}\" contains a name that none can be: {reason}"));
                }
                None => self.wrong.push(wrong_contains(name)),
            }
        }
        contains
    }

    fn add(&mut self, name: &str, group: Group) {
        match names::group_name(name) {
            Ok(name) if self.groups.contains_key(&name) => {
                self.wrong.push(format!("group \"{name}\" stands in it twice: bring both to one"));
            }
            Ok(name) => {
                self.groups.insert(name.clone(), Group { name, ..group });
            }
            Err(reason) => self.wrong.push(format!("no group can have this name: {reason}")),
        }
    }
}

fn is_title(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

fn wrong_contains(name: &str) -> String {
    format!(
        "contains of group \"{name}\" must be a list of groups, such as contains = [\"schools\", \"staff\"]"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_and_nesting_are_read_in_both_ways_of_writing_a_dot() {
        let groups = read(
            "\u{feff}[municipalities]\ntitle = \"Kommunen\"\ncontains = [\"municipalities.north\", \"Towns\"]\n\
             [municipalities.north]\ntitle = \"Nord\"\n[\"a.b\"]\n",
        )
        .unwrap();
        assert_eq!(groups["municipalities"].title, "Kommunen");
        assert_eq!(groups["municipalities"].contains, ["municipalities.north", "towns"]);
        assert_eq!(groups["municipalities.north"].title, "Nord");
        assert_eq!(groups["a.b"].title, "a.b");
        assert!(!read("[a.b]\ntitle = \"x\"").unwrap().contains_key("a"));
    }

    #[test]
    fn every_fault_is_named() {
        let wrong = |text: &str| read(text).unwrap_err().join("\n");
        assert!(wrong("[a]\ntitel = \"x\"").contains("unknown key \"titel\" (did you mean \"title\"?)"));
        assert!(wrong("title = \"x\"").contains("outside of a group"));
        assert!(wrong("[a]\ntitle = 3").contains("one line of text"));
        assert!(wrong("[a]\ntitle = \"x\\ny\"").contains("one line of text"));
        assert!(wrong("[a]\ncontains = \"b\"").contains("list of groups"));
        assert!(wrong("[a]\ncontains = [1]").contains("list of groups"));
        assert!(wrong("[a]\ncontains = [\"b c\"]").contains("holds \" \""));
        assert!(wrong("[\"a b\"]").contains("no group can have this name"));
        assert!(wrong("[a]\n[A]").contains("stands in it twice"));
        assert!(wrong("[a]\n[b]\ntitle = \n").contains("line 3 is no TOML"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
