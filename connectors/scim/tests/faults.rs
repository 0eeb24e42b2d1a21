//! What goes wrong on the way: nothing is lost, nothing is written twice, no secret is shown.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use support::{Rig, fresh, rig, rig_with, secrets};
use trueup_connector::{
    Change, Column, Connector, ConnectorExt, Context, Coverage, Idempotency, Kind, Operation,
    Receipt, Snapshot, Value,
};
use trueup_sandbox::{Misfortune, Plan, Scim as Sandbox};
use trueup_scim::Scim;
use trueup_testkit::conformance::apply_unguarded;

fn values(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for batch in snapshot.batches() {
        let column = Column::new(batch.column_by_name(name).unwrap()).unwrap();
        values.extend((0..batch.num_rows()).map(|row| column.value(row).to_string()));
    }
    values
}

fn logins(sandbox: &Sandbox) -> BTreeSet<String> {
    let users = sandbox.all("User");
    users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// Everything that can go wrong with reading and pass.
fn storm(seed: u64) -> Plan {
    let mut plan = Plan::default();
    plan.seed = seed;
    let faults = [
        Misfortune::Throttle { retry_after: Some("0".into()) },
        Misfortune::Throttle { retry_after: None },
        Misfortune::Error { status: 503 },
        Misfortune::Cut,
        Misfortune::CutBody,
        Misfortune::Malformed,
        Misfortune::WrongType,
        Misfortune::EmptyPage,
        Misfortune::DuplicatePage,
        Misfortune::Slow { delay_ms: 2 },
    ];
    faults.into_iter().fold(plan, |plan, fault| plan.with(fault).share(0.06))
}

/// How many storms to go through: a dozen, or many when the environment asks for it.
fn storms() -> u64 {
    if std::env::var_os("TRUEUP_DEEP").is_some() { 200 } else { 12 }
}

#[tokio::test]
async fn a_storm_loses_no_record() {
    for seed in 0..storms() {
        for cursors in [true, false] {
            let bend = |sandbox: Sandbox| {
                let sandbox = sandbox.with_most(2);
                if cursors { sandbox } else { sandbox.without_cursors() }
            };
            let rig = rig_with(bend, |_| {}, storm(seed)).await;
            let read = rig.scim.read(Context::new(), "users").await.unwrap();
            let found: BTreeSet<String> = values(&read, "user_name").into_iter().collect();
            assert_eq!(found, logins(&rig.sandbox), "seed {seed}, cursors: {cursors}");
        }
    }
}

#[tokio::test]
async fn a_page_that_stays_empty_is_an_error_and_not_the_end() {
    let plan = Plan::default().with(Misfortune::EmptyPage).on("/Users");
    let rig = rig_with(Sandbox::without_cursors, |_| {}, plan).await;
    let error = rig.scim.read(Context::new(), "users").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(error.message().contains("there are more"), "{error}");
}

#[tokio::test]
async fn what_is_no_list_is_an_error() {
    for body in [
        r#"{"error": "x"}"#,
        r#"{"totalResults": 3}"#,
        r#"{"totalResults": 3, "Resources": []}"#,
        r#"{"totalResults": 3, "Resources": "none"}"#,
        "[]",
    ] {
        let server = trueup_sandbox::Server::start(
            move |call: &trueup_sandbox::Call| match call.path.ends_with("/Users") {
                true => trueup_sandbox::Reply::new(200).with_body(body),
                false => trueup_sandbox::Reply::json(
                    200,
                    &json!({"pagination": {"cursor": true}, "totalResults": 0}),
                ),
            },
            Plan::default(),
        );
        let server = server.await.unwrap();
        let config = support::config(&format!("{}/v2", server.base_url()));
        let scim = Scim::connect(config, secrets()).await.unwrap();
        let error = scim.read(Context::new(), "users").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{body}");
    }
}

#[tokio::test]
async fn an_oversized_answer_is_not_taken() {
    let plan = Plan::default().with(Misfortune::Oversized { bytes: 2 << 20 }).on("/Users");
    let small = |config: &mut trueup_scim::ScimConfig| config.endpoint.max_answer_bytes = 1 << 20;
    let rig = rig_with(|sandbox| sandbox, small, plan).await;
    let error = rig.scim.read(Context::new(), "users").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
}

#[tokio::test]
async fn a_refused_token_says_so_and_is_not_shown() {
    let plan = Plan::default().with(Misfortune::ExpiredToken).on("/Users");
    let rig = rig_with(|sandbox| sandbox, |_| {}, plan).await;
    let error = rig.scim.read(Context::new(), "users").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(!format!("{error:?} {:?}", rig.scim).contains(Sandbox::TOKEN), "{error:?}");
}

#[tokio::test]
async fn a_part_is_read_and_checked_here_again() {
    for deaf in [false, true] {
        let bend = |sandbox: Sandbox| if deaf { sandbox.deaf_to_filters() } else { sandbox };
        let one = "a";
        let within = |config: &mut trueup_scim::ScimConfig| {
            config.within = Some(json!({"field": "user_name", "starts_with": one}));
        };
        let rig = rig_with(bend, within, Plan::default()).await;
        rig.sandbox.make("User", &json!({"userName": "alan@example.com"})).unwrap();
        rig.sandbox.make("User", &json!({"userName": "Alan@example.com.au"})).unwrap();
        let read = rig.scim.read(Context::new(), "users").await.unwrap();
        let wanted: BTreeSet<String> =
            logins(&rig.sandbox).into_iter().filter(|login| login.starts_with(one)).collect();
        assert_eq!(values(&read, "user_name").into_iter().collect::<BTreeSet<_>>(), wanted);
        assert!(wanted.contains("alan@example.com") && !wanted.contains("Alan@example.com.au"));
        assert!(matches!(read.coverage(), Coverage::Within(_)));
    }
}

#[tokio::test]
async fn a_part_is_stated_over_what_does_not_change() {
    let rig = rig(|sandbox| sandbox).await;
    let mut config = support::config(&format!("{}/v2", rig.server.base_url()));
    config.within = Some(json!({"field": "title", "is": "x"}));
    let error = Scim::connect(config, secrets()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

async fn write(rig: &Rig, change: Change) -> Receipt {
    let writer = rig.scim.writer().unwrap();
    let mut receipts = apply_unguarded(&*writer, Context::new(), vec![change]).await.unwrap();
    receipts.pop().unwrap()
}

fn create(number: usize) -> Change {
    let name = format!("new.{number}@example.com");
    let mut change = Change::new("users", Operation::Create, vec![Value::from(name.as_str())]);
    change.after = vec![("display_name".into(), Value::from("New"))];
    change
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_not_sent_again() {
    for fault in [Misfortune::LostAnswer, Misfortune::CutBody, Misfortune::Error { status: 504 }] {
        let mut plan = Plan::default().with(fault.clone());
        plan.fault[0].method = Some("POST".into());
        let rig = rig_with(|sandbox| sandbox, |_| {}, plan).await;
        let receipt = write(&rig, create(1)).await;
        let there = logins(&rig.sandbox).contains("new.1@example.com");
        match receipt {
            Receipt::Done { .. } => assert!(there, "{fault:?}"),
            Receipt::Unknown(_) => assert!(!there, "{fault:?}"),
            odd => panic!("{fault:?}: {odd:?}"),
        }
        assert_eq!(there, !matches!(fault, Misfortune::Error { .. }));
    }
}

#[tokio::test]
async fn a_second_group_of_one_name_is_never_made() {
    let rig = rig(|sandbox| sandbox).await;
    let group = || {
        let mut change = Change::new("groups", Operation::Create, vec![Value::from("Ops")]);
        change.after = vec![("external_id".into(), Value::from("x"))];
        change
    };
    assert!(matches!(write(&rig, group()).await, Receipt::Done { .. }));
    assert!(matches!(write(&rig, group()).await, Receipt::Done { .. }));
    let count = |sandbox: &Sandbox| {
        sandbox.all("Group").iter().filter(|group| group["displayName"] == "Ops").count()
    };
    assert_eq!(count(&rig.sandbox), 1);
    // Somebody else makes one of the name: neither is touched.
    rig.sandbox.make("Group", &json!({"displayName": "Ops"})).unwrap();
    let delete = Change::new("groups", Operation::Delete, vec![Value::from("Ops")]);
    let receipt = write(&rig, delete).await;
    assert!(
        matches!(&receipt, Receipt::Refused(error) if error.kind() == Kind::Data),
        "{receipt:?}"
    );
    assert_eq!(count(&rig.sandbox), 2);
}

#[tokio::test]
async fn a_storm_doubles_nothing_and_every_receipt_is_true() {
    for seed in 0..storms() {
        let mut plan = storm(seed);
        for fault in
            [Misfortune::LostAnswer, Misfortune::CutBody, Misfortune::Error { status: 500 }]
        {
            plan = plan.with(fault).share(0.2).on("/Groups");
        }
        let rig = rig_with(|sandbox| sandbox, |_| {}, plan).await;
        for number in 0..6 {
            let name = format!("Team {number}");
            let change =
                || Change::new("groups", Operation::Create, vec![Value::from(name.as_str())]);
            let mut receipt = write(&rig, change()).await;
            let groups = || {
                let all = rig.sandbox.all("Group");
                all.iter().filter(|group| group["displayName"] == name).count()
            };
            match &receipt {
                Receipt::Done { .. } => assert_eq!(groups(), 1, "seed {seed}"),
                Receipt::Refused(_) => assert_eq!(groups(), 0, "seed {seed}"),
                Receipt::Unknown(_) => assert!(groups() <= 1, "seed {seed}"),
                odd => panic!("seed {seed}: {odd:?}"),
            }
            // As declared: what is not done may be sent again after it was read back.
            for _ in 0..20 {
                if matches!(receipt, Receipt::Done { .. }) {
                    break;
                }
                receipt = write(&rig, change()).await;
            }
            assert_eq!(groups(), 1, "seed {seed}: {receipt:?}");
        }
    }
}

#[tokio::test]
async fn members_join_and_leave_one_by_one() {
    let rig = rig(|sandbox| sandbox).await;
    let group = rig.sandbox.all("Group")[0].clone();
    let user = rig.sandbox.make("User", &json!({"userName": "joins@example.com"})).unwrap();
    let id = group["id"].as_str().unwrap();
    let before = group["members"].as_array().unwrap().len();
    let change = |operation| {
        Change::new("members", operation, vec![Value::from(id), Value::from(user.as_str())])
    };
    let now = || {
        let groups = rig.sandbox.all("Group");
        let group = groups.iter().find(|group| group["id"] == id).unwrap().clone();
        group["members"].as_array().unwrap().len()
    };
    for _ in 0..2 {
        assert!(matches!(write(&rig, change(Operation::Create)).await, Receipt::Done { .. }));
        assert_eq!(now(), before + 1);
    }
    for _ in 0..2 {
        assert!(matches!(write(&rig, change(Operation::Delete)).await, Receipt::Done { .. }));
        assert_eq!(now(), before);
    }
    let update = write(&rig, change(Operation::Update)).await;
    assert!(matches!(&update, Receipt::Refused(error) if error.kind() == Kind::Unsupported));
}

#[tokio::test]
async fn idempotency_is_what_the_server_says() {
    let with = rig(|sandbox| sandbox).await.scim.writer().unwrap();
    let without = rig(Sandbox::without_etags).await.scim.writer().unwrap();
    let said = |resource: &str, operation: Operation| {
        (with.idempotency(resource, &operation), without.idempotency(resource, &operation))
    };
    let read_back = Idempotency::ReadBack { settle: std::time::Duration::ZERO };
    assert_eq!(said("users", Operation::Update), (Idempotency::Conditional, read_back));
    assert_eq!(said("groups", Operation::Create), (read_back, read_back));
    let action = said("users", Operation::Action("x".into()));
    assert_eq!(action, (Idempotency::AtMostOnce, Idempotency::AtMostOnce));
}

#[tokio::test]
async fn a_server_that_says_nothing_of_itself_is_read_all_the_same() {
    let plan = Plan::default().with(Misfortune::Error { status: 404 }).on("/ServiceProviderConfig");
    let rig = rig_with(Sandbox::without_cursors, |_| {}, plan).await;
    let read = rig.scim.read(Context::new(), "users").await.unwrap();
    assert_eq!(read.rows(), 9);
    let schema = rig.scim.describe(Context::new()).await.unwrap().remove(0).schema;
    assert_eq!(fresh(&schema).rows(), 5);
}
