//! The promises of every connector, against a server that stands in for the system.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

// ANCHOR: server
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Connector, Context, Snapshot};
use trueup_kit::{Auth, Endpoint, Fixed, Secret};
use trueup_sandbox::{Call, Plan, Reply, Server};
use trueup_template::{Shelf, ShelfConfig};
use trueup_testkit::Subject;

type Items = Arc<Mutex<BTreeMap<String, Json>>>;

/// The shelf as its vendor would serve it: three items a page.
fn answer(items: &Items, call: &Call) -> Reply {
    if call.header("authorization") != Some("Bearer open-sesame") {
        return Reply::json(401, &json!({"error": "who are you?"}));
    }
    let mut items = items.lock().unwrap();
    let parts = call.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["api", "items"]) => {
            let page: usize = call.parameter("page").unwrap_or("1").parse().unwrap();
            let shown: Vec<&Json> = items.values().skip((page - 1) * 3).take(3).collect();
            Reply::json(200, &json!({"items": shown, "pages": items.len().div_ceil(3)}))
        }
        ("GET", ["api", "items", sku]) => match items.get(*sku) {
            Some(item) => Reply::json(200, item),
            None => Reply::json(404, &json!({"error": "no such item"})),
        },
        ("PUT" | "PATCH", ["api", "items", sku]) => {
            let item = items.entry((*sku).to_owned()).or_insert_with(|| json!({"sku": sku}));
            let set = call.json().unwrap();
            item.as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
            Reply::new(204)
        }
        ("DELETE", ["api", "items", sku]) => {
            items.remove(*sku);
            Reply::new(204)
        }
        _ => Reply::json(404, &json!({"error": "no such place"})),
    }
}
// ANCHOR_END: server

// ANCHOR: subject
async fn subject() -> Subject {
    let item =
        |n: usize| json!({"sku": format!("A/{n}"), "name": format!("Screw {n}"), "count": n});
    let truth: Vec<Json> = (0..8).map(item).collect();
    let kept: BTreeMap<String, Json> =
        truth.iter().map(|item| (item["sku"].as_str().unwrap().to_owned(), item.clone())).collect();
    let items: Items = Arc::new(Mutex::new(kept));
    let served = items.clone();
    let server = Server::start(move |call: &Call| answer(&served, call), Plan::default());
    let server = server.await.unwrap();

    let endpoint = Endpoint::new(format!("{}/api", server.base_url()));
    let endpoint = endpoint.with_auth(Auth::Bearer { secret: "shelf".into() });
    let config = serde_json::from_value(json!({"endpoint": endpoint, "manners": {"tries": 2}}));
    let config: ShelfConfig = config.unwrap();
    let secrets = Fixed::new([("shelf", Secret::new("open-sesame"))]);
    let shelf = Shelf::new(config, Arc::new(secrets)).unwrap();

    let schema = shelf.describe(Context::new()).await.unwrap().remove(0).schema;
    let records = |rows: Vec<Json>| {
        let rows: Vec<Map<String, Json>> =
            rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        Snapshot::from_json_as(&schema, &rows).unwrap()
    };
    Subject::new(shelf)
        .with_truth("items", records(truth))
        .with_writes("items", records((20..25).map(item).collect()))
        .with_witness(move || {
            let items = items.clone();
            async move { format!("{:?}", items.lock().unwrap()).into_bytes() }
        })
        .with_break(move || async move { server.stop() })
}

trueup_testkit::conformance!(shelf, subject);
// ANCHOR_END: subject
