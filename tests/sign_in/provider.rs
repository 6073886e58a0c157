//! A provider of identities that does what a test tells it, with keys of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rundruf::domain::clock::{Clock, SystemClock};
use serde_json::{Value, json};

/// What a token is signed with.
pub enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    /// RFC 7517.
    pub fn public(&self, id: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                // RSAPublicKey (RFC 8017, A.1.1) of 2048 bits: the modulus stands behind nine bytes, the exponent last.
                let der = pair.public_key().as_ref();
                let (modulus, exponent) = (&der[9..265], &der[der.len() - 3..]);
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
                       "n": BASE64URL_NOPAD.encode(modulus), "e": BASE64URL_NOPAD.encode(exponent)})
            }
            Self::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                json!({"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": id,
                       "x": BASE64URL_NOPAD.encode(&point[..32]), "y": BASE64URL_NOPAD.encode(&point[32..])})
            }
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, text).unwrap().as_ref().to_vec(),
        }
    }
}

/// What it does; a test changes it as it goes.
pub struct Script {
    /// What tokens are signed with, and under which id.
    pub key: Key,
    pub key_id: String,
    /// The keys that it shows; `None`: the one that it signs with.
    pub shown: Option<Value>,
    /// Claims over the right ones; `null` takes one away.
    pub claims: Value,
    /// What it calls itself; empty: by its right name.
    pub issuer: String,
    /// Where tokens are; empty: here.
    pub token_endpoint: String,
    /// How it answers a code, instead of by a token.
    pub refusal: Option<(StatusCode, Value)>,
    /// How long it takes for each answer.
    pub delay: Duration,
    /// How many bytes more it answers with.
    pub padding: usize,
    /// The last signature's `alg` is this word, over an empty signature.
    pub unsigned: bool,
    /// The nonce and the challenge of each code.
    codes: HashMap<String, (String, String)>,
    /// How often it was asked for anything.
    pub asked: usize,
}

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pub script: Arc<Mutex<Script>>,
}

pub const CLIENT: &str = "rundruf";
pub const SECRET: &str = "geheim/mit+zeichen";

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            key: Key::rsa(),
            key_id: "one".to_owned(),
            shown: None,
            claims: json!({}),
            issuer: String::new(),
            token_endpoint: String::new(),
            refusal: None,
            delay: Duration::ZERO,
            padding: 0,
            unsigned: false,
            codes: HashMap::new(),
            asked: 0,
        };
        let provider = Self { issuer, script: Arc::new(Mutex::new(script)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// Lets somebody in who was sent to `address`, and gives the query that they come back with.
    pub fn let_in(&self, address: &str) -> String {
        let url = url::Url::parse(address).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["redirect_uri"].ends_with("/api/v1/session/oidc/callback"), "{asked:?}");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{asked:?}");
        let mut script = self.script.lock().unwrap();
        let code = format!("code-{}", script.codes.len());
        script.codes.insert(code.clone(), (asked["nonce"].clone(), asked["code_challenge"].clone()));
        format!("code={code}&state={}&session_state=x", asked["state"])
    }

    async fn slowly(&self) {
        let delay = {
            let mut script = self.script.lock().unwrap();
            script.asked += 1;
            script.delay
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }
}

async fn describe(State(provider): State<Provider>) -> Response {
    provider.slowly().await;
    let script = provider.script.lock().unwrap();
    let own = &provider.issuer;
    let or = |wanted: &str, own: String| if wanted.is_empty() { own } else { wanted.to_owned() };
    let text = json!({
        "issuer": or(&script.issuer, own.clone()),
        "authorization_endpoint": format!("{own}/authorize"),
        "token_endpoint": or(&script.token_endpoint, format!("{own}/token")),
        "jwks_uri": format!("{own}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "padding": "x".repeat(script.padding),
    });
    axum::Json(text).into_response()
}

async fn keys(State(provider): State<Provider>) -> Response {
    provider.slowly().await;
    let script = provider.script.lock().unwrap();
    let shown = script.shown.clone().unwrap_or_else(|| json!([script.key.public(&script.key_id)]));
    axum::Json(json!({"keys": shown})).into_response()
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    provider.slowly().await;
    let mut script = provider.script.lock().unwrap();
    if let Some((status, body)) = &script.refusal {
        return (*status, axum::Json(body.clone())).into_response();
    }
    let login = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    // RFC 6749, section 2.3.1: name and secret are written as in a form before they are joined.
    let right = format!("Basic {}", BASE64.encode(format!("{CLIENT}:geheim%2Fmit%2Bzeichen").as_bytes()));
    assert_eq!(login.as_deref(), Some(right.as_str()), "{SECRET} is what it proves itself with");
    let Some((nonce, challenge)) = asked.get("code").and_then(|code| script.codes.remove(code)) else {
        let body = json!({"error": "invalid_grant", "error_description": "the code is used or unknown"});
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, asked["code_verifier"].as_bytes());
    assert_eq!(
        BASE64URL_NOPAD.encode(digest.as_ref()),
        challenge,
        "whoever redeems the code has asked for it"
    );
    let now = SystemClock::new().now().0 / 1_000;
    let mut claims = json!({
        "iss": provider.issuer, "sub": "subject-of-anna", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce,
        "preferred_username": "Anna.Berger", "amr": ["pwd"],
    });
    for (name, value) in script.claims.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let algorithm = if script.unsigned { "none" } else { script.key.algorithm() };
    let header = json!({"alg": algorithm, "kid": script.key_id, "typ": "JWT"});
    let signed = format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(header.to_string().as_bytes()),
        BASE64URL_NOPAD.encode(claims.to_string().as_bytes())
    );
    let signature = if script.unsigned { Vec::new() } else { script.key.sign(signed.as_bytes()) };
    let id_token = format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature));
    axum::Json(json!({"access_token": "a", "token_type": "Bearer", "id_token": id_token})).into_response()
}
