//! Tokens: asked for once, renewed on the clock and once on 401; by secret and by certificate.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Value as Json, json};
use support::{Heard, client, context, manners, ok, secrets};
use trueup_connector::{Kind, Retry};
use trueup_kit::{Algorithm, Auth, Fixed, Request, Secret};
use trueup_sandbox::{Call, Reply};

fn form(call: &Call) -> HashMap<String, String> {
    url::form_urlencoded::parse(&call.body).into_owned().collect()
}

/// A server that gives tokens that live so long, and takes those that are not in `refused`.
async fn server(life: u64, refused: &'static [&'static str]) -> Heard {
    let given = AtomicU32::new(0);
    Heard::start(move |call| match call.path.as_str() {
        "/token" => {
            let number = given.fetch_add(1, Ordering::Relaxed) + 1;
            ok(&json!({"access_token": format!("t{number}"), "token_type": "bearer", "expires_in": life})
                .to_string())
        }
        _ if refused.contains(&call.header("authorization").unwrap()) => Reply::new(401),
        _ => ok("{}"),
    })
    .await
}

fn by_secret(heard: &Heard) -> Auth {
    Auth::ClientSecret {
        token_url: format!("{}/token", heard.server.base_url()),
        client_id: "me&you".into(),
        scope: "all".into(),
        secret: "shared".into(),
    }
}

fn paths(heard: &Heard) -> Vec<String> {
    heard.calls().into_iter().map(|call| call.path).collect()
}

