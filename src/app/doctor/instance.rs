//! What can be said without the store: settings, clock, templates.

use std::path::Path;

use crate::app::template_check::check_all;
use crate::domain::count::counted;
use crate::domain::settings::{EmailTransport, ShellName, SmsProvider, SmsTransport};
use crate::templates::load_pack;

use super::{Examination, Finding, is_this_machine};

/// The first year in which this program can be running.
const EARLIEST_YEAR: i16 = 2026;

/// How many findings are shown before the check is pointed to.
const MOST_FINDINGS: usize = 5;

/// The settings: they have been read and are valid, or there would be no doctor.
pub(super) fn configuration(examination: &Examination) -> Vec<Finding> {
    let settings = &examination.settings;
    let mut lines = vec![match &settings.file {
        Some(file) => Finding::good("configuration", format!("{} is valid", file.display())),
        None => Finding::warning(
            "configuration",
            "there is no rundruf.toml here; the defaults serve",
            "write one as soon as notices are to leave this machine (or name one with -c)",
        ),
    }];
    let is_smtp =
        settings.email.providers.iter().any(|provider| matches!(provider.transport, EmailTransport::Smtp(_)));
    let from = &settings.email.from.address;
    if is_smtp && is_invented(from.domain()) {
        lines.push(Finding::warning(
            "sender",
            format!("mails would come from {from}, which is nobody's address"),
            "set [email] from to an address of yours",
        ));
    }
    let approval = &settings.approval;
    let asks = approval.required
        || approval.above.is_some()
        || !approval.groups.is_empty()
        || !approval.visibility.is_empty();
    if asks && approval.tell.is_none() {
        lines.push(Finding::warning(
            "approval",
            "some notices need a second person, and nobody is told when one is released without",
            "set [approval] tell to the group of those who may release",
        ));
    }
    if asks && approval.shell_name == ShellName::User {
        lines.push(Finding::warning(
            "approval",
            "at the shell everybody is the second person whom they call themselves (USER)",
            "set [approval] shell_name to \"uid\" or \"login\", or release by accounts only",
        ));
    }
    lines.extend(public_address(examination, is_smtp));
    lines
}

/// Where links in notices lead, and SMS gateways report to.
fn public_address(examination: &Examination, is_smtp: bool) -> Option<Finding> {
    let settings = &examination.settings;
    let is_gateway = |provider: &SmsProvider| matches!(provider.transport, SmsTransport::Gateway(_));
    if !is_smtp && !settings.sms.providers.iter().any(is_gateway) {
        return None;
    }
    let public_url = &settings.instance.public_url;
    if public_url.host_str().is_some_and(is_invented) {
        let pack = load_pack(&settings.instance.templates).ok();
        let alarms =
            pack.map_or(0, |pack| pack.templates.values().filter(|template| template.spec.alarm).count());
        let alarms = match alarms {
            0 => String::new(),
            count => format!(
                "; nobody could confirm an alarm ({})",
                counted(count as i128, "template is one", "templates are")
            ),
        };
        return Some(Finding::warning(
            "public address",
            format!("notices would lead to {public_url}, which nobody can open{alarms}"),
            "set [instance] public_url to where this instance is seen from outside",
        ));
    }
    let is_here = public_url.host_str().is_some_and(is_this_machine);
    (public_url.scheme() != "https" && !is_here).then(|| {
        Finding::warning(
            "public address",
            format!("{public_url} is not encrypted: confirmations and receipts can be read on their way"),
            "put a proxy with a certificate before it and write https:// in [instance] public_url",
        )
    })
}

/// Whether a domain is one that can never be anybody's (RFC 2606).
pub(super) fn is_invented(domain: &str) -> bool {
    domain.rsplit('.').next().is_some_and(|end| end == "example" || end == "invalid")
}

/// Whether the clock can be right.
pub(super) fn clock(examination: &Examination) -> Vec<Finding> {
    let now = examination.clock.now();
    let zone = &examination.settings.instance.timezone;
    let shown = format!("{} ({})", examination.local(now), zone.iana_name().unwrap_or("local time"));
    if now.in_zone(zone).year() < EARLIEST_YEAR {
        return vec![Finding::broken(
            "clock",
            format!("it shows {shown}, which is past"),
            "set this machine's clock (timedatectl); mails with such a date are refused",
        )];
    }
    match synchronised() {
        Some(true) => vec![Finding::good("clock", format!("{shown}, synchronised"))],
        Some(false) => vec![Finding::warning(
            "clock",
            format!("{shown}, not synchronised with a time server"),
            "timedatectl shows why; until then compare it with another clock",
        )],
        None => vec![Finding::good("clock", shown)],
    }
}

/// What systemd's time service says; `None` where another one or none looks after the clock.
fn synchronised() -> Option<bool> {
    let state = Path::new("/run/systemd/timesync");
    state.is_dir().then(|| state.join("synchronized").exists())
}

/// Whether all templates pass the check.
pub(super) fn templates(examination: &Examination) -> Vec<Finding> {
    let checked = match check_all(&examination.settings, &[]) {
        Ok(checked) => checked,
        Err(error) => return vec![Finding::broken("templates", error.to_string(), "mend the path")],
    };
    let count = counted(checked.templates as i128, "template", "templates");
    if checked.findings.is_empty() && checked.templates == 0 {
        let folder = examination.settings.instance.templates.display();
        return vec![Finding::broken(
            "templates",
            format!("there are none in {folder}"),
            "put the template pack there",
        )];
    }
    if checked.findings.is_empty() {
        return vec![Finding::good("templates", format!("{count}, no findings"))];
    }
    let mut shown: Vec<String> =
        checked.findings.iter().take(MOST_FINDINGS).map(ToString::to_string).collect();
    shown.insert(0, counted(checked.findings.len() as i128, "finding", "findings"));
    vec![Finding::broken(
        "templates",
        shown.join("\n"),
        format!(
            "a template with findings is not sent: mend them; \"{} templates check\" shows all",
            examination.program
        ),
    )]
}
