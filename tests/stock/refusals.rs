//! What would be refused on our own side is said before anything leaves, and by `doctor`.

use super::{Desk, contains};

/// A desk with a template for all channels, whose text is what is typed.
fn desk(configuration: &str, contacts: &str) -> Desk {
    let desk = Desk::configured(&format!("[instance]\nname = \"KIM\"\n{configuration}"));
    desk.write(
        "templates/wort/template.toml",
        "title = \"Wort\"\nsms_segments = 3\n[[variable]]\nname = \"text\"\ntype = \"long_text\"\nrequired = true\n\
         label = { de = \"Text\" }\nexample = \"Kurz.\"\n",
    );
    desk.write("templates/wort/email.de.md", "---\nsubject: \"{{notice.number}}\"\n---\n{{text}}\n");
    desk.write("templates/wort/sms.de.txt", "{{text}}\n");
    desk.write("contacts/alle.csv", contacts);
    desk.run(&["contacts", "import"]).ok();
    desk
}

fn plan(desk: &Desk, channel: &str, text: &str) -> super::shared::Said {
    let text = format!("text={text}");
    desk.run(&["send", "wort", "--to", "alle", "--channel", channel, "--set", &text, "--dry-run", "--json"])
        .ok()
}

fn gateway(name: &str, keys: &str) -> String {
    format!(
        "[[sms.provider]]\nname = \"{name}\"\nkind = \"kannel\"\nurl = \"http://127.0.0.1:9/sendsms\"\n\
         username = \"u\"\npassword = \"geheim\"\n{keys}\n"
    )
}

const TELEPHONES: &str = "id,name,sms\namt,Amt,0171 3920001\nrat,Rat,0171 3920002\n";

#[test]
fn a_text_that_the_first_gateway_does_not_take_is_told_of_before_it_fails() {
    let gateways = gateway("knapp", "max_segments = 1") + &gateway("weit", "");
    let desk = desk(&gateways, TELEPHONES);
    let said = plan(&desk, "sms", &"a".repeat(200));
    contains(
        &said.err,
        &[
            "! 2 text messages are too long for the SMS gateway knapp, with up to 2 segments in 200 characters; it takes \
           1 segment (max_segments): what is too long fails, and is not handed to another gateway",
        ],
    );
    assert!(!said.err.contains("gateway weit"), "{}", said.err);
    assert_eq!(said.json()[0]["refusals"], 1);
    assert_eq!(plan(&desk, "sms", &"a".repeat(160)).json()[0]["refusals"], 0);
    contains(
        &desk.run(&["doctor"]).out,
        &[
            "look    SMS provider knapp: it takes 1 segment (max_segments), and texts of these templates may have more \
           (sms_segments): wort",
        ],
    );
}

#[test]
fn a_gateway_that_could_not_stand_in_is_named_too() {
    let gateways = gateway("weit", "") + &gateway("knapp", "max_segments = 1");
    let said = plan(&desk(&gateways, TELEPHONES), "sms", &"a".repeat(200));
    contains(&said.err, &["SMS gateway knapp", "would fail while this gateway stands in for one before it"]);
    assert!(!said.err.contains("gateway weit"), "{}", said.err);
}

#[test]
fn ways_that_follow_later_are_looked_at_too() {
    let contacts = "id,name,email,sms\namt,Amt,amt@x.example,0171 3920001\n";
    let desk = desk(&gateway("knapp", "max_segments = 1"), contacts);
    let text = format!("text={}", "a".repeat(200));
    let said = desk
        .run(&["send", "wort", "--to", "alle", "--cascade", "email,sms", "--set", &text, "--dry-run"])
        .ok();
    contains(&said.err, &["! 1 text message is too long for the SMS gateway knapp", "raise max_segments"]);
}

#[test]
fn a_webhook_that_is_too_large_is_told_of_before_it_fails() {
    let desk = desk("", "id,name,webhook,webhook_format\namt,Amt,https://hooks.example/a,teams\n");
    std::fs::remove_file(desk.path("templates/wort/sms.de.txt")).unwrap();
    let said = plan(&desk, "webhook", &"Wort. ".repeat(3_300));
    contains(
        &said.err,
        &["! 1 webhook fails because the body is too large", "of 20000: amt: shorten the notice's text"],
    );
    assert_eq!(plan(&desk, "webhook", "Kurz.").json()[0]["refusals"], 0);
}

#[test]
fn an_endpoint_that_may_not_be_called_is_told_of_and_one_of_ours_is_not() {
    let contacts = "id,name,webhook\ninnen,Innen,https://10.0.0.5/hook\nklar,Klar,http://1.1.1.1/hook\n\
                    unser,Unser,http://10.20.0.7/hook\nname,Name,https://hooks.example/a\n";
    let desk = desk("[webhook]\nallow_networks = [\"10.20.0.0/16\"]\n", contacts);
    let said = plan(&desk, "webhook", "Kurz.");
    contains(
        &said.err,
        &[
            "! 1 webhook fails because the endpoint may not be called: innen (10.0.0.5 is a private address): if it may \
             be called, add its network to [webhook] allow_networks",
            "! 1 webhook fails because the endpoint may not be called: klar (http:// is not encrypted",
            "1.1.1.1 is in none of them): write https://",
        ],
    );
    assert_eq!(said.json()[0]["refusals"], 2);
    let told = desk.run(&["doctor"]).ok().out;
    contains(
        &told,
        &[
            "ok      webhooks: 4 endpoints",
            "look    webhooks: 1 endpoint may not be called, so that nothing is sent there: innen (10.0.0.5 is a \
             private address)",
            "add its network to [webhook] allow_networks",
            "klar (http:// is not encrypted",
        ],
    );
    assert!(!told.contains("unser ("), "{told}");
}

#[test]
fn an_endpoint_that_a_person_has_blocked_is_named() {
    let desk = desk("", "id,name,webhook\namt,Amt,https://hooks.example/a\n");
    desk.run(&["suppressions", "add", "https://hooks.example/a", "--reason", "Umzug"]).ok();
    let said = desk.run(&["doctor"]).ok().out;
    contains(&said, &["look    webhooks: 1 endpoint, blocked: ", "suppressions lift ADDRESS"]);
}

#[test]
fn an_attribute_that_no_contact_has_is_named_before_nothing_stands_there() {
    let desk = desk(
        &gateway("weit", ""),
        "id,name,sms,ortsteil\namt,Amt,0171 3920001,Mitte\nrat,Rat,0171 3920002,\n",
    );
    let texts = ["{{contact.ortsteil}} {{contact.name}}: {{text}}\n", "{{contact.ortstiel}}: {{text}}\n"];
    let [right, mistyped] = texts.map(|text| {
        desk.write("templates/wort/sms.de.txt", text);
        plan(&desk, "sms", "Kurz.").err
    });
    assert!(!right.contains("The texts name"), "one of them has it: {right}");
    contains(&mistyped, &["! The texts name contact.ortstiel, which none of these contacts has"]);
}
