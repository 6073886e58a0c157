//! The handbook cannot rot: what `docs/*.md` shows is run as it is written, and must say what the page says.
//!
//! A page is worked through from top to bottom in a fresh folder. Its fenced blocks mean:
//!
//! | block | what happens |
//! |---|---|
//! | ` ```sh ` | runs as one `sh -e` script, `rundruf` being this program. It must end with 0, or with the status that a line `# exit N` in it names. A `cd` holds for the next block. |
//! | ` ```text ` right behind it | every line must appear in what the block wrote, in this order; `…` alone stands for any lines, within a line for anything there |
//! | ` ```toml NAME `, ` ```csv NAME `, ` ```md NAME `, ` ```py NAME ` | is written into the file NAME |
//! | ` ```console ` | is only shown: it needs what a test does not have (root, a server, a person's answer) |
//!
//! Spaces count once. Ids, points in time and rates of progress may differ (see [`compare`]); numbers of deliveries
//! may not. An id on a page stands for the one that the program gave in its place, also in later commands. The year
//! in a notice's number is today's.
//!
//! A page may begin with `<!-- handbook: … -->`, which names what lies ready: `samples` (the repository's contacts and
//! templates), `relays` and `gateways` (see [`stage`]).
//!
//! To write a page: `HANDBOOK_SHOW=1 cargo test --test handbook sending -- --nocapture` shows what its commands write.

#[cfg(test)]
mod compare;
#[cfg(test)]
mod defaults;
#[cfg(test)]
mod links;
#[cfg(test)]
mod page;
#[cfg(test)]
#[path = "../support/script.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod script;
#[cfg(test)]
mod self_test;
#[cfg(test)]
#[path = "../support/smtp_server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod smtp_server;
#[cfg(test)]
mod stage;

#[cfg(test)]
mod pages {
    use super::{page::Page, stage};

    macro_rules! pages {
        ($($test:ident: $file:literal,)*) => {
            const LISTED: &[&str] = &[$($file),*];
            $(
                #[test]
                fn $test() {
                    let page = Page::read($file);
                    if let Err(fault) = stage::work_through(&page) {
                        panic!("{fault}");
                    }
                }
            )*
        };
    }

    pages! {
        the_index_holds: "README.md",
        set_up_holds: "set-up.md",
        configuration_holds: "configuration.md",
        contact_files_holds: "contact-files.md",
        templates_holds: "templates.md",
        sending_holds: "sending.md",
        reading_the_result_holds: "reading-the-result.md",
        after_a_crash_holds: "after-a-crash.md",
        limits_and_relays_holds: "limits-and-relays.md",
        dead_domains_holds: "dead-domains.md",
        doctor_holds: "doctor.md",
        postgres_holds: "postgres.md",
        serve_holds: "serve.md",
        alarms_hold: "alarms.md",
        audit_holds: "audit.md",
        incidents_hold: "incidents.md",
        webhooks_hold: "webhooks.md",
        partners_hold: "partners.md",
        accounts_hold: "accounts.md",
        the_api_holds: "api.md",
        bounces_holds: "bounces.md",
        operations_holds: "operations.md",
        backup_holds: "backup.md",
        text_messages_holds: "text-messages.md",
        approval_holds: "approval.md",
        data_protection_holds: "data-protection.md",
    }

    #[test]
    fn every_page_is_worked_through() {
        for path in super::page::files() {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(LISTED.contains(&name), "docs/{name} is no page of this test");
        }
    }
}
