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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use support::{Rig, config, older_token_path, rig, rig_with, sandbox, secrets, texts, values};
use trueup_connector::{
    Change, Connector, ConnectorExt, Context, Idempotency, Kind, Operation, ReadRequest, Receipt,
    Snapshot, Value,
};
use trueup_jamf::Jamf;
use trueup_sandbox::{Call, Estate, Jamf as Sandbox, Misfortune, Plan, Reply, Server, System};
use trueup_testkit::conformance::apply_unguarded;

async fn read(rig: &Rig, resource: &str) -> Snapshot {
    rig.jamf.read(Context::new(), resource).await.unwrap()
}

async fn write(rig: &Rig, change: Change) -> Receipt {
    let writer = rig.jamf.writer().unwrap();
    let mut receipts = apply_unguarded(&*writer, Context::new(), vec![change]).await.unwrap();
    receipts.pop().unwrap()
}

/// Asks until it is no longer pending.
async fn settled(rig: &Rig, mut receipt: Receipt) -> Receipt {
    let writer = rig.jamf.writer().unwrap();
    for _ in 0..20 {
        let Receipt::Pending { handle, .. } = receipt else { return receipt };
        receipt = writer.status(Context::new(), handle).await.unwrap();
    }
    receipt
}

fn change(resource: &str, operation: Operation, key: &[&str]) -> Change {
    Change::new(resource, operation, key.iter().map(|part| Value::from(*part)).collect())
}

fn serials(size: u64, mobile: bool) -> BTreeSet<String> {
    let estate = Estate::new(7, size);
    let ids = (1..=size).filter(|id| (id % 4 == 0) == mobile);
    ids.map(|id| estate.device(id - 1).serial).collect()
}

#[tokio::test]
async fn devices_are_read_over_many_pages() {
    let sandbox = sandbox(2_000).with_most(700);
    let rig = rig_with(sandbox, Plan::default(), |config| config.page_size = 2_000).await;
    let computers = read(&rig, "computers").await;
    assert_eq!(
        (computers.rows(), texts(&computers, "serial_number")),
        (1_500, serials(2_000, false))
    );
    // A token, a look at the version, three pages of a server that gives less than it was asked for.
    assert_eq!(rig.server.calls(), 5);
    let mobile = read(&rig, "mobile_devices").await;
    assert_eq!((mobile.rows(), texts(&mobile, "serial_number")), (500, serials(2_000, true)));
    let small = ReadRequest::new("computers").with_page_size(64);
    assert_eq!(rig.jamf.read_all(Context::new(), small).await.unwrap().rows(), 1_500);
}

#[tokio::test]
async fn every_resource_has_records_with_keys_of_their_own() {
    let rig = rig(40).await;
    for resource in rig.jamf.describe(Context::new()).await.unwrap() {
        let all = read(&rig, &resource.name).await;
        assert!(all.rows() > 0, "{}", resource.name);
        let keys: Vec<Vec<Value>> =
            resource.schema.key().iter().map(|name| values(&all, name)).collect();
        let rows: BTreeSet<String> = (0..all.rows())
            .map(|row| keys.iter().map(|key| key[row].to_string() + "\u{0}").collect())
            .collect();
        assert_eq!(rows.len(), all.rows(), "{}", resource.name);
    }
}

#[tokio::test]
async fn older_servers_are_read_as_newer_ones() {
    let newest = read(&rig(24).await, "computers").await;
    for version in 1..=3 {
        let rig =
            rig_with(sandbox(24).with_version(version), Plan::default(), older_token_path).await;
        let older = read(&rig, "computers").await;
        assert_eq!(values(&older, "last_contact"), values(&newest, "last_contact"));
        assert_eq!(older.rows(), newest.rows());
    }
    let rig = rig_with(sandbox(24).with_version(2), Plan::default(), |config| {
        config.inventory_version = Some(4);
    });
    let error = rig.await.jamf.read(Context::new(), "computers").await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}

