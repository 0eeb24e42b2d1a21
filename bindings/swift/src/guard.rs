//! Policies, and what they decide.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use trueup::{Result, guard};
use trueup_bindings::{approvals, flat};

use crate::approvals::BreakGlass;
use crate::call::Call;
use crate::errors::Told;
use crate::plan::Plan;
use crate::wire;

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[derive(uniffi::Object)]
pub struct Policy(pub(crate) guard::Policy);

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
            "hash": trueup::hex(&self.0.hash()),
            "rule_ids": self.0.rule_ids().collect::<Vec<_>>(),
        });
        facts.to_string()
    }

    /// What it decides about a plan, maybe while glass is broken.
    pub async fn decide(
        &self,
        plan: Arc<Plan>,
        request: String,
        glass: Option<Arc<BreakGlass>>,
        call: Arc<Call>,
    ) -> Told<Arc<Decision>> {
        let (policy, request) = (self.0.clone(), read_request(&request)?);
        call.start(move |_| {
            let decision = match glass {
                Some(glass) => glass.0.decide(&policy, &plan.0, &request)?,
                None => policy.decide(&plan.0, &request),
            };
            Ok(Arc::new(Decision(decision)))
        })
        .await
    }

    /// Why, as JSON.
    pub async fn explain(&self, plan: Arc<Plan>, request: String, call: Arc<Call>) -> Told<String> {
        let (policy, request) = (self.0.clone(), read_request(&request)?);
        let why = move || flat::guard_explanation(&policy.explain(&plan.0, &request)).to_string();
        call.start(move |_| Ok(why())).await
    }

    /// The question whether to break glass, as JSON.
    pub fn glass_question(&self, opening: String) -> Told<String> {
        let opening = wire::read(&opening, "the opening")?;
        Ok(approvals::glass_question(&self.0, opening)?.to_string())
    }
}

/// What a policy decided about a plan.
#[derive(uniffi::Object)]
pub struct Decision(pub(crate) guard::Decision);

#[uniffi::export]
impl Decision {
    /// All of it, as JSON.
    pub fn facts(&self) -> String {
        flat::decision(&self.0).to_string()
    }

    /// What it asks people, as JSON.
    pub fn question(&self) -> Told<String> {
        Ok(approvals::question(&self.0)?.to_string())
    }
}

/// What a policy is asked.
pub(crate) fn read_request(text: &str) -> Result<guard::Request> {
    flat::request(&wire::read::<Json>(text, "the question to the policy")?)
}
