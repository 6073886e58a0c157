//! A folder with contacts and short templates, and the program run in it by different people.

#[path = "../support/desk.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod shared;

use std::path::PathBuf;

pub use shared::Said;

/// A folder in which several people work.
pub struct Desk(shared::Desk);

impl Desk {
    /// With this in its `[approval]`.
    pub fn new(approval: &str) -> Self {
        let desk = Self(shared::Desk::configured(&format!(
            "[instance]\nname = \"Kommunale IT\"\nshort_name = \"KIM\"\npublic_url = \"https://notfall.kim.test\"\n\
             [approval]\n{approval}\n"
        )));
        desk.write("contacts/press.csv", "id,name,email\nzeitung,Zeitung,redaktion@zeitung.test\n");
        desk.write(
            "contacts/towns.csv",
            "id,name,email\ndorf,Dorf,rathaus@dorf.test\nstadt,Stadt,rathaus@stadt.test\n",
        );
        desk.write("contacts/crisis-staff.csv", "id,name,email\nbodo,Bodo,bodo@kim.test\n");
        desk.write(
            "contacts/groups.toml",
            "[outside]\ntitle = \"Alle draußen\"\ncontains = [\"press\", \"towns\"]\n",
        );
        desk.write("templates/kurz/template.toml", TEMPLATE);
        desk.write(
            "templates/kurz/email.de.md",
            "---\nsubject: \"{{notice.number}}\"\n---\nTreffpunkt {{ort}}.\n",
        );
        desk.write("templates/ruf/template.toml", &TEMPLATE.replace("Kurz", "Ruf"));
        desk.write(
            "templates/ruf/email.de.md",
            "---\nsubject: \"{{notice.number}}\"\n---\nKommen Sie nach {{ort}}.\n",
        );
        desk.run("anna", &["contacts", "import"]).ends(0);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        self.0.write(name, text);
    }

    /// What `who` does at the shell.
    pub fn run(&self, who: &str, arguments: &[&str]) -> Said {
        self.0.run_as(who, arguments)
    }

    /// Anna sends the short template.
    pub fn send(&self, more: &[&str]) -> Said {
        self.run("anna", &[&["send", "kurz", "--set", "ort=Rathaus", "--json"], more].concat())
    }

    /// A notice as `notices show --json` gives it.
    pub fn shown(&self, number: &str) -> serde_json::Value {
        self.run("anna", &["notices", "show", number, "--json"]).ends(0).json().remove(0)
    }

    /// The addresses that a notice went to.
    pub fn addresses(&self, number: &str) -> Vec<String> {
        let listed = self.run("anna", &["deliveries", "list", "--notice", number, "--json"]).ends(0);
        let mut addresses: Vec<String> =
            listed.json().iter().map(|row| row["contact"].as_str().unwrap().to_owned()).collect();
        addresses.sort();
        addresses
    }

    /// All mails in the folder that stands for a relay.
    pub fn mails(&self) -> String {
        let Ok(folder) = std::fs::read_dir(self.path("var/outbox/email"))
            .or_else(|_| std::fs::read_dir(self.path("var/outbox")))
        else {
            return String::new();
        };
        folder
            .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

const TEMPLATE: &str = "title = \"Kurz\"\n[[variable]]\nname = \"ort\"\nlabel = { de = \"Ort\" }\ntype = \"text\"\n\
                        required = true\nexample = \"Rathaus\"\n";