#[tokio::test]
async fn attributes_are_found_wherever_they_stand() {
    let rig = rig(4).await;
    let attributes = read(&rig, "computer_attributes").await;
    assert_eq!(
        texts(&attributes, "name"),
        ["Cost Centre", "Support Tier"].map(str::to_owned).into()
    );
    let mut set = change("computer_attributes", Operation::Update, &["1", "2"]);
    set.after = vec![("values".into(), Value::List(vec!["Silver".into()]))];
    assert!(matches!(write(&rig, set).await, Receipt::Done { .. }));
    let wrong = change("computer_attributes", Operation::Update, &["999", "2"]);
    assert!(matches!(write(&rig, wrong).await, Receipt::Refused(e) if e.kind() == Kind::NotFound));
}

#[tokio::test]
async fn a_device_that_the_server_cannot_read_is_named() {
    let rig = rig_with(sandbox(12).with_broken_device(8), Plan::default(), |_| {}).await;
    let error = rig.jamf.read(Context::new(), "mobile_devices").await.unwrap_err();
    assert!(error.to_string().contains("id: 8"), "{error}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_and_the_rest_is_read() {
    for (path, resource, privilege) in [
        ("mobile-devices", "mobile_devices", "Read Mobile Devices"),
        ("JSSResource/policies", "policies", "Read Policies"),
    ] {
        let rig = rig_with(sandbox(12).without_right(path), Plan::default(), |_| {}).await;
        let error = rig.jamf.read(Context::new(), resource).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden);
        assert!(error.to_string().contains(privilege), "{error}");
        assert!(rig.jamf.check(Context::new()).await.is_err());
        assert_eq!(read(&rig, "computers").await.rows(), 9);
    }
    assert!(rig(12).await.jamf.check(Context::new()).await.is_ok());
}

/// Another system whose list grows and shrinks while it is read.
struct Moving {
    sandbox: Sandbox,
    pages: AtomicUsize,
    gone: &'static [(usize, &'static str)],
}

impl System for Moving {
    fn answer(&self, call: &Call) -> Reply {
        if call.parameter("page").is_some() && call.parameter("sort").is_some() {
            let page = self.pages.fetch_add(1, Ordering::Relaxed);
            for (_, id) in self.gone.iter().filter(|(when, _)| *when == page) {
                let path = format!("/api/v4/computers-inventory/{id}");
                assert_eq!(self.sandbox.at_console("DELETE", &path, "").status, 204);
            }
        }
        self.sandbox.answer(call)
    }
}

#[tokio::test]
async fn what_is_removed_meanwhile_takes_nothing_else_along() {
    for gone in [&[(1, "1")][..], &[(2, "1"), (2, "2"), (2, "3"), (4, "6")], &[(3, "39")]] {
        let moving = Moving { sandbox: sandbox(40), pages: AtomicUsize::new(0), gone };
        let server = Server::start(moving, Plan::default()).await.unwrap();
        let mut config = config(&server.base_url());
        config.page_size = 4;
        let jamf = Jamf::new(config, secrets()).unwrap();
        let found = texts(&jamf.read(Context::new(), "computers").await.unwrap(), "id");
        let there = (1..=40).filter(|id| id % 4 != 0).map(|id: u64| id.to_string());
        let due: BTreeSet<String> =
            there.filter(|id| !gone.iter().any(|(_, gone)| gone == id)).collect();
        assert!(found.is_superset(&due), "{gone:?}: {:?}", due.difference(&found));
    }
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
    let on = ["/api/v4", "/api/v2", "/JSSResource"];
    on.iter().fold(plan, |plan, path| {
        faults.iter().fold(plan, |plan, fault| plan.with(fault.clone()).share(0.05).on(path))
    })
}

fn storms() -> u64 {
    if std::env::var_os("TRUEUP_DEEP").is_some() { 200 } else { 10 }
}

#[tokio::test]
async fn a_storm_loses_no_record() {
    let calm = rig(40).await;
    for seed in 0..storms() {
        let rig = rig_with(sandbox(40), storm(seed), |config| config.page_size = 3).await;
        for (resource, key) in
            [("computers", "serial_number"), ("mobile_devices", "id"), ("policies", "name")]
        {
            let (wanted, found) = (read(&calm, resource).await, read(&rig, resource).await);
            assert_eq!(texts(&found, key), texts(&wanted, key), "seed {seed} {resource}");
            assert_eq!(found.rows(), wanted.rows(), "seed {seed} {resource}");
        }
    }
}

