//! Conditions: a typed subset of CEL over declared facts (`docs/spec/policy.md`).
//!
//! order: time → value → wrong → quote → token → syntax → function → check → operate → eval
//!
//! Everything that can be wrong without knowing the facts is found when a condition is read; what is
//! left is division by zero, numbers and times out of range, and facts that are not known.

mod check;
mod eval;
mod function;
mod operate;
mod quote;
mod syntax;
mod time;
mod token;
mod value;
mod wrong;

#[cfg(test)]
mod tests;

pub(crate) use check::Scope;
pub(crate) use eval::Facts;
pub(crate) use operate::Fault;
pub(crate) use time::parse_timestamp as timestamp;
pub(crate) use value::{Type, Value};
pub(crate) use wrong::Wrong;

use check::Expr;

/// A condition that was read and checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    text: String,
    expr: Expr,
    uses: Vec<usize>,
}

impl Condition {
    /// Reads a condition over the facts of a scope.
    pub(crate) fn read(text: &str, scope: &Scope) -> Result<Self, Wrong> {
        match expression(text, scope)? {
            (expr, Type::Bool) => Ok(Self { text: text.to_owned(), uses: uses(&expr), expr }),
            (_, of) => wrong::wrong(0, format!("a condition is a bool; this is a {of}")),
        }
    }

    /// The condition as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds.
    pub(crate) fn holds<'a>(&'a self, facts: &dyn Facts<'a>) -> Result<bool, Fault> {
        match eval::eval(&self.expr, facts)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Fault::Failed("a condition is true or false")),
        }
    }

    /// The places of the facts that it speaks of, in order.
    pub(crate) fn uses(&self) -> &[usize] {
        &self.uses
    }
}

fn uses(expr: &Expr) -> Vec<usize> {
    let mut places = Vec::new();
    expr.each_fact(&mut |place| places.push(place));
    places.sort_unstable();
    places.dedup();
    places
}

fn expression(text: &str, scope: &Scope) -> Result<(Expr, Type), Wrong> {
    check::check(&syntax::parse(text)?, scope)
}
