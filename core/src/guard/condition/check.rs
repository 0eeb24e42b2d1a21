//! A condition held against the facts there are: every part has a type, every name a meaning.

use std::sync::Arc;

use trueup_connector::suggest;

use super::function::{Function, NAMES, Operator};
use super::syntax::{Form, Node};
use super::value::{Type, Value};
use super::wrong::{Wrong, wrong};

/// The facts that conditions may name, and their types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    facts: Vec<(String, Type)>,
}

impl Scope {
    /// A scope of these facts.
    pub(crate) fn new(facts: Vec<(String, Type)>) -> Self {
        Self { facts }
    }

    /// The place of a fact.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.facts.iter().position(|(known, _)| known == name)
    }

    /// The name of the fact at a place.
    pub(crate) fn name(&self, place: usize) -> &str {
        self.facts.get(place).map_or("", |(name, _)| name)
    }

    /// The names of all facts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.facts.iter().map(|(name, _)| name.as_str())
    }
}

/// A part of a condition, ready to be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Literal(Value<'static>),
    /// A fact by its place in the scope.
    Fact(usize),
    /// Whether a fact is known.
    Known(usize),
    /// What a macro goes through, by how many macros stand around it.
    Item(usize),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Choice(Box<[Expr; 3]>),
    Binary(Operator, Box<[Expr; 2]>),
    Index(Box<[Expr; 2]>),
    Call(Function, Vec<Expr>),
    List(Vec<Expr>),
    /// A macro over a list: what it does, the list, what is asked of each item, and of those what is taken.
    Each(Each, Box<[Expr; 2]>),
    Map(Box<Expr>, Option<Box<Expr>>, Box<Expr>),
}

impl Expr {
    /// Calls `each` with the place of every fact that is named.
    pub(super) fn each_fact(&self, each: &mut dyn FnMut(usize)) {
        match self {
            Self::Fact(place) | Self::Known(place) => each(*place),
            Self::Literal(_) | Self::Item(_) => {}
            Self::Not(of) | Self::Negative(of) => of.each_fact(each),
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) | Self::List(parts) => {
                parts.iter().for_each(|part| part.each_fact(each));
            }
            Self::Choice(parts) => parts.iter().for_each(|part| part.each_fact(each)),
            Self::Binary(_, parts) | Self::Index(parts) | Self::Each(_, parts) => {
                parts.iter().for_each(|part| part.each_fact(each));
            }
            Self::Map(list, only, body) => {
                let parts = [Some(list), only.as_ref(), Some(body)];
                parts.into_iter().flatten().for_each(|part| part.each_fact(each));
            }
        }
    }
}

/// What a macro asks of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Each {
    All,
    Exists,
    ExistsOne,
    Filter,
}

/// A condition's parts with their type.
pub(super) fn check(node: &Node, scope: &Scope) -> Result<(Expr, Type), Wrong> {
    Checker { scope, items: Vec::new() }.check(node)
}

struct Checker<'a> {
    scope: &'a Scope,
    /// The names that the macros around go by, outermost first.
    items: Vec<(String, Type)>,
}