#[tokio::test]
async fn a_storm_doubles_nothing_and_every_receipt_is_true() {
    for seed in 0..storms() {
        let mut plan = storm(seed);
        for fault in
            [Misfortune::LostAnswer, Misfortune::CutBody, Misfortune::Error { status: 500 }]
        {
            for path in ["/JSSResource/policies/id/0", "/api/v1/packages"] {
                plan = plan.with(fault.clone()).share(0.2).on(path);
            }
        }
        let rig = rig_with(sandbox(8), plan, |_| {}).await;
        for (resource, kind, member) in
            [("policies", "policies", "name"), ("packages", "packages", "packageName")]
        {
            for number in 0..4 {
                let name = format!("New {number}");
                let create = || {
                    let mut create = change(resource, Operation::Create, &[&name]);
                    let file = Value::from(format!("{number}.pkg").as_str());
                    let after = if resource == "packages" {
                        vec![("file_name".into(), file)]
                    } else {
                        vec![]
                    };
                    create.after = after;
                    create
                };
                let mut receipt = write(&rig, create()).await;
                let there = || {
                    let all = rig.sandbox.all(kind);
                    all.iter().filter(|one| one[member] == name.as_str()).count()
                };
                match &receipt {
                    Receipt::Done { .. } => assert_eq!(there(), 1, "seed {seed}"),
                    Receipt::Refused(_) => assert_eq!(there(), 0, "seed {seed}"),
                    Receipt::Unknown(_) => assert!(there() <= 1, "seed {seed}"),
                    odd => panic!("seed {seed}: {odd:?}"),
                }
                // As declared: what is not done may be sent again after it was read back.
                for _ in 0..20 {
                    if matches!(receipt, Receipt::Done { .. }) {
                        break;
                    }
                    receipt = write(&rig, create()).await;
                }
                assert_eq!(there(), 1, "seed {seed}: {receipt:?}");
            }
        }
    }
}