#[tokio::test]
async fn a_token_is_asked_for_once() {
    let heard = server(3600, &[]).await;
    let client = heard.client_with(by_secret(&heard), manners());
    let (one, two) = (context(), context());
    let (a, b) =
        tokio::join!(client.send(&one, Request::get("a")), client.send(&two, Request::get("b")));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert_eq!(paths(&heard).iter().filter(|path| *path == "/token").count(), 1);
    let asked = form(&heard.calls()[0]);
    let wanted = [
        ("grant_type", "client_credentials"),
        ("client_id", "me&you"),
        ("client_secret", "hush"),
        ("scope", "all"),
    ];
    assert!(wanted.iter().all(|(name, value)| asked[*name] == *value), "{asked:?}");
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed() {
    let heard = server(0, &[]).await;
    let client = heard.client_with(by_secret(&heard), manners());
    client.send(&context(), Request::get("a")).await.unwrap();
    client.send(&context(), Request::get("b")).await.unwrap();
    assert_eq!(paths(&heard), ["/token", "/api/a", "/token", "/api/b"]);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_even_for_writes() {
    let heard = server(3600, &["Bearer t1"]).await;
    let client = heard.client_with(by_secret(&heard), manners());
    client.send(&context(), Request::post("a")).await.unwrap();
    assert_eq!(paths(&heard), ["/token", "/api/a", "/token", "/api/a"]);
    let heard = server(3600, &["Bearer t1", "Bearer t2", "Bearer t3"]).await;
    let client = heard.client_with(by_secret(&heard), manners());
    let error = client.send(&context(), Request::get("a")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert_eq!(heard.calls().len(), 4);
}

#[tokio::test]
async fn what_the_token_endpoint_says_is_understood() {
    for (status, body, kind) in [
        (
            401,
            json!({"error": "invalid_client", "error_description": "AADSTS7000215: wrong hush\r\nTrace: x"}),
            Kind::Unauthenticated,
        ),
        (
            400,
            json!({"error": "invalid_scope", "error_description": "no such scope"}),
            Kind::Invalid,
        ),
        (400, json!({"error": "temporarily_unavailable"}), Kind::Unavailable),
        (429, json!({"error": "slow_down"}), Kind::Throttled),
        (500, json!("oops"), Kind::Unavailable),
    ] {
        let text = body.to_string();
        let heard = Heard::start(move |_| Reply::new(status).with_body(text.clone())).await;
        let client = heard.client_with(by_secret(&heard), manners().with_tries(1));
        let error = client.send(&context(), Request::get("a")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        assert!(error.message().contains("POST") && error.message().contains("/token"), "{error}");
        let again = matches!(kind, Kind::Unavailable | Kind::Throttled);
        assert_eq!(error.retry() == Retry::Backoff, again);
    }
}

#[test]
fn a_token_endpoint_has_to_be_safe() {
    let auth = Auth::ClientSecret {
        token_url: "http://login.example.org/token".into(),
        client_id: "me".into(),
        scope: String::new(),
        secret: "shared".into(),
    };
    let endpoint = trueup_kit::Endpoint::new("https://a.example").with_auth(auth);
    let error = trueup_kit::Client::new(endpoint, manners(), Arc::new(secrets()), |_| None);
    let error = error.unwrap_err();
    assert!(error.message().starts_with("the setting `token_url`"), "{error}");
}

/// A certificate and its key as PEM, made by the machine's OpenSSL; `None` where it has none.
fn certificate() -> Option<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("cert.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=trueup",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.as_ref().is_ok_and(|made| made.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI needs openssl: {made:?}");
        eprintln!("skipped: there is no `openssl` program to make a certificate with");
        return None;
    }
    let read = |path| std::fs::read_to_string(path).unwrap();
    Some((read(certificate), read(key)))
}

#[tokio::test]
async fn assertions_are_signed_by_the_certificate() {
    let Some((certificate, key)) = certificate() else { return };
    let (_, x509) = pem_der(&certificate);
    let checks: [(Algorithm, &str, &str, &'static dyn VerificationAlgorithm); 2] = [
        (Algorithm::Ps256, "PS256", "x5t#S256", &RSA_PSS_2048_8192_SHA256),
        (Algorithm::Rs256, "RS256", "x5t", &RSA_PKCS1_2048_8192_SHA256),
    ];
    for (algorithm, name, print, verify) in checks {
        let heard = server(3600, &[]).await;
        let token_url = format!("{}/token", heard.server.base_url());
        let auth = Auth::ClientCertificate {
            token_url: token_url.clone(),
            client_id: "me".into(),
            scope: "all".into(),
            certificate: "cert".into(),
            key: "key".into(),
            algorithm,
        };
        let secrets = Fixed::new([
            ("cert", Secret::new(certificate.clone())),
            ("key", Secret::new(key.clone())),
        ]);
        let client = client(heard.endpoint().with_auth(auth), manners(), Arc::new(secrets));
        client.send(&context(), Request::get("a")).await.unwrap();
        let asked = form(&heard.calls()[0]);
        assert!(!asked.contains_key("client_secret"));
        let parts: Vec<&str> = asked["client_assertion"].split('.').collect();
        let part = |at: usize| BASE64_URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
        let (header, claims): (Json, Json) =
            (serde_json::from_slice(&part(0)).unwrap(), serde_json::from_slice(&part(1)).unwrap());
        assert_eq!(header["alg"], name);
        assert!(header[print].is_string());
        assert_eq!((&claims["aud"], &claims["iss"]), (&json!(token_url), &json!("me")));
        let public = UnparsedPublicKey::new(verify, public_key(&x509));
        let signed = format!("{}.{}", parts[0], parts[1]);
        public.verify(signed.as_bytes(), &part(2)).expect("the certificate's key signed it");
    }
}

fn pem_der(pem: &str) -> (String, Vec<u8>) {
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let text = lines.concat();
    let der = base64::prelude::BASE64_STANDARD.decode(&text).unwrap();
    (text, der)
}

/// The RSA key in a certificate: the bit string that follows the name of RSA (1.2.840.113549.1.1.1)
/// and its null, without its count of unused bits.
fn public_key(certificate: &[u8]) -> Vec<u8> {
    let rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03];
    let at = certificate.windows(rsa.len()).position(|window| window == rsa).unwrap() + rsa.len();
    // 0x82 and two bytes of length, then no unused bits.
    let length = usize::from(certificate[at + 1]) * 256 + usize::from(certificate[at + 2]);
    certificate[at + 4..at + 3 + length].to_vec()
}