impl Checker<'_> {
    fn check(&mut self, node: &Node) -> Result<(Expr, Type), Wrong> {
        match &node.form {
            Form::Literal(value) => Ok((Expr::Literal(value.clone()), type_of(value))),
            Form::Name(_) | Form::Member(..) => self.named(node),
            Form::Not(of) => Ok((Expr::Not(Box::new(self.bool(of)?)), Type::Bool)),
            Form::Negative(of) => self.negative(of),
            Form::And(parts) => Ok((Expr::And(self.bools(parts)?), Type::Bool)),
            Form::Or(parts) => Ok((Expr::Or(self.bools(parts)?), Type::Bool)),
            Form::Choice(parts) => self.choice(parts),
            Form::Binary(sign, sides) => self.binary(node.at, sign, sides),
            Form::Index(sides) => self.index(sides),
            Form::Call { name, on, arguments } => {
                self.call(node.at, name, on.as_deref(), arguments)
            }
            Form::List(items) => self.list(items),
        }
    }

    fn bool(&mut self, node: &Node) -> Result<Expr, Wrong> {
        self.of_type(node, &Type::Bool)
    }

    fn bools(&mut self, nodes: &[Node]) -> Result<Vec<Expr>, Wrong> {
        nodes.iter().map(|node| self.bool(node)).collect()
    }

    fn of_type(&mut self, node: &Node, wanted: &Type) -> Result<Expr, Wrong> {
        let (expr, found) = self.check(node)?;
        match found.is(wanted) {
            true => Ok(expr),
            false => wrong(node.at, format!("this is a {found}, where a {wanted} is asked for")),
        }
    }

    /// A fact, or what a macro goes through; both are named by words joined by points.
    fn named(&self, node: &Node) -> Result<(Expr, Type), Wrong> {
        let Some(name) = dotted(node) else {
            return wrong(node.at, "only facts have members, and their whole name is written out");
        };
        let item = self.items.iter().rposition(|(item, _)| *item == name);
        if let Some((place, (_, of))) = item.and_then(|i| Some((i, self.items.get(i)?))) {
            return Ok((Expr::Item(place), of.clone()));
        }
        self.fact(node.at, &name).map(|(place, of)| (Expr::Fact(place), of))
    }

    fn fact(&self, at: usize, name: &str) -> Result<(usize, Type), Wrong> {
        let place = self.scope.place(name);
        match place.and_then(|place| Some((place, self.scope.facts.get(place)?.1.clone()))) {
            Some(found) => Ok(found),
            None => {
                wrong(at, format!("unknown fact `{name}`{}", suggest(name, self.scope.names())))
            }
        }
    }

    fn negative(&mut self, of: &Node) -> Result<(Expr, Type), Wrong> {
        let (expr, found) = self.check(of)?;
        match found {
            Type::Int | Type::Double | Type::Any => Ok((Expr::Negative(Box::new(expr)), found)),
            _ => wrong(of.at, format!("a {found} has no negative")),
        }
    }

    fn choice(&mut self, [condition, yes, no]: &[Node; 3]) -> Result<(Expr, Type), Wrong> {
        let condition = self.bool(condition)?;
        let (yes, one) = self.check(yes)?;
        let at = no.at;
        let (no, other) = self.check(no)?;
        match one.unify(&other) {
            Some(both) => Ok((Expr::Choice(Box::new([condition, yes, no])), both)),
            None => wrong(at, format!("one answer is a {one} and the other a {other}")),
        }
    }

    fn binary(
        &mut self,
        at: usize,
        sign: &str,
        [left, right]: &[Node; 2],
    ) -> Result<(Expr, Type), Wrong> {
        let (a, left) = self.check(left)?;
        let (b, right) = self.check(right)?;
        let operator = Operator::of(sign);
        let given = operator.and_then(|o| Some((o, o.gives(&left, &right)?)));
        match given {
            Some((operator, given)) => Ok((Expr::Binary(operator, Box::new([a, b])), given)),
            None => wrong(at, format!("`{sign}` does not go between a {left} and a {right}")),
        }
    }

    fn index(&mut self, [list, index]: &[Node; 2]) -> Result<(Expr, Type), Wrong> {
        let at = list.at;
        let (list, of) = self.check(list)?;
        let Type::List(item) = of else {
            return wrong(at, format!("this is a {of}, where a list is asked for"));
        };
        let index = self.of_type(index, &Type::Int)?;
        Ok((Expr::Index(Box::new([list, index])), *item))
    }

    fn list(&mut self, items: &[Node]) -> Result<(Expr, Type), Wrong> {
        let (mut found, mut of) = (Vec::with_capacity(items.len()), Type::Any);
        for item in items {
            let (expr, here) = self.check(item)?;
            of = match of.unify(&here) {
                Some(both) => both,
                None => return wrong(item.at, format!("a {here} in a list of {of}")),
            };
            found.push(expr);
        }
        Ok((constant(found), of.list()))
    }

    fn call(
        &mut self,
        at: usize,
        name: &str,
        on: Option<&Node>,
        arguments: &[Node],
    ) -> Result<(Expr, Type), Wrong> {
        match (name, on, arguments) {
            ("has", None, [fact]) => return self.known(fact),
            ("all" | "exists" | "exists_one" | "filter", Some(list), [item, body]) => {
                return self.each(name, list, item, body);
            }
            ("map", Some(list), [item, body]) => return self.map(list, item, None, body),
            ("map", Some(list), [item, only, body]) => {
                return self.map(list, item, Some(only), body);
            }
            _ => {}
        }
        let Some(function) = Function::named(name, on.is_some()) else {
            return wrong(at, unknown_function(name));
        };
        let checked = on.into_iter().chain(arguments).map(|a| self.check(a));
        let (exprs, types): (Vec<_>, Vec<_>) =
            checked.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        match function.gives(&types) {
            Some(given) => Ok((Expr::Call(function, exprs), given)),
            None => wrong(at, format!("`{name}` does not take {}", listed(&types))),
        }
    }

    fn known(&self, fact: &Node) -> Result<(Expr, Type), Wrong> {
        match dotted(fact) {
            Some(name) if matches!(fact.form, Form::Member(..)) => {
                self.fact(fact.at, &name).map(|(place, _)| (Expr::Known(place), Type::Bool))
            }
            _ => wrong(fact.at, "`has` takes the name of a fact"),
        }
    }

    /// The list that a macro goes through, and the type of its items.
    fn range(&mut self, list: &Node) -> Result<(Expr, Type), Wrong> {
        match self.check(list)? {
            (expr, Type::List(item)) => Ok((expr, *item)),
            (_, found) => wrong(list.at, format!("this is a {found}, where a list is asked for")),
        }
    }

    /// Checks what stands inside a macro, where its item has a name.
    fn inside<T>(
        &mut self,
        item: &Node,
        of: Type,
        body: impl FnOnce(&mut Self) -> Result<T, Wrong>,
    ) -> Result<T, Wrong> {
        let Form::Name(name) = &item.form else {
            return wrong(item.at, "the name that an item goes by is missing here");
        };
        self.items.push((name.clone(), of));
        let found = body(self);
        self.items.pop();
        found
    }

    fn each(
        &mut self,
        name: &str,
        list: &Node,
        item: &Node,
        body: &Node,
    ) -> Result<(Expr, Type), Wrong> {
        let (range, of) = self.range(list)?;
        let body = self.inside(item, of.clone(), |c| c.bool(body))?;
        let (each, given) = match name {
            "all" => (Each::All, Type::Bool),
            "exists" => (Each::Exists, Type::Bool),
            "exists_one" => (Each::ExistsOne, Type::Bool),
            _ => (Each::Filter, of.list()),
        };
        Ok((Expr::Each(each, Box::new([range, body])), given))
    }

    fn map(
        &mut self,
        list: &Node,
        item: &Node,
        only: Option<&Node>,
        body: &Node,
    ) -> Result<(Expr, Type), Wrong> {
        let (range, of) = self.range(list)?;
        let (only, (body, given)) = self.inside(item, of, |c| {
            let only = only.map(|only| c.bool(only)).transpose()?;
            Ok((only, c.check(body)?))
        })?;
        Ok((Expr::Map(Box::new(range), only.map(Box::new), Box::new(body)), given.list()))
    }
}

