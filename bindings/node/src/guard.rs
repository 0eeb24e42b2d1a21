//! Policies.

use napi_derive::napi;
use serde_json::json;
use trueup::guard;
use trueup_bindings::flat;

use crate::errors::OrThrow;
use crate::plan::Plan;
use crate::wire;
use crate::work::Work;

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[napi]
pub struct Policy(guard::Policy);

#[napi]
impl Policy {
    /// Reads a TOML document.
    #[napi(factory)]
    pub fn from_toml(text: String) -> napi::Result<Self> {
        guard::Policy::from_toml(&text).or_throw().map(Self)
    }

    /// Reads a JSON document.
    #[napi(factory)]
    pub fn from_json(text: String) -> napi::Result<Self> {
        guard::Policy::from_json(&text).or_throw().map(Self)
    }

    /// The policy that holds where nobody wrote one.
    #[napi(factory)]
    pub fn standard() -> napi::Result<Self> {
        guard::Policy::standard().or_throw().map(Self)
    }

    /// The document of the standard policy.
    #[napi]
    pub fn standard_document() -> &'static str {
        guard::Policy::STANDARD
    }

    /// The JSON Schema of the document.
    #[napi]
    pub fn schema() -> String {
        guard::Policy::schema().to_string()
    }

    /// The policy as JSON.
    #[napi(js_name = "toJSON")]
    pub fn to_json(&self) -> String {
        wire::text(self.0.to_json().clone())
    }

    /// Its name, hash and rules.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(json!({
            "name": self.0.name(),
            "hash": trueup::hex(&self.0.hash()),
            "ruleIds": self.0.rule_ids().collect::<Vec<_>>(),
        }))
    }

    /// What it decides about a plan, as JSON.
    #[napi]
    pub fn decide(&self, plan: &Plan, request: String) -> napi::Result<Work> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let asked = wire::parse(&request, "the question").or_throw()?;
        let request = flat::request(&asked).or_throw()?;
        Work::start(move |_| Ok(wire::text(flat::decision(&policy.decide(&plan, &request)))))
    }

    /// Why, as JSON.
    #[napi]
    pub fn explain(&self, plan: &Plan, request: String) -> napi::Result<Work> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let asked = wire::parse(&request, "the question").or_throw()?;
        let request = flat::request(&asked).or_throw()?;
        Work::start(move |_| {
            Ok(wire::text(flat::guard_explanation(&policy.explain(&plan, &request))))
        })
    }
}
