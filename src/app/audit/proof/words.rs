//! The labels of a proof, in German and English.

use crate::domain::address::Channel;
use crate::domain::delivery::DeliveryState;
use crate::domain::notice::NoticeState;

/// The labels in one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) proof_of: &'static str,
    pub(super) exercise: &'static str,
    pub(super) file_number: &'static str,
    pub(super) state: &'static str,
    pub(super) code: &'static str,
    pub(super) template: &'static str,
    pub(super) version: &'static str,
    pub(super) written: &'static str,
    pub(super) released: &'static str,
    pub(super) ended: &'static str,
    pub(super) expires: &'static str,
    pub(super) audience: &'static str,
    pub(super) except: &'static str,
    pub(super) by: &'static str,
    pub(super) course: &'static str,
    pub(super) course_hint: &'static str,
    pub(super) entry: &'static str,
    pub(super) local_time: &'static str,
    pub(super) utc: &'static str,
    pub(super) who: &'static str,
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) wording: &'static str,
    pub(super) wording_hint: &'static str,
    pub(super) frozen_hint: &'static str,
    pub(super) subject: &'static str,
    pub(super) not_filled: &'static str,
    pub(super) standard_body: &'static str,
    pub(super) result: &'static str,
    pub(super) result_hint: &'static str,
    pub(super) count: &'static str,
    pub(super) means: &'static str,
    pub(super) recipients: &'static str,
    pub(super) masked: &'static str,
    pub(super) revealed: &'static str,
    pub(super) recipient: &'static str,
    pub(super) address: &'static str,
    pub(super) outcome: &'static str,
    pub(super) tries: &'static str,
    pub(super) receipt: &'static str,
    pub(super) through_deputy: &'static str,
    pub(super) no_way: &'static str,
    pub(super) calls: &'static str,
    pub(super) no_calls: &'static str,
    pub(super) chain: &'static str,
    pub(super) chain_hint: &'static str,
    pub(super) printed: &'static str,
}

const GERMAN: Words = Words {
    language: "de",
    proof_of: "Nachweis der Mitteilung",
    exercise: "ÜBUNG – es lag kein echter Vorfall vor",
    file_number: "Aktenzeichen",
    state: "Stand",
    code: "Prüfcode",
    template: "Vorlage",
    version: "Fassung (SHA-256)",
    written: "Eingereicht",
    released: "Freigegeben",
    ended: "Abgeschlossen",
    expires: "Gültig bis",
    audience: "Empfängerkreis",
    except: "ohne",
    by: "von",
    course: "Verlauf",
    course_hint: "Alle Einträge des Revisionsprotokolls zu dieser Mitteilung.",
    entry: "Eintrag",
    local_time: "Ortszeit",
    utc: "UTC",
    who: "Wer",
    what: "Was",
    why: "Begründung",
    wording: "Wortlaut",
    wording_hint: "Wie er hinausging. Angaben zum Empfänger stehen als [Feld].",
    frozen_hint: "Wie er eingereicht und festgehalten wurde; hinausgegangen ist davon nichts. Angaben zum Empfänger \
                  stehen als [Feld].",
    subject: "Betreff",
    not_filled: "Der Wortlaut lässt sich nicht mehr erzeugen",
    standard_body: "Allgemeine Form des Webhooks mit dem Text der E-Mail",
    result: "Ergebnis",
    result_hint: "„Übergeben“ heißt: Die nächste Stelle hat die Nachricht angenommen. Es heißt nicht, dass sie \
                  angekommen ist oder gelesen wurde.",
    count: "Anzahl",
    means: "Bedeutung",
    recipients: "Ergebnis je Empfänger",
    masked: "Namen und Adressen sind gekürzt; die Kennung führt zum Empfänger.",
    revealed: "Namen und Adressen sind ausgeschrieben. Begründung:",
    recipient: "Empfänger",
    address: "Adresse",
    outcome: "Stand der Zustellung",
    tries: "Versuche",
    receipt: "Rückmeldung",
    through_deputy: "an die Vertretung",
    no_way: "kein Weg",
    calls: "Anrufe und andere Wege",
    no_calls: "Es ist nicht vermerkt, dass jemand auf anderem Weg erreicht wurde.",
    chain: "Revisionsprotokoll",
    chain_hint: "Stimmt das Protokoll noch, so findet die Prüfung mit diesem Wert keinen Widerspruch:",
    printed: "Erstellt",
};

