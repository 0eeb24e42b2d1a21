//! What a condition comes to, given facts.

use super::check::{Each, Expr};
use super::operate::{Fault, binary, call, index, negative};
use super::value::Value;

/// Where the values of facts come from.
pub(crate) trait Facts<'a> {
    /// The fact at this place of the scope, if it is known.
    fn fact(&self, place: usize) -> Option<Value<'a>>;
}

/// How many parts may be evaluated, those inside macros once an item.
pub(crate) const MOST_STEPS: u32 = 100_000;

/// The value of an expression.
pub(super) fn eval<'a>(expr: &'a Expr, facts: &dyn Facts<'a>) -> Result<Value<'a>, Fault> {
    Evaluation { facts, items: Vec::new(), steps: MOST_STEPS }.value(expr)
}

struct Evaluation<'f, 'a> {
    facts: &'f dyn Facts<'a>,
    items: Vec<Value<'a>>,
    steps: u32,
}

type Found<'a> = Result<Value<'a>, Fault>;

impl<'a> Evaluation<'_, 'a> {
    fn value(&mut self, expr: &'a Expr) -> Found<'a> {
        self.spend(1)?;
        match expr {
            Expr::Literal(value) => Ok(value.shared()),
            Expr::Fact(place) => self.facts.fact(*place).ok_or(Fault::Unknown(*place)),
            Expr::Known(place) => Ok(Value::Bool(self.facts.fact(*place).is_some())),
            Expr::Item(place) => self.items.get(*place).cloned().ok_or(NO_ITEM),
            Expr::Not(of) => Ok(Value::Bool(!self.truth(of)?)),
            Expr::Negative(of) => negative(&self.value(of)?),
            Expr::And(parts) => self.until(parts, false),
            Expr::Or(parts) => self.until(parts, true),
            Expr::Choice(parts) => self.choice(parts),
            Expr::Binary(operator, sides) => {
                let [left, right] = &**sides;
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.spend(weight(&left).saturating_add(weight(&right)))?;
                binary(*operator, left, right)
            }
            Expr::Index(sides) => {
                let [list, place] = &**sides;
                index(&self.value(list)?, &self.value(place)?)
            }
            Expr::Call(function, arguments) => {
                let arguments = self.values(arguments)?;
                self.spend(arguments.iter().map(weight).sum())?;
                call(*function, &arguments)
            }
            Expr::List(items) => Ok(Value::List(self.values(items)?.into())),
            Expr::Each(each, parts) => self.each(*each, parts),
            Expr::Map(range, only, body) => self.map(range, only.as_deref(), body),
        }
    }

    fn spend(&mut self, steps: u32) -> Result<(), Fault> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.ok_or(Fault::Failed("the condition takes too many steps"))?;
        Ok(())
    }

    fn values(&mut self, exprs: &'a [Expr]) -> Result<Vec<Value<'a>>, Fault> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn truth(&mut self, expr: &'a Expr) -> Result<bool, Fault> {
        match self.value(expr)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Fault::Failed("a condition is true or false")),
        }
    }

    /// `&&` and `||`: one part that decides does so whatever the others are, even without a value.
    fn until(&mut self, parts: &'a [Expr], decides: bool) -> Found<'a> {
        let mut fault = None;
        for part in parts {
            match self.truth(part) {
                Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        fault.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn choice(&mut self, [condition, yes, no]: &'a [Expr; 3]) -> Found<'a> {
        let chosen = if self.truth(condition)? { yes } else { no };
        self.value(chosen)
    }

    fn range(&mut self, list: &'a Expr) -> Result<std::sync::Arc<[Value<'a>]>, Fault> {
        match self.value(list)? {
            Value::List(items) => Ok(items),
            _ => Err(NO_ITEM),
        }
    }

    fn with_item<T>(&mut self, item: &Value<'a>, body: impl FnOnce(&mut Self) -> T) -> T {
        self.items.push(item.clone());
        let found = body(self);
        self.items.pop();
        found
    }

    fn each(&mut self, each: Each, [list, body]: &'a [Expr; 2]) -> Found<'a> {
        let items = self.range(list)?;
        match each {
            Each::All => self.any(&items, body, false),
            Each::Exists => self.any(&items, body, true),
            Each::ExistsOne => Ok(Value::Bool(self.kept(&items, body)?.len() == 1)),
            Each::Filter => Ok(Value::List(self.kept(&items, body)?.into())),
        }
    }

    /// As `&&` or `||` over all items.
    fn any(&mut self, items: &[Value<'a>], body: &'a Expr, decides: bool) -> Found<'a> {
        let mut fault = None;
        for item in items {
            match self.with_item(item, |e| e.truth(body)) {
                Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        fault.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn kept(&mut self, items: &[Value<'a>], body: &'a Expr) -> Result<Vec<Value<'a>>, Fault> {
        let mut kept = Vec::new();
        for item in items {
            if self.with_item(item, |e| e.truth(body))? {
                kept.push(item.clone());
            }
        }
        Ok(kept)
    }

    fn map(&mut self, list: &'a Expr, only: Option<&'a Expr>, body: &'a Expr) -> Found<'a> {
        let mut items = self.range(list)?.to_vec();
        if let Some(only) = only {
            items = self.kept(&items, only)?;
        }
        let mapped = items.iter().map(|item| self.with_item(item, |e| e.value(body)));
        Ok(Value::List(mapped.collect::<Result<_, _>>()?))
    }
}

const NO_ITEM: Fault = Fault::Failed("there is no such item");

/// What handling a value costs beyond a step: long texts and lists take longer.
fn weight(value: &Value<'_>) -> u32 {
    let size = match value {
        Value::Text(text) => text.len() / 64,
        Value::Bytes(bytes) => bytes.len() / 64,
        Value::List(items) => items.len() / 8,
        _ => 0,
    };
    u32::try_from(size).unwrap_or(u32::MAX)
}
