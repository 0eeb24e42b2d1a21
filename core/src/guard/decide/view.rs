//! A change as conditions see it.

use super::super::condition::{Facts, Type, Value, timestamp};
use super::super::facts::Origin;
use super::super::request::Request;
use crate::plan::{Fact, Impact, Plan, PlannedChange, operation_name};

/// One change with everything around it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) origins: &'a [Origin],
    pub(crate) plan: &'a Plan,
    pub(crate) request: &'a Request,
    pub(crate) change: &'a PlannedChange,
}

/// What is said of a fact.
enum Stated<'a> {
    Nothing,
    Fact(&'a Fact),
    Contradicted,
}

impl<'a> View<'a> {
    /// The facts at these places, found once: rules ask for the same ones again and again.
    pub(crate) fn known(&self, places: &[usize]) -> Known<'a> {
        let mut values = Vec::new();
        values.resize_with(places.last().map_or(0, |last| last + 1), || None);
        for place in places {
            if let Some(value) = values.get_mut(*place) {
                *value = self.fact(*place);
            }
        }
        Known { values }
    }

    fn impact(&self) -> &'a Impact {
        self.plan.impact(self.change.target())
    }

    /// What the change says, else what the request says; where they contradict each other it is not
    /// known, and that is not the same as nothing being said.
    fn stated(&self, name: &str) -> Stated<'a> {
        match (self.change.facts().get(name), self.request.facts.get(name)) {
            (Some(own), Some(other)) if own != other => Stated::Contradicted,
            (own, other) => own.or(other).map_or(Stated::Nothing, Stated::Fact),
        }
    }

    fn from(&self, origin: &'a Origin) -> Option<Value<'a>> {
        let text = |text: &'a str| Some(Value::text(text));
        let count = |count: u64| i64::try_from(count).ok().map(Value::Int);
        match origin {
            Origin::Actor => text(self.request.actor.acting()),
            Origin::Chain => {
                Some(Value::texts(self.request.actor.chain().iter().map(String::as_str)))
            }
            Origin::Person => self.request.actor.person().and_then(text),
            Origin::Environment => text(&self.request.environment),
            Origin::Tenant => text(&self.plan.origin().tenant),
            Origin::Name => text(&self.plan.origin().name),
            Origin::Resource => text(self.plan.resource(self.change.target())),
            Origin::System => text(&self.plan.system(self.change.target()).system),
            Origin::Instance => text(&self.plan.system(self.change.target()).instance),
            Origin::Creates => count(self.impact().creates),
            Origin::Updates => count(self.impact().updates),
            Origin::Deletes => count(self.impact().deletes),
            Origin::Actions => count(self.impact().actions),
            Origin::CoveredRows => {
                self.request.covered_rows(self.plan, self.change.target()).and_then(count)
            }
            Origin::WantedRows => count(self.impact().wanted_rows),
            Origin::AgreedRows => self.request.agreed_rows.and_then(count),
            Origin::Action => text(operation_name(self.change.operation())),
            Origin::Target => text(self.change.target().name()),
            Origin::Wave => Some(Value::Int(i64::from(self.change.wave()))),
            Origin::Fields => Some(Value::texts(self.change.fields())),
            Origin::Flag(name) => match self.stated(name) {
                Stated::Nothing => Some(Value::Bool(false)),
                Stated::Fact(fact) => value(fact, &Type::Bool),
                Stated::Contradicted => None,
            },
            Origin::Declared(name, of) => match self.stated(name) {
                Stated::Fact(fact) => value(fact, of),
                Stated::Nothing | Stated::Contradicted => None,
            },
        }
    }
}

impl<'a> Facts<'a> for View<'a> {
    fn fact(&self, place: usize) -> Option<Value<'a>> {
        self.from(self.origins.get(place)?)
    }
}

/// Facts of a change that were found before, by their place; all others are unknown.
pub(crate) struct Known<'a> {
    values: Vec<Option<Value<'a>>>,
}

impl<'a> Facts<'a> for Known<'a> {
    fn fact(&self, place: usize) -> Option<Value<'a>> {
        self.values.get(place)?.clone()
    }
}

/// A fact as a value of the declared type; one of another type is as good as unknown.
fn value<'a>(fact: &'a Fact, of: &Type) -> Option<Value<'a>> {
    match (fact, of) {
        (Fact::Bool(value), Type::Bool) => Some(Value::Bool(*value)),
        (Fact::Int(value), Type::Int) => Some(Value::Int(*value)),
        (Fact::Float(value), Type::Double) => Some(Value::Double(*value)),
        (Fact::Text(text), Type::Text) => Some(Value::text(text)),
        (Fact::Text(text), Type::Timestamp) => timestamp(text).map(Value::Timestamp),
        (Fact::List(texts), Type::List(_)) => Some(Value::texts(texts.iter().map(String::as_str))),
        _ => None,
    }
}