const ENGLISH: Words = Words {
    language: "en",
    proof_of: "Proof of notice",
    exercise: "EXERCISE – there was no real incident",
    file_number: "File number",
    state: "State",
    code: "Code",
    template: "Template",
    version: "Version (SHA-256)",
    written: "Submitted",
    released: "Released",
    ended: "Ended",
    expires: "Valid until",
    audience: "Audience",
    except: "except",
    by: "by",
    course: "What was done",
    course_hint: "All entries of the audit log about this notice.",
    entry: "Entry",
    local_time: "Local time",
    utc: "UTC",
    who: "Who",
    what: "What",
    why: "Reason",
    wording: "Wording",
    wording_hint: "As it went out. What belongs to the recipient stands as [field].",
    frozen_hint: "As it was submitted and frozen; nothing of it has left. What belongs to the recipient stands as \
                  [field].",
    subject: "Subject",
    not_filled: "The wording cannot be made any more",
    standard_body: "The webhook's general form with the text of the e-mail",
    result: "Result",
    result_hint: "“Handed over” means that the next hop accepted the message. It does not mean that it was received or \
                  read.",
    count: "Number",
    means: "Meaning",
    recipients: "Result for each recipient",
    masked: "Names and addresses are shortened; the key leads to the recipient.",
    revealed: "Names and addresses are in full. Reason:",
    recipient: "Recipient",
    address: "Address",
    outcome: "State of the delivery",
    tries: "Tries",
    receipt: "Receipt",
    through_deputy: "to the deputy",
    no_way: "no way",
    calls: "Calls and other ways",
    no_calls: "It is not written down that anybody was reached another way.",
    chain: "Audit log",
    chain_hint: "If the log still holds, a check with this value finds no contradiction:",
    printed: "Made",
};

