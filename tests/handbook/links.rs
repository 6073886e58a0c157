//! Links and paths in README.md and the handbook lead somewhere.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    super::page::files().into_iter().chain([root().join("README.md")]).collect()
}

#[test]
fn links_lead_to_files_that_are_there() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || file.is_empty() || file.contains(' ');
            assert!(
                is_elsewhere || page.parent().unwrap().join(file).exists(),
                "{}: {target}",
                page.display()
            );
        }
    }
}

#[test]
fn source_files_named_in_the_readme_are_there() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let named: Vec<&str> =
        text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("src/")).collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(root().join(path).exists(), "README.md names {path}");
    }
}
