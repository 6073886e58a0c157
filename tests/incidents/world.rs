//! An instance with the templates that come with the program, a town, and a crisis staff.

use std::path::Path;

use crate::instance::{Engine, Instance};
use crate::process::Said;

/// The values that a notice without news needs.
pub const NOTHING_NEW: [&str; 5] =
    ["lage-ohne-neues", "--set", "stand=2026-11-20T05:40", "--set", "hotline=030 23125-100"];

pub async fn world(engine: Engine) -> Instance {
    let instance = Instance::new(engine).await;
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for name in ["lage-ohne-neues", "lage-kommune", "entwarnung-kommune", "erinnerung-stab"] {
        for file in std::fs::read_dir(shipped.join(name)).unwrap().map(Result::unwrap) {
            let to = format!("templates/{name}/{}", file.file_name().into_string().unwrap());
            instance.write(&to, std::fs::read(file.path()).unwrap());
        }
    }
    instance.write("contacts/municipalities.csv", "id;name;email\nstadt;Stadt;rathaus@stadt.example\n");
    instance.write(
        "contacts/crisis-staff.csv",
        "id;name;email;sms\nchefin;Chefin;chefin@tb.example;+49 171 39200-01\n",
    );
    instance.write("contacts/staff.csv", "id;name;email\nalle;Alle;alle@tb.example\n");
    instance.run(&["contacts", "import"]).exits(0);
    instance
}

/// Opens the incident that all tests are about.
pub fn open(instance: &Instance, more: &[&str]) -> Said {
    instance.run(&[&["incidents", "open", "it-ausfall", "--title", "IT-Ausfall"], more].concat()).exits(0)
}

/// Sends `template` with its values to the town.
pub fn send(instance: &Instance, template: &[&str], more: &[&str]) -> Said {
    let base = ["--to", "municipalities", "--channel", "email", "--incident", "it-ausfall"];
    instance.run(&[&["send"], template, &base, more].concat())
}

/// The incident as the list shows it.
pub fn incident(instance: &Instance) -> serde_json::Value {
    instance.run(&["incidents", "list", "--json"]).exits(0).json().remove(0)
}
