//! What the tests share: servers that note what they were asked, and clients of them.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::{Arc, Mutex};

use trueup_connector::Context;
use trueup_kit::{Answer, Auth, Client, Detail, Endpoint, Fixed, Manners, Secret, Secrets};
use trueup_sandbox::{Call, Plan, Reply, Server};

/// A server, and the calls that it got.
pub(crate) struct Heard {
    pub(crate) server: Server,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Heard {
    pub(crate) async fn start(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(answer, Plan::default()).await
    }

    pub(crate) async fn with(
        answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
        plan: Plan,
    ) -> Self {
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let noted = calls.clone();
        let system = move |call: &Call| {
            noted.lock().unwrap().push(call.clone());
            answer(call)
        };
        Self { server: Server::start(system, plan).await.unwrap(), calls }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(format!("{}/api", self.server.base_url()))
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(Auth::Bearer { secret: "api".into() }, manners())
    }

    pub(crate) fn client_with(&self, auth: Auth, manners: Manners) -> Client {
        client(self.endpoint().with_auth(auth), manners, Arc::new(secrets()))
    }
}

pub(crate) fn client(endpoint: Endpoint, manners: Manners, secrets: Arc<dyn Secrets>) -> Client {
    Client::new(endpoint, manners, secrets, detail).unwrap()
}

/// The body is what happened.
fn detail(answer: &Answer) -> Option<Detail> {
    String::from_utf8(answer.body.clone()).ok().map(Detail::new)
}

pub(crate) fn secrets() -> Fixed {
    Fixed::new([("api", Secret::new("open-sesame")), ("shared", Secret::new("hush"))])
}

/// Patient, but not for long.
pub(crate) fn manners() -> Manners {
    serde_json::from_str(r#"{"tries": 4, "max_wait_ms": 30}"#).unwrap()
}

pub(crate) fn context() -> Context {
    Context::new()
}

pub(crate) fn ok(body: &str) -> Reply {
    Reply::new(200).header("content-type", "application/json").with_body(body)
}