/// A list of literals is a literal.
fn constant(items: Vec<Expr>) -> Expr {
    let values = items.iter().map(|item| match item {
        Expr::Literal(value) => Some(value.clone()),
        _ => None,
    });
    match values.collect::<Option<Arc<[_]>>>() {
        Some(values) => Expr::Literal(Value::List(values)),
        None => Expr::List(items),
    }
}

fn unknown_function(name: &str) -> String {
    match name {
        "matches" => {
            "patterns are not in this subset of CEL: use `startsWith`, `endsWith` or `contains`"
                .into()
        }
        "dyn" | "type" => {
            format!("`{name}` is not in this subset of CEL: every part has a type of its own")
        }
        _ => format!("unknown function `{name}`{}", suggest(name, NAMES)),
    }
}

/// `a.b.c` as text, if the node is no more than that.
fn dotted(node: &Node) -> Option<String> {
    match &node.form {
        Form::Name(name) => Some(name.clone()),
        Form::Member(of, name) => Some(format!("{}.{name}", dotted(of)?)),
        _ => None,
    }
}

fn listed(types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(|t| format!("a {t}")).collect();
    if types.is_empty() { "nothing".into() } else { types.join(" and ") }
}

fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::Text(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        Value::Timestamp(_) => Type::Timestamp,
        Value::Duration(_) => Type::Duration,
        Value::List(items) => items.first().map_or(Type::Any, type_of).list(),
    }
}
