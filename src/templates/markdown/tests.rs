use super::super::fixture::{contact, email, prepared};
use super::super::{Compiled, Finding};

const VALUES: &[(&str, &str)] = &[
    ("dienste", "Post\n- Telefon & <b>Netz</b>"),
    ("ort", "*Rathaus* [x](http://y.example) <i>"),
    ("offen", "ja"),
    ("anzahl", "1250"),
];

/// The plain text of a body, without the layout's footer.
fn text(body: &str) -> String {
    let text = prepared(&email(body), VALUES).render_email(&contact()).unwrap().text;
    text.split("\n-----").next().unwrap().trim_end().to_owned()
}

/// The HTML of a body, without the layout and the styles.
fn html(body: &str) -> String {
    let html = prepared(&email(body), VALUES).render_email(&contact()).unwrap().html;
    let main = html.split("<main>\n").nth(1).unwrap().split("\n</main>").next().unwrap();
    let mut plain = String::new();
    for (index, stretch) in main.split(" style=\"").enumerate() {
        plain.push_str(if index == 0 { stretch } else { stretch.split_once('"').unwrap().1 });
    }
    plain.trim().to_owned()
}

fn problem(body: &str) -> String {
    let findings: Vec<Finding> = Compiled::new(&email(body)).map(drop).unwrap_err();
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn headings_lists_and_emphasis_come_out_in_both_parts() {
    let body = "# Lage\n\nText **fett** und\n*betont*.\n\n- eins\n- zwei\n  - drei\n\n2. a\n3. b\n";
    assert_eq!(text(body), "Lage\n\nText fett und betont.\n\n- eins\n- zwei\n  - drei\n\n2. a\n3. b");
    assert!(html(body).starts_with(
        "<h1>Lage</h1>\n<p>Text <strong>fett</strong> und <em>betont</em>.</p>\n<ul>\n<li>eins"
    ));
}

#[test]
fn values_are_verbatim_in_text_and_never_markup_in_html() {
    assert_eq!(text("{{ort}}"), "*Rathaus* [x](http://y.example) <i>");
    assert_eq!(html("{{ort}}"), "<p>*Rathaus* [x](http://y.example) &lt;i&gt;</p>");
    assert_eq!(html("{{dienste}}"), "<p>Post<br>\n- Telefon &amp; &lt;b&gt;Netz&lt;/b&gt;</p>");
    assert_eq!(text("{{dienste}}"), "Post\n- Telefon & <b>Netz</b>");
    assert_eq!(text("**{{anzahl}}** {{offen}} {{beginn}}"), "1.250 ja 20.11.2026, 05:40 Uhr");
}

#[test]
fn a_block_on_lines_of_its_own_wraps_paragraphs() {
    let body = "vor\n\n{{#if offen}}\n# Auf\n\nText\n{{else}}\nzu\n{{/if}}\n\nnach";
    assert_eq!(text(body), "vor\n\nAuf\n\nText\n\nnach");
    assert_eq!(html(body), "<p>vor</p>\n<h1>Auf</h1>\n<p>Text</p>\n<p>nach</p>");
    let body = "vor\n{{#unless offen}}\nweg\n{{else if ort}}\nja\n{{/unless}}\nnach";
    assert!(problem(body).contains("{{else if}} belongs to {{#if}}"));
}

#[test]
fn a_block_inside_a_paragraph_works_within_it() {
    let body = "a {{#if offen}}**auf**{{else}}zu{{/if}} b {{#if (eq anzahl 3)}}drei{{else if (gt anzahl 3)}}mehr{{/if}}";
    assert_eq!(text(body), "a auf b mehr");
    assert_eq!(html(body), "<p>a <strong>auf</strong> b mehr</p>");
}

#[test]
fn list_items_that_a_block_decides_about_stay_in_one_list() {
    let body = "{{#if offen}}\n- a\n{{else}}\n- b\n{{/if}}\n- c\n{{#if ort}}\n- d\n{{/if}}\n\nEnde";
    assert_eq!(text(body), "- a\n- c\n- d\n\nEnde");
    assert_eq!(html(body), "<ul>\n<li>a</li>\n<li>c</li>\n<li>d</li>\n</ul>\n<p>Ende</p>");
}

#[test]
fn each_goes_through_the_lines_of_a_long_text() {
    let body = "{{#each dienste}}\n- {{this}} ab {{beginn}}\n{{/each}}";
    assert_eq!(
        text(body),
        "- Post ab 20.11.2026, 05:40 Uhr\n- - Telefon & <b>Netz</b> ab 20.11.2026, 05:40 Uhr"
    );
    assert_eq!(html(body).matches("<li>").count(), 2);
    assert_eq!(html(body).matches("<ul>").count(), 1);
    assert_eq!(
        text("Es fehlen: {{#each dienste}}{{#if @index}}, {{/if}}{{this}}{{/each}}."),
        "Es fehlen: Post, - Telefon & <b>Netz</b>."
    );
    assert!(problem("{{#each ort}}{{this}}{{/each}}").contains("long_text"));
}

#[test]
fn links_keep_their_target_and_take_values_safely() {
    let body = "[Lage]({{instance.public_url}}/lage?o={{ort}}) und <{{notice.url}}>";
    assert!(text(body).starts_with("Lage (https://lage.kim.example/lage?o=*Rathaus*"), "{}", text(body));
    let html_body = html(body);
    assert!(
        html_body
            .contains("href=\"https://lage.kim.example/lage?o=*Rathaus*%20[x](http://y.example)%20%3Ci%3E\""),
        "{html_body}"
    );
    assert!(
        html_body.contains(
            "<a href=\"https://lage.kim.example/n/2026-0007\">https://lage.kim.example/n/2026-0007</a>"
        ),
        "{html_body}"
    );
    assert!(html("[x]({{ort}})").contains("href=\"#*Rathaus*"), "no scheme comes in by a value");
}

#[test]
fn the_notices_own_address_is_a_link_by_itself() {
    assert!(html("Siehe {{notice.url}}.").contains("<a href=\"https://lage.kim.example/n/2026-0007\">"));
    assert_eq!(html("{{instance.public_url}}/lage"), "<p>https://lage.kim.example/lage</p>");
}

#[test]
fn what_cannot_stand_in_a_text_is_named_with_its_line() {
    assert!(
        problem("a\n\n<b>x</b>").contains("t/probe/email.de.md:6: HTML cannot stand"),
        "{}",
        problem("a\n\n<b>x</b>")
    );
    assert!(problem("<div>\nx\n</div>").contains("email.de.md:4: HTML"));
    assert!(problem("a\n![x](y)").contains("email.de.md:5: pictures"));
    assert!(problem("a {{{ort}}}").contains("email.de.md:4: {{{ is not allowed"));
    assert!(problem("a\nb } c").contains("email.de.md:5: \"}\" was left"));
    assert!(problem("&#123;&#123;ort&#125;&#125;").contains("was left"));
    assert!(problem("**{{#if offen}}a** b{{/if}}").contains("other emphasis"));
    assert!(problem("{{#if offen}}\nText {{/if}}").contains("another paragraph"));
    assert!(problem("{{#if offen}}a\n\nb{{/if}}").contains("another paragraph"));
    assert!(
        problem("x\n\n{{ott}}").contains("email.de.md:6: the variable \"ott\" is not declared"),
        "{}",
        problem("{{ott}}")
    );
    assert!(problem(&format!("{}x", "> ".repeat(500))).contains("nested too deep"));
}
