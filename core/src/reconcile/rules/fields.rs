//! The fields of a run: which are keys, which are compared, and under which rules.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{LogicalType, Result, Schema, Snapshot, Value};

use super::choice::{Choice, check_names, choose};
use super::compiled::Compiled;
use super::coverage::Covered;
use super::document::Reconciliation;
use super::{Side, canonical_json};

/// A field of both sides with its rule.
#[derive(Clone, Debug)]
pub(crate) struct FieldRule {
    pub(crate) name: String,
    pub(crate) rule: Compiled,
    /// Either side marks it secret.
    pub(crate) secret: bool,
    /// Where it stands in the expected side's schema.
    pub(crate) expected: usize,
    /// Where it stands in the actual side's schema.
    pub(crate) actual: usize,
    /// Where it stands in the base's schema, if there is a base.
    pub(crate) base: Option<usize>,
}

/// A reconciliation document made ready for two mapped snapshots.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) key: Vec<FieldRule>,
    pub(crate) alternates: Vec<Vec<FieldRule>>,
    /// In the order of the expected side's schema.
    pub(crate) compared: Vec<FieldRule>,
    pub(crate) rules_digest: [u8; 32],
    /// The normal forms of both sides' coverage, the expected one first.
    pub(crate) coverage: [Json; 2],
    covered: [Covered; 2],
    rules: Rules,
    form: Json,
}

/// The document and what it is about.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) document: &'a Reconciliation,
    pub(super) expected: &'a Schema,
    pub(super) actual: &'a Schema,
    pub(super) base: Option<&'a Schema>,
}

/// The rules of all fields that have one or are compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(pub(super) BTreeMap<String, Compiled>);

impl Fields {
    /// Checks the document against the two sides, whose names and values are canonical by now.
    ///
    /// # Errors
    /// `invalid` where the document or a coverage is wrong, `incompatible` where the sides cannot be
    /// compared as they are.
    pub(crate) fn resolve(
        document: &Reconciliation,
        expected: &Snapshot,
        actual: &Snapshot,
        base: Option<&Snapshot>,
    ) -> Result<Self> {
        let both = Both {
            document,
            expected: expected.schema(),
            actual: actual.schema(),
            base: base.map(Snapshot::schema),
        };
        check_names(&both)?;
        let rules = Rules::compile(&both)?;
        let Choice { compared, wanted } = choose(&both, &rules)?;
        let rules = rules.only(&both, &wanted);
        let covered = [
            Covered::new(Side::Expected, expected.coverage(), &both, &rules)?,
            Covered::new(Side::Actual, actual.coverage(), &both, &rules)?,
        ];
        let places = |names: &[String]| both.places(names, &rules);
        let form = rules.form(document);
        Ok(Self {
            key: places(document.key()),
            alternates: document.alternate_keys().iter().map(|names| places(names)).collect(),
            compared: places(&compared),
            rules_digest: rules_digest(&form),
            coverage: covered.each_ref().map(|covered| covered.normal_form.clone()),
            covered,
            rules,
            form,
        })
    }

    /// Whether a side's coverage includes a row of the other side; `value` gives the row's raw value
    /// of a field by its name.
    ///
    /// # Errors
    /// Those of `value`, and of normalising what it gives.
    pub(crate) fn covers(&self, side: Side, value: &dyn Fn(&str) -> Result<Value>) -> Result<bool> {
        let [expected, actual] = &self.covered;
        let covered = match side {
            Side::Expected => expected,
            Side::Actual => actual,
        };
        covered.includes(&self.rules, value)
    }

    /// The rules as they enter the rules digest.
    pub(crate) fn rule_json(&self) -> Json {
        self.form.clone()
    }
}

