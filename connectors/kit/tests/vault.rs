//! Secrets in Vault, against a server that answers as Vault does.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use support::Heard;
use trueup_connector::Kind;
use trueup_kit::{Fixed, Secret, Secrets, Vault, VaultSettings};
use trueup_sandbox::{Call, Reply};

/// The secret is `v1`, then `v2` …, a version a reading; tokens `t1`, `t2` …, of which the first is
/// refused.
async fn server() -> Heard {
    let (logins, readings) = (AtomicU32::new(0), AtomicU32::new(0));
    let next = |counter: &AtomicU32| counter.fetch_add(1, Ordering::Relaxed) + 1;
    Heard::start(move |call| match (call.method.as_str(), call.path.as_str()) {
        ("POST", "/v1/auth/approle/login") if call.json().unwrap()["secret_id"] != "right" => {
            Reply::json(400, &json!({"errors": ["invalid role or secret ID"]}))
        }
        ("POST", "/v1/auth/approle/login") => {
            let token = format!("t{}", next(&logins));
            Reply::json(200, &json!({"auth": {"client_token": token, "lease_duration": 3600}}))
        }
        _ if call.header("x-vault-token") == Some("t1") => {
            Reply::json(403, &json!({"errors": ["permission denied"]}))
        }
        ("GET", "/v1/secret/data/trueup/api") => {
            let value = format!("v{}", next(&readings));
            Reply::json(200, &json!({"data": {"data": {"key": value}, "metadata": {"version": 1}}}))
        }
        ("GET", "/v1/secret/data/deleted") => Reply::json(
            404,
            &json!({"data": {"data": null, "metadata": {"deletion_time": "2026-01-01T00:00:00Z"}}}),
        ),
        ("GET", "/v1/secret/data/sealed") => Reply::json(503, &json!({"errors": []})),
        _ => Reply::json(404, &json!({"errors": []})),
    })
    .await
}

fn vault(heard: &Heard, secret_id: &str, keep_ms: u64) -> Vault {
    let settings = json!({
        "endpoint": {"base_url": format!("{}/v1", heard.server.base_url())},
        "login": {"kind": "app_role", "role_id": "role", "secret_id": "id"},
        "namespace": "team",
        "keep_ms": keep_ms,
        "names": {"api": {"path": "trueup/api", "key": "key"},
            "other": {"path": "trueup/api", "key": "nothing"},
            "deleted": {"path": "deleted", "key": "key"}, "sealed": {"path": "sealed", "key": "key"},
            "absent": {"path": "absent", "key": "key"}},
    });
    let settings: VaultSettings = serde_json::from_value(settings).unwrap();
    let login = Fixed::new([("role", Secret::new("r")), ("id", Secret::new(secret_id))]);
    Vault::new(settings, Arc::new(login)).unwrap()
}

fn paths(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.path.as_str()).collect()
}

#[tokio::test]
async fn a_secret_is_read_with_a_renewed_token_and_kept_for_a_while() {
    let heard = server().await;
    let vault = vault(&heard, "right", 60_000);
    assert_eq!(vault.get("api").await.unwrap(), Secret::new("v1"));
    assert_eq!(vault.get("api").await.unwrap(), Secret::new("v1"));
    let (calls, login, read) =
        (heard.calls(), "/v1/auth/approle/login", "/v1/secret/data/trueup/api");
    assert_eq!(paths(&calls), [login, read, login, read]);
    assert_eq!(calls[3].header("x-vault-namespace"), Some("team"));
    assert_eq!(calls[3].header("x-vault-request"), Some("true"));
    assert_eq!(vault.renew("api").await.unwrap(), Secret::new("v2"));
    assert_eq!(vault.get("api").await.unwrap(), Secret::new("v2"));
}

#[tokio::test]
async fn a_secret_that_is_not_kept_is_read_each_time() {
    let heard = server().await;
    let vault = vault(&heard, "right", 0);
    assert_eq!(vault.get("api").await.unwrap(), Secret::new("v1"));
    assert_eq!(vault.get("api").await.unwrap(), Secret::new("v2"));
}

#[tokio::test]
async fn what_vault_refuses_is_said_plainly() {
    let heard = server().await;
    let right = vault(&heard, "right", 0);
    for (name, kind, text) in [
        ("apj", Kind::NotFound, "did you mean `api`?"),
        (
            "absent",
            Kind::NotFound,
            "the secret `absent` is not there (mount: secret, path: absent)",
        ),
        ("deleted", Kind::NotFound, "was deleted"),
        ("other", Kind::NotFound, "has no text `nothing`"),
        ("sealed", Kind::Unavailable, "sealed"),
    ] {
        let error = right.get(name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    let error = vault(&heard, "wrong", 0).get("api").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}
