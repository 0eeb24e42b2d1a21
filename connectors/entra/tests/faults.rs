//! What goes wrong on the way: credentials, rights, storms. Nothing is lost, nothing shown.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use support::{change, config, done, estate, rig_with, secrets, texts};
use trueup_connector::{
    Connector, ConnectorExt, Context, Kind, Operation, ReadRequest, Receipt, Value,
};
use trueup_entra::{Entra, EntraConfig};
use trueup_kit::{Algorithm, Auth, Fixed, Secret};
use trueup_sandbox::{Graph, Misfortune, Plan, Server};

/// Everything that can go wrong with reading and pass.
fn storm(seed: u64) -> Plan {
    let mut plan = Plan::default();
    plan.seed = seed;
    let faults = [
        Misfortune::Throttle { retry_after: Some("0".into()) },
        Misfortune::Throttle { retry_after: None },
        Misfortune::Error { status: 503 },
        Misfortune::Error { status: 504 },
        Misfortune::Cut,
        Misfortune::CutBody,
        Misfortune::Malformed,
        Misfortune::WrongType,
        Misfortune::EmptyPage,
        Misfortune::DuplicatePage,
        Misfortune::Slow { delay_ms: 2 },
    ];
    faults.into_iter().fold(plan, |plan, fault| plan.with(fault).share(0.04).on("/v1.0/"))
}

/// How many storms to go through: a dozen, or many when the environment asks for it.
fn storms() -> u64 {
    if std::env::var_os("TRUEUP_DEEP").is_some() { 200 } else { 12 }
}

#[tokio::test]
async fn a_storm_loses_nothing_that_is_read() {
    for seed in 0..storms() {
        let sandbox = Graph::new(&estate(40));
        let rig = rig_with(sandbox, storm(seed), |config| config.page_size = 3).await;
        let users = rig.entra.read(Context::new(), "users").await.unwrap();
        let wanted: BTreeSet<String> = (0..40).map(|n| estate(40).person(n).login).collect();
        let found = texts(&users, "user_principal_name").into_iter().collect::<BTreeSet<_>>();
        assert_eq!(found, wanted, "seed {seed}");
        let members = rig.entra.read(Context::new(), "group_members").await.unwrap();
        let pairs = texts(&members, "group_id").into_iter().zip(texts(&members, "member_id"));
        let wanted: BTreeSet<(String, String)> = rig.sandbox.members().into_iter().collect();
        assert_eq!(pairs.collect::<BTreeSet<_>>(), wanted, "seed {seed}");
    }
}

