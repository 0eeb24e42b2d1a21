//! Which fields of two schemas are compared, and why not.

use std::collections::BTreeSet;

use trueup_connector::{Error, Kind, LogicalType, Result, Role, Schema};

use super::compiled::Compiled;
use super::document::FieldSelection;
use super::fields::{Both, Rules};
use super::words::{invalid, unknown};

/// What a run compares.
pub(super) struct Choice<'a> {
    /// In the order of the expected side's schema.
    pub(super) compared: Vec<String>,
    /// These, and the fields of the keys.
    pub(super) wanted: Vec<&'a str>,
}

/// Checks that the document names its key, and fields that there are.
pub(super) fn check_names(both: &Both<'_>) -> Result<()> {
    let document = both.document;
    let names: Vec<&str> = both.names().collect();
    let known = |what: &str, name: &str| match names.contains(&name) {
        true => Ok(()),
        false => Err(unknown(what, name, names.iter().copied())),
    };
    let alternates = document.alternate_keys().iter().map(|fields| ("alternate key", fields));
    let key = document.key().to_vec();
    for (what, fields) in std::iter::once(("key", &key)).chain(alternates) {
        check_key(what, fields)?;
        fields.iter().try_for_each(|name| known(&format!("{what} field"), name))?;
    }
    document.rules.keys().try_for_each(|name| known("field", name))?;
    if let FieldSelection::Only(fields) = document.fields() {
        fields.iter().try_for_each(|name| known("field", name))?;
    }
    match key.iter().find(|name| both.is_secret(name)) {
        Some(name) => Err(invalid(format!("the key field `{name}` is secret"))),
        None => Ok(()),
    }
}

fn check_key(what: &str, fields: &[String]) -> Result<()> {
    if fields.is_empty() {
        return Err(invalid(format!("the {what} is empty: name at least one field")));
    }
    let mut seen = BTreeSet::new();
    match fields.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(invalid(format!("the {what} names `{name}` twice"))),
        None => Ok(()),
    }
}

/// Chooses the fields and checks that both sides, and the base, have them in one class.
pub(super) fn choose<'a>(both: &Both<'a>, rules: &Rules) -> Result<Choice<'a>> {
    check_carried(both, rules)?;
    check_key_rules(both, rules)?;
    let joining = both.joining();
    let candidates: Vec<&str> =
        both.names().filter(|name| is_candidate(both, rules, name)).collect();
    let common = *both.document.fields() == FieldSelection::Common;
    let lonely = both.names().filter(|name| {
        let counts = joining.contains(name) || candidates.contains(name) && !common;
        counts && !both.is_shared(name)
    });
    let lonely: Vec<&str> = lonely.collect();
    if !lonely.is_empty() {
        return Err(one_sided(&lonely, &joining));
    }
    let compared: Vec<&str> = candidates.into_iter().filter(|name| both.is_shared(name)).collect();
    let wanted = both.names().filter(|name| joining.contains(name) || compared.contains(name));
    let wanted: Vec<&str> = wanted.collect();
    wanted.iter().try_for_each(|name| check_class(both, rules, name))?;
    Ok(Choice { compared: compared.into_iter().map(str::to_owned).collect(), wanted })
}

/// Whether the field is compared if both sides have it.
fn is_candidate(both: &Both<'_>, rules: &Rules, name: &str) -> bool {
    let named = |names: &[String]| names.iter().any(|other| other == name);
    let chosen = match both.document.fields() {
        FieldSelection::Only(names) => named(names),
        _ => true,
    };
    let ignored = rules.0.get(name).is_some_and(Compiled::ignores);
    chosen && !ignored && !named(both.document.key()) && !is_carried(both, name)
}

/// Whether the field is the target's own id or version, and not used as a key.
fn is_carried(both: &Both<'_>, name: &str) -> bool {
    let key = both.document.key().iter().any(|other| other == name);
    !key && both.any_field(name, |field| matches!(field.role, Role::Id | Role::Version))
}

/// Ids and versions are never compared, so nothing may ask for it.
fn check_carried(both: &Both<'_>, rules: &Rules) -> Result<()> {
    let asked = |name: &&str| {
        let ruled = both.document.rule(name).is_some();
        let ignored = rules.0.get(*name).is_some_and(Compiled::ignores);
        let listed = match both.document.fields() {
            FieldSelection::Only(names) => names.iter().any(|other| other == name),
            _ => false,
        };
        is_carried(both, name) && (ruled && !ignored || listed)
    };
    match both.names().find(asked) {
        Some(name) => {
            let message = format!("the field `{name}` is an id or a version and is never compared");
            Err(invalid(message))
        }
        None => Ok(()),
    }
}

/// Keys are compared as identity: what changes both values alike is all that they can take.
fn check_key_rules(both: &Both<'_>, rules: &Rules) -> Result<()> {
    let rule = |name: &String| rules.0.get(name).map(Compiled::comparison);
    let wrong = both.document.key().iter().find(|name| rule(name).is_some_and(|r| r != "exact"));
    match wrong {
        Some(name) => {
            let rule = rule(name).unwrap_or_default();
            let message =
                format!("the key field `{name}` takes normalising rules only, not `{rule}`");
            Err(invalid(message))
        }
        None => Ok(()),
    }
}

fn one_sided(lonely: &[&str], joining: &BTreeSet<&str>) -> Error {
    let list: Vec<String> = lonely.iter().map(|name| format!("`{name}`")).collect();
    let list = list.join(", ");
    let message = match lonely.iter().find(|name| joining.contains(*name)) {
        Some(name) => format!(
            "fields on one side only: {list}; the key needs `{name}` on both: map it if the other side calls it something else"
        ),
        None => {
            let paste: Vec<String> = lonely
                .iter()
                .map(|name| format!("{}: ignore()", serde_json::json!(name)))
                .collect();
            format!(
                "fields on one side only: {list}; to leave them out: compare={{{}}}",
                paste.join(", ")
            )
        }
    };
    Error::new(Kind::Incompatible, message)
}

fn check_class(both: &Both<'_>, rules: &Rules, name: &str) -> Result<()> {
    let Some(expected) = type_of(both.expected, name) else { return Ok(()) };
    let others = [Some(("actual side", both.actual)), both.base.map(|base| ("base", base))];
    others.into_iter().flatten().try_for_each(|(side, schema)| {
        let other = type_of(schema, name).ok_or_else(|| {
            let message = format!("the field `{name}` is not in the {side}");
            Error::new(Kind::Incompatible, message)
        })?;
        if rules.comparable(name, expected, other) {
            return Ok(());
        }
        let zoned = |ty: &LogicalType| matches!(ty, LogicalType::Datetime | LogicalType::Instant);
        let hint = if zoned(expected) && zoned(other) { "; name a `zone` in its rule" } else { "" };
        let message = format!(
            "the field `{name}` is {expected} on the expected side and {other} on the {side}{hint}"
        );
        Err(Error::new(Kind::Incompatible, message))
    })
}

fn type_of<'a>(schema: &'a Schema, name: &str) -> Option<&'a LogicalType> {
    schema.fields().iter().find(|field| field.name == name).map(|field| &field.ty)
}
