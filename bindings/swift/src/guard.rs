//! Policies.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use trueup::guard;
use trueup_bindings::flat::{self, hex};

use crate::call::Call;
use crate::errors::Told;
use crate::plan::Plan;
use crate::wire;

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[derive(uniffi::Object)]
pub struct Policy(guard::Policy);

/// The document of the standard policy.
#[uniffi::export]
pub fn standard_policy() -> String {
    guard::Policy::STANDARD.to_owned()
}

/// The JSON Schema of a policy's document.
#[uniffi::export]
pub fn policy_schema() -> String {
    guard::Policy::schema().to_string()
}

#[uniffi::export]
impl Policy {
    /// Reads a TOML document.
    #[uniffi::constructor]
    pub fn from_toml(text: String) -> Told<Self> {
        Ok(Self(guard::Policy::from_toml(&text)?))
    }

    /// Reads a JSON document.
    #[uniffi::constructor]
    pub fn from_json(text: String) -> Told<Self> {
        Ok(Self(guard::Policy::from_json(&text)?))
    }

    /// The policy as JSON.
    pub fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    /// Its name, hash and rules.
    pub fn facts(&self) -> String {
        let facts = json!({
            "name": self.0.name(),
            "hash": hex(&self.0.hash()),
            "ruleIds": self.0.rule_ids().collect::<Vec<_>>(),
        });
        facts.to_string()
    }

    /// What it decides about a plan, as JSON.
    pub async fn decide(&self, plan: Arc<Plan>, request: String, call: Arc<Call>) -> Told<String> {
        self.ask(&plan, &request, call, |policy, plan, request| {
            flat::decision(&policy.decide(plan, request))
        })
        .await
    }

    /// Why, as JSON.
    pub async fn explain(&self, plan: Arc<Plan>, request: String, call: Arc<Call>) -> Told<String> {
        self.ask(&plan, &request, call, |policy, plan, request| {
            flat::guard_explanation(&policy.explain(plan, request))
        })
        .await
    }
}

impl Policy {
    async fn ask(
        &self,
        plan: &Plan,
        request: &str,
        call: Arc<Call>,
        answer: impl FnOnce(&guard::Policy, &trueup::Plan, &guard::Request) -> Json + Send + 'static,
    ) -> Told<String> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let request = flat::request(&wire::read::<Json>(request, "the question")?)?;
        call.start(move |_| Ok(answer(&policy, &plan, &request).to_string())).await
    }
}
