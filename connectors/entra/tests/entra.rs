//! Every resource, every write, deltas, and a directory that lags behind.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use support::{Rig, change, done, estate, rig, rig_with, texts, values};
use trueup_connector::{
    Connector, ConnectorExt, Context, Cursor, Idempotency, Kind, Operation, ReadRequest, Receipt,
    Removed, Snapshot, Value,
};
use trueup_sandbox::{Graph, Misfortune, Plan};

async fn read(rig: &Rig, resource: &str) -> Snapshot {
    rig.entra.read(Context::new(), resource).await.unwrap()
}

/// The value of a field in the row whose first column is this.
async fn cell(rig: &Rig, resource: &str, key: &str, field: &str) -> Value {
    let all = read(rig, resource).await;
    let first = all.schema().fields()[0].name.clone();
    let at = texts(&all, &first).iter().position(|text| text == key).expect(key);
    values(&all, field)[at].clone()
}

async fn id_of(rig: &Rig, resource: &str, key: &str) -> String {
    cell(rig, resource, key, "id").await.to_string()
}

#[tokio::test]
async fn users_and_devices_are_read_over_many_pages() {
    let rig = rig(2_500).await;
    let users = read(&rig, "users").await;
    assert_eq!(rig.server.calls(), 1 + 1 + 3, "a token, where changes start, three pages");
    let wanted: BTreeSet<String> = (0..2_500).map(|n| estate(2_500).person(n).login).collect();
    assert_eq!(texts(&users, "user_principal_name").into_iter().collect::<BTreeSet<_>>(), wanted);
    let devices = read(&rig, "devices").await;
    let wanted: BTreeSet<String> = (0..2_500).map(|n| estate(2_500).registration(n)).collect();
    assert_eq!(texts(&devices, "device_id").into_iter().collect::<BTreeSet<_>>(), wanted);
}

#[tokio::test]
async fn members_come_for_twenty_groups_a_call_and_nested_ones_too() {
    let rig = rig(2_500).await;
    let members = read(&rig, "group_members").await;
    let pair = |snapshot: &Snapshot| -> BTreeSet<(String, String)> {
        texts(snapshot, "group_id").into_iter().zip(texts(snapshot, "member_id")).collect()
    };
    let wanted: BTreeSet<(String, String)> = rig.sandbox.members().into_iter().collect();
    assert_eq!(pair(&members), wanted);
    // 35 groups in two calls of a list, two batches; no group has more than a page of members.
    assert!(rig.server.calls() < 10, "{}", rig.server.calls());
    let small = ReadRequest::new("group_members").with_page_size(100);
    let again = rig.entra.read_all(Context::new(), small).await.unwrap();
    assert_eq!(pair(&again), wanted);
    let all = id_of(&rig, "groups", "All departments").await;
    let nested = read(&rig, "nested_members").await;
    let inside = texts(&nested, "group_id").iter().filter(|id| **id == all).count();
    assert_eq!(inside, 2_500 + 7, "everybody, and the departments themselves");
}

#[tokio::test]
async fn a_group_of_many_is_read_to_its_end() {
    let sandbox = Graph::new(&estate(9_000));
    let rig = rig_with(sandbox, Plan::default(), |_| {}).await;
    let members = read(&rig, "group_members").await;
    assert_eq!(members.rows(), rig.sandbox.members().len());
    assert!(members.rows() > 9_000, "some department has more than a page");
}

#[tokio::test]
async fn licences_are_counted_given_changed_and_taken() {
    let rig = rig(9).await;
    let visio = cell(&rig, "licences", &sku(&rig, "VISIOCLIENT").await, "free").await;
    let sku = sku(&rig, "VISIOCLIENT").await;
    let user = id_of(&rig, "users", &estate(9).person(0).login).await;
    let plan = plan_of(&rig, &user, &sku).await;
    let key = [user.as_str(), sku.as_str(), ""];
    let plans = |plans: &[&str]| {
        let plans = plans.iter().map(|plan| Value::from(*plan)).collect();
        [("disabled_plans", Value::List(plans))]
    };
    for given in [
        change("licence_assignments", Operation::Create, &key, &plans(&[])),
        change("licence_assignments", Operation::Create, &key, &plans(&[])),
        change("licence_assignments", Operation::Update, &key, &plans(&[&plan])),
    ] {
        done(&rig.write(given).await);
    }
    let assigned = read(&rig, "licence_assignments").await;
    let mine = texts(&assigned, "user_id").into_iter().zip(texts(&assigned, "sku_id"));
    assert_eq!(mine.filter(|(id, of)| *id == user && *of == sku).count(), 1);
    let (Value::Int(before), Value::Int(after)) =
        (visio, cell(&rig, "licences", &sku, "free").await)
    else {
        panic!("numbers")
    };
    assert_eq!(after, before - 1);
    done(&rig.write(change("licence_assignments", Operation::Delete, &key, &[])).await);
    let by_group = [user.as_str(), sku.as_str(), "a-group"];
    let receipt = rig.write(change("licence_assignments", Operation::Delete, &by_group, &[])).await;
    assert!(matches!(&receipt, Receipt::Refused(e) if e.message().contains("`a-group`")));
}