#[tokio::test]
async fn answers_that_are_none_are_errors_and_not_the_end() {
    let bomb = "<!DOCTYPE p [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><policies>&b;</policies>";
    for (path, body, resource) in [
        ("packages", r#"{"totalCount": 3, "results": []}"#, "packages"),
        ("packages", r#"{"results": []}"#, "packages"),
        ("packages", r#"{"totalCount": 0}"#, "packages"),
        ("packages", "[]", "packages"),
        ("packages", r#"{"totalCount": 1, "results": [{}]}"#, "packages"),
        (
            "packages",
            r#"{"totalCount": 1, "results": [{"id": "1", "packageName": 3}]}"#,
            "packages",
        ),
        ("policies", bomb, "policies"),
        ("policies", "<policies><size>2</size></policies>", "policies"),
        ("policies", "<policies/>", "policies"),
        ("policies", "<policies><size>1</size><policy/></policies>", "policies"),
        ("policies", "{}", "policies"),
        ("computers-inventory", r#"{"totalCount": 1, "results": [{"id": "1"}]}"#, "computers"),
    ] {
        let plain = sandbox(4);
        let server = Server::start(
            move |call: &Call| match call.path.ends_with(path) {
                true => Reply::new(200).with_body(body),
                false => plain.answer(call),
            },
            Plan::default(),
        );
        let server = server.await.unwrap();
        let jamf = Jamf::new(config(&server.base_url()), secrets()).unwrap();
        let error = jamf.read(Context::new(), resource).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Protocol | Kind::Data), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_list_that_goes_round_ends_in_an_error() {
    let plain = sandbox(4);
    let server = Server::start(
        move |call: &Call| match call.path.ends_with("packages") {
            true => Reply::json(
                200,
                &json!({"totalCount": 1_000_000,
                "results": [{"id": "1"}, {"id": "2"}]}),
            ),
            false => plain.answer(call),
        },
        Plan::default(),
    );
    let server = server.await.unwrap();
    let jamf = Jamf::new(config(&server.base_url()), secrets()).unwrap();
    let error = jamf.read(Context::new(), "packages").await.unwrap_err();
    assert!(error.message().contains("on the page before"), "{error}");
}

#[tokio::test]
async fn an_oversized_answer_is_not_taken() {
    let plan = Plan::default().with(Misfortune::Oversized { bytes: 2 << 20 }).on("/api/v4");
    let small = |config: &mut trueup_jamf::JamfConfig| config.endpoint.max_answer_bytes = 1 << 20;
    let rig = rig_with(sandbox(4), plan, small).await;
    let error = rig.jamf.read(Context::new(), "computers").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
}

#[tokio::test]
async fn credentials_that_are_wrong_are_said_and_not_shown() {
    let rig = rig(4).await;
    let base = rig.server.base_url();
    for (from, to, kind, text) in [
        (Sandbox::CLIENT, "nobody", Kind::Unauthenticated, "its secret is another one"),
        ("jamf-secret", "wrong", Kind::NotFound, "there is no secret `wrong`"),
        (r#""page_size""#, r#""page_sise""#, Kind::Invalid, "unknown field"),
    ] {
        let wrong = serde_json::to_string(&config(&base)).unwrap().replace(from, to);
        let Ok(config) = serde_json::from_str(&wrong) else {
            assert_eq!(text, "unknown field");
            continue;
        };
        let jamf = Jamf::new(config, secrets()).unwrap();
        let error = jamf.check(Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(text), "{error}");
        assert!(!format!("{error:?} {jamf:?}").contains(Sandbox::SECRET));
    }
    let mut odd = config(&base);
    odd.inventory_version = Some(5);
    assert_eq!(Jamf::new(odd, secrets()).unwrap_err().kind(), Kind::Invalid);
}

#[tokio::test]
async fn tokens_that_live_shortly_are_renewed() {
    let rig =
        rig_with(sandbox(40).with_token_life(1), Plan::default(), |config| config.page_size = 5)
            .await;
    let first = ReadRequest::new("computers");
    let page = rig.jamf.read_page(Context::new(), first.clone()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let rest = first.with_cursor(page.next.unwrap());
    assert_eq!(rig.jamf.read_page(Context::new(), rest).await.unwrap().records.num_rows(), 5);
}

#[tokio::test]
async fn a_cluster_that_lags_is_read_through_one_node() {
    let lagging = || sandbox(4).with_lag(Duration::from_secs(600));
    let policy = || change("policies", Operation::Create, &["New"]);
    let bound = rig_with(lagging(), Plan::default(), |_| {}).await;
    assert!(matches!(write(&bound, policy()).await, Receipt::Done { .. }));
    // Without the cookie what was written is not seen; it is not written again.
    let loose =
        rig_with(lagging(), Plan::default(), |config| config.endpoint.cookies = false).await;
    assert!(matches!(write(&loose, policy()).await, Receipt::Unknown(_)));
    assert!(matches!(write(&loose, policy()).await, Receipt::Stale));
    let made = loose.sandbox.all("policies");
    assert_eq!(made.iter().filter(|policy| policy["name"] == "New").count(), 1);
}

#[tokio::test]
async fn a_file_is_uploaded_once_and_its_hash_decides() {
    // SHA3-512 of nothing, from FIPS 202's examples.
    let empty = "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6\
                 15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pkg"), "").unwrap();
    let content = folder.path().to_owned();
    let mut plan = Plan::default().with(Misfortune::LostAnswer).on("/upload");
    plan.fault[0].method = Some("POST".into());
    let rig = rig_with(sandbox(4), plan, |config| config.content = Some(content)).await;
    let package = |file: &str, hash: &str| {
        let mut package = change("packages", Operation::Create, &["Empty"]);
        package.after = vec![("file_name".into(), file.into()), ("sha3_512".into(), hash.into())];
        package
    };
    for (file, hash, kind) in [
        ("../empty.pkg", empty, Kind::Invalid),
        ("none.pkg", empty, Kind::NotFound),
        ("empty.pkg", &"0".repeat(128), Kind::Data),
        ("empty.pkg", "0", Kind::Invalid),
    ] {
        let receipt = write(&rig, package(file, hash)).await;
        assert!(matches!(&receipt, Receipt::Refused(e) if e.kind() == kind), "{receipt:?}");
    }
    let count =
        || rig.sandbox.all("packages").iter().filter(|p| p["packageName"] == "Empty").count();
    assert_eq!(count(), 0, "no package without its file is left behind");
    // The answer to the upload is lost, and the file is there.
    let receipt = write(&rig, package("empty.pkg", empty)).await;
    assert!(matches!(receipt, Receipt::Pending { .. }), "{receipt:?}");
    assert!(matches!(settled(&rig, receipt).await, Receipt::Done { .. }));
    assert!(matches!(write(&rig, package("empty.pkg", empty)).await, Receipt::Done { .. }));
    assert_eq!(count(), 1);
}

#[tokio::test]
async fn an_action_is_queued_once_and_asked_about() {
    for (resource, id, action, command) in [
        ("computers", "1", "erase", "ERASE_DEVICE"),
        ("computers", "2", "unmanage", "REMOVE_MDM_PROFILE"),
        ("computers", "3", "restart", "RESTART_DEVICE"),
        ("mobile_devices", "4", "erase", "ERASE_DEVICE"),
        ("mobile_devices", "4", "unmanage", "UNMANAGE_DEVICE"),
    ] {
        for lost in [false, true] {
            let plan = match lost {
                true => Plan::default().with(Misfortune::LostAnswer).during(5..6),
                false => Plan::default(),
            };
            let mut plan = plan;
            plan.fault.iter_mut().for_each(|fault| fault.method = Some("POST".into()));
            let rig = rig_with(sandbox(8), plan, |_| {}).await;
            let act = || change(resource, Operation::Action(action.into()), &[id]);
            let first = write(&rig, act()).await;
            let again = write(&rig, act()).await;
            assert!(
                matches!((&first, &again), (Receipt::Pending { .. }, Receipt::Pending { .. })),
                "{action} {first:?} {again:?}"
            );
            assert_eq!(rig.sandbox.commands(command), 1, "{action}");
            assert!(matches!(settled(&rig, first).await, Receipt::Done { .. }), "{action}");
        }
    }
    let asleep = rig_with(sandbox(8).without_check_ins(), Plan::default(), |_| {}).await;
    let act = change("computers", Operation::Action("erase".into()), &["1"]);
    let receipt = write(&asleep, act).await;
    assert!(matches!(settled(&asleep, receipt).await, Receipt::Pending { .. }));
    let wrong =
        write(&asleep, change("computers", Operation::Action("erasee".into()), &["1"])).await;
    assert!(matches!(&wrong, Receipt::Refused(e) if e.message().contains("`erase`")), "{wrong:?}");
    let none =
        write(&asleep, change("computers", Operation::Action("erase".into()), &["99"])).await;
    assert!(matches!(&none, Receipt::Stale), "{none:?}");
}

#[tokio::test]
async fn devices_are_updated_and_records_removed() {
    let rig = rig(8).await;
    let mut computer = change("computers", Operation::Update, &["1"]);
    computer.after = vec![("asset_tag".into(), "T1".into()), ("department_id".into(), "3".into())];
    assert!(matches!(write(&rig, computer).await, Receipt::Done { .. }));
    let mut mobile = change("mobile_devices", Operation::Update, &["4"]);
    mobile.after = vec![
        ("name".into(), "Ada's phone".into()),
        ("real_name".into(), "Ada".into()),
        ("phone".into(), Value::Null),
    ];
    assert!(matches!(write(&rig, mobile).await, Receipt::Done { .. }));
    let computers = read(&rig, "computers").await;
    assert!(texts(&computers, "asset_tag").contains("T1"));
    assert!(texts(&read(&rig, "mobile_devices").await, "name").contains("Ada's phone"));
    for _ in 0..2 {
        let remove = change("computers", Operation::Delete, &["1"]);
        assert!(matches!(write(&rig, remove).await, Receipt::Done { .. }));
    }
    assert_eq!(read(&rig, "computers").await.rows(), 5);
}

#[tokio::test]
async fn others_in_a_scope_stay() {
    let rig = rig(12).await;
    let policy = rig.sandbox.all("policies")[0]["id"].as_str().unwrap().to_owned();
    let number: u64 = policy.parse().unwrap();
    let scope = |id: &str, operation| {
        change("policy_scopes", operation, &[&policy, "target", "computer", id])
    };
    for id in ["1", "2", "3"] {
        assert!(matches!(write(&rig, scope(id, Operation::Create)).await, Receipt::Done { .. }));
    }
    // Somebody else adds one meanwhile.
    let body = "<policy><scope><computers><computer><id>1</id></computer><computer><id>2</id></computer>\
                <computer><id>3</id></computer><computer><id>5</id></computer></computers></scope></policy>";
    let path = format!("/JSSResource/policies/id/{policy}");
    assert_eq!(rig.sandbox.at_console("PUT", &path, body).status, 201);
    assert!(matches!(write(&rig, scope("2", Operation::Delete)).await, Receipt::Done { .. }));
    let shown = rig.sandbox.policy(number).unwrap();
    let there = |id: &str| shown.contains(&format!("<computer><id>{id}</id>"));
    assert!(there("1") && !there("2") && there("3") && there("5"), "{shown}");
    assert!(shown.contains("<computer_group><id>") && shown.contains("<package><id>"), "{shown}");
    let wrong = change("policy_scopes", Operation::Create, &[&policy, "target", "user", "1"]);
    assert!(matches!(write(&rig, wrong).await, Receipt::Refused(e) if e.kind() == Kind::Invalid));
    let unknown = scope("999", Operation::Create);
    assert!(matches!(write(&rig, unknown).await, Receipt::Stale | Receipt::Failed(_)));
}

#[tokio::test]
async fn members_of_smart_groups_are_not_written() {
    let rig = rig(12).await;
    let smart = rig.sandbox.all("smart-groups")[0]["id"].as_str().unwrap().to_owned();
    let join = change("group_members", Operation::Create, &[&smart, "1"]);
    let receipt = write(&rig, join).await;
    assert!(
        matches!(&receipt, Receipt::Refused(e) if e.message().contains("criteria")),
        "{receipt:?}"
    );
}

#[tokio::test]
async fn a_lock_that_moved_is_stale_and_the_scope_of_others_is_kept() {
    let rig = rig(12).await;
    let all = read(&rig, "computer_prestages").await;
    let (name, version) = (values(&all, "name")[0].to_string(), values(&all, "version")[0].clone());
    let id = values(&all, "id")[0].to_string();
    let update = |department: &str, version: &Value| {
        let mut update = change("computer_prestages", Operation::Update, &[&name]);
        update.version = Some(version.to_string());
        update.after = vec![("department".into(), department.into())];
        update
    };
    assert!(matches!(write(&rig, update("A", &version)).await, Receipt::Done { .. }));
    assert!(matches!(write(&rig, update("B", &version)).await, Receipt::Stale));
    let scope = |serial: &str| change("prestage_scopes", Operation::Create, &[&id, serial]);
    let before = rig.sandbox.scope(&id);
    assert!(matches!(write(&rig, scope("NEW1")).await, Receipt::Done { .. }));
    assert!(matches!(write(&rig, scope("NOBODY")).await, Receipt::Failed(_)));
    let after = rig.sandbox.scope(&id);
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|serial| after.contains(serial)));
}

#[tokio::test]
async fn idempotency_is_declared_as_it_is() {
    let writer = rig(4).await.jamf.writer().unwrap();
    let read_back = Idempotency::ReadBack { settle: Duration::ZERO };
    for (resource, operation, wanted) in [
        ("policies", Operation::Create, read_back),
        ("packages", Operation::Update, read_back),
        ("computer_prestages", Operation::Update, Idempotency::Conditional),
        ("prestage_scopes", Operation::Delete, Idempotency::Conditional),
        ("computers", Operation::Action("erase".into()), Idempotency::AtMostOnce),
        ("nothing", Operation::Create, Idempotency::AtMostOnce),
    ] {
        assert_eq!(writer.idempotency(resource, &operation), wanted, "{resource}");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let rig = rig(4).await;
    for (resource, field, value) in [
        ("policies", "enabled", Value::Null),
        ("policies", "custom_trigger", "".into()),
        ("policies", "custom_trigger", "a\u{0}b".into()),
        ("packages", "category_id", "-1".into()),
        ("packages", "priority", 21.into()),
        ("computer_applications", "version", "1".into()),
    ] {
        let name = values(&read(&rig, "policies").await, "name")[0].to_string();
        let mut update = change(resource, Operation::Update, &[&name]);
        update.after = vec![(field.into(), value)];
        let receipt = write(&rig, update).await;
        assert!(matches!(receipt, Receipt::Refused(_)), "{resource} {field}: {receipt:?}");
    }
}
