//! Policies.

use napi_derive::napi;
use serde_json::json;
use trueup::{Result, guard};
use trueup_bindings::{approvals, flat};

use crate::approvals::{BreakGlass, parse, people};
use crate::errors::OrThrow;
use crate::plan::Plan;
use crate::wire;
use crate::work::Work;

/// Rules that say what may be done, by whom, when, how much of it, and who is asked.
#[napi]
pub struct Policy(pub(crate) guard::Policy);

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
            "rule_ids": self.0.rule_ids().collect::<Vec<_>>(),
        }))
    }

    /// What it decides about a plan, maybe while glass is broken.
    #[napi]
    pub fn decide(
        &self,
        plan: &Plan,
        request: String,
        glass: Option<&BreakGlass>,
    ) -> napi::Result<Work> {
        let (policy, plan) = (self.0.clone(), plan.0.clone());
        let (request, glass) = (read_request(&request)?, glass.map(|glass| glass.0.clone()));
        Work::start(move |_| {
            let decided = match glass {
                Some(glass) => glass.decide(&policy, &plan, &request),
                None => Ok(policy.decide(&plan, &request)),
            };
            decided.map(Decision)
        })
    }

    /// Why, as JSON.
    #[napi]
    pub fn explain(&self, plan: &Plan, request: String) -> napi::Result<Work> {
        let (policy, plan, request) = (self.0.clone(), plan.0.clone(), read_request(&request)?);
        Work::start(move |_| {
            Ok(wire::text(flat::guard_explanation(&policy.explain(&plan, &request))))
        })
    }

    /// The question whether to break glass.
    #[napi]
    pub fn glass_question(&self, opening: String) -> napi::Result<String> {
        approvals::glass_question(&self.0, parse(&opening)?).or_throw().map(wire::text)
    }

    /// Breaks glass.
    #[napi]
    pub fn break_glass(
        &self,
        opening: String,
        answers: String,
        keys: String,
        now: i64,
    ) -> napi::Result<BreakGlass> {
        let (opening, answers) = (parse(&opening)?, parse(&answers)?);
        let opened = approvals::break_glass(&self.0, opening, answers, &people(&keys)?, now);
        opened.or_throw().map(BreakGlass)
    }
}

/// What a policy decided about a plan.
#[napi]
pub struct Decision(pub(crate) guard::Decision);

#[napi]
impl Decision {
    /// All of it, as JSON.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(flat::decision(&self.0))
    }

    /// What it asks people, as JSON.
    #[napi]
    pub fn question(&self) -> napi::Result<String> {
        approvals::question(&self.0).or_throw().map(wire::text)
    }
}

/// What a policy is asked.
pub(crate) fn read_request(text: &str) -> napi::Result<guard::Request> {
    let read: Result<_> =
        wire::parse(text, "the question to the policy").and_then(|asked| flat::request(&asked));
    read.or_throw()
}
