//! Every resource, every write, and what goes wrong on the way.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;

use support::{ESTATE, Rig, config, rig, rig_with, secrets};
use trueup_connector::{
    Change, Column, Connector, ConnectorExt, Context, Idempotency, Kind, Operation, ReadRequest,
    Receipt, Snapshot, Value,
};
use trueup_intune::Intune;
use trueup_sandbox::{Estate, Graph as Sandbox, Misfortune, Plan};
use trueup_testkit::conformance::apply_unguarded;

fn values(snapshot: &Snapshot, name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for batch in snapshot.batches() {
        let column = Column::new(batch.column_by_name(name).unwrap()).unwrap();
        values.extend((0..batch.num_rows()).map(|row| column.value(row)));
    }
    values
}

fn texts(snapshot: &Snapshot, name: &str) -> BTreeSet<String> {
    values(snapshot, name).iter().map(Value::to_string).collect()
}

async fn read(rig: &Rig, resource: &str) -> Snapshot {
    rig.intune.read(Context::new(), resource).await.unwrap()
}

fn serials(size: u64) -> BTreeSet<String> {
    let estate = Estate::new(ESTATE.0, size);
    (0..size).map(|number| estate.device(number).serial).collect()
}

#[tokio::test]
async fn devices_are_read_over_many_pages() {
    let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 2_500));
    let rig = rig_with(sandbox, Plan::default(), |_| {}).await;
    let devices = read(&rig, "managed_devices").await;
    assert_eq!(devices.rows(), 2_500);
    assert_eq!(texts(&devices, "serial_number"), serials(2_500));
    assert!(values(&devices, "grace_until").iter().all(Value::is_null), "9999 is never");
    assert_eq!(rig.server.calls(), 4, "a token and three pages");
    let small = ReadRequest::new("managed_devices").with_page_size(500);
    assert_eq!(rig.intune.read_all(Context::new(), small).await.unwrap().rows(), 2_500);
}

#[tokio::test]
async fn compliance_comes_twenty_devices_a_call() {
    let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 50));
    let rig = rig_with(sandbox, Plan::default(), |_| {}).await;
    let states = read(&rig, "compliance_states").await;
    assert_eq!(states.rows(), 50);
    assert_eq!(rig.server.calls(), 1 + 1 + 3, "a token, a list, three batches");
    let policies = texts(&read(&rig, "compliance_policies").await, "id");
    assert!(texts(&states, "policy_id").is_subset(&policies));
    assert!(
        texts(&states, "state")
            .is_subset(&["compliant", "noncompliant", "unknown"].map(str::to_owned).into())
    );
}

#[tokio::test]
async fn installs_and_detected_apps_agree() {
    let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 900));
    let rig = rig_with(sandbox, Plan::default(), |_| {}).await;
    let installs = read(&rig, "install_status").await;
    let states = values(&installs, "state");
    let installed = states.iter().filter(|state| **state == Value::from("installed")).count();
    let detected = values(&read(&rig, "detected_apps").await, "devices");
    let counted: i128 =
        detected.iter().map(|count| if let Value::Int(count) = count { *count } else { 0 }).sum();
    assert_eq!(i128::try_from(installed).unwrap(), counted);
    assert!(installed > 1_000, "{installed}");
}

#[tokio::test]
async fn a_storm_loses_no_device() {
    let faults = [
        Misfortune::Throttle { retry_after: Some("0".into()) },
        Misfortune::Throttle { retry_after: None },
        Misfortune::Error { status: 504 },
        Misfortune::Cut,
        Misfortune::CutBody,
        Misfortune::Malformed,
        Misfortune::WrongType,
        Misfortune::EmptyPage,
        Misfortune::DuplicatePage,
        Misfortune::ExpiredToken,
    ];
    let storms = if std::env::var_os("TRUEUP_DEEP").is_some() { 500 } else { 12 };
    for seed in 0..storms {
        let mut plan = Plan::default();
        plan.seed = seed;
        for fault in faults.clone() {
            let share = if fault == Misfortune::ExpiredToken { 0.01 } else { 0.05 };
            plan = plan.with(fault).share(share).on("/v1.0/deviceManagement");
        }
        let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 40));
        let rig = rig_with(sandbox, plan, |config| config.page_size = 3).await;
        match rig.intune.read(Context::new(), "managed_devices").await {
            Ok(devices) => assert_eq!(texts(&devices, "serial_number"), serials(40), "seed {seed}"),
            // Two tokens refused in a row: that is an error, and no part of the devices.
            Err(error) => assert_eq!(error.kind(), Kind::Unauthenticated, "seed {seed}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_renewed() {
    let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 30)).with_token_life(0);
    let rig = rig_with(sandbox, Plan::default(), |config| config.page_size = 10).await;
    let error = rig.intune.read(Context::new(), "managed_devices").await.unwrap_err();
    assert_eq!(
        error.kind(),
        Kind::Unauthenticated,
        "tokens that are never good are not asked for ever"
    );
    let plan = Plan::default().with(Misfortune::ExpiredToken).during(2..3);
    let sandbox = Sandbox::new(&Estate::new(ESTATE.0, 30));
    let rig = rig_with(sandbox, plan, |config| config.page_size = 10).await;
    assert_eq!(read(&rig, "managed_devices").await.rows(), 30);
}

