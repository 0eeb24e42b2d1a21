//! A rule made ready for one field.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::read_literal;
use trueup_connector::{Cell, Class, LogicalType, Result, Value, hex};

use super::aliases::{Aliases, fold};
use super::canonical_json;
use super::rule::{Compare, OWNERS, Owner, Rule};
use super::text::TextRule;
use super::tolerance::{Tolerance, apart, apart_cells, read_time};
use super::words::{invalid, to_word};
use super::zone::Zone;

/// A rule that has been checked against its field's type; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Compiled(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stated: Rule,
    comparison: Comparison,
    default: Value,
    zone: Option<Zone>,
    aliases: Aliases,
    normal_form: Json,
    digest: [u8; 32],
}

#[derive(Debug)]
enum Comparison {
    Exact,
    Ignore,
    Set,
    Subset,
    Tolerance(Tolerance),
    Time(u128),
}

impl Compiled {
    /// Checks a rule against the type that its literals are read by.
    pub(super) fn new(field: &str, rule: &Rule, ty: &LogicalType) -> Result<Self> {
        let comparison = Comparison::new(field, &rule.compare)?;
        let zone = rule.zone.as_deref().map(Zone::named).transpose();
        let zone = zone.map_err(|error| error.with("field", field))?;
        check_type(field, rule, ty)?;
        let default = rule.default.as_ref().map_or(Ok(Value::Null), |json| read_literal(json, ty));
        let default = default.map_err(|error| error.with("field", field))?;
        let aliases = Aliases::read(field, &rule.aliases, ty, &rule.text)?;
        let normal_form = normal_form(rule, &comparison, &default, &aliases);
        let digest = Sha256::digest(canonical_json(&normal_form)).into();
        let stated = rule.clone();
        Ok(Self(Arc::new(Inner {
            stated,
            comparison,
            default,
            zone,
            aliases,
            normal_form,
            digest,
        })))
    }

    /// Whether values agree when they are equal as they stand.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.0.comparison, Comparison::Exact) && !self.normalises()
    }

    /// Whether it can change a value before it is compared.
    pub(crate) fn normalises(&self) -> bool {
        let lists = matches!(self.0.comparison, Comparison::Set | Comparison::Subset);
        let text = !self.text().is_exact() || !self.0.aliases.is_empty();
        lists || text || !self.0.default.is_null() || self.zone()
    }

    /// Whether the field is not compared.
    pub(crate) fn ignores(&self) -> bool {
        matches!(self.0.comparison, Comparison::Ignore)
    }

    /// Whose value counts where both differ.
    pub(crate) fn owner(&self) -> Owner {
        self.0.stated.owner
    }

    /// Whether the actual side may have more than the expected one.
    pub(crate) fn is_subset(&self) -> bool {
        matches!(self.0.comparison, Comparison::Subset)
    }

    /// The word for its comparison.
    pub(super) fn comparison(&self) -> &'static str {
        self.0.stated.compare.name()
    }

    /// Whether it names a zone, so that datetimes and instants can be compared.
    pub(crate) fn zone(&self) -> bool {
        self.0.zone.is_some()
    }

    /// The value that stands for this one under the rule.
    ///
    /// # Errors
    /// `data` for a datetime that no calendar has.
    pub(crate) fn normalise(&self, value: Value) -> Result<Value> {
        let value = if value.is_null() { self.0.default.clone() } else { value };
        match (value, &self.0.zone) {
            (Value::Datetime(nanos), Some(zone)) => Ok(self.element(zone.instant(nanos)?)),
            (Value::List(items), _) => {
                let items = items.into_iter().map(|item| self.element(item)).collect();
                Ok(Value::List(self.arrange(items)))
            }
            (value, _) => Ok(self.element(value)),
        }
    }

    /// Whether two normalised values agree.
    pub(crate) fn agree(&self, expected: &Value, actual: &Value) -> bool {
        if same(expected, actual) {
            return true;
        }
        match &self.0.comparison {
            Comparison::Exact | Comparison::Ignore | Comparison::Set => false,
            Comparison::Subset => is_subset(expected, actual),
            Comparison::Tolerance(tolerance) => tolerance.near(expected, actual),
            Comparison::Time(most) => apart(expected, actual).is_some_and(|apart| apart <= *most),
        }
    }

    /// Whether two values agree as they stand in their columns.
    ///
    /// # Errors
    /// As [`Compiled::normalise`].
    pub(crate) fn agree_cells(&self, expected: &Cell<'_>, actual: &Cell<'_>) -> Result<bool> {
        // Equal values are equal after any rule, and equal values agree.
        if expected == actual {
            return Ok(true);
        }
        if self.normalises() {
            let (expected, actual) =
                (self.normalise(expected.to_value())?, self.normalise(actual.to_value())?);
            return Ok(self.agree(&expected, &actual));
        }
        Ok(match &self.0.comparison {
            Comparison::Tolerance(tolerance) => tolerance.near_cells(expected, actual),
            Comparison::Time(most) => {
                apart_cells(expected, actual).is_some_and(|apart| apart <= *most)
            }
            _ => false,
        })
    }

    /// SHA-256 of the canonical JSON of the normal form.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    /// The rule as it enters digests: everything that counts, in one way.
    pub(crate) fn normal_form(&self) -> Json {
        self.0.normal_form.clone()
    }

    /// The start of a text as a `starts_with` takes it.
    pub(super) fn fold_prefix(&self, start: &str) -> String {
        self.text().fold_prefix(start).into_owned()
    }

    /// The rule in words, for people.
    pub(crate) fn describe(&self) -> String {
        let rule = &self.0.stated;
        let mut steps = Vec::new();
        if !self.0.default.is_null() {
            steps.push(format!("null is `{}`", self.0.default));
        }
        if let Some(name) = &rule.zone {
            steps.push(format!("datetimes are in {name}"));
        }
        steps.extend(rule.text.describe());
        match self.0.aliases.len() {
            0 => {}
            1 => steps.push("1 alias".to_owned()),
            many => steps.push(format!("{many} aliases")),
        }
        let compare = rule.compare.describe();
        if steps.is_empty() { compare } else { format!("{}, then {compare}", steps.join(", ")) }
    }

    fn text(&self) -> &TextRule {
        &self.0.stated.text
    }

    /// What is done to a value on its own and to each element of a list.
    fn element(&self, value: Value) -> Value {
        self.0.aliases.apply(fold(self.text(), value))
    }

    /// The elements as the comparison takes them: of sets sorted, each once.
    fn arrange(&self, items: Vec<Value>) -> Vec<Value> {
        if !matches!(self.0.comparison, Comparison::Set | Comparison::Subset) {
            return items;
        }
        let keyed = items.into_iter().map(|item| (item.canonical(), item));
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        keyed.dedup_by(|(a, _), (b, _)| a == b);
        keyed.into_iter().map(|(_, item)| item).collect()
    }
}

