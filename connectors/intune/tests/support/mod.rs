//! What the tests share: a sandbox, and a connector to it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use trueup_intune::{Intune, IntuneConfig};
use trueup_kit::{Auth, Endpoint, Fixed, Manners, Secret};
use trueup_sandbox::{Estate, Graph as Sandbox, Plan, Server};

/// A sandbox with its connector.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) intune: Intune,
}

pub(crate) const ESTATE: (u64, u64) = (7, 9);

pub(crate) async fn rig(plan: Plan) -> Rig {
    rig_with(Sandbox::new(&Estate::new(ESTATE.0, ESTATE.1)), plan, |_| {}).await
}

pub(crate) async fn rig_with(
    sandbox: Sandbox,
    plan: Plan,
    bend: impl FnOnce(&mut IntuneConfig),
) -> Rig {
    let sandbox = Arc::new(sandbox);
    let server = Server::start(sandbox.clone(), plan).await.unwrap();
    let mut config = config(&server.base_url());
    bend(&mut config);
    let intune = Intune::new(config, secrets()).unwrap();
    Rig { server, sandbox, intune }
}

pub(crate) fn secrets() -> Arc<Fixed> {
    Arc::new(Fixed::new([("intune-secret", Secret::new(Sandbox::SECRET))]))
}

pub(crate) fn config(base: &str) -> IntuneConfig {
    let mut config = IntuneConfig::new(Sandbox::TENANT, Sandbox::CLIENT);
    let auth = Auth::ClientSecret {
        token_url: format!("{base}/{}/oauth2/v2.0/token", Sandbox::TENANT),
        client_id: Sandbox::CLIENT.into(),
        scope: format!("{base}/.default"),
        secret: "intune-secret".into(),
    };
    config.endpoint = Endpoint::new(format!("{base}/v1.0")).with_auth(auth);
    config.manners = impatient();
    config.settle_ms = 0;
    config.check_after_ms = 1;
    config
}

/// Tries often, and waits shortly.
pub(crate) fn impatient() -> Manners {
    serde_json::from_str(r#"{"tries": 12, "max_wait_ms": 20}"#).unwrap()
}