#[tokio::test]
async fn what_is_wrong_with_the_credentials_is_said() {
    let rig = rig(Plan::default()).await;
    let base = rig.server.base_url();
    for (from, to, kind, text) in [
        (Sandbox::TENANT, "nobody", Kind::Invalid, "Tenant not found"),
        (Sandbox::CLIENT, "nobody", Kind::Unauthenticated, "was not found in the directory"),
        (".default", "User.Read", Kind::Invalid, "must end with /.default"),
        ("intune-secret", "wrong", Kind::NotFound, "there is no secret `wrong`"),
    ] {
        let wrong = serde_json::to_string(&config(&base)).unwrap().replace(from, to);
        let intune = Intune::new(serde_json::from_str(&wrong).unwrap(), secrets()).unwrap();
        let error = intune.check(Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(text), "{error}");
        assert!(!format!("{error:?}").contains(Sandbox::SECRET), "{error:?}");
    }
}

#[tokio::test]
async fn a_missing_right_is_named_and_the_others_go_on() {
    let plan = Plan::default().with(Misfortune::Error { status: 403 }).on("/managedDevices");
    let rig = rig(plan).await;
    let error = rig.intune.read(Context::new(), "managed_devices").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden);
    let text = error.to_string();
    assert!(text.contains("right: DeviceManagementManagedDevices.Read.All"), "{text}");
    assert!(text.contains("not authorized") && !text.contains("Operation ID"), "{text}");
    assert!(read(&rig, "mobile_apps").await.rows() > 0);
}

async fn write(rig: &Rig, change: Change) -> Receipt {
    let writer = rig.intune.writer().unwrap();
    let mut receipts = apply_unguarded(&*writer, Context::new(), vec![change]).await.unwrap();
    receipts.pop().unwrap()
}

fn action(name: &str, device: &str) -> Change {
    Change::new("managed_devices", Operation::Action(name.into()), vec![Value::from(device)])
}

fn device(number: u64) -> String {
    Estate::new(ESTATE.0, ESTATE.1).device(number).id
}

/// Asks until an action is no longer pending.
async fn settled(rig: &Rig, mut receipt: Receipt) -> Receipt {
    let writer = rig.intune.writer().unwrap();
    for _ in 0..10 {
        let Receipt::Pending { handle, .. } = receipt else { return receipt };
        receipt = writer.status(Context::new(), handle).await.unwrap();
    }
    receipt
}

