//! The `cedar-policy` crate: an authorisation request a change, with the facts in its context.

use std::str::FromStr;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use trueup_benches::Result;
use trueup_benches::measure::{Case, count, report, report_decisions};
use trueup_benches::rules::{ACTOR, Change, ENVIRONMENT, RESOURCE, Trial};

const TOOL: &str = "cedar-policy 4";

fn main() -> Result<()> {
    let case = Case::from_args()?;
    let trial = Trial::of_case(&case.name)?;
    let policies: Vec<String> = trial.rules.iter().map(|rule| rule.cedar()).collect();
    let (policies, entities) = (PolicySet::from_str(&policies.join("\n"))?, Entities::empty());
    let authorizer = Authorizer::new();
    let decide = |request: &Request| -> Result<bool> {
        Ok(authorizer.is_authorized(request, &policies, &entities).decision() == Decision::Allow)
    };
    let requests = trial.changes.iter().map(request).collect::<Result<Vec<_>>>()?;
    match case.name.starts_with("mass") {
        true => report(TOOL, &case, || Ok((count(requests.iter().map(decide))?, ()))),
        false => report_decisions(TOOL, &case, &requests, decide),
    }
}

fn request(change: &Change) -> Result<Request> {
    let uid = |of: &str, id: &str| EntityUid::from_str(&format!("{of}::\"{id}\""));
    let mut context = change.facts();
    if let Some(members) = context.as_object_mut() {
        members.insert("environment".into(), ENVIRONMENT.into());
    }
    let context = Context::from_json_value(context, None)?;
    let (actor, action) = (uid("Actor", ACTOR)?, uid("Action", change.action)?);
    Ok(Request::new(actor, action, uid("Resource", RESOURCE)?, context, None)?)
}
