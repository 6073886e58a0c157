//! Who cannot be reached is said by name, in the plan and in the report; and a second address is used.

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::relay::Relay;

on_both_engines!(a_second_address_is_used_and_who_has_none_is_named);

async fn a_second_address_is_used_and_who_has_none_is_named(engine: Engine) {
    let server = Relay::start().await;
    let instance = Instance::new(engine).await;
    instance.configure(&format!("unreachable_domains = [\"tot.example\"]\n{}", relay(server.port(), "")));
    instance.write(
        "contacts/all.csv",
        "id;name;email;email_2\n\
         gut;Amt Gut;gut@a.example;zweit@a.example\n\
         gesperrt;Amt Gesperrt;gesperrt@a.example;\n\
         teilt;Amt Teilt;gesperrt@a.example;\n\
         ausweich;Amt Ausweich;alt@a.example;neu@a.example\n\
         tot;Amt Tot;tot@tot.example;\n\
         umweg;Amt Umweg;umweg@tot.example;umweg@b.example\n",
    );
    instance.run(&["contacts", "import"]).exits(0);
    for address in ["gesperrt@a.example", "alt@a.example"] {
        instance.run(&["suppressions", "add", address, "--reason", "unbekannt verzogen"]).exits(0);
    }

    let said = instance.run(&["send", TEMPLATE, "--to", "all", "--yes"]).exits(3);
    let plan = &said.err;
    for (name, why) in [
        ("Amt Gesperrt (gesperrt)", "unbekannt verzogen"),
        ("Amt Teilt (teilt)", "unbekannt verzogen"),
        ("Amt Tot (tot)", "tot.example"),
    ] {
        let line = plan.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} is missing in the plan:\n{plan}"));
        assert!(line.starts_with('!') && line.contains(why), "{line}");
        assert!(said.out.contains(name), "{name} is missing in the report:\n{}", said.out);
    }
    for fine in ["Amt Gut", "Amt Ausweich", "Amt Umweg"] {
        assert!(!plan.contains(fine) && !said.out.contains(fine), "{fine} is named without need");
    }
    let got: Vec<String> = server.by_recipient().into_keys().collect();
    assert_eq!(got, ["gut@a.example", "neu@a.example", "umweg@b.example"]);
    assert_eq!((instance.count("sent"), instance.count("suppressed")), (3, 1));
}
