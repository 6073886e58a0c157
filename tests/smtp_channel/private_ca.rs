//! A certificate authority that exists for one test.
//!
//! Which authorities a program trusts is read from the environment when it starts, so such a test starts its
//! own program a second time, with `SSL_CERT_FILE` set, and runs its body there.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

const FOLDER: &str = "RUNDRUF_TEST_CA";

/// Runs `body` in a process that trusts the authority it is given, and no other. `test` is the path of the
/// calling test, as the test runner prints it.
pub fn trusted<F: Future<Output = ()>>(test: &str, body: impl FnOnce(Authority) -> F) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(body(Authority { folder: PathBuf::from(folder) }));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    Authority::create(folder.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "there is no test \"{test}\": {said}");
}

/// Issues certificates.
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    fn create(folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let certificate = ca_params().self_signed(&key).unwrap();
        std::fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("ca.key"), key.serialize_pem()).unwrap();
    }

    /// A server whose certificate is made out to `name` and good.
    pub fn certify(&self, name: &str) -> TlsAcceptor {
        self.issue(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// A server whose certificate has expired.
    pub fn certify_for_the_past(&self, name: &str) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> TlsAcceptor {
        let ca_key = std::fs::read_to_string(self.folder.join("ca.key")).unwrap();
        let issuer = Issuer::new(ca_params(), KeyPair::from_pem(&ca_key).unwrap());
        let key = KeyPair::generate().unwrap();
        acceptor(&params.signed_by(&key, &issuer).unwrap().pem(), &key)
    }
}

/// A server whose certificate nobody vouches for.
pub fn self_certified(name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    acceptor(&params.self_signed(&key).unwrap().pem(), &key)
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Rundruf test authority");
    params
}

fn acceptor(certificate: &str, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
