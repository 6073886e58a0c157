//! Our DKIM signatures, verified by dkimpy, which knows nothing of us.
//!
//! `RUNDRUF_TEST_PYTHON` names a Python that has dkimpy and PyNaCl; without it the test makes itself a virtual
//! environment beside the other build products.

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::RsaKeyPair;
    use data_encoding::BASE64;
    use rundruf::channels::email::dkim::Signer;
    use rundruf::channels::email::{Composer, Feedback, ListUnsubscribe, OutgoingEmail};
    use rundruf::domain::clock::Timestamp;
    use rundruf::domain::message::EmailContent;
    use rundruf::domain::seal::Seal;
    use rundruf::domain::settings::{DkimKey, Email, Mailbox};

    /// Verifies every signature of the message on standard input; arguments are pairs of a name and its TXT
    /// record. Prints one word a signature.
    const VERIFY: &str = r"
import sys, dkim
records = dict(zip(sys.argv[1::2], sys.argv[2::2]))
def dns(name, timeout=5):
    return records[name.decode().rstrip('.')].encode()
message = sys.stdin.buffer.read()
count = sum(line.lower().startswith(b'dkim-signature:') for line in message.split(b'\r\n'))
for index in range(count):
    try:
        print('good' if dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=dns) else 'bad')
    except dkim.DKIMException:
        print('bad')
";

    fn python() -> PathBuf {
        if let Some(python) = std::env::var_os("RUNDRUF_TEST_PYTHON") {
            return python.into();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dkimpy");
        let python = folder.join("bin/python");
        if !succeeds(Command::new(&python).args(["-c", "import dkim, nacl"])) {
            let made = succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                && succeeds(Command::new(&python).args(["-m", "pip", "install", "-q", "dkimpy", "pynacl"]));
            assert!(
                made,
                "no Python with dkimpy: install python3-venv and let pip reach a package index, or set \
                 RUNDRUF_TEST_PYTHON to a Python that has dkimpy and pynacl"
            );
        }
        python
    }

    fn succeeds(command: &mut Command) -> bool {
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// What dkimpy says of each signature.
    fn verify(message: &str, records: &[(String, String)]) -> Vec<String> {
        let mut process = Command::new(python())
            .args(["-c", VERIFY])
            .args(records.iter().flat_map(|(name, record)| [name, record]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "the verifier itself failed");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn signer(folder: &Path, selector: &str, pem: &str) -> Signer {
        let key_file = folder.join(selector);
        std::fs::write(&key_file, pem).unwrap();
        Signer::load(&DkimKey {
            domain: "notfall.suedkreis-it.example".to_owned(),
            selector: selector.to_owned(),
            key_file,
        })
        .unwrap()
    }

    fn both_signers(folder: &Path) -> Vec<Signer> {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let rsa = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64.encode(der.as_ref())
        );
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        vec![signer(folder, "rsa2026", &rsa), signer(folder, "ed2026", &ed25519)]
    }

    fn compose(signers: Vec<Signer>, text: &str) -> String {
        let from = Mailbox {
            name: "Südkreis-IT".to_owned(),
            address: "lage@notfall.suedkreis-it.example".parse().unwrap(),
        };
        let settings = Email {
            from: from.clone(),
            reply_to: Some(from),
            bounce_address: "b@bounce.suedkreis-it.example".parse().unwrap(),
            bounce_mailbox: None,
            unreachable_domains: Vec::new(),
            hosted_domains: Vec::new(),
            providers: Vec::new(),
            configured: true,
            destinations: Vec::new(),
            dkim: Vec::new(),
        };
        let content = EmailContent {
            subject: "SKIT 2026-0007: Störung seit 20.11.2026, 05:40 Uhr – bitte  Notbetrieb starten"
                .to_owned(),
            text: text.to_owned(),
            html: format!("<p>{text}</p>\n\n\n"),
            language: "de".to_owned(),
        };
        let references = ["<a@b.example>".to_owned(), "<c@b.example>".to_owned()];
        let email = OutgoingEmail {
            delivery: "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap(),
            round: 1,
            to: &"rathaus@musterdorf.example".parse().unwrap(),
            to_name: "Bürgerbüro",
            content: &content,
            date: Timestamp(1_763_600_400_000),
            references: &references,
            feedback: Feedback { campaign: "2026-0007", group: "municipalities" },
            list_unsubscribe: Some(ListUnsubscribe { https: "https://a.example/u", mailto: None }),
        };
        Composer::new(&settings, "SKIT", Seal::new(b"key"), signers).compose(&email).unwrap().message()
    }

    #[test]
    fn both_signatures_hold_and_a_changed_byte_breaks_them() {
        let folder = tempfile::tempdir().unwrap();
        let signers = both_signers(folder.path());
        let records: Vec<_> = signers
            .iter()
            .map(|signer| {
                let name = format!("{}._domainkey.{}", signer.selector(), signer.domain());
                (name, signer.dns_record().unwrap())
            })
            .collect();
        let text = "Guten Tag,\n\n  die  Ämter   stehen still. \t\n.\n..\n\n";
        let message = compose(signers, text);
        assert_eq!(verify(&message, &records), ["good", "good"]);

        for (from, to) in [
            ("die  =C3=84mter", "die  =C3=85mter"),
            ("Subject: SKIT", "Subject: SKAT"),
            ("To: =?utf-8?b?Q", "To: =?utf-8?b?R"),
            ("List-Unsubscribe: <https://a", "List-Unsubscribe: <https://b"),
            ("Feedback-ID: 2026-0007", "Feedback-ID: 2026-0008"),
            ("From: ", "From: x@y.example\r\nFrom: "),
        ] {
            let changed = message.replacen(from, to, 1);
            assert_ne!(changed, message, "\"{from}\" is not in\n{message}");
            assert_eq!(verify(&changed, &records), ["bad", "bad"], "{from} -> {to}");
        }
        // What relays do on the way does no harm: white space at line ends and in the folds of headers.
        let refolded = message.replacen("Subject: ", "Subject:\r\n\t ", 1);
        assert_eq!(verify(&refolded, &records), ["good", "good"]);
    }
}