#[tokio::test]
async fn devices_are_asked_once_and_asked_about() {
    for name in ["retire", "wipe", "sync"] {
        let rig = rig(Plan::default()).await;
        let first = write(&rig, action(name, &device(3))).await;
        assert!(matches!(first, Receipt::Pending { .. }), "{name}: {first:?}");
        if name != "sync" {
            let again = write(&rig, action(name, &device(3))).await;
            assert!(matches!(again, Receipt::Pending { .. }), "{name}: {again:?}");
        }
        let word = if name == "sync" { "syncDevice" } else { name };
        assert_eq!(rig.sandbox.actions(word), 1, "{name} is asked once");
        let end = settled(&rig, first).await;
        assert!(matches!(end, Receipt::Done { .. }), "{name}: {end:?}");
        let left = if name == "sync" { 9 } else { 8 };
        assert_eq!(read(&rig, "managed_devices").await.rows(), left);
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_wipe_is_looked_for() {
    for (fault, asked) in [(Misfortune::LostAnswer, 1), (Misfortune::Error { status: 504 }, 0)] {
        let rig = rig(Plan::default().with(fault).on("/wipe")).await;
        let receipt = write(&rig, action("wipe", &device(0))).await;
        assert_eq!(rig.sandbox.actions("wipe"), asked);
        match asked {
            1 => assert!(matches!(receipt, Receipt::Pending { .. }), "{receipt:?}"),
            _ => assert!(matches!(receipt, Receipt::Unknown(_)), "{receipt:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_declared_is_true() {
    let writer = rig(Plan::default()).await.intune.writer().unwrap();
    let read_back = Idempotency::ReadBack { settle: std::time::Duration::ZERO };
    let said = |name: &str| writer.idempotency("managed_devices", &Operation::Action(name.into()));
    assert_eq!([said("wipe"), said("retire")], [read_back, read_back]);
    assert_eq!([said("sync"), said("x")], [Idempotency::AtMostOnce; 2]);
    assert_eq!(writer.idempotency("app_assignments", &Operation::Create), read_back);
    assert_eq!(writer.idempotency("mobile_apps", &Operation::Create), Idempotency::AtMostOnce);
}

#[tokio::test]
async fn an_unknown_action_is_refused_with_the_nearest() {
    let rig = rig(Plan::default()).await;
    let receipt = write(&rig, action("wip", &device(0))).await;
    assert!(
        matches!(&receipt, Receipt::Refused(error) if error.message().contains("did you mean `wipe`?")),
        "{receipt:?}"
    );
    let mut change = Change::new("mobile_apps", Operation::Delete, vec![Value::from("x")]);
    change.id = Some("x".into());
    let receipt = write(&rig, change).await;
    assert!(matches!(&receipt, Receipt::Refused(error) if error.kind() == Kind::Unsupported));
}

fn assignment(operation: Operation, group: &str, intent: Option<&str>) -> Change {
    let app = Estate::new(ESTATE.0, ESTATE.1).app(0).id;
    let key = [app.as_str(), "groupAssignmentTarget", group];
    let mut change = Change::new("app_assignments", operation, key.map(Value::from).into());
    change.after = intent.into_iter().map(|i| ("intent".to_owned(), Value::from(i))).collect();
    change
}

#[tokio::test]
async fn assignments_of_others_stay() {
    let rig = rig(Plan::default()).await;
    let before = rig.sandbox.assignments();
    let group = "00000000-0000-4000-8000-000000000042";
    for change in [
        assignment(Operation::Create, group, Some("required")),
        assignment(Operation::Create, group, Some("required")),
        assignment(Operation::Update, group, Some("available")),
    ] {
        let receipt = write(&rig, change).await;
        assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
        assert_eq!(rig.sandbox.assignments().len(), before.len() + 1);
    }
    let receipt = write(&rig, assignment(Operation::Delete, group, None)).await;
    assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
    assert_eq!(rig.sandbox.assignments(), before);
    let receipt = write(&rig, assignment(Operation::Create, group, Some("perhaps"))).await;
    assert!(matches!(&receipt, Receipt::Refused(error) if error.message().contains("`perhaps`")));
    let receipt = write(&rig, assignment(Operation::Create, "", Some("required"))).await;
    assert!(matches!(&receipt, Receipt::Refused(error) if error.message().contains("group_id")));
}

#[tokio::test]
async fn an_owner_is_changed_where_it_is_as_it_was() {
    let rig = rig(Plan::default()).await;
    let change = |before: &str, after: &str| {
        let mut change = Change::new(
            "managed_devices",
            Operation::Update,
            vec![Value::from(device(0).as_str())],
        );
        change.before = vec![("owner_type".into(), Value::from(before))];
        change.after = vec![("owner_type".into(), Value::from(after))];
        change
    };
    let company = Estate::new(ESTATE.0, ESTATE.1).device(0).company;
    let (is, other) = if company { ("company", "personal") } else { ("personal", "company") };
    assert!(matches!(write(&rig, change(other, "unknown")).await, Receipt::Stale));
    assert!(matches!(write(&rig, change(is, other)).await, Receipt::Done { .. }));
    assert!(
        matches!(write(&rig, change(is, other)).await, Receipt::Done { .. }),
        "it stands already"
    );
}