async fn sku(rig: &Rig, part: &str) -> String {
    let all = read(rig, "licences").await;
    let at = texts(&all, "part_number").iter().position(|known| known == part).unwrap();
    texts(&all, "sku_id")[at].clone()
}

/// A plan that is part of a licence: the refusal of one that is not says nothing of it.
async fn plan_of(rig: &Rig, user: &str, sku: &str) -> String {
    let wrong = [("disabled_plans", Value::List(vec![Value::from("no plan")]))];
    let key = [user, sku, ""];
    let receipt = rig.write(change("licence_assignments", Operation::Create, &key, &wrong)).await;
    assert!(
        matches!(&receipt, Receipt::Failed(e) if e.message().contains("not part of the license"))
    );
    rig.sandbox.plans(sku)[0].clone()
}

#[tokio::test]
async fn a_licence_needs_a_place() {
    let rig = rig(9).await;
    let nowhere = [("display_name", Value::from("Nowhere")), ("account_enabled", true.into())];
    done(&rig.write(change("users", Operation::Create, &["no.where@example.com"], &nowhere)).await);
    let user = id_of(&rig, "users", "no.where@example.com").await;
    let key = [user.as_str(), &sku(&rig, "SPE_E3").await, ""];
    let none = [("disabled_plans", Value::List(Vec::new()))];
    let receipt = rig.write(change("licence_assignments", Operation::Create, &key, &none)).await;
    assert!(
        matches!(&receipt, Receipt::Failed(e) if e.message().contains("usage location")),
        "{receipt:?}"
    );
}

#[tokio::test]
async fn members_are_added_and_removed_one_by_one() {
    let rig = rig(9).await;
    let hall = id_of(&rig, "groups", "All departments").await;
    let user = id_of(&rig, "users", &estate(9).person(3).login).await;
    let before = rig.sandbox.members();
    let key = [hall.as_str(), user.as_str()];
    for _ in 0..2 {
        done(&rig.write(change("group_members", Operation::Create, &key, &[])).await);
        assert_eq!(rig.sandbox.members().len(), before.len() + 1);
    }
    for _ in 0..2 {
        done(&rig.write(change("group_members", Operation::Delete, &key, &[])).await);
        assert_eq!(rig.sandbox.members(), before);
    }
    let login = estate(9).person(3).login;
    assert_eq!(id_of(&rig, "users", &login).await, user, "the user itself is still there");
    let nobody = [hall.as_str(), "00000000-0000-4000-8000-000000000042"];
    let receipt = rig.write(change("group_members", Operation::Create, &nobody, &[])).await;
    assert!(matches!(&receipt, Receipt::Failed(e) if e.kind() == Kind::NotFound), "{receipt:?}");
    let guests = id_of(&rig, "groups", "Guests").await;
    let by_rule = [guests.as_str(), user.as_str()];
    let receipt = rig.write(change("group_members", Operation::Create, &by_rule, &[])).await;
    assert!(
        matches!(&receipt, Receipt::Failed(e) if e.message().contains("dynamic")),
        "{receipt:?}"
    );
}

