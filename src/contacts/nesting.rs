//! Whether groups contain each other in a way that ends.

use std::collections::BTreeMap;

use crate::domain::contact::Group;

/// The first way found by which a group contains itself, as the names along it: `a`, `b`, `a`.
pub(super) fn find_cycle(groups: &BTreeMap<String, Group>) -> Option<Vec<String>> {
    let mut finished = std::collections::BTreeSet::new();
    for start in groups.keys() {
        // A stack of our own: a chain of a hundred thousand groups must not exhaust the program's.
        let mut way: Vec<(&str, usize)> = vec![(start, 0)];
        let mut on_way = std::collections::BTreeSet::from([start.as_str()]);
        while let Some((group, next)) = way.last_mut() {
            let nested = groups.get(*group).and_then(|group| group.contains.get(*next));
            *next += 1;
            match nested {
                _ if finished.contains(*group) => {
                    on_way.remove(*group);
                    way.pop();
                }
                None => {
                    finished.insert(*group);
                    on_way.remove(*group);
                    way.pop();
                }
                Some(nested) if on_way.contains(nested.as_str()) => {
                    let from = way.iter().skip_while(|(group, _)| group != nested);
                    let names = from.map(|(group, _)| (*group).to_owned());
                    return Some(names.chain([nested.clone()]).collect());
                }
                Some(nested) => {
                    on_way.insert(nested);
                    way.push((nested, 0));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(nesting: &[(&str, &[&str])]) -> BTreeMap<String, Group> {
        let group = |(name, contains): &(&str, &[&str])| {
            let contains = contains.iter().map(|name| (*name).to_owned()).collect();
            ((*name).to_owned(), Group { name: (*name).to_owned(), title: String::new(), contains })
        };
        nesting.iter().map(group).collect()
    }

    #[test]
    fn a_cycle_is_named_from_its_beginning_to_its_beginning() {
        let cycle = |nesting: &[(&str, &[&str])]| find_cycle(&groups(nesting)).map(|names| names.join(" → "));
        assert_eq!(cycle(&[("a", &["a"])]).unwrap(), "a → a");
        assert_eq!(cycle(&[("a", &["x", "b"]), ("b", &["c"]), ("c", &["b"])]).unwrap(), "b → c → b");
        assert_eq!(cycle(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]), None);
    }

    #[test]
    fn a_very_long_chain_is_no_cycle_and_no_overflow() {
        let nesting = (0..100_000).map(|n| {
            let name = format!("g{n}");
            (name.clone(), Group { name, title: String::new(), contains: vec![format!("g{}", n + 1)] })
        });
        assert_eq!(find_cycle(&nesting.collect()), None);
    }
}