impl Comparison {
    fn new(field: &str, compare: &Compare) -> Result<Self> {
        Ok(match compare {
            Compare::Exact => Self::Exact,
            Compare::Ignore => Self::Ignore,
            Compare::Set => Self::Set,
            Compare::Subset => Self::Subset,
            Compare::Tolerance { absolute, relative } => {
                Self::Tolerance(Tolerance::new(field, absolute.as_ref(), relative.as_ref())?)
            }
            Compare::TimeTolerance(text) => Self::Time(read_time(field, text)?),
        })
    }
}

/// Refuses a part of a rule that means nothing for values of the field's type.
fn check_type(field: &str, rule: &Rule, ty: &LogicalType) -> Result<()> {
    let class = ty.class();
    let element = match &class {
        Class::List(item) => (**item).clone(),
        class => class.clone(),
    };
    let time = matches!(class, Class::Date | Class::Datetime | Class::Instant);
    let list = matches!(class, Class::List(_));
    let (what, fits) = match &rule.compare {
        Compare::Exact | Compare::Ignore => ("", true),
        Compare::Set => ("`set`", list),
        Compare::Subset => ("`subset`", list),
        Compare::Tolerance { .. } => ("a tolerance", class == Class::Number),
        Compare::TimeTolerance(_) => ("a time tolerance", time),
    };
    let zoned = matches!(class, Class::Datetime | Class::Instant);
    let text = matches!(element, Class::Text | Class::Null);
    let parts = [
        (what, fits),
        ("a zone", rule.zone.is_none() || zoned),
        ("a text rule", rule.text.is_exact() || text),
    ];
    match parts.iter().find(|(_, fits)| !fits && class != Class::Null) {
        Some((what, _)) => {
            Err(invalid(format!("{what} does not fit the field `{field}` of type {ty}")))
        }
        None => Ok(()),
    }
}

fn normal_form(rule: &Rule, comparison: &Comparison, default: &Value, aliases: &Aliases) -> Json {
    let mut members = Map::new();
    let mut add = |name: &str, json: Json| members.insert(name.to_owned(), json);
    add("aliases", aliases.normal_form());
    add("compare", json!(rule.compare.name()));
    add("owner", json!(to_word(&rule.owner, OWNERS)));
    add("text", rule.text.to_json());
    if !default.is_null() {
        add("default", json!(hex(&default.canonical())));
    }
    match comparison {
        Comparison::Tolerance(tolerance) => {
            let amounts = tolerance.amounts().map(|(name, text)| (name.to_owned(), json!(text)));
            add("tolerance", Json::Object(amounts.collect()));
        }
        Comparison::Time(most) => drop(add("time_tolerance", json!(most.to_string()))),
        _ => {}
    }
    if let Some(name) = &rule.zone {
        add("zone", json!(name));
    }
    Json::Object(members)
}

/// Whether two values are equal, without writing their canonical bytes in the common cases.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Null, b) => b.is_null(),
        (a, Value::Null) => a.is_null(),
        (a, b) => a == b,
    }
}

fn is_subset(expected: &Value, actual: &Value) -> bool {
    let (Value::List(expected), Value::List(actual)) = (expected, actual) else { return false };
    let actual: BTreeSet<Vec<u8>> = actual.iter().map(Value::canonical).collect();
    expected.iter().all(|item| actual.contains(&item.canonical()))
}