#[tokio::test]
async fn a_lost_answer_adds_nothing_twice() {
    for fault in [Misfortune::LostAnswer, Misfortune::Error { status: 504 }] {
        let plan = Plan::default().with(fault.clone()).on("/members/$ref").during(0..100);
        let rig = rig_with(Graph::new(&estate(9)), plan, |_| {}).await;
        let hall = id_of(&rig, "groups", "All departments").await;
        let user = id_of(&rig, "users", &estate(9).person(3).login).await;
        let before = rig.sandbox.members().len();
        let key = [hall.as_str(), user.as_str()];
        let receipt = rig.write(change("group_members", Operation::Create, &key, &[])).await;
        let after = rig.sandbox.members().len();
        match fault {
            Misfortune::LostAnswer => {
                assert!(matches!(receipt, Receipt::Done { .. }) && after == before + 1)
            }
            _ => assert!(matches!(receipt, Receipt::Unknown(_)) && after == before, "{receipt:?}"),
        }
    }
}

#[tokio::test]
async fn a_group_is_made_once_whatever_is_lost() {
    let plan = Plan::default().with(Misfortune::LostAnswer).on("uniqueName").during(0..4);
    let rig = rig_with(Graph::new(&estate(9)), plan, |_| {}).await;
    let mut made = change("groups", Operation::Create, &["Rescue"], &[]);
    made.idempotency_key = "0123abcd".into();
    for _ in 0..3 {
        done(&rig.write(made.clone()).await);
    }
    let names = texts(&read(&rig, "groups").await, "display_name");
    assert_eq!(names.iter().filter(|name| *name == "Rescue").count(), 1);
    let unique = cell(&rig, "groups", "Rescue", "unique_name").await;
    assert_eq!(unique, Value::from("trueup-0123abcd"));
}

#[tokio::test]
async fn names_that_are_not_unique_are_not_touched() {
    let rig = rig(9).await;
    for _ in 0..2 {
        // Two programs at once may do this.
        rig.sandbox.make_group("Twins");
    }
    let after = [("description", Value::from("x"))];
    let receipt = rig.write(change("groups", Operation::Update, &["Twins"], &after)).await;
    assert!(
        matches!(&receipt, Receipt::Refused(e) if e.message().contains("2 records are called `Twins`")),
        "{receipt:?}"
    );
}

#[tokio::test]
async fn what_was_deleted_comes_back_or_is_gone_for_good() {
    let rig = rig(9).await;
    let login = estate(9).person(2).login;
    let id = id_of(&rig, "users", &login).await;
    done(&rig.write(change("users", Operation::Delete, &[&login], &[])).await);
    assert_eq!(read(&rig, "users").await.rows(), 8);
    assert_eq!(
        cell(&rig, "deleted_users", &id, "user_principal_name").await,
        Value::from(login.as_str())
    );
    let restore = || change("deleted_users", Operation::Action("restore".into()), &[&id], &[]);
    done(&rig.write(restore()).await);
    assert_eq!(id_of(&rig, "users", &login).await, id, "it is the same again");
    assert!(matches!(rig.write(restore()).await, Receipt::Stale), "it is not there to restore");
    done(&rig.write(change("users", Operation::Delete, &[&login], &[])).await);
    done(&rig.write(change("deleted_users", Operation::Delete, &[&id], &[])).await);
    assert_eq!(read(&rig, "deleted_users").await.rows(), 0);
    let wrong = change("deleted_users", Operation::Action("restor".into()), &[&id], &[]);
    let receipt = rig.write(wrong).await;
    assert!(
        matches!(&receipt, Receipt::Refused(e) if e.message().contains("did you mean `restore`?"))
    );
}

#[tokio::test]
async fn a_login_is_given_once() {
    let rig = rig(9).await;
    let login = estate(9).person(2).login;
    let other = [("display_name", Value::from("Another"))];
    let receipt = rig.write(change("users", Operation::Create, &[&login], &other)).await;
    assert!(matches!(receipt, Receipt::Stale), "{receipt:?}");
    let foreign = change("users", Operation::Create, &["a@elsewhere.example"], &other);
    let receipt = rig.write(foreign).await;
    assert!(
        matches!(&receipt, Receipt::Failed(e) if e.message().contains("domain")),
        "{receipt:?}"
    );
    let nameless = change("users", Operation::Create, &["x@example.com"], &[]);
    let receipt = rig.write(nameless).await;
    assert!(matches!(&receipt, Receipt::Refused(e) if e.message().contains("`display_name`")));
    let said = format!("{receipt:?}");
    assert!(!said.contains("password"), "{said}");
}

