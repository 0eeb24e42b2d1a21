//! The `cel` crate: the same conditions, every rule's evaluated; the first that denies ends it.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Env, Program, Value};
use trueup_benches::Result;
use trueup_benches::measure::{Case, count, report, report_decisions};
use trueup_benches::rules::{ACTOR, Change, ENVIRONMENT, Trial};

const TOOL: &str = "cel 0.15";

/// A rule's condition, and whether it denies.
type Rule = (Program, bool);

fn main() -> Result<()> {
    let case = Case::from_args()?;
    let trial = Trial::of_case(&case.name)?;
    let compiled =
        trial.rules.iter().map(|rule| Ok((Program::compile(&rule.cel())?, rule.denies())));
    let rules = compiled.collect::<Result<Vec<Rule>>>()?;
    let decide = |context: &Context<'_, '_>| is_allowed(&rules, context);
    // One for all: of its own, each context would hold a table of all functions.
    let env = Arc::new(Env::stdlib());
    let contexts: Vec<Context<'_, '_>> =
        trial.changes.iter().map(|change| context(&env, change)).collect();
    match case.name.starts_with("mass") {
        true => report(TOOL, &case, || Ok((count(contexts.iter().map(decide))?, ()))),
        false => report_decisions(TOOL, &case, &contexts, decide),
    }
}

fn is_allowed(rules: &[Rule], context: &Context<'_, '_>) -> Result<bool> {
    let mut is_allowed = false;
    for (program, denies) in rules {
        let matches = program.execute(context)? == Value::Bool(true);
        if matches && *denies {
            return Ok(false);
        }
        is_allowed |= matches;
    }
    Ok(is_allowed)
}

fn context(env: &Arc<Env>, change: &Change) -> Context<'static, 'static> {
    let mut context = Context::with_env(Arc::clone(env));
    let Change { action, size, owner, tags, managed } = change;
    let request = [("actor", ACTOR.into()), ("environment", ENVIRONMENT.into())];
    let facts = [
        ("size", Value::Int(*size)),
        ("owner", owner.as_str().into()),
        ("tags", tags.clone().into()),
        ("managed", Value::Bool(*managed)),
    ];
    context.add_variable_from_value("request", map(request));
    context.add_variable_from_value("change", map([("action", (*action).into())]));
    context.add_variable_from_value("facts", map(facts));
    context
}

fn map<const N: usize>(members: [(&str, Value); N]) -> HashMap<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
