//! A folder with a configuration, and `doctor` run in it.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A folder with a configuration and a key.
pub struct Instance {
    pub folder: tempfile::TempDir,
    /// The record that the key wants.
    pub record: String,
}

pub struct Said {
    pub code: i32,
    pub out: String,
}

impl Instance {
    /// It sends by a relay on this machine at which nobody listens: that is broken, and the rest is seen to.
    pub fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(folder.path().join("dkim.pem"), key.serialize_pem()).unwrap();
        let public = data_encoding::BASE64.encode(key.public_key_raw());
        let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let text = format!(
            "[instance]\nname = \"KIM\"\npublic_url = \"https://rundruf.kim.de\"\ntemplates = '{templates}'\n\
             [email]\nfrom = \"KIM <notfall@kim.de>\"\nbounce_address = \"rueck@kim.de\"\n\
             [[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\n\
             [[email.dkim]]\ndomain = \"kim.de\"\nselector = \"r1\"\nkey_file = \"dkim.pem\"\n{more}"
        );
        std::fs::write(folder.path().join("rundruf.toml"), text).unwrap();
        Self { folder, record: format!("v=DKIM1; k=ed25519; p={public}") }
    }

    pub fn doctor(&self, resolver: SocketAddr, more: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUNDRUF_")) {
            command.env_remove(name);
        }
        let output = command
            .args(["doctor", "--resolver", &resolver.to_string()])
            .args(more)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said { code: output.status.code().unwrap(), out: String::from_utf8(output.stdout).unwrap() }
    }
}

pub fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}