#[tokio::test]
async fn a_directory_that_lags_behind_is_waited_for() {
    let sandbox = Graph::new(&estate(9)).with_lag(4);
    let rig = rig_with(sandbox, Plan::default(), |config| config.settle_ms = 5_000).await;
    let named = [("display_name", Value::from("Late")), ("usage_location", "DE".into())];
    done(&rig.write(change("users", Operation::Create, &["late@example.com"], &named)).await);
    let other = [("department", Value::from("Elsewhere"))];
    done(&rig.write(change("users", Operation::Update, &["late@example.com"], &other)).await);
    let mut group = change("groups", Operation::Create, &["Latecomers"], &[]);
    group.idempotency_key = "late".into();
    done(&rig.write(group).await);
    let (group, user) =
        (id_of(&rig, "groups", "Latecomers").await, id_of(&rig, "users", "late@example.com").await);
    done(&rig.write(change("group_members", Operation::Create, &[&group, &user], &[])).await);
    done(&rig.write(change("users", Operation::Delete, &["late@example.com"], &[])).await);
}

fn cursor(snapshot: &Snapshot) -> Cursor {
    Cursor::new(snapshot.provenance().cursor.clone().expect("a reading with deltas has a cursor"))
}

#[tokio::test]
async fn what_changed_is_told_with_what_was_renamed() {
    let rig = rig(9).await;
    let first = read(&rig, "users").await;
    let nothing = ReadRequest::new("users").with_since(cursor(&first));
    let delta = rig.entra.read_delta(Context::new(), nothing).await.unwrap();
    assert_eq!((delta.records.rows(), delta.removed.len()), (0, 0));
    let (old, gone) = (estate(9).person(0).login, estate(9).person(1).login);
    let ids = (id_of(&rig, "users", &old).await, id_of(&rig, "users", &gone).await);
    rig.sandbox.rename_user(&ids.0, "renamed@example.com");
    done(&rig.write(change("users", Operation::Delete, &[&gone], &[])).await);
    let since = ReadRequest::new("users").with_since(cursor(&delta.records));
    let delta = rig.entra.read_delta(Context::new(), since).await.unwrap();
    assert_eq!(texts(&delta.records, "user_principal_name"), ["renamed@example.com"]);
    let removed: Vec<&Removed> = delta.removed.iter().collect();
    assert!(removed.contains(&&Removed::Id(ids.0)), "the record of the old name goes");
    assert!(removed.contains(&&Removed::Id(ids.1)));
}

#[tokio::test]
async fn an_old_token_asks_for_a_whole_reading() {
    let rig = rig(9).await;
    let first = read(&rig, "groups").await;
    rig.sandbox.forget_changes();
    let since = ReadRequest::new("groups").with_since(cursor(&first));
    let error = rig.entra.read_delta(Context::new(), since).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("read the whole resource"), "{error}");
    done(&rig.write(change("groups", Operation::Delete, &["Guests"], &[])).await);
    let again = read(&rig, "groups").await;
    let since = ReadRequest::new("groups").with_since(cursor(&again));
    assert_eq!(rig.entra.read_delta(Context::new(), since).await.unwrap().records.rows(), 0);
}

#[tokio::test]
async fn what_was_done_is_in_the_audits() {
    let rig = rig(9).await;
    let login = estate(9).person(0).login;
    let other = [("department", Value::from("Elsewhere"))];
    done(&rig.write(change("users", Operation::Update, &[&login], &other)).await);
    let audits = read(&rig, "directory_audits").await;
    assert_eq!(texts(&audits, "activity"), ["Update user"]);
    assert_eq!(texts(&audits, "actor_type"), ["app"]);
    assert_eq!(values(&audits, "properties"), [Value::List(vec![Value::from("department")])]);
}

#[tokio::test]
async fn what_is_declared_is_true() {
    let writer = rig(9).await.entra.writer().unwrap();
    let read_back = Idempotency::ReadBack { settle: Duration::ZERO };
    for (resource, operation, wanted) in [
        ("users", Operation::Create, Idempotency::Conditional),
        ("users", Operation::Update, read_back),
        ("groups", Operation::Create, Idempotency::Key),
        ("groups", Operation::Delete, read_back),
        ("group_members", Operation::Delete, Idempotency::Conditional),
        ("licence_assignments", Operation::Create, read_back),
        ("deleted_users", Operation::Action("restore".into()), read_back),
        ("devices", Operation::Update, Idempotency::AtMostOnce),
    ] {
        assert_eq!(writer.idempotency(resource, &operation), wanted, "{resource} {operation:?}");
    }
}