#[tokio::test]
async fn a_storm_doubles_nothing_that_is_written() {
    for seed in 0..storms() {
        let mut plan = storm(seed);
        plan = plan.with(Misfortune::LostAnswer).share(0.1).on("/v1.0/");
        let rig = rig_with(Graph::new(&estate(9)), plan, |_| {}).await;
        for number in 0..4 {
            let name = format!("Group {number}");
            let mut made = change("groups", Operation::Create, &[&name], &[]);
            made.idempotency_key = format!("{seed}-{number}");
            let login = format!("fresh.{number}@example.com");
            let user = [("display_name", Value::from("Fresh"))];
            for change in [made, change("users", Operation::Create, &[&login], &user)] {
                // Sent again, as the executor does until it is known.
                for _ in 0..20 {
                    match rig.write(change.clone()).await {
                        Receipt::Done { .. } => break,
                        Receipt::Unknown(_) | Receipt::Refused(_) => {}
                        odd => panic!("seed {seed}: {odd:?}"),
                    }
                }
            }
        }
        for number in 0..4 {
            let count = |kind: &str, name: &str, wanted: String| {
                rig.sandbox.directory(kind).iter().filter(|one| one[name] == wanted).count()
            };
            assert_eq!(count("groups", "displayName", format!("Group {number}")), 1, "seed {seed}");
            let login = format!("fresh.{number}@example.com");
            assert_eq!(count("users", "userPrincipalName", login), 1, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_credentials_is_said() {
    let rig = rig_with(Graph::new(&estate(9)), Plan::default(), |_| {}).await;
    let base = rig.server.base_url();
    for (from, to, kind, text) in [
        (Graph::TENANT, "nobody", Kind::Invalid, "Tenant not found"),
        (Graph::CLIENT, "nobody", Kind::Unauthenticated, "was not found in the directory"),
        (".default", "User.Read", Kind::Invalid, "must end with /.default"),
        ("entra-secret", "wrong", Kind::NotFound, "there is no secret `wrong`"),
    ] {
        let wrong = serde_json::to_string(&config(&base)).unwrap().replace(from, to);
        let entra = Entra::new(serde_json::from_str(&wrong).unwrap(), secrets()).unwrap();
        let error = entra.check(Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(text), "{error}");
        assert!(!format!("{error:?}").contains(Graph::SECRET), "{error:?}");
    }
    let stale = Arc::new(Fixed::new([("entra-secret", Secret::new("yesterday's"))]));
    let error = Entra::new(config(&base), stale).unwrap().check(Context::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(
        error.message().contains("Invalid client secret")
            && !format!("{error:?}").contains("yesterday")
    );
}

fn with_certificate(base: &str, algorithm: Algorithm) -> EntraConfig {
    let mut config = config(base);
    config.endpoint.auth = Auth::ClientCertificate {
        token_url: format!("{base}/{}/oauth2/v2.0/token", Graph::TENANT),
        client_id: Graph::CLIENT.into(),
        scope: format!("{base}/.default"),
        certificate: "certificate".into(),
        key: "key".into(),
        algorithm,
    };
    config
}

/// A certificate and its key as PEM, made by the machine's OpenSSL; `None` where it has none.
fn identity() -> Option<(String, Arc<Fixed>)> {
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
    let pem = read(certificate);
    let secrets = [("certificate", Secret::new(pem.clone())), ("key", Secret::new(read(key)))];
    Some((pem, Arc::new(Fixed::new(secrets))))
}

#[tokio::test]
async fn a_certificate_signs_and_another_does_not() {
    let Some((pem, secrets)) = identity() else { return };
    let sandbox = Graph::new(&estate(9)).with_certificate(&pem).unwrap();
    let server = Server::start(sandbox, Plan::default()).await.unwrap();
    for algorithm in [Algorithm::Ps256, Algorithm::Rs256] {
        let config = with_certificate(&server.base_url(), algorithm);
        let entra = Entra::new(config, secrets.clone()).unwrap();
        assert_eq!(entra.read(Context::new(), "users").await.unwrap().rows(), 9);
    }
    let strange = Server::start(Graph::new(&estate(9)), Plan::default()).await.unwrap();
    let config = with_certificate(&strange.base_url(), Algorithm::Ps256);
    let error = Entra::new(config, secrets).unwrap().check(Context::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(error.message().contains("is not registered"), "{error}");
}

#[tokio::test]
async fn missing_rights_are_named_and_the_others_go_on() {
    let mut sandbox = Graph::new(&estate(9));
    for right in
        ["AuditLog.Read.All", "Device.Read.All", "Directory.Read.All", "User.ReadWrite.All"]
    {
        sandbox = sandbox.without_right(right);
    }
    let rig = rig_with(sandbox, Plan::default(), |_| {}).await;
    for (resource, right) in
        [("directory_audits", "AuditLog.Read.All"), ("devices", "Device.Read.All")]
    {
        let error = rig.entra.read(Context::new(), resource).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden);
        let text = error.to_string();
        assert!(text.contains(&format!("right: {right}")) && text.contains(resource), "{text}");
    }
    for resource in ["users", "groups", "group_members", "licences", "licence_assignments"] {
        assert!(rig.entra.read(Context::new(), resource).await.unwrap().rows() > 0, "{resource}");
    }
    let error = rig.entra.check(Context::new()).await.unwrap_err();
    for right in ["`AuditLog.Read.All` for directory_audits", "`Device.Read.All` for devices"] {
        assert!(error.message().contains(right), "{error}");
    }
    let login = estate(9).person(0).login;
    let other = [("department", Value::from("Elsewhere"))];
    let receipt = rig.write(change("users", Operation::Update, &[&login], &other)).await;
    assert!(
        matches!(&receipt, Receipt::Failed(e) if e.to_string().contains("right: User.ReadWrite.All")),
        "{receipt:?}"
    );
}

#[tokio::test]
async fn writes_that_meet_are_sent_again() {
    let rig = rig_with(Graph::new(&estate(9)).with_meetings(2), Plan::default(), |_| {}).await;
    let login = estate(9).person(0).login;
    let other = [("department", Value::from("Elsewhere"))];
    done(&rig.write(change("users", Operation::Update, &[&login], &other)).await);
}

#[tokio::test]
async fn what_a_server_makes_up_is_an_error() {
    for (body, text) in [
        (r#"{"value": 5}"#, "has no list"),
        (r#"{"value": [{"userPrincipalName": 5}]}"#, "does not fit"),
        (r#"{"value": [], "@odata.nextLink": "https://elsewhere.example/x"}"#, "another host"),
        (r#"{"value": []}"#, "nothing to go on from"),
    ] {
        let link = r#"{"value": [], "@odata.deltaLink": "http://127.0.0.1:1/v1.0/x"}"#;
        let first = if text.contains("go on") { body } else { link };
        let system = move |call: &trueup_sandbox::Call| {
            let reply = match (call.path.as_str(), call.path.contains("delta")) {
                (path, _) if path.ends_with("token") => {
                    r#"{"access_token": "x", "expires_in": 600}"#
                }
                (_, true) => first,
                _ => body,
            };
            trueup_sandbox::Reply::new(200).with_body(reply)
        };
        let server = Server::start(system, Plan::default()).await.unwrap();
        let mut config = config(&server.base_url());
        config.manners = serde_json::from_str(r#"{"tries": 1}"#).unwrap();
        let entra = Entra::new(config, secrets()).unwrap();
        let error = entra.read_all(Context::new(), ReadRequest::new("users")).await.unwrap_err();
        assert!(error.message().contains(text), "{text}: {error}");
    }
}