impl<'a> Both<'a> {
    pub(super) fn schema(&self, side: Side) -> &'a Schema {
        match side {
            Side::Expected => self.expected,
            Side::Actual => self.actual,
        }
    }

    /// The names of both sides: those of the expected one, then those that only the actual one has.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let expected = self.expected;
        let only_actual = self.actual.names().filter(|name| expected.index(name).is_none());
        expected.names().chain(only_actual)
    }

    pub(super) fn is_shared(&self, name: &str) -> bool {
        self.expected.index(name).is_some() && self.actual.index(name).is_some()
    }

    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.any_field(name, |field| field.secret)
    }

    /// Whether it holds for the field of either side.
    pub(super) fn any_field(
        &self,
        name: &str,
        holds: impl Fn(&trueup_connector::Field) -> bool,
    ) -> bool {
        [self.expected, self.actual].iter().any(|schema| schema.field(name).is_ok_and(&holds))
    }

    /// The fields of the key and of the alternate keys.
    pub(super) fn joining(&self) -> BTreeSet<&'a str> {
        let alternates = self.document.alternate_keys().iter().flatten();
        self.document.key().iter().chain(alternates).map(String::as_str).collect()
    }

    /// The type that the literals of a field's rule are read by.
    fn literal_type(&self, name: &str) -> &'a LogicalType {
        let types = [self.expected, self.actual].map(|schema| {
            schema.fields().iter().find(|field| field.name == name).map(|field| &field.ty)
        });
        match types {
            [Some(LogicalType::Null), Some(actual)] | [None, Some(actual)] => actual,
            [Some(expected), _] => expected,
            [None, None] => &LogicalType::Null,
        }
    }

    fn places(&self, names: &[String], rules: &Rules) -> Vec<FieldRule> {
        names.iter().filter_map(|name| self.place(name, rules)).collect()
    }

    /// `None` only for a field that choosing would have refused.
    fn place(&self, name: &str, rules: &Rules) -> Option<FieldRule> {
        Some(FieldRule {
            name: name.to_owned(),
            rule: rules.0.get(name)?.clone(),
            secret: self.is_secret(name),
            expected: self.expected.index(name)?,
            actual: self.actual.index(name)?,
            base: self.base.and_then(|base| base.index(name)),
        })
    }
}

impl Rules {
    /// The rules of all fields that are ruled, joined on, or on both sides.
    fn compile(both: &Both<'_>) -> Result<Self> {
        let joining = both.joining();
        let exact = super::rule::Rule::exact();
        let ruled = both.names().filter_map(|name| {
            let stated = both.document.rule(name);
            let counts = stated.is_some() || joining.contains(name) || both.is_shared(name);
            counts.then(|| {
                let rule = stated.unwrap_or(&exact);
                Ok((name.to_owned(), Compiled::new(name, rule, both.literal_type(name))?))
            })
        });
        ruled.collect::<Result<_>>().map(Self)
    }

    /// Those that a document states, and those of fields that the run needs.
    fn only(self, both: &Both<'_>, wanted: &[&str]) -> Self {
        let counts = |name: &str| both.document.rule(name).is_some() || wanted.contains(&name);
        Self(self.0.into_iter().filter(|(name, _)| counts(name)).collect())
    }

    pub(super) fn normalise(&self, name: &str, value: Value) -> Result<Value> {
        match self.0.get(name) {
            Some(rule) => rule.normalise(value).map_err(|error| error.with("field", name)),
            None => Ok(value),
        }
    }

    pub(super) fn fold_prefix(&self, name: &str, start: &str) -> String {
        self.0.get(name).map_or_else(|| start.to_owned(), |rule| rule.fold_prefix(start))
    }

    /// Whether values of two types can be compared under the field's rule.
    pub(super) fn comparable(&self, name: &str, a: &LogicalType, b: &LogicalType) -> bool {
        use LogicalType::{Datetime, Instant};
        let times = matches!((a, b), (Datetime, Instant) | (Instant, Datetime));
        let zoned = times && self.0.get(name).is_some_and(Compiled::zone);
        zoned || a.class().comparable(&b.class())
    }

    fn form(&self, document: &Reconciliation) -> Json {
        let forms = self.0.iter().map(|(name, rule)| (name.clone(), rule.normal_form()));
        json!({
            "key": document.key(),
            "alternate_keys": document.alternate_keys(),
            "fields": forms.collect::<Map<String, Json>>(),
        })
    }
}

/// The digest of the rules of a run.
pub(super) fn rules_digest(form: &Json) -> [u8; 32] {
    let mut bytes = Vec::new();
    canonical::frame(&mut bytes, b"trueup/rules/1");
    canonical::frame(&mut bytes, &canonical_json(form));
    Sha256::digest(bytes).into()
}
