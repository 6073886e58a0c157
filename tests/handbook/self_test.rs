//! This test can fail: pages that are wrong are found out.

use super::compare::{Ids, compare};
use super::page::Page;
use super::stage::work_through;

fn page(text: &str) -> Page {
    Page::parse("invented.md", text).unwrap()
}

#[track_caller]
fn fault(text: &str) -> String {
    work_through(&page(text)).unwrap_err()
}

#[test]
fn a_right_page_passes() {
    work_through(&page(
        "<!-- handbook: samples -->\n```sh\nmkdir there\ncd there\n```\n```toml rundruf.toml\n[instance]\n\
         contacts = \"../contacts\"\n```\n```sh\nrundruf contacts check ../contacts\n```\n```text\n7 files  with …\n```\n\
         ```sh\n# exit 1\nrundruf contacts check nowhere\n```\n",
    ))
    .unwrap();
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let fault = fault("# Page\n\n```sh\nrundruf contcats list\n```\n");
    assert!(fault.starts_with("docs/invented.md, line 3: ended with 2 instead of 0"), "{fault}");
}

#[test]
fn a_failure_in_the_middle_of_a_block_is_found() {
    let fault = fault("```sh\nrundruf contacts check nowhere\ntrue\n```\n");
    assert!(fault.contains("ended with 1 instead of 0"), "{fault}");
}

#[test]
fn a_failure_that_does_not_happen_is_found() {
    assert!(fault("```sh\nrundruf --version  # fine\n# exit 3\n```\n").contains("ended with 0 instead of 3"));
}

#[test]
fn output_that_is_not_written_is_found() {
    let fault = fault("```sh\nrundruf --version\n```\n```text\nrundruf 999.0\n```\n");
    assert!(
        fault.contains("line 4: this line of the page was not written") && fault.contains("rundruf 0."),
        "{fault}"
    );
}

#[test]
fn a_block_of_an_unknown_kind_is_found() {
    let fault = Page::parse("invented.md", "```bash\nls\n```\n").unwrap_err();
    assert!(fault.contains("\"bash\" is no kind of block"), "{fault}");
}

#[test]
fn numbers_count_and_times_do_not() {
    let mut ids = Ids::new();
    let written = "Deliveries: 27\n  ended 22.11.2026 01:10:47, id 01a20097-566a-7000-8000-e0dccb248b81\n";
    let shown = |count: &str| {
        format!("Deliveries:   {count}\nended 01.01.2020 00:00:00, id 00000000-0000-0000-0000-000000000001\n")
    };
    assert!(compare(&shown("3"), written, &mut ids).is_err());
    compare(&shown("27"), written, &mut ids).unwrap();
    assert_eq!(ids["00000000-0000-0000-0000-000000000001"], "01a20097-566a-7000-8000-e0dccb248b81");
}

#[test]
fn the_order_of_lines_counts() {
    let mut ids = Ids::new();
    assert!(compare("b\na\n", "a\nb\n", &mut ids).is_err());
    compare("a\n…\nc…\n", "a\nb\ncde\n", &mut ids).unwrap();
    compare("1 … 2 … 3\n", "1 x 2 y z 3\n", &mut ids).unwrap();
    assert!(compare("1 … 2 … 3\n", "1 x y z 3\n", &mut ids).is_err());
    assert!(compare("cd\n", "cde\n", &mut ids).is_err());
}