impl Words {
    /// English for those whose language it is, German for everybody else.
    pub(super) fn of(language: &str) -> &'static Self {
        if language == ENGLISH.language { &ENGLISH } else { &GERMAN }
    }

    fn choose(&self, german: &'static str, english: &'static str) -> &'static str {
        if self.language == GERMAN.language { german } else { english }
    }

    /// How people call a channel.
    pub(super) fn channel(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Email => self.choose("E-Mail", "e-mail"),
            Channel::Sms => "SMS",
            Channel::Webhook => self.choose("Webhook", "webhook"),
        }
    }

    /// A delivery's state.
    pub(super) fn delivery(&self, state: DeliveryState) -> &'static str {
        match state {
            DeliveryState::Queued => self.choose("wartet", "waiting"),
            DeliveryState::Sending => self.choose("wird übergeben", "being handed over"),
            DeliveryState::Sent => self.choose("übergeben", "handed over"),
            DeliveryState::Delivered => self.choose("Empfang gemeldet", "receipt reported"),
            DeliveryState::Failed => self.choose("gescheitert", "failed"),
            DeliveryState::Expired => self.choose("verfallen", "expired"),
            DeliveryState::Suppressed => self.choose("gesperrt", "blocked"),
            DeliveryState::Cancelled => self.choose("abgebrochen", "cancelled"),
            DeliveryState::Unclear => self.choose("ungeklärt", "unclear"),
        }
    }

    /// What that means, and what it does not.
    pub(super) fn meaning(&self, state: DeliveryState) -> &'static str {
        match state {
            DeliveryState::Queued => {
                self.choose("wartet auf den ersten oder nächsten Versuch", "waits for its first or next try")
            }
            DeliveryState::Sending => {
                self.choose("wird in diesem Augenblick übergeben", "is being handed over at this moment")
            }
            DeliveryState::Sent => self.choose(
                "von der nächsten Stelle angenommen; kein Nachweis des Empfangs",
                "accepted by the next hop; no proof of receipt",
            ),
            DeliveryState::Delivered => self.choose(
                "jemand hat gemeldet, dass sie ankam (Netzbetreiber, Mailserver, Gegenstelle)",
                "somebody reported that it arrived (carrier, mail server, endpoint)",
            ),
            DeliveryState::Failed => self.choose(
                "endgültig abgelehnt oder zurückgekommen; nicht angekommen",
                "refused for good, or came back; did not arrive",
            ),
            DeliveryState::Expired => self.choose(
                "die Zeit lief ab, bevor sie übergeben werden konnte; nicht angekommen",
                "its time ran out before it could be handed over; did not arrive",
            ),
            DeliveryState::Suppressed => self.choose(
                "die Adresse ist gesperrt oder nicht mehr die des Empfängers; nichts gesendet",
                "the address is blocked, or not theirs any more; nothing was sent",
            ),
            DeliveryState::Cancelled => self.choose(
                "von Menschen angehalten, oder nicht mehr nötig; nichts gesendet",
                "stopped by a person, or not needed any more; nothing was sent",
            ),
            DeliveryState::Unclear => self.choose(
                "kann hinausgegangen sein oder nicht; niemand weiß es",
                "may have left or not; nobody knows",
            ),
        }
    }

    /// A notice's state.
    pub(super) fn notice(&self, state: NoticeState) -> &'static str {
        match state {
            NoticeState::Draft => self.choose("Entwurf", "draft"),
            NoticeState::Pending => self.choose("wartet auf Freigabe", "waits for its release"),
            NoticeState::Scheduled => self.choose("eingeplant", "scheduled"),
            NoticeState::Sending => self.choose("wird versandt", "being sent"),
            NoticeState::Paused => self.choose("angehalten", "paused"),
            NoticeState::Completed => self.choose("abgeschlossen", "completed"),
            NoticeState::Rejected => self.choose("abgelehnt", "rejected"),
            NoticeState::Cancelled => self.choose("abgebrochen", "cancelled"),
            NoticeState::Expired => self.choose("verfallen, nichts gesendet", "expired, nothing was sent"),
        }
    }

    /// That nothing was sent to somebody for whom there is a way, of a notice in `state`.
    pub(super) fn nothing_sent(&self, state: NoticeState) -> &'static str {
        if state.is_final() {
            self.choose("nichts versandt:", "nothing was sent:")
        } else {
            self.choose("noch nichts versandt:", "nothing sent yet:")
        }
    }

    /// How many contacts were named one by one.
    pub(super) fn single_contacts(&self, count: usize) -> String {
        let words = if count == 1 {
            self.choose("einzelner Kontakt", "single contact")
        } else {
            self.choose("einzelne Kontakte", "single contacts")
        };
        format!("{count} {words}")
    }

    /// What an entry of the log tells of; its own word where there is no other.
    pub(super) fn action<'a>(&self, action: &'a str) -> &'a str {
        match action {
            "notice.submitted" => self.choose("eingereicht", "submitted"),
            "notice.corrected" => self.choose("als Berichtigung eingereicht", "submitted as a correction"),
            "notice.wording_accepted" => self.choose("Wortwahl so gemeint", "wording said to be meant so"),
            "notice.approved" => self.choose("von zweiter Person freigegeben", "approved by a second person"),
            "notice.rejected" => self.choose("abgelehnt", "rejected"),
            "notice.released" => self.choose("freigegeben", "released"),
            "notice.reviewed" => self.choose("Eilfreigabe nachgeprüft", "break-glass release reviewed"),
            "notice.scheduled" => self.choose("eingeplant", "scheduled"),
            "notice.paused" => self.choose("angehalten", "paused"),
            "notice.resumed" => self.choose("fortgesetzt", "resumed"),
            "notice.cancelled" => self.choose("abgebrochen", "cancelled"),
            "notice.retried" => self.choose("erneut gesendet", "sent again"),
            "notice.reached" => self.choose("Erreichen vermerkt", "written down as reached"),
            "notice.completed" => self.choose("abgeschlossen", "completed"),
            "notice.expired" => self.choose("verfallen", "expired"),
            "deliveries.resolved" => self.choose("Ungeklärtes entschieden", "unclear deliveries decided"),
            "contacts.read" => self.choose("Empfänger eingesehen", "recipients looked at"),
            "contacts.revealed" => {
                self.choose("Empfänger im Klartext eingesehen", "recipients looked at in full")
            }
            other => other,
        }
    }

    /// How somebody was reached.
    pub(super) fn by_what<'a>(&self, word: &'a str) -> &'a str {
        match word {
            "phone" => self.choose("Telefon", "telephone"),
            "fax" => self.choose("Fax", "fax"),
            "messenger" => self.choose("Bote", "messenger"),
            "link" => self.choose("Bestätigungslink", "confirmation link"),
            other => other,
        }
    }

    /// That somebody knows, and how that came out.
    pub(super) fn known(&self, by_what: &str) -> String {
        if by_what == "link" {
            return self.choose("bestätigt", "confirmed").to_owned();
        }
        format!("{}: {}", self.choose("erreicht", "reached"), self.by_what(by_what))
    }

    /// What a receipt says.
    pub(super) fn receipt_kind<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "delivered" => self.choose("angekommen", "arrived"),
            "failed" => self.choose("nicht angekommen", "did not arrive"),
            "underway" => self.choose("unterwegs", "underway"),
            other => other,
        }
    }

    /// The name of a contact's field as it stands in the wording.
    pub(super) fn field<'a>(&self, field: &'a str) -> &'a str {
        match field {
            "name" => self.choose("Name", "name"),
            "organisation" => self.choose("Organisation", "organisation"),
            "salutation" => self.choose("Anrede", "salutation"),
            "id" => self.choose("Kennung", "id"),
            other => other,
        }
    }
}
