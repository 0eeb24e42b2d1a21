//! Reads the devices of a sandbox through the connector and by bare calls, in turn, and shows both.
//!
//! `cargo run --profile demo -p trueup-intune --example throughput -- 100000`

#![allow(clippy::expect_used, reason = "a measurement may stop at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use trueup_connector::{ConnectorExt, Context};
use trueup_intune::{Intune, IntuneConfig};
use trueup_kit::{Auth, Endpoint, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Graph as Sandbox, Plan, Server};

const ROUNDS: u32 = 3;

#[tokio::main]
async fn main() {
    let size = std::env::args().nth(1).map_or(10_000, |size| size.parse().expect("a number"));
    let sandbox = Sandbox::new(&Estate::new(7, size));
    let server = Server::start(sandbox, Plan::default()).await.expect("a port");
    let intune = connector(&server.base_url());
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let read = intune.read(Context::new(), "managed_devices").await.expect("devices");
        assert_eq!(read.rows(), usize::try_from(size).expect("fits"));
        ours = ours.min(start.elapsed());
        let start = Instant::now();
        assert_eq!(by_hand(&server.base_url()).await, read.rows());
        bare = bare.min(start.elapsed());
    }
    let ratio = bare.as_secs_f64() / ours.as_secs_f64();
    println!(
        "{size} devices: connector {ours:.2?}, bare calls {bare:.2?}: {ratio:.2} of their speed"
    );
}

fn connector(base: &str) -> Intune {
    let mut config = IntuneConfig::new(Sandbox::TENANT, Sandbox::CLIENT);
    let auth = Auth::ClientSecret {
        token_url: format!("{base}/{}/oauth2/v2.0/token", Sandbox::TENANT),
        client_id: Sandbox::CLIENT.into(),
        scope: format!("{base}/.default"),
        secret: "intune-secret".into(),
    };
    config.endpoint = Endpoint::new(format!("{base}/v1.0")).with_auth(auth);
    config.manners = Manners::default();
    let secrets = Fixed::new([("intune-secret", Secret::new(Sandbox::SECRET))]);
    Intune::new(config, Arc::new(secrets)).expect("settings")
}

/// The same pages as JSON, and no more.
async fn by_hand(base: &str) -> usize {
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::new();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=x%2F.default",
        Sandbox::CLIENT,
        Sandbox::SECRET
    );
    let url = format!("{base}/{}/oauth2/v2.0/token", Sandbox::TENANT);
    let answer = http.post(url).body(form).send().await.expect("a token");
    let token: Json = serde_json::from_slice(&answer.bytes().await.expect("it")).expect("JSON");
    let token = token.get("access_token").and_then(Json::as_str).expect("a token").to_owned();
    let select = "id,azureADDeviceId,deviceName,serialNumber,udid,imei,manufacturer,model,\
        operatingSystem,osVersion,managedDeviceOwnerType,managementAgent,managementState,\
        complianceState,deviceEnrollmentType,enrolledDateTime,lastSyncDateTime,\
        complianceGracePeriodExpirationDateTime,userId,userPrincipalName,isEncrypted,isSupervised,\
        jailBroken,totalStorageSpaceInBytes,freeStorageSpaceInBytes";
    let mut next =
        Some(format!("{base}/v1.0/deviceManagement/managedDevices?$select={select}&$top=1000"));
    let mut rows = Vec::new();
    while let Some(url) = next {
        let answer = http.get(url).header("authorization", format!("Bearer {token}")).send().await;
        let bytes = answer.expect("an answer").bytes().await.expect("a body");
        let mut page: Json = serde_json::from_slice(&bytes).expect("JSON");
        next = page.get("@odata.nextLink").and_then(Json::as_str).map(str::to_owned);
        if let Some(Json::Array(page)) = page.get_mut("value").map(Json::take) {
            rows.extend(page);
        }
    }
    rows.len()
}
