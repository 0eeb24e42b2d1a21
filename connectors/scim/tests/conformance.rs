//! The promises of every connector, against the sandbox as different servers.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use serde_json::json;
use support::{Rig, fresh, rig, truth};
use trueup_connector::{Connector, Context};
use trueup_sandbox::Scim as Sandbox;
use trueup_testkit::Subject;

async fn subject(rig: Rig) -> Subject {
    let Rig { server, sandbox, scim } = rig;
    let told = truth(&scim, &sandbox.all("User"), &sandbox.all("Group")).await;
    let schema = scim.describe(Context::new()).await.unwrap().remove(0).schema;
    let (changed, witness) = (sandbox.clone(), sandbox.clone());
    let reader = scim.clone();
    let subject = told
        .into_iter()
        .fold(Subject::new(scim), |subject, (name, records)| subject.with_truth(name, records));
    subject
        .with_writes("users", fresh(&schema))
        .with_change(move || async move {
            let made = json!({"userName": "zoe@example.com", "name": {"givenName": "Zoë"}});
            changed.make("User", &made).unwrap();
            let first = changed.all("User")[0]["id"].as_str().unwrap().to_owned();
            assert!(changed.remove("User", &first));
            truth(&reader, &changed.all("User"), &changed.all("Group")).await
        })
        .with_witness(move || {
            let sandbox = witness.clone();
            async move { sandbox.dump().into_bytes() }
        })
        .with_break(move || async move { server.stop() })
}

async fn able() -> Subject {
    subject(rig(|sandbox| sandbox).await).await
}

async fn by_index() -> Subject {
    subject(rig(|sandbox| sandbox.without_cursors().with_most(4)).await).await
}

/// A server that can do as little as SCIM allows.
async fn plain() -> Subject {
    let bend = |sandbox: Sandbox| {
        sandbox.without_cursors().without_etags().without_filters().without_patch()
    };
    subject(rig(bend).await).await
}

trueup_testkit::conformance!(able_server, able);
trueup_testkit::conformance!(server_with_indexes, by_index);
trueup_testkit::conformance!(plain_server, plain);
